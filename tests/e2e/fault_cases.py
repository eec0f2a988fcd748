"""The fault matrix: what goes wrong, and what becomes of the video. ``docs/faults.md`` shows it.

Every case has a prompt of its own, by which the simulator tells its requests from all others, so
that one stack plays all of them side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["CASES", "COMPLETED", "RECOVERY_CASES", "ROUTED_CASES", "SORA_1_CASES", "FaultCase"]

COMPLETED = "completed"
_HTML = {"status": 200, "headers": {"content-type": "text/html"}, "body": "<html>Busy</html>"}
_NO_PICTURE = {
    "status": 200,
    "headers": {"content-type": "video/mp4"},
    "body": "not a picture in it, though all of it came",
}
_SHORT = {
    "status": 200,
    "headers": {"content-type": "video/mp4", "content-length": "500000"},
    "body": "far less than announced",
}


@dataclass(frozen=True)
class FaultCase:
    """One row.

    Attributes:
        name: the row's words, as ``docs/faults.md`` has them.
        faults: orders for ``/_inspect/faults``, without their ``match``.
        ends: ``completed``, or the error's code.
        jobs: upstream jobs that the video may have made.
        phases: phases that a watcher must have seen on the way.
        directive: the simulator's directive for the prompt.
        model: whom it is asked of: ``sora-2``, or ``sora`` behind the jobs API of Sora 1.
        spare: there is another deployment, and that is where the video must be made.
        wrong_key: the first deployment has a key that is not valid: a 401 that no fresh token
            mends, whatever token other cases have made the app fetch a moment ago.
    """

    name: str
    faults: tuple[dict[str, Any], ...] = ()
    ends: str = COMPLETED
    jobs: int = 1
    phases: frozenset[str] = field(default_factory=frozenset)
    directive: str = ""
    model: str = "sora-2"
    spare: bool = False
    wrong_key: bool = False

    @property
    def marker(self) -> str:
        """What only this case's prompt holds."""
        return f"<<{self.name} of {self.model}>>"

    @property
    def prompt(self) -> str:
        directive = f"[sim label=fault {self.directive}]".replace(" ]", "]")
        return f"a lighthouse in a storm {self.marker} {directive}"


def _fault(route: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"route": route, "kind": kind, **fields}


def _answer(route: str, status: int, **fields: Any) -> dict[str, Any]:
    return _fault(route, "status", status=status, **fields)


_WAITS = frozenset({"waiting"})

_CREATE = (
    FaultCase("create: 401 once", (_answer("create", 401),)),
    FaultCase("create: 401 always", (_answer("create", 401, times=None),), "invalid_credential", 0),
    FaultCase("create: 403", (_answer("create", 403),), "missing_role", 0),
    FaultCase("create: 404", (_answer("create", 404),), "deployment_not_found", 0),
    FaultCase("create: 410", (_answer("create", 410, times=None),), "model_retired", 0),
    FaultCase(
        "create: 429 with Retry-After",
        (_answer("create", 429, times=2, headers={"Retry-After": "2"}),),
        phases=_WAITS,
    ),
    FaultCase("create: 429 without Retry-After", (_answer("create", 429, times=6),), phases=_WAITS),
    FaultCase("create: 500", (_answer("create", 500),)),
    FaultCase("create: 502", (_answer("create", 502),)),
    FaultCase("create: 503", (_answer("create", 503, times=2),)),
    FaultCase("create: reset before it was received", (_fault("create", "reset"),)),
    FaultCase("create: reset after it was received", (_fault("create", "lost"),)),
    FaultCase("create: no answer in time", (_fault("create", "timeout"),)),
    FaultCase("create: the answer stops short", (_fault("create", "truncate"),)),
    FaultCase("create: the answer is slow", (_fault("create", "slow", seconds=3),)),
    FaultCase("create: it is taken late", (_fault("create", "hold", seconds=3),)),
    FaultCase("create: it is taken after we gave up", (_fault("create", "hold", seconds=12),)),
    FaultCase("create: an HTML page", ({**_fault("create", "status"), **_HTML},)),
)

_STATUS = (
    FaultCase("status: 401 once", (_answer("status", 401),)),
    FaultCase("status: 403 for a while", (_answer("status", 403, times=3),)),
    FaultCase("status: 404", (_answer("status", 404, times=None),), "job_vanished"),
    FaultCase("status: 410", (_answer("status", 410, times=None),), "model_retired"),
    FaultCase("status: 429", (_answer("status", 429, times=3, headers={"Retry-After": "1"}),)),
    FaultCase("status: 500", (_answer("status", 500, times=3),)),
    FaultCase("status: 502", (_answer("status", 502, times=3),)),
    FaultCase("status: reset", (_fault("status", "reset", times=3),)),
    FaultCase("status: the answer stops short", (_fault("status", "truncate", times=2),)),
    FaultCase("status: an HTML page", ({**_fault("status", "status", times=2), **_HTML},)),
)

_CONTENT = (
    FaultCase("content: 401 once", (_answer("content", 401),)),
    FaultCase("content: 403 for a while", (_answer("content", 403, times=2),)),
    FaultCase("content: 404 once", (_answer("content", 404),)),
    FaultCase("content: 410 once", (_answer("content", 410),)),
    FaultCase(
        "content: a redirect",
        (_answer("content", 302, headers={"Location": "https://elsewhere.example/"}),),
    ),
    FaultCase("content: 416 once", (_answer("content", 416),)),
    FaultCase("content: 429", (_answer("content", 429, times=2, headers={"Retry-After": "1"}),)),
    FaultCase("content: 500", (_answer("content", 500, times=2),)),
    FaultCase("content: 502", (_answer("content", 502, times=2),)),
    FaultCase("content: reset", (_fault("content", "reset", times=2),)),
    FaultCase("content: slow body", (_fault("content", "slow", seconds=4),)),
    FaultCase("content: truncated body", (_fault("content", "truncate", times=2),)),
    FaultCase("content: wrong length", ({**_fault("content", "status", times=2), **_SHORT},)),
    FaultCase("content: HTML instead of a video", ({**_fault("content", "status"), **_HTML},)),
    FaultCase("content: empty", (_answer("content", 200, body=""),)),
    FaultCase("content: it does not play, once", ({**_fault("content", "status"), **_NO_PICTURE},)),
    FaultCase(
        "content: it never plays",
        ({**_fault("content", "status", times=None), **_NO_PICTURE},),
        "unplayable_video",
    ),
)

_JOB = (
    FaultCase("job: failed", ends="internal_error", directive="outcome=failed"),
    FaultCase("job: moderated", ends="moderation_blocked", directive="outcome=moderated"),
    FaultCase("job: cancelled", ends="cancelled_upstream", directive="outcome=cancelled"),
    FaultCase("job: expired", ends="expired", directive="outcome=expired"),
    FaultCase("job: vanished", ends="job_vanished", directive="outcome=vanished"),
    FaultCase("job: stuck", ends="timeout", directive="outcome=stuck"),
    FaultCase("job: no thumbnail and no spritesheet", directive="variants=video"),
)

CASES = _CREATE + _STATUS + _CONTENT + _JOB

SORA_1_CASES = tuple(
    replace(case, model="sora")
    for case in (*_CREATE, *_CONTENT)
    # Both share one token, which is fetched anew at most once within half a minute.
    if case.name != "create: 401 once"
)
"""What the other provider meets on the same stack at the same time."""

_JOB_MADE = frozenset(
    {
        "create: reset after it was received",
        "create: no answer in time",
        "create: the answer stops short",
        "create: it is taken after we gave up",
    }
)
_NO_JOB = frozenset(
    {
        "create: 500",
        "create: 502",
        "create: 503",
        "create: reset before it was received",
        "create: an HTML page",
    }
)
"""An unknown outcome, to which a second request would be a second chance to pay."""


def _recovery_cases() -> Iterator[FaultCase]:
    for case in _CREATE:
        if case.name in _JOB_MADE | _NO_JOB:
            made = int(case.name in _JOB_MADE)
            # The same request may be sent again.
            yield replace(case, model="another-dailies")
            # It lists its jobs, and calls.
            yield replace(case, model="replicate-kling-v3")
            # It calls: what was made is found, what was not leaves an operator to decide.
            healed = COMPLETED if made else "submit_unresolved"
            yield replace(case, model="fal-happy-horse-1.1", ends=healed, jobs=made)
            # It tells nothing.
            yield replace(case, model="grok-imagine-video-1.5", ends="submit_unresolved", jobs=made)


RECOVERY_CASES = tuple(_recovery_cases())
"""Unknown outcomes at providers of each grade of recovery; no operator is there to decide."""

_NO_QUOTA = {"error": {"code": "insufficient_quota", "message": "You exceeded your quota."}}
_MODERATED = {"error": {"code": "moderation_blocked", "message": "Blocked."}}

ROUTED_CASES = (
    FaultCase("first deployment: 401", spare=True, wrong_key=True),
    FaultCase("first deployment: 402", (_answer("create", 402),), spare=True),
    FaultCase("first deployment: 403", (_answer("create", 403),), spare=True),
    FaultCase("first deployment: 404", (_answer("create", 404),), spare=True),
    FaultCase("first deployment: 410", (_answer("create", 410),), spare=True),
    FaultCase(
        "first deployment: 429, no quota left",
        (_answer("create", 429, body=_NO_QUOTA),),
        spare=True,
    ),
    FaultCase("first deployment: 503, three times", (_answer("create", 503, times=3),), spare=True),
    FaultCase(
        "first deployment: moderation", (_answer("create", 400, body=_MODERATED),), spare=True
    ),
)
"""What leads on to another deployment, which makes the video, once."""
