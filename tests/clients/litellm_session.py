"""One session with LiteLLM's SDK, run by the interpreter that has it; prints JSON of what it saw.

python litellm_session.py azure|openai sync|async API_BASE API_KEY IMAGE
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import litellm

_FINAL = ("completed", "failed")


def synchronous(provider: str, place: dict[str, str], image: str) -> dict[str, Any]:
    """Generation with a picture, status, content, list, remix."""
    with Path(image).open("rb") as picture:
        made = litellm.video_generation(
            model=f"{provider}/sora-2",
            prompt="A cat playing with a ball of yarn",
            seconds="4",
            size="1280x720",
            input_reference=picture,
            user="user_123",
            **place,
        )
    status = made
    while status.status not in _FINAL:
        time.sleep(10)
        status = litellm.video_status(video_id=made.id, **place)
    content = litellm.video_content(video_id=made.id, **place)
    listed = litellm.video_list(custom_llm_provider=provider, limit=3, **place)
    # A field that nobody knows is answered by a warning, which must not trouble the client.
    remix = litellm.video_remix(
        video_id=made.id, prompt="Make the cat jump", extra_body={"promt": "x"}, **place
    )
    return seen(made, status, content, listed, remix)


async def asynchronous(provider: str, place: dict[str, str], image: str) -> dict[str, Any]:
    """The same by the asynchronous functions."""
    with Path(image).open("rb") as picture:  # noqa: ASYNC230 - a small file, and nobody else waits
        made = await litellm.avideo_generation(
            model=f"{provider}/sora-2",
            prompt="A cat playing with a ball of yarn",
            seconds="4",
            size="1280x720",
            input_reference=picture,
            user="user_123",
            **place,
        )
    status = made
    while status.status not in _FINAL:
        await asyncio.sleep(10)
        status = await litellm.avideo_status(video_id=made.id, **place)
    content = await litellm.avideo_content(video_id=made.id, **place)
    listed = await litellm.avideo_list(custom_llm_provider=provider, limit=3, **place)
    remix = await litellm.avideo_remix(video_id=made.id, prompt="Make the cat jump", **place)
    return seen(made, status, content, listed, remix)


def seen(made: Any, status: Any, content: bytes, listed: Any, remix: Any) -> dict[str, Any]:
    """What the test looks at."""
    return {
        "made": made.model_dump(mode="json"),
        "status": status.model_dump(mode="json"),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "listed": listed,
        "remix": remix.model_dump(mode="json"),
    }


def refusals(provider: str, place: dict[str, str]) -> dict[str, Any]:
    """What LiteLLM raises for a request that is refused, an unknown video, and a wrong key."""
    missing = f"video_{'0' * 32}"
    wrong = {**place, "api_key": "wrong"}
    attempts: dict[str, Callable[[], Any]] = {
        "seconds": lambda: litellm.video_generation(
            model=f"{provider}/sora-2", prompt="A cat", seconds="5", **place
        ),
        "unknown": lambda: litellm.video_status(
            video_id=missing, custom_llm_provider=provider, **place
        ),
        "key": lambda: litellm.video_generation(
            model=f"{provider}/sora-2", prompt="A cat", seconds="4", **wrong
        ),
    }
    raised: dict[str, Any] = {}
    for name, attempt in attempts.items():
        try:
            attempt()
        except Exception as error:  # noqa: BLE001 - which it is, is what is asked
            raised[name] = f"{type(error).__name__}: {error}"
    return raised


def main() -> None:
    """Run the session that the arguments name."""
    provider, kind, api_base, api_key, image = sys.argv[1:]
    place = {"api_base": api_base, "api_key": api_key}
    if kind == "refusals":
        found = refusals(provider, place)
    elif kind == "sync":
        found = synchronous(provider, place, image)
    else:
        found = asyncio.run(asynchronous(provider, place, image))
    print(f"\nSEEN {json.dumps(found)}")


if __name__ == "__main__":
    main()
