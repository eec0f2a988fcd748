"""The deployments that are predicted: values of the azd environment, by the name of the snapshot.

Each switch of ``main.bicepparam`` is thrown in at least one of them; a test holds them to that.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BASE", "PARAMETER_SETS", "SECOND_PHASE"]

BASE: Mapping[str, str] = {
    "AZURE_ENV_NAME": "test",
    "AZURE_LOCATION": "swedencentral",
    "DAILIES_API_KEYS": "me=sha256:" + "a" * 64,
    "DAILIES_ADMIN_KEYS": "admin=sha256:" + "b" * 64,
}
"""What every deployment has."""

_DEPLOYMENTS = (
    '[{"name": "sora-2", "model": "sora-2", "version": "2025-12-08",'
    ' "sku": "GlobalStandard", "capacity": 1},'
    ' {"name": "sora-2-pro", "model": "sora-2-pro", "version": "2025-10-06",'
    ' "sku": "Standard", "capacity": 2}]'
)
_EXISTING_ACCOUNT = (
    "/subscriptions/00000000-0000-0000-0000-000000000009/resourceGroups/rg-models"
    "/providers/Microsoft.CognitiveServices/accounts/models"
)
_EXISTING_SAFETY = (
    "/subscriptions/00000000-0000-0000-0000-000000000009/resourceGroups/rg-safety"
    "/providers/Microsoft.CognitiveServices/accounts/safety"
)
_OPERATOR = "00000000-0000-0000-0000-00000000000f"

PARAMETER_SETS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "network": {"DAILIES_VNET": "true"},
    "network-with-addresses": {
        "DAILIES_VNET": "true",
        "DAILIES_ALLOWED_IP_RANGES": '["203.0.113.7", "198.51.100.0/24"]',
        "DAILIES_WITH_KEY_VAULT": "true",
        "DAILIES_CONTENT_DELIVERY": "redirect",
    },
    "network-with-everything": {
        "DAILIES_VNET": "true",
        "DAILIES_WITH_KEY_VAULT": "true",
        "DAILIES_DURABLE_BACKEND": "scheduler",
        "DAILIES_SCHEDULER_IP_ALLOWLIST": '["203.0.113.7/32"]',
        "DAILIES_OPERATOR_PRINCIPAL_ID": _OPERATOR,
        "AZURE_OPENAI_DEPLOYMENTS": _DEPLOYMENTS,
        "DAILIES_WITH_CONTENT_SAFETY": "true",
    },
    "scheduler": {"DAILIES_DURABLE_BACKEND": "scheduler"},
    "scheduler-dedicated": {
        "DAILIES_DURABLE_BACKEND": "scheduler",
        "DAILIES_SCHEDULER_SKU": "Dedicated",
    },
    "key-vault": {"DAILIES_WITH_KEY_VAULT": "true"},
    "api-key": {
        "AZURE_OPENAI_ENDPOINT": "https://videos.example.com",
        "AZURE_OPENAI_CREDENTIAL": "api-key",
    },
    "openai-new": {
        "AZURE_OPENAI_DEPLOYMENTS": _DEPLOYMENTS,
        "AZURE_OPENAI_LOCATION": "eastus",
    },
    "openai-existing": {
        "AZURE_OPENAI_ACCOUNT_ID": _EXISTING_ACCOUNT,
        "AZURE_OPENAI_SORA_2_DEPLOYMENT": "films",
        "AZURE_OPENAI_SORA_2_PRO_DEPLOYMENT": "films-pro",
        "AZURE_OPENAI_SORA_DEPLOYMENT": "films-1",
    },
    "content-safety": {
        "DAILIES_WITH_CONTENT_SAFETY": "true",
        "DAILIES_CONTENT_SAFETY_LOCATION": "westeurope",
        "DAILIES_GUARD_FRAMES": "4",
    },
    "content-safety-existing": {"DAILIES_CONTENT_SAFETY_ACCOUNT_ID": _EXISTING_SAFETY},
    "content-safety-address": {
        "DAILIES_CONTENT_SAFETY_ENDPOINT": "https://safety.example.com",
    },
    "operator": {
        "DAILIES_OPERATOR_PRINCIPAL_ID": _OPERATOR,
        "DAILIES_OPERATOR_PRINCIPAL_TYPE": "Group",
        "DAILIES_WITH_KEY_VAULT": "true",
    },
    "operators-by-entra": {"DAILIES_ADMIN_CLIENT_ID": "00000000-0000-0000-0000-00000000000a"},
    "without-example": {"DAILIES_EXAMPLE_SUBSCRIPTION": "false"},
    "retention": {
        "DAILIES_RETENTION_DAYS": "30",
        "DAILIES_COOL_DAYS": "10",
        "DAILIES_REFERENCE_RETENTION_DAYS": "14",
        "DAILIES_HISTORY_DAYS": "3",
    },
    "without-soft-delete": {"DAILIES_SOFT_DELETE_DAYS": "0"},
    "large": {
        "DAILIES_PYTHON_VERSION": "3.12",
        "DAILIES_INSTANCE_MEMORY_MB": "4096",
        "DAILIES_MAXIMUM_INSTANCES": "200",
        "DAILIES_ALWAYS_READY_HTTP": "2",
        "DAILIES_HTTP_CONCURRENCY": "16",
    },
    "budget": {
        "DAILIES_MONTHLY_BUDGET": "1000",
        "DAILIES_BUDGET_START": "2026-12-01",
        "DAILIES_ALERT_EMAILS": '["ops@example.com", "boss@example.com"]',
        "DAILIES_PAID_JOBS_PER_DAY": "20",
        "DAILIES_LOG_RETENTION_DAYS": "90",
        "DAILIES_LOG_DAILY_CAP_GB": "-1",
    },
    "app-settings": {
        "DAILIES_CONTENT_DELIVERY": "stream",
        "DAILIES_UNRESOLVED_SUBMIT": "fail",
        "DAILIES_DELETE_UPSTREAM": "true",
        "DAILIES_SWEEP_SCHEDULE": "0 */10 * * * *",
        "DAILIES_DROP_OWNER": "uploads",
        "DAILIES_LOG_LEVEL": "DEBUG",
        "DAILIES_EXTRA_SETTINGS": '{"DAILIES_MAX_UNFINISHED": 50, "DAILIES_HISTORY_DAYS": "14"}',
    },
    "other-names-and-redundancy": {
        "DAILIES_RESOURCE_GROUP": "videos-production",
        "DAILIES_VIDEO_STORAGE_SKU": "Standard_GZRS",
        "DAILIES_HOST_STORAGE_SKU": "Standard_LRS",
    },
}

SECOND_PHASE: Mapping[str, str] = {
    "functionAppName": "func-dailies",
    "systemTopicName": "evgs-references",
    "eventStorageName": "stevent",
    "deadLetterContainer": "deadletters",
    "referencesContainer": "references",
}
"""Parameters of ``blob-events.bicep``, as the hook after deployment gives them."""
