"""The HTTP surface: FastAPI routers, authentication, error envelopes."""
