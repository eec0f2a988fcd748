"""Where a request to fal is asked about: addresses that its answer names, kept in the job's id.

They are kept as paths below the endpoint. What leads elsewhere is never asked, so the credential
goes nowhere else, whatever an answer or an id says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from dailies.providers.answers import text

__all__ = ["FalPlaces"]

_PATH = re.compile(r"[\w~%!$&'()*+,;=:@./?-]{1,300}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FalPlaces:
    """Where a request's result, state and end are asked for: paths below the endpoint."""

    response: str
    status: str
    cancel: str

    @classmethod
    def usual(cls, app: str, request_id: str) -> FalPlaces:
        """Where fal_client looks for a request of which it knows the id alone."""
        return cls.around(f"{app}/requests/{quote(request_id, safe='')}")

    @classmethod
    def around(cls, response: str) -> FalPlaces:
        return cls(response, f"{response}/status", f"{response}/cancel")

    @classmethod
    def told(cls, answer: dict[str, object], endpoint: str, usual: FalPlaces) -> FalPlaces:
        """Those that an answer names; the usual one for each that is not below the endpoint."""
        return cls(
            _below(endpoint, answer.get("response_url")) or usual.response,
            _below(endpoint, answer.get("status_url")) or usual.status,
            _below(endpoint, answer.get("cancel_url")) or usual.cancel,
        )

    @classmethod
    def of(cls, job_id: str, app: str) -> FalPlaces:
        """Those of a job; the bare id of a request will do, too."""
        parts = job_id.split("|")
        if len(parts) == 3:
            return cls(*parts)
        return cls.around(parts[0]) if "/" in parts[0] else cls.usual(app, parts[0])

    @property
    def job_id(self) -> str:
        """The address of the result; all three where the others are not made of it."""
        if self == self.around(self.response):
            return self.response
        return f"{self.response}|{self.status}|{self.cancel}"


def _below(endpoint: str, url: object) -> str | None:
    """The path of an address below the endpoint; the slash after it ends the host's name."""
    address = text(url) or ""
    path = address.removeprefix(f"{endpoint}/")
    return path if path != address and _PATH.fullmatch(path) else None
