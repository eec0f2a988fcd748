"""Opening the files of a finished job, and checking them while they stream."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator

import httpx
import pytest

from dailies.providers.base import Content
from dailies.providers.outcomes import Kind, Outcome
from dailies.video.basics import Variant
from dailies.video.errors import IntegrityError
from tests.unit.providers.conftest import ENDPOINT, Adapter, Upstream

MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 3000


class Body(httpx.AsyncByteStream):
    """A body in pieces that may break off."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self._pieces = pieces
        self._error = error
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        self.closed = True


def sent(body: Body, content_type: str | None = "video/mp4", **headers: str) -> httpx.Response:
    types = {} if content_type is None else {"content-type": content_type}
    return httpx.Response(200, headers=types | headers, stream=body)


async def opened(
    adapter: Adapter, variant: Variant = Variant.VIDEO
) -> tuple[Content | Outcome, bytes]:
    async with adapter().open_content("video_1", variant) as file:
        if isinstance(file, Outcome):
            return file, b""
        return file, b"".join([chunk async for chunk in file.chunks])


async def test_a_video_streams_and_is_closed(upstream: Upstream, adapter: Adapter) -> None:
    body = Body(MP4[:10], MP4[10:])
    upstream.says(sent(body, **{"content-length": str(len(MP4))}))
    file, data = await opened(adapter)

    assert isinstance(file, Content)
    assert (file.content_type, file.length, data) == ("video/mp4", len(MP4), MP4)
    assert body.closed
    assert str(upstream.last.url) == f"{ENDPOINT}/openai/v1/videos/video_1/content?variant=video"
    assert upstream.last.headers["accept-encoding"] == "identity"


async def test_leaving_early_closes_the_connection(upstream: Upstream, adapter: Adapter) -> None:
    body = Body(MP4, MP4)
    upstream.says(sent(body))
    async with adapter().open_content("video_1", Variant.VIDEO) as file:
        assert isinstance(file, Content)
        await anext(file.chunks)

    assert body.closed


async def test_a_big_video_is_never_in_memory(upstream: Upstream, adapter: Adapter) -> None:
    size = 64 * 1024**2
    upstream.says(sent(Body(*[b"\0" * 65536] * (size // 65536)), **{"content-length": str(size)}))
    tracemalloc.start()
    async with adapter().open_content("video_1", Variant.VIDEO) as file:
        assert isinstance(file, Content)
        total = 0
        async for chunk in file.chunks:
            total += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert total == size
    assert peak < 4 * 1024**2


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (Body(MP4[:5000]), len(MP4)),
        (Body(MP4, b"more"), len(MP4)),
        (Body(MP4[:300_000], error=httpx.RemoteProtocolError("peer closed")), len(MP4)),
        (Body(MP4 * 2, error=httpx.ReadTimeout("late")), None),
    ],
    ids=["short", "long", "broken", "late"],
)
async def test_a_body_that_is_not_whole_is_an_error(
    upstream: Upstream, adapter: Adapter, body: Body, length: int | None
) -> None:
    headers = {} if length is None else {"content-length": str(length)}
    upstream.says(sent(body, **headers))

    with pytest.raises(IntegrityError, match="bytes"):
        await opened(adapter)
    assert body.closed


@pytest.mark.parametrize(
    "answer",
    [
        sent(Body(b"<html>sorry</html>"), "text/html"),
        sent(Body(b"<html>sorry</html>"), "video/mp4"),
        sent(Body(b" <!doctype html>"), None),
        sent(Body(b'{"error": {}}'), "application/json"),
        sent(Body(b'{"error": {}}'), "application/octet-stream"),
        sent(Body(b"\x89PNG"), "image/png"),
        sent(Body(), "video/mp4"),
    ],
)
async def test_what_is_no_video_is_never_content(
    upstream: Upstream, adapter: Adapter, answer: httpx.Response
) -> None:
    upstream.says(answer)
    outcome, _ = await opened(adapter)

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.TRANSIENT, "bad_content")


async def test_a_body_that_breaks_at_once_is_never_content(
    upstream: Upstream, adapter: Adapter
) -> None:
    upstream.says(sent(Body(MP4[:5000], error=httpx.ReadError("gone"))))
    outcome, _ = await opened(adapter)

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.TRANSIENT, "content_broken")
    assert "5000" in (outcome.message or "")


@pytest.mark.parametrize("content_type", ["application/octet-stream", None, "video/mp4; codecs=x"])
async def test_a_video_without_a_plain_type_is_a_video(
    upstream: Upstream, adapter: Adapter, content_type: str | None
) -> None:
    upstream.says(sent(Body(MP4), content_type))
    file, data = await opened(adapter)

    assert isinstance(file, Content)
    assert (file.content_type, file.length, data) == ("video/mp4", None, MP4)


async def test_the_length_of_a_coded_body_is_not_the_files(
    upstream: Upstream, adapter: Adapter
) -> None:
    import gzip

    coded = gzip.compress(MP4)
    length = {"content-length": str(len(coded)), "content-encoding": "gzip"}
    upstream.says(sent(Body(coded), **length))
    file, data = await opened(adapter)

    assert isinstance(file, Content)
    assert (file.length, data) == (None, MP4)


@pytest.mark.parametrize(
    ("variant", "content_type"),
    [(Variant.THUMBNAIL, "image/webp"), (Variant.SPRITESHEET, "image/jpeg")],
)
async def test_variants(
    upstream: Upstream, adapter: Adapter, variant: Variant, content_type: str
) -> None:
    upstream.says(sent(Body(b"RIFF...."), content_type))
    file, data = await opened(adapter, variant)

    assert isinstance(file, Content)
    assert (file.content_type, data) == (content_type, b"RIFF....")
    assert upstream.last.url.query == f"variant={variant.value}".encode()


@pytest.mark.parametrize(
    "answer", [httpx.Response(404), httpx.Response(400), sent(Body(MP4), "video/mp4")]
)
async def test_a_variant_that_is_not_there_is_missing(
    upstream: Upstream, adapter: Adapter, answer: httpx.Response
) -> None:
    upstream.says(answer)
    outcome, _ = await opened(adapter, Variant.THUMBNAIL)

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.MISSING, "variant_unavailable")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(404, json={"error": {"message": "Video is not ready."}}), Kind.TRANSIENT),
        (httpx.Response(404), Kind.MISSING),
        (httpx.Response(410), Kind.RETIRED),
        (httpx.Response(206, content=MP4), Kind.TRANSIENT),
        (httpx.Response(503), Kind.TRANSIENT),
        (httpx.ConnectError("refused"), Kind.TRANSIENT),
        (
            httpx.Response(500, stream=Body(b"x", error=httpx.ReadError("gone"))),
            Kind.TRANSIENT,
        ),
    ],
)
async def test_other_answers(
    upstream: Upstream, adapter: Adapter, answer: httpx.Response | Exception, kind: Kind
) -> None:
    upstream.says(answer)
    outcome, _ = await opened(adapter)

    assert isinstance(outcome, Outcome)
    assert outcome.kind is kind
