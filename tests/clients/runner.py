"""Runs scripts one after the other, each in a process of its own, with slow imports done once.

Used as a program, by whichever interpreter has the modules: ``python runner.py MODULE…``. A line of
JSON on stdin, ``{script, arguments, directory, environment, unfinished}``, is answered by one on
stdout, ``{status, output}``. Standard library only.

Scripts sleep "until the video is ready". Here such a pause (of 5 s and more) ends as soon as that
is so: when nothing in the lists at ``unfinished`` (``[url, headers]``) is queued or in progress.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import runpy
import sys
import tempfile
import time
import traceback
import urllib.request
from typing import Any

_PAUSE = 5.0
_sleep = time.sleep
_asyncio_sleep = asyncio.sleep


def _is_idle(lists: list[list[Any]]) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for url, headers in lists:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            found = json.load(answer)
        videos = found["data"] if isinstance(found, dict) else found
        if any(video["status"] in ("queued", "in_progress") for video in videos):
            return False
    return True


def _shorten_pauses(lists: list[list[Any]]) -> None:
    def pause(seconds: float) -> None:
        if seconds < _PAUSE:
            _sleep(seconds)
            return
        # A minute: rendering takes real time on a busy machine, however fast simulated time goes.
        deadline = time.monotonic() + 60
        while not _is_idle(lists) and time.monotonic() < deadline:
            _sleep(0.1)

    async def pause_async(seconds: float, result: Any = None) -> Any:
        if seconds < _PAUSE:
            return await _asyncio_sleep(seconds, result)
        await asyncio.to_thread(pause, seconds)
        return result

    time.sleep = pause  # type: ignore[assignment] # takes no other numbers
    asyncio.sleep = pause_async  # type: ignore[assignment] # the same but for an overload


def _child(job: dict[str, Any], output: int) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(job["directory"])
    os.environ.update(job["environment"])
    _shorten_pauses(job["unfinished"])
    sys.argv = [job["script"], *job["arguments"]]
    status = 0
    try:
        runpy.run_path(job["script"], run_name="__main__")
    except SystemExit as error:
        status = int(bool(error.code))
    except BaseException:  # noqa: BLE001 - whatever the script raises is its result
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main() -> None:
    """Serve until stdin ends."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin:
        job = json.loads(line)
        with tempfile.TemporaryFile() as file:
            pid = os.fork()
            if pid == 0:
                _child(job, file.fileno())
            _, status = os.waitpid(pid, 0)
            file.seek(0)
            output = file.read().decode(errors="replace")
        answer = {"status": os.waitstatus_to_exitcode(status), "output": output}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
