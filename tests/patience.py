"""How long tests wait for what must come."""

from __future__ import annotations

__all__ = ["PATIENCE"]

PATIENCE = 180.0
"""Seconds. A test goes on as soon as its condition holds, so this is spent by failing ones only; it
has to do for a machine that ten others are using."""
