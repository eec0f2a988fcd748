"""Makes videos with BytePlus's own client: ``python byteplus_session.py BASE_URL KEY``.

Prints ``SEEN {…}``: what the client made of each answer. For the interpreter that has the client.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable

from byteplussdkarkruntime import Ark
from byteplussdkarkruntime._exceptions import ArkAPIStatusError

MODEL = "dreamina-seedance-2-5-260628"


def _text(prompt: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": prompt}]


def main(base: str, key: str) -> None:
    """Create, wait, download, list, cancel; and what goes wrong."""
    tasks = Ark(base_url=base, api_key=key, max_retries=0).content_generation.tasks
    wanted = {"resolution": "720p", "ratio": "16:9", "duration": 5, "generate_audio": True}
    made = tasks.create(
        model=MODEL, content=_text("A pier at dawn"), safety_identifier="video_1", **wanted
    )
    while (task := tasks.get(task_id=made.id)).status in ("queued", "running"):
        time.sleep(0.1)
    with urllib.request.urlopen(task.content.video_url) as file:
        head = file.read(12)
    queued = tasks.create(model=MODEL, content=_text("A pier [sim render=10000]"), **wanted)
    listed = tasks.list(page_num=1, page_size=10)
    tasks.delete(task_id=queued.id)
    errors = {}
    attempts: dict[str, Callable[[], object]] = {
        "key": lambda: Ark(
            base_url=base, api_key="wrong", max_retries=0
        ).content_generation.tasks.get(task_id=made.id),
        "task": lambda: tasks.get(task_id="cgt-nobody"),
        "moderation": lambda: tasks.create(
            model=MODEL, content=_text("A moderated input"), **wanted
        ),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except ArkAPIStatusError as error:
            errors[name] = [error.status_code, error.code]
    seen = {
        "status": task.status,
        "head": head[4:8].decode(),
        "tokens": task.usage.completion_tokens,
        "listed": [item.id for item in listed.items],
        "made": [queued.id, made.id],
        "cancelled": tasks.get(task_id=queued.id).status,
        "errors": errors,
    }
    print("SEEN", json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
