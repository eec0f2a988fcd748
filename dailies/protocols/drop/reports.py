"""How a blob that can't be used is answered, beside the blob itself."""

from __future__ import annotations

import json

from dailies.video.errors import DropError

__all__ = ["error_report"]


def error_report(error: DropError, *, blob: str, etag: str, time: str) -> bytes:
    """What ``<name>.error.json`` holds: UTF-8 JSON for people and programs.

    Args:
        blob: the name of the blob that was rejected.
        etag: its ETag, by which to see whether a later upload has been judged already.
        time: when it was judged, ISO 8601.
    """
    document = {
        "error": {"code": error.code, "message": error.message, "where": error.where},
        "blob": blob,
        "etag": etag,
        "time": time,
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
