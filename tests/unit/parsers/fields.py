"""Parsers of fields, headers, ids, addresses, and of what lies beside a dropped image."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Request

from dailies.api.bodies import Body
from dailies.api.content import _number as variant_index
from dailies.api.errors import note_error
from dailies.api.form_arrays import with_arrays
from dailies.api.given import read_given
from dailies.api.observe import _request_id
from dailies.api.paging import page_size
from dailies.api.sending import idempotency_key
from dailies.api.streaming import requested_span
from dailies.catalogue import Catalogue
from dailies.catalogue.offers import whole
from dailies.net.fetching import ReferenceFetcher
from dailies.net.numerals import whole_number
from dailies.net.posting import WebhookPoster
from dailies.owners.deliveries import is_delivery_id
from dailies.protocols.deliveries import _shown
from dailies.protocols.drop.announcements import read_announcement
from dailies.protocols.drop.merging import ParameterFile, parameters
from dailies.protocols.drop.naming import classify
from dailies.protocols.fields import read_length, read_prompt
from dailies.protocols.frames import read_crop, read_frame_index
from dailies.protocols.openai.bodies import CreateVideo
from dailies.protocols.openai.synonyms import wish_of
from dailies.protocols.options import options_by_provider, read_provider_options
from dailies.protocols.sora1.ids import generation_of, video_of_job
from dailies.protocols.sora1.job import read_items
from dailies.protocols.vocabulary import CREATE
from dailies.protocols.webhooks import read_webhook_events
from dailies.protocols.wishes import read_expiry, read_priority, read_seed
from dailies.stores.characters import CharacterStore
from dailies.stores.records import hash_key, is_video_id
from dailies.telemetry import tracecontext
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest
from tests.unit.parsers.shapes import JSON, MIB, MOST_HEADER, WORDS, Parser, of, text, waits

__all__ = ["PARSERS"]

MOST_NAME = 1024
"""Bytes of a blob's name, in Azure."""
MOST_METADATA = 8 * 1024
"""Bytes of a blob's metadata, in Azure."""
MOST_URL = 16 * 1024
"""Twice what is looked at."""


def _header(name: str, call: Callable[[Request], object]) -> Callable[[bytes], object]:
    return lambda data: call(
        Request({"type": "http", "headers": [(name.encode(), data)], "query_string": b""})
    )


RANGES = {
    **WORDS,
    **of(b" ", b"9", b"-", b",0-1", b" -", b"0-0,", before=b"bytes="),
    **of(b" ", before=b"bytes=0", after=b"x"),
}
SHAPES = {
    **of(b"16:9", b"9", b"9 ", b":", b"9.9:", b"720p", b"1280x", b"x"),
    **of(b" ", before=b"16", after=b":9"),
}
CATALOGUE = Catalogue.load(Path("models.yaml"), {"AZURE_OPENAI_ENDPOINT": "https://nobody.example"})
HOSTS = {
    **of(b"a", b"a.", b"xn--a", b"xn--a.", b"xn--99999", b"%41", b"\xc3\xa9", b"[", b":", b"@"),
    **of(b"a/", b"?", b"#", b"%", b"../", b"\xf0\x9f\x8c\x85", before=b"example.com/"),
    **of(b"\xc3\xa9.", b"\xe3\x80\x82", b"\xef\xbc\x8e", b"9.", before=b"a"),
}


def _seconds(value: str) -> object:
    return parameters("a.png", {"prompt": "x", "seconds": value, "frame_index": value})


def _prompt(value: str) -> object:
    return parameters("a.png", {"prompt": value})


def _announced(value: str) -> object:
    url = f"https://a.example/references/{value}"
    return read_announcement("Microsoft.Storage.BlobCreated", value, {"url": url}, "references")


def _named(value: str) -> object:
    return read_given(Body({"prompt": "x", value: "x"}), CREATE)


def _refused(value: str) -> object:
    request = Request({"type": "http", "headers": [], "state": {}})
    note_error(request, InvalidRequest("no", param=value))
    return None


def _asked(**fields: str) -> object:
    return wish_of(CreateVideo.read({"prompt": "x", **fields}), CATALOGUE)


def _model(value: str) -> object:
    return CATALOGUE.find(value), CATALOGUE.hint(value)


def _provider(value: str) -> object:
    return options_by_provider({value: {}}, CATALOGUE, CATALOGUE.resolve(None))


def _column(value: str) -> object:
    return with_arrays(Body({f"frame_images[]{value}": ["x"]}), {"frame_images"})


def _sidecar(data: bytes) -> object:
    return parameters("a.png", {}, ParameterFile("a.json", data))


async def _url(data: bytes) -> object:
    async def no_host(*_: object) -> list[Any]:
        raise OSError

    url = "https://" + data.decode("utf-8", "replace")
    return await ReferenceFetcher(max_bytes=MIB, resolve=no_host).load(url)


def _webhook(value: str) -> object:
    return WebhookPoster().origin(f"https://{value}")


def _shown_webhook(value: str) -> object:
    # Only what was read before is shown.
    WebhookPoster().origin(f"https://{value}")
    return _shown(f"https://{value}")


async def _character(data: bytes) -> object:
    # What is no id is not looked for, so no store is needed.
    store: Any = CharacterStore.__new__(CharacterStore)
    return await store.get("owner", data.decode("utf-8", "replace"))


PARSERS = (
    Parser("range", text(lambda value: requested_span(value, 10**6)), RANGES, MOST_HEADER),
    Parser(
        "request id", lambda d: _request_id({"headers": [(b"x-request-id", d)]}), WORDS, MOST_HEADER
    ),
    Parser("idempotency key", _header("idempotency-key", idempotency_key), WORDS, MOST_HEADER),
    Parser("hashed key", text(hash_key), WORDS, MOST_HEADER),
    Parser(
        "trace",
        text(tracecontext.context_of),
        {**WORDS, **of(b"-", before=b"00-" + b"a" * 32 + b"-" + b"a" * 16 + b"-01")},
        MOST_HEADER,
    ),
    Parser("video id", text(is_video_id), WORDS, MOST_HEADER),
    Parser("job id", text(lambda value: video_of_job("task_" + value)), WORDS, MOST_HEADER),
    Parser("generation id", text(lambda value: generation_of("gen_" + value)), WORDS, MOST_HEADER),
    Parser("character id", waits(_character), WORDS, MOST_HEADER),
    Parser("page size", text(page_size), WORDS, MOST_HEADER),
    Parser("variant index", text(variant_index), WORDS, MOST_HEADER),
    Parser("whole number", text(whole), WORDS),
    Parser("digits", text(whole_number), WORDS),
    Parser("size", text(Size.parse), {**WORDS, **of(b"9", b" ", b"x", before=b"1280x")}),
    Parser("prompt", text(read_prompt), WORDS),
    Parser("seconds", text(read_length), WORDS),
    Parser("image URL", waits(_url), HOSTS, MOST_URL),
    Parser("frame index", text(read_frame_index), WORDS),
    Parser(
        "crop bounds",
        text(read_crop),
        {**JSON, **of(b"9", before=b'{"left_fraction":"', after=b'"}')},
    ),
    Parser("inpaint items", text(read_items), {**JSON, **of(b'{"type":"image"},', before=b"[")}),
    Parser(
        "sidecar",
        _sidecar,
        {
            **JSON,
            **of(b'"prompt":"x",', b'"a":null,', before=b"{", after=b'"b":1}'),
            **of(b"a", before=b'{"', after=b'":1}'),
        },
    ),
    Parser("sidecar in UTF-16", lambda d: _sidecar(d.decode("latin-1").encode("utf-16")), JSON),
    Parser("metadata", text(_seconds), WORDS, MOST_METADATA),
    Parser(
        "prompt in base64",
        text(lambda v: parameters("a.png", {"prompt_b64": v})),
        {**WORDS, **of(base64.b64encode(b"abc"), b"=", b" Y")},
        MOST_METADATA,
    ),
    Parser("metadata of the portal", text(_prompt), of(b"%41", b"%", b"%4", b"a%"), MOST_METADATA),
    Parser("storage event", text(_announced), HOSTS, MOST_URL),
    Parser("field name", text(_named), {**WORDS, **of(b"a_", b"A")}),
    Parser("field of a refusal", text(_refused), {**WORDS, **of(b"[0]", b".a", before=b"a")}),
    Parser("aspect ratio", text(lambda v: _asked(aspect_ratio=v)), {**WORDS, **SHAPES}),
    Parser("resolution", text(lambda v: _asked(resolution=v)), {**WORDS, **SHAPES}),
    Parser("model name", text(_model), {**WORDS, **of(b"openai/", b"sora-2", b"/")}),
    Parser("seed", text(read_seed), WORDS),
    Parser("expiry", text(read_expiry), WORDS),
    Parser("priority", text(read_priority), WORDS),
    Parser("webhook address", text(_webhook), HOSTS, MOST_URL),
    Parser("webhook address, shown", text(_shown_webhook), HOSTS, MOST_URL),
    Parser("delivery id", text(is_delivery_id), {**WORDS, **of(b"0", before=b"whd_")}),
    Parser("webhook events", text(read_webhook_events), {**WORDS, **JSON, **of(b",", b"a,")}),
    Parser("provider options", text(read_provider_options), JSON),
    Parser("provider", text(_provider), WORDS),
    Parser("form column", text(_column), {**WORDS, **of(b"[a]", b"[", b"[]", b"[a")}),
    Parser("blob name", text(classify), {**WORDS, **of(b"a/", b"./", b"//", b".json")}, MOST_NAME),
)
