"""To which named route a request goes, and whose job it concerns."""

from __future__ import annotations

import re
from dataclasses import dataclass

ROUTES = ("token", "create", "status", "list", "content", "delete", "events")

_VIDEOS = r"/openai/v1/videos"
_GENERATIONS = r"/openai/v1/video/generations"
_ID = r"(?P<id>[^/]+)"
_TABLE = tuple(
    (methods, re.compile(f"{path}/?"), route)
    for methods, path, route in (
        ("GET", r"/identity/token", "token"),
        ("POST", r"/topics/[^/]+/api/events", "events"),
        ("POST", _VIDEOS, "create"),
        ("GET", _VIDEOS, "list"),
        ("POST", f"{_VIDEOS}/(?:edits|extensions)", "create"),
        ("POST GET", f"{_VIDEOS}/characters(?:/[^/]+)?", None),
        ("POST", f"{_VIDEOS}/{_ID}/remix", "create"),
        ("GET HEAD", f"{_VIDEOS}/{_ID}/content", "content"),
        ("GET", f"{_VIDEOS}/{_ID}", "status"),
        ("DELETE", f"{_VIDEOS}/{_ID}", "delete"),
        ("POST", f"{_GENERATIONS}/jobs", "create"),
        ("GET", f"{_GENERATIONS}/jobs", "list"),
        ("GET", f"{_GENERATIONS}/jobs/{_ID}", "status"),
        ("DELETE", f"{_GENERATIONS}/jobs/{_ID}", "delete"),
        ("GET HEAD", f"{_GENERATIONS}/{_ID}/content/(?:video|thumbnail)", "content"),
        ("GET", f"{_GENERATIONS}/{_ID}", "status"),
    )
)


@dataclass(frozen=True, slots=True)
class Target:
    """A route's name, and the id of a job or generation in the path."""

    route: str
    id: str | None


def target_of(method: str, path: str) -> Target | None:
    """Where a request goes; None: to none of the routes that can have faults."""
    for methods, pattern, route in _TABLE:
        if method in methods.split() and (match := pattern.fullmatch(path)):
            return Target(route, match.groupdict().get("id")) if route else None
    return None
