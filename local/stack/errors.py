"""What can go wrong with the stack, in words for the person who started it."""

from __future__ import annotations

__all__ = ["PartFailed", "StackError"]


class StackError(Exception):
    """The stack can't start or go on; the message says why and what to do."""


class PartFailed(StackError):
    """One part of the stack ended or did not become ready; the message holds its log's tail."""
