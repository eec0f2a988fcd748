"""What the bodies that ask the most cost the worker: its memory, and how long others wait.

    python -m bench.bodies [--only TEXT] [--at-most 64] [--slowest 0.1]

Each body is sent to a running stack. The worker's peak is read from the kernel, and meanwhile
``/health``, which needs nothing but the event loop, is asked again and again. Ends with status 1
when a body raised the worker by more than ``--at-most`` MiB, or ``/health`` took longer than
``--slowest`` seconds. Linux only.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import io
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from bench.memory import peak_mb, reset_peak, rss_mb
from tests.stack import RunningStack, running_stack

__all__ = ["BODIES", "Body", "Measured", "measure"]

_MIB = 1024**2
_LARGE = 27 * _MIB
"""What a JSON body with an image of the largest size has."""
_VIDEOS = "/v1/videos"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data; boundary=b"


@dataclass(frozen=True)
class Body:
    """A request; ``make`` gives its body, when its turn has come."""

    name: str
    make: Callable[[], bytes] = field(repr=False)
    content_type: str = _JSON
    path: str = _VIDEOS
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class Measured:
    """What became of one.

    Attributes:
        raised: MiB of the worker's peak above what it had before.
        slowest: seconds of the slowest ``/health`` meanwhile.
    """

    status: int
    bytes: int
    seconds: float
    raised: float
    slowest: float


def _filled(before: bytes, unit: bytes, after: bytes, size: int = _LARGE) -> Callable[[], bytes]:
    return lambda: before + unit * (size // len(unit)) + after


def _part(content: bytes, filename: str = "") -> bytes:
    head = 'form-data; name="input_reference"' + (f'; filename="{filename}"' if filename else "")
    fields = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (("model", "sora-2"), ("prompt", "a kite"), ("seconds", "4"))
    )
    opening = f"--b\r\nContent-Disposition: {head}\r\n\r\n".encode()
    return fields + opening + content + b"\r\n--b--\r\n"


def _text_part(unit: bytes, size: int) -> Callable[[], bytes]:
    head = b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n'
    return lambda: head + unit * (size // len(unit)) + b"\r\n--b--\r\n"


def _jpeg(fill: bytes, size: int) -> Callable[[], bytes]:
    """A file that says it is a JPEG, and then nothing any more."""
    frame = b"\xff\xd8\xff\xc0\x00\x11\x08\x02\xd0\x05\x00\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
    return lambda: _part(frame + fill * (size // len(fill)), "a.jpg")


def _picture() -> bytes:
    """A PNG of just less than the 20 MiB that are taken."""
    noise = Image.effect_noise((2600, 2600), 100)
    buffer = io.BytesIO()
    Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180))).save(buffer, "PNG")
    return buffer.getvalue()


def _with_picture() -> bytes:
    encoded = base64.b64encode(_picture()).replace(b"+", b"\\u002B").replace(b"/", b"\\/")
    return (
        b'{"prompt":"a kite","input_reference":{"image_url":"data:image/png;base64,%b"}}' % encoded
    )


def _json_bodies() -> Iterator[Body]:
    start = b'{"prompt":"x","a":['
    inline = b'{"prompt":"x","input_reference":{"image_url":"data:image/png;base64,'
    yield Body("objects in a list", _filled(start, b"{},", b"{}]}"))
    yield Body("lists in a list", _filled(start, b"[],", b"[]]}"))
    yield Body("numbers in a list", _filled(start, b"1.5,", b"1]}"))
    yield Body("fields", lambda: b"{%b}" % b",".join(b'"%07d":1' % n for n in range(1_000_000)))
    yield Body("one field again and again", _filled(b"{", b'"a":1,', b'"prompt":""}'))
    yield Body("lists in lists", _filled(b"", b"[", b""))
    yield Body("objects in objects", _filled(b"", b'{"a":', b""))
    yield Body("a number of a million digits", _filled(b'{"seconds":', b"9", b"}", _MIB))
    yield Body("a long prompt", _filled(b'{"prompt":"', b"a", b'"}'))
    yield Body("a long prompt of escapes", _filled(b'{"prompt":"', b"\\u0041", b'"}'))
    yield Body("blanks", _filled(b"", b" ", b"{}", 40 * _MIB))
    yield Body("a data URL of escapes", _filled(inline, b"\\u0041", b'"}}'))
    yield Body("a data URL in percents", _filled(inline, b"%41", b'"}}'))
    yield Body("a data URL of nonsense", _filled(inline, b"!", b'"}}'))
    yield Body("a data URL without an end", _filled(inline, b"YWJj", b"", 60 * _MIB))
    yield Body("a picture in a data URL", _with_picture)
    characters = f"{_VIDEOS}/characters"
    yield Body("objects, 85 MiB", _filled(start, b"{},", b"{}]}", 85 * _MIB), path=characters)
    jobs = "/openai/v1/video/generations/jobs?api-version=preview"
    yield Body("objects for the jobs API", _filled(start, b"{},", b"{}]}"), path=jobs)
    yield Body("objects for a remix", _filled(start, b"{},", b"{}]}"), path=f"{_VIDEOS}/edits")


def _forms() -> Iterator[Body]:
    yield Body("percents in a form", _filled(b"prompt=", b"%41", b""), _FORM)
    yield Body("fields of a form", _filled(b"", b"&", b""), _FORM)
    yield Body("a form that is no UTF-8", _filled(b"prompt=", b"%ff", b""), _FORM)
    punycode = "multipart/form-data; charset=punycode; boundary=b"
    yield Body("a form in punycode", _text_part(b"9", 400_000), punycode)
    yield Body("a long text in a form", _text_part(b"a", _LARGE), _MULTIPART)
    yield Body("parts", _filled(b"", _part(b"")[:58] + b"\r\n", b""), _MULTIPART)
    yield Body("half boundaries", lambda: _part(b"\r\n--" * (_LARGE // 4), "a.mp4"), _MULTIPART)
    yield Body("a JPEG of fill bytes", _jpeg(b"\xff", 19 * _MIB), _MULTIPART)
    yield Body("a JPEG of stuffed bytes", _jpeg(b"\xff\0", 19 * _MIB), _MULTIPART)
    yield Body("a JPEG of scans", _jpeg(b"\xff\xda\0\x02", 19 * _MIB), _MULTIPART)
    yield Body("a picture in a form", lambda: _part(_picture(), "a.png"), _MULTIPART)
    yield Body("a file of 95 MiB", lambda: _part(bytes(95 * _MIB), "a.mp4"), _MULTIPART)
    yield Body(
        "a compressed body", _filled(b"", b"\0", b"", _MIB), headers={"Content-Encoding": "gzip"}
    )
    spaces = {"Range": "bytes=" + " " * 31_000 + "x"}
    yield Body(
        "a Range of spaces", bytes, path=f"{_VIDEOS}/x/content", headers=spaces, method="GET"
    )


BODIES = (*_json_bodies(), *_forms())


def measure(stack: RunningStack, body: Body) -> Measured:
    """Send one body, and look at the worker meanwhile."""
    worker, content = stack.pids()["worker"], body.make()
    before = rss_mb(worker)
    reset_peak(worker)
    waits, done = [0.0], threading.Event()

    def ask() -> None:
        while not done.is_set():
            begun = time.monotonic()
            stack.anonymous.get("/health").raise_for_status()
            waits.append(time.monotonic() - begun)
            done.wait(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    begun = time.monotonic()
    try:
        status, answer = _send(stack, body, content)
    finally:
        seconds = time.monotonic() - begun
        done.set()
        asking.join()
    raised = (peak_mb(worker) - before) * 1e6 / _MIB
    if status == http.client.OK:  # what it started is not to be measured with the next one
        stack.wait_for(json.loads(answer))
    return Measured(status, len(content), seconds, raised, max(waits))


def _send(stack: RunningStack, body: Body, content: bytes) -> tuple[int, bytes]:
    """By the standard library's client, which sends bytes as they are."""
    address = urlsplit(stack.base_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)
    headers = {"api-key": stack.api_key, "Content-Type": body.content_type, **body.headers}
    try:
        connection.request(body.method, body.path, content, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def main() -> int:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.bodies", description=__doc__)
    parser.add_argument("--only", default="", help="bodies whose name has this in it")
    parser.add_argument("--at-most", type=float, default=64, help="MiB (default: %(default)g)")
    parser.add_argument("--slowest", type=float, default=0.1, help="s (default: %(default)g)")
    given = parser.parse_args()
    missed = 0
    with (
        tempfile.TemporaryDirectory(prefix="dailies-bench-") as directory,
        running_stack(Path(directory)) as stack,
    ):
        stack.wait_for(stack.create("one that warms everything up"))
        print(f"{'':32} {'MiB':>6} {'status':>6} {'s':>6} {'raised':>7} {'/health':>8}")
        for body in BODIES:
            if given.only not in body.name:
                continue
            found = measure(stack, body)
            missed += found.raised > given.at_most or found.slowest > given.slowest
            print(
                f"{body.name:32} {found.bytes / _MIB:6.1f} {found.status:6} {found.seconds:6.2f} "
                f"{found.raised:7.1f} {found.slowest:8.3f}",
                flush=True,
            )
    print(f"goals: at most {given.at_most:g} MiB and {given.slowest:g} s; missed {missed} times")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
