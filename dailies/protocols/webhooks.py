"""Fields of webhooks: which address is told what becomes of a video, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from dailies.announce.webhooks import ALL_EVENTS, FINAL_EVENTS
from dailies.jsontext import parse_json
from dailies.protocols.fields import said
from dailies.protocols.messages import missing, too_long, unsupported, wrong_type
from dailies.video.request import Webhook

__all__ = [
    "EVENTS_SCHEMA",
    "WebhookEvents",
    "WebhookUrl",
    "read_webhook_events",
    "read_webhook_url",
    "webhook_of",
]

MAX_URL_CHARACTERS = 2048
_URL, _EVENTS = "webhook_url", "webhook_events"


def read_webhook_url(value: object) -> str:
    """A text of at most 2,048 characters; whether it may be called is known where that is set.

    Raises:
        InvalidRequest: it is none.
    """
    if not isinstance(value, str):
        raise wrong_type(_URL, "a string", value)
    if len(value) > MAX_URL_CHARACTERS:
        raise too_long(_URL, MAX_URL_CHARACTERS, len(value))
    return value.strip()


def read_webhook_events(
    value: object, name: str = _EVENTS, known: Sequence[str] = ALL_EVENTS
) -> tuple[str, ...]:
    """Types of events, in the order in which they happen: an array, or a text with commas between
    or with a JSON array, as forms and the metadata of blobs have it.

    Raises:
        InvalidRequest: it is neither, names none, or one that there is not.
    """
    if isinstance(value, str):
        value = _listed(value)
    if not isinstance(value, list | tuple):
        raise wrong_type(name, "an array", value)
    for each in value:
        if not isinstance(each, str):
            raise wrong_type(name, "an array of strings", each)
        if each not in known:
            raise unsupported(name, each, known)
    if not value:
        raise unsupported(name, "[]", known)
    return tuple(kind for kind in known if kind in value)


def webhook_of(url: str | None, events: Sequence[str] | None) -> Webhook | None:
    """What a request says of its webhook; without ``events``, it is told how the video ends.

    Raises:
        InvalidRequest: there are events, and nobody to be told of them.
    """
    if not url:
        if events:
            raise missing(_URL)
        return None
    return Webhook(url=url, events=tuple(events or FINAL_EVENTS))


def _listed(text: str) -> object:
    if not text.lstrip().startswith("["):
        return [each.strip() for each in text.split(",") if each.strip()]
    try:
        return parse_json(text, most_parts=len(ALL_EVENTS) * 4, most_depth=1)
    except ValueError:
        return text


EVENTS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string", "enum": [*ALL_EVENTS]},
    "minItems": 1,
}
WebhookUrl = Annotated[
    str | None,
    Field(repr=False),
    PlainValidator(read_webhook_url),
    said(
        "An https URL on the public internet that is told what becomes of the video, by signed "
        "calls.",
        type="string",
        maxLength=MAX_URL_CHARACTERS,
    ),
]
WebhookEvents = Annotated[
    tuple[str, ...] | None,
    PlainValidator(read_webhook_events),
    said(
        "What `webhook_url` is told of; how the video ends if not given.",
        **EVENTS_SCHEMA,
    ),
]
