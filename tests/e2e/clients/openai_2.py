"""What code for the previous major version of the official client does; run in its own environment.

Environment: ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY``. Prints ``passed`` at the end.
"""

from __future__ import annotations

import asyncio
import os
import struct
import zlib
from typing import Any

import openai
from openai import AsyncOpenAI, OpenAI


def picture(width: int = 64, height: int = 36) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x20\x80\x80" * width for _ in range(height))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def expect(kind: type[openai.APIStatusError], call: Any, **wanted: object) -> None:
    try:
        call()
    except kind as error:
        found = {name: getattr(error, name) for name in wanted}
        assert found == wanted
        return
    raise AssertionError(f"no {kind.__name__}")


def synchronously() -> None:
    client = OpenAI()
    video = client.videos.create_and_poll(
        model="sora-2",
        prompt="a lighthouse, by an older client",
        seconds="4",
        size="1280x720",
        input_reference=("lighthouse.png", picture()),
    )
    assert (video.status, video.progress) == ("completed", 100), video
    for variant, magic in (
        ("video", b"ftyp"),
        ("thumbnail", b"WEBP"),
        ("spritesheet", b"\xff\xd8"),
    ):
        content = client.videos.download_content(video.id, variant=variant)  # type: ignore[arg-type] # a literal in a loop
        assert magic in content.read()[:16], variant
    remix = client.videos.remix(video.id, prompt="at night", extra_body={"promt": "x"})
    assert [warning["param"] for warning in (remix.model_extra or {})["warnings"]] == ["promt"]
    assert remix.remixed_from_video_id == video.id
    assert client.videos.poll(remix.id).status == "completed"
    assert remix.id in [listed.id for listed in client.videos.list(limit=1)]
    assert client.videos.delete(remix.id).deleted
    expect(openai.NotFoundError, lambda: client.videos.delete(remix.id), code="video_deleted")
    expect(openai.BadRequestError, lambda: client.videos.create(prompt=""), param="prompt")
    stranger = OpenAI(api_key="wrong")
    expect(openai.AuthenticationError, stranger.videos.list, code="invalid_api_key")


async def asynchronously() -> None:
    client = AsyncOpenAI()
    video = await client.videos.create_and_poll(prompt="a lake, by an older client")
    assert video.status == "completed", video
    content = await client.videos.download_content(video.id)
    assert b"ftyp" in (await content.aread())[:16]
    assert video.id in [listed.id async for listed in client.videos.list(limit=1)]


if __name__ == "__main__":
    assert openai.__version__.startswith("2."), openai.__version__
    assert os.environ["OPENAI_BASE_URL"]
    synchronously()
    asyncio.run(asynchronously())
    print("passed")
