"""What code for LiteLLM's SDK does, with ``azure/…`` and ``openai/…``; run in its own environment.

Environment: ``DAILIES_URL`` and ``DAILIES_KEY``. Prints ``passed`` at the end.
"""

from __future__ import annotations

import asyncio
import io
import os
import struct
import time
import zlib
from typing import Any

import litellm

URL = os.environ["DAILIES_URL"]
KEY = os.environ["DAILIES_KEY"]
BASES = {"azure": URL, "openai": f"{URL}/v1"}


def picture(width: int = 64, height: int = 36) -> io.BytesIO:
    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x20\x80\x80" * width for _ in range(height)))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    file = io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    file.name = "cat.png"
    return file


def wait(video: Any, where: dict[str, str]) -> Any:
    while video.status not in ("completed", "failed"):
        time.sleep(0.3)
        video = litellm.video_status(video_id=video.id, **where)
    return video


def synchronously(provider: str) -> None:
    where = {"api_base": BASES[provider], "api_key": KEY}
    hinted = {**where, "custom_llm_provider": provider}
    video = litellm.video_generation(
        model=f"{provider}/sora-2",
        prompt="A cat playing with a ball of yarn in a sunny garden",
        input_reference=picture(),
        seconds="8",
        size="720x1280",
        user="user_123",
        **where,
    )
    video = wait(video, where)
    assert (video.status, video.seconds, video.size) == ("completed", "8", "720x1280"), video
    assert b"ftyp" in litellm.video_content(video_id=video.id, **where)[:16]
    assert b"WEBP" in litellm.video_content(video_id=video.id, variant="thumbnail", **where)[:16]
    listed = litellm.video_list(limit=2, order="asc", **hinted)
    assert len(listed["data"]) == 2, listed
    remix = litellm.video_remix(video_id=video.id, prompt="Make the cat jump higher", **where)
    edit = litellm.video_edit(video_id=video.id, prompt="In snow", **where)
    longer = litellm.video_extension(video_id=video.id, prompt="On", seconds="4", **where)
    for made, seconds in ((remix, "8"), (edit, "8"), (longer, "12")):
        done = wait(made, where)
        assert (done.status, done.seconds) == ("completed", seconds), done
    try:
        litellm.video_generation(model=f"{provider}/sora-2", prompt="x", seconds="5", **where)
    except litellm.exceptions.BadRequestError as error:
        assert "Supported values are" in str(error)
    else:
        raise AssertionError("a wrong length was taken")
    try:
        stranger = {**where, "api_key": "wrong"}
        litellm.video_generation(model=f"{provider}/sora-2", prompt="x", **stranger)
    except litellm.exceptions.AuthenticationError:
        pass
    else:
        raise AssertionError("a wrong key was taken")


async def asynchronously() -> None:
    where = {"api_base": BASES["openai"], "api_key": KEY}
    video = await litellm.avideo_generation(model="openai/sora-2", prompt="a lake", **where)
    while video.status not in ("completed", "failed"):
        await asyncio.sleep(0.3)
        video = await litellm.avideo_status(video_id=video.id, **where)
    content = await litellm.avideo_content(video_id=video.id, **where)
    assert b"ftyp" in content[:16]


if __name__ == "__main__":
    for each in BASES:
        synchronously(each)
        print(each, flush=True)
    asyncio.run(asynchronously())
    print("passed")
