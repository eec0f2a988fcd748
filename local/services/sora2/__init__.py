"""Sora 2: the v1 videos API."""
