"""The ways in: each its fields, and their translation into a request."""
