"""The durable task hub: orchestrations, activities, timers and entities on SQLite."""
