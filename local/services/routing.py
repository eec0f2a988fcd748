"""To which named route a request goes, and whose job it concerns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.routing import Match, Route
from starlette.types import Scope

ROUTES = ("token", "create", "status", "list", "content", "delete", "events", "analyze")

_VIDEOS = r"/openai/v1/videos"
_GENERATIONS = r"/openai/v1/video/generations"
_ID = r"(?P<id>[^/]+)"
_TABLE = tuple(
    (methods, re.compile(f"{path}/?"), route)
    for methods, path, route in (
        ("GET", r"/identity/token", "token"),
        ("POST", r"/topics/[^/]+/api/events", "events"),
        ("POST", _VIDEOS, "create"),
        ("POST", r"/contentsafety/(?:text|image):analyze", "analyze"),
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


def target_of(method: str, path: str, upstreams: Sequence[Route] = ()) -> Target | None:
    """Where a request goes; None: to none of the routes that can have faults.

    Args:
        upstreams: the routes of the providers beside Sora; their names are those of faults.
    """
    if path.startswith("/upstreams/"):
        scope: Scope = {"type": "http", "method": method, "path": path}
        for candidate in upstreams:
            how, found = candidate.matches(scope)
            if how is Match.FULL:
                named = candidate.name in ROUTES
                return Target(candidate.name, found["path_params"].get("id")) if named else None
        return None
    for methods, pattern, route in _TABLE:
        if method in methods.split() and (match := pattern.fullmatch(path)):
            return Target(route, match.groupdict().get("id")) if route else None
    return None
