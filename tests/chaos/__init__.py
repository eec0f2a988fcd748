"""Many videos while worker and host are killed: ``python -m tests.chaos`` (``make chaos``)."""
