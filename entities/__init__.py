"""Durable state shared between videos."""
