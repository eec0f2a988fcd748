"""An exception in the log: what it is and where it came from, never what it says.

The text of an exception may hold a prompt, an address with its signature or a row of a table, and a
traceback repeats it. Types, modules and lines tell an operator as much, and can be queried.
"""

from __future__ import annotations

import re
import traceback

__all__ = ["fault_fields"]

_OURS = frozenset({"dailies", "triggers", "activities", "entities", "orchestrations"})
_MOST_PLACES = 5
_MOST_CAUSES = 3
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def fault_fields(error: BaseException) -> dict[str, str | int | None]:
    """The fields of a log line about an exception.

    Returns:
        ``fault``, its type; ``fault_at``, where it was raised and, after each ``<``, what of ours
        had called; ``fault_cause``, the types of what was raised before it; ``fault_status`` and
        ``fault_code``, what the service answered, if the exception tells.
    """
    return {
        "fault": _type(error),
        "fault_at": " < ".join(_places(error)) or None,
        "fault_cause": " < ".join(_causes(error)) or None,
        "fault_status": _status(error),
        "fault_code": _code(error),
    }


def _type(error: BaseException) -> str:
    kind = type(error)
    where = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{where}{kind.__qualname__}"


def _places(error: BaseException) -> list[str]:
    """From the innermost frame outwards: that one, and those of this app."""
    frames = list(traceback.walk_tb(error.__traceback__))[::-1]
    told = [
        f"{module}:{line} {frame.f_code.co_qualname}"
        for number, (frame, line) in enumerate(frames)
        if (module := str(frame.f_globals.get("__name__"))).partition(".")[0] in _OURS
        or number == 0
    ]
    return told[:_MOST_PLACES]


def _causes(error: BaseException) -> list[str]:
    causes: list[str] = []
    while len(causes) < _MOST_CAUSES:
        before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if before is None:
            break
        causes.append(_type(before))
        error = before
    return causes


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _code(error: BaseException) -> str | None:
    code = getattr(error, "error_code", None)
    code = getattr(code, "value", code)  # of an enumeration, as a rule
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None
