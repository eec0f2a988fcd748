"""A local Azure Functions host: runs an unchanged Python function app with a durable task hub."""
