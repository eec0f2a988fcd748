"""Values between the wire and Python, through the converters of ``azure.functions`` itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from azure.functions import meta as azf_meta

__all__ = ["decode", "encode"]


def decode(
    kind: str, value: Mapping[str, Any], payload: bytes, metadata: Mapping[str, Any] | None
) -> Any:
    """Turn one input of an invocation into what the function's parameter receives.

    :param kind: the type of the converter, or ``generic`` for plain text and bytes.
    :param value: ``{"type": string|json|bytes|http, "value": …}``; without a ``value`` the content
        is the frame's payload.
    :param metadata: the trigger's metadata, JSON values by name; None for an input that is none.
    """
    datum = _datum(value, payload)
    if kind == "generic":
        return datum.value
    converter = azf_meta.get_binding_registry().get(kind)  # type: ignore[no-untyped-call] # untyped library
    if converter is None:
        return datum.value
    data = {
        name: azf_meta.Datum(item, "string")
        if isinstance(item, str)
        else azf_meta.Datum(json.dumps(item), "json")
        for name, item in (metadata or {}).items()
    }
    return converter.decode(datum, trigger_metadata=data)


def _datum(value: Mapping[str, Any], payload: bytes) -> azf_meta.Datum:
    kind: str = value["type"]
    if kind == "http":
        return azf_meta.Datum(_http_request(value["value"], payload), "http")
    if kind == "bytes":
        return azf_meta.Datum(payload, "bytes")
    text = value["value"] if "value" in value else payload.decode()
    return azf_meta.Datum(text, kind)


def _http_request(value: Mapping[str, Any], payload: bytes) -> dict[str, Any]:
    def strings(items: Mapping[str, str]) -> dict[str, azf_meta.Datum]:
        return {name: azf_meta.Datum(item, "string") for name, item in items.items()}

    return {
        "method": azf_meta.Datum(value["method"], "string"),
        "url": azf_meta.Datum(value["url"], "string"),
        "headers": strings(value["headers"]),
        "query": strings(value["query"]),
        "params": strings(value["params"]),
        "body": azf_meta.Datum(payload, "bytes"),
    }


def encode(kind: str, value: Any) -> tuple[dict[str, Any] | None, bytes]:
    """Turn what a function returned into a header entry and a payload for the channel.

    :returns: ``{"type": …}`` (with ``status``, ``headers`` and ``cookies`` for HTTP) and the
        content; None stands for "no value".
    :raises TypeError: the converter does not take this kind of value.
    """
    converter = azf_meta.get_binding_registry().get(kind)  # type: ignore[no-untyped-call] # untyped library
    if converter is None or (value is None and kind not in _JSON_RESULTS):
        datum = azf_meta.Datum(value, None if value is None else "string")
    else:
        try:
            datum = converter.encode(value, expected_type=None)
        except NotImplementedError:
            raise TypeError(
                f"a function with the output {kind!r} cannot return a {type(value).__name__}"
            ) from None
    if datum is None or datum.type is None:
        return None, b""
    if datum.type == "http":
        return _http_response(datum.value)
    return {"type": datum.type}, _as_bytes(datum)


_JSON_RESULTS = {"activityTrigger", "orchestrationTrigger", "entityTrigger"}


def _as_bytes(datum: azf_meta.Datum) -> bytes:
    return datum.value if isinstance(datum.value, bytes) else str(datum.value).encode()


def _http_response(value: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    cookies = [morsel.OutputString() for jar in value["cookies"] or () for morsel in jar.values()]
    entry = {
        "type": "http",
        "status": int(value["status_code"].value),
        "headers": {name: header.value for name, header in value["headers"].items()},
        "cookies": cookies,
    }
    body = value["body"]
    return entry, b"" if body.value is None else _as_bytes(body)
