"""What several providers refuse in the same way, before anything is sent to them."""

from __future__ import annotations

from dailies.providers.outcomes import Kind, Outcome

__all__ = ["GOES_ON"]

GOES_ON = Outcome(
    Kind.REFUSED,
    code="not_cancellable",
    message="The provider does not stop a running job; it ends by itself and is charged.",
)
"""The answer to a cancel, where there is none."""
