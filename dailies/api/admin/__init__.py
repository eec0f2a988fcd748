"""For operators: what only a person may see or decide."""
