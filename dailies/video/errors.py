"""Every failure that Dailies raises, in one tree.

::

    DailiesError
    ├── SettingsError          a setting is missing or wrong (found at start)
    ├── RequestError           the caller's request can't be served; carries the HTTP answer
    │   ├── InvalidRequest     400
    │   │   └── InvalidBatch   400, with what is wrong in which line
    │   ├── Unauthenticated    401
    │   ├── Forbidden          403
    │   ├── NotFound           404
    │   ├── TooSlow            408
    │   ├── Conflict           409
    │   ├── TooLarge           413
    │   ├── UnsupportedMedia   415
    │   ├── TooMany            429, with the seconds after which to try again
    │   │   └── OverBudget     429, with what is left and when it renews
    │   └── Unavailable        503, with the seconds after which to try again
    ├── UnusableReference      an image that can't be used, and what to change
    ├── DropError              a dropped blob that can't become a video: what, where, what to change
    ├── UnplayableVideo        a finished video that does not decode: what is wrong with it
    ├── LimitReached           looking into a file would take more than it is given
    ├── Busy                   others are looked into; worth another try
    └── IntegrityError         bytes that are not what the sender announced; worth another try

Outcomes of a provider are values, not exceptions: see ``dailies.providers.outcomes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "Busy",
    "Conflict",
    "DailiesError",
    "DropError",
    "Forbidden",
    "IntegrityError",
    "InvalidBatch",
    "InvalidRequest",
    "LimitReached",
    "NotFound",
    "OverBudget",
    "RequestError",
    "SettingsError",
    "TooLarge",
    "TooMany",
    "TooSlow",
    "Unauthenticated",
    "Unavailable",
    "UnplayableVideo",
    "UnsupportedMedia",
    "UnusableReference",
]


class DailiesError(Exception):
    """The root of all errors that Dailies raises itself."""


class SettingsError(DailiesError):
    """One or more settings are missing or wrong; ``problems`` names each with its remedy."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class RequestError(DailiesError):
    """A request that can't be served, as OpenAI's error envelope tells it.

    ``type``, ``param`` and ``code`` are the fields of the wire format
    ``{"error": {"message", "type", "param", "code"}}``.
    """

    status = 400
    type = "invalid_request_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        type: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        if type is not None:
            self.type = type


class InvalidRequest(RequestError):
    """400: a field is missing or wrong; ``param`` names it."""


class InvalidBatch(InvalidRequest):
    """400: some shots of a batch are wrong; ``faults`` are the first of so many."""

    def __init__(
        self, message: str, *, faults: Sequence[Mapping[str, Any]], fault_count: int
    ) -> None:
        super().__init__(message, param="shots", code="invalid_batch")
        self.faults = tuple(faults)
        self.fault_count = fault_count


class Unauthenticated(RequestError):
    """401: no key, or one that is not known."""

    status = 401
    type = "authentication_error"


class Forbidden(RequestError):
    """403: a known key that may not do this."""

    status = 403
    type = "permission_error"


class NotFound(RequestError):
    """404: nothing here that the caller may see."""

    status = 404


class TooSlow(RequestError):
    """408: the body did not arrive in time."""

    status = 408


class Conflict(RequestError):
    """409: the request contradicts the state of what it names."""

    status = 409


class TooLarge(RequestError):
    """413: the body, or a file in it, is over a limit."""

    status = 413


class UnsupportedMedia(RequestError):
    """415: the body is compressed, or of a type that is not read."""

    status = 415


class TooMany(RequestError):
    """429: more than the caller may have at once; ``retry_after`` is in seconds."""

    status = 429
    type = "video_generation_user_error"

    def __init__(
        self,
        message: str,
        *,
        retry_after: int = 30,
        code: str | None = None,
        type: str | None = None,
    ) -> None:
        super().__init__(message, code=code, type=type)
        self.retry_after = retry_after


class OverBudget(TooMany):
    """429: a budget does not allow it; ``budget`` says which, what is left and when it renews."""

    type = "insufficient_quota"

    def __init__(self, message: str, *, retry_after: int, budget: Mapping[str, Any]) -> None:
        super().__init__(message, retry_after=retry_after, code="budget_exceeded")
        self.budget = dict(budget)


class Unavailable(RequestError):
    """503: a part that the app stands on does not answer; ``retry_after`` is in seconds."""

    status = 503
    type = "server_error"

    def __init__(self, message: str, *, retry_after: int = 10, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class UnusableReference(DailiesError):
    """A reference image that can't be used; the message says what to change, and ``param`` names
    the field that holds it, where that is known."""

    def __init__(self, message: str, *, code: str = "invalid_reference") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param: str | None = None


class DropError(DailiesError):
    """A dropped blob that can't become a video.

    ``where`` names the blob and, within it, the field or the place; the message says what to
    change. Neither holds a prompt.
    """

    def __init__(self, message: str, *, code: str, where: str) -> None:
        super().__init__(f"{where}: {message}")
        self.message = message
        self.code = code
        self.where = where


class IntegrityError(DailiesError):
    """Fewer, more or other bytes than announced: never stored, worth another try."""


class UnplayableVideo(DailiesError):
    """No decoder makes pictures of it; the message tells why, as a part of a sentence."""


class LimitReached(DailiesError):
    """Looking into a file would take more time, bytes or memory than it is given; nothing is known
    of it then."""


class Busy(DailiesError):
    """No thread came free in time for work that holds one: it is done later."""
