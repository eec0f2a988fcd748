"""What Azure takes at most, and what it costs.

Limits are Microsoft's published targets: scalability targets of Table, Queue and Blob Storage,
"Performance and scale in Durable Functions", "Durable Task Scheduler billing", "Quotas and limits"
of Event Grid. Prices are those of ``docs/operations.md``, in US dollars.
"""

from __future__ import annotations

__all__ = [
    "ACCOUNT_REQUESTS",
    "ENTITY_OPERATIONS",
    "PARTITION_ENTITIES",
    "PRICES",
    "QUEUE_MESSAGES",
    "SCHEDULER_ACTIONS",
    "TOPIC_EVENTS",
]

ACCOUNT_REQUESTS = 20_000
"""A second, of all services of one storage account."""
PARTITION_ENTITIES = 2_000
"""A second, of one partition of a table."""
QUEUE_MESSAGES = 2_000
"""A second, of one queue."""
ENTITY_OPERATIONS = 64
"""A second, of one Durable entity on Azure Storage."""
SCHEDULER_ACTIONS = {"Consumption": 500, "Dedicated, 1 unit": 2_000, "Dedicated, 3 units": 6_000}
"""A second, by plan of the Durable Task Scheduler."""
TOPIC_EVENTS = 5_000
"""A second, published to one custom topic."""

PRICES = {
    "GB-s": 0.000026,
    "execution": 0.40 / 1e6,
    "queue operation": 0.004 / 1e4,
    "table operation": 0.00036 / 1e4,
    "blob write": 0.0625 / 1e4,
    "blob read": 0.005 / 1e4,
    "event": 0.60 / 1e6,
    "GB of logs": 2.30,
    "GB-month": 0.023,
    "GB of egress": 0.087,
}
