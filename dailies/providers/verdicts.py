"""What an answer says of the deployment that gave it, whoever asked.

The kinds and codes are those of ``dailies.providers.classify``; of several rows the first that fits
wins. A deployment that refuses a request works: what is wrong is the request.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from dailies.providers.classify import Call
from dailies.providers.outcomes import Kind, Outcome

__all__ = ["Verdict", "is_moderated", "verdict_of"]


class Verdict(StrEnum):
    """What is to be thought of a deployment after an answer."""

    WORKS = "works"
    FAULT = "fault"
    """It may pass by itself; several in a row say that it lasts."""
    SHUT = "shut"
    """Nobody of ours gets anything there before an operator has mended something."""
    GONE = "gone"
    """For good."""
    NOTHING = "nothing"
    """The answer is not about the deployment."""


@dataclass(frozen=True, slots=True)
class _Row:
    calls: Container[Call]
    kind: Kind
    codes: Container[str | None] | None
    verdict: Verdict


_CREATES = frozenset({Call.CREATE, Call.DERIVE})
_READS = frozenset(Call) - _CREATES
_ANY = frozenset(Call)
_OURS = frozenset({"input_unavailable"})
_MODERATED = frozenset({"moderation_blocked", "content_filter"})
_UNUSABLE = frozenset(
    {
        "no_credit",
        "insufficient_quota",
        "deployment_not_found",
        "invalid_endpoint",
        "unexpected_redirect",
    }
)

# fmt: off
_ROWS = (
    _Row(_CREATES, Kind.RETIRED, None, Verdict.GONE),
    # What a job is answered may be about the job alone.
    _Row(_READS, Kind.RETIRED, None, Verdict.FAULT),
    _Row(_CREATES, Kind.UNAUTHORISED, None, Verdict.SHUT),
    _Row(_READS, Kind.UNAUTHORISED, None, Verdict.FAULT),
    _Row(_CREATES, Kind.REFUSED, _UNUSABLE, Verdict.SHUT),
    _Row(_ANY, Kind.TRANSIENT, _OURS, Verdict.NOTHING),
    _Row(_ANY, Kind.TRANSIENT, None, Verdict.FAULT),
    _Row(_ANY, Kind.UNKNOWN, None, Verdict.FAULT),
)
# fmt: on


def verdict_of(call: Call, outcome: Outcome) -> Verdict:
    """What ``outcome`` of such a call says of its deployment."""
    return next(
        (
            row.verdict
            for row in _ROWS
            if call in row.calls
            and outcome.kind is row.kind
            and (row.codes is None or outcome.code in row.codes)
        ),
        Verdict.WORKS,
    )


def is_moderated(outcome: Outcome) -> bool:
    """Whether the provider's moderation refused the request."""
    return outcome.kind is Kind.REFUSED and outcome.code in _MODERATED
