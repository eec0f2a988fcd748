"""A stack, a finished video on it, and interpreters that run scripts of other people."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.litellm.environment import PYTHON as LITELLM_PYTHON
from local.stack.launch import without_settings
from tests.stack import RunningStack, running_stack

RUNNER = Path(__file__).with_name("runner.py")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack at 60 times real speed, without quotas."""
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def finished(stack: RunningStack) -> str:
    """The id of a finished video."""
    video = stack.wait_for(stack.create("A finished scene", seconds="4"))
    assert video["status"] == "completed", video
    return str(video["id"])


@pytest.fixture(scope="session")
def upstream_finished(stack: RunningStack, finished: str) -> str:
    """The id of its job upstream."""
    return str(stack.jobs("A finished scene")[0]["id"])


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture as a file, of the size that the snippets ask a video of."""
    path = tmp_path_factory.mktemp("pictures") / "image_file_name.jpg"
    Image.new("RGB", (1280, 720), (40, 90, 160)).save(path, "JPEG")
    return path


@pytest.fixture(scope="session")
def image_url(image: Path) -> Iterator[str]:
    """The same picture on a web server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    handler = partial(Quiet, directory=str(image.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{image.name}"
        server.shutdown()


@dataclass(frozen=True)
class Run:
    """How a script ended."""

    status: int
    output: str
    directory: Path


class Interpreter:
    """Runs scripts against a stack; see ``runner.py``."""

    def __init__(self, process: subprocess.Popen[str], stack: RunningStack) -> None:
        self._process = process
        key = {"Authorization": f"Bearer {stack.api_key}"}
        self._unfinished = [
            [f"{stack.base_url}/v1/videos?limit=100", key],
            [f"{stack.simulator_url}/_inspect/jobs", {}],
        ]

    def run(
        self,
        script: Path,
        environment: Mapping[str, str],
        *,
        directory: Path,
        arguments: Sequence[str] = (),
    ) -> Run:
        """Run a script to its end; what it raises is in the output."""
        job = {
            "script": str(script),
            "arguments": list(arguments),
            "directory": str(directory),
            "environment": dict(environment),
            "unfinished": self._unfinished,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(job)}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Run(answer["status"], answer["output"], directory)


@pytest.fixture(scope="session")
def python(stack: RunningStack) -> Iterator[Interpreter]:
    """This interpreter, with the ``openai`` client."""
    yield from _interpreter(sys.executable, stack, "openai", "azure.identity", "requests")


@pytest.fixture(scope="session")
def litellm_python(stack: RunningStack) -> Iterator[Interpreter]:
    """The interpreter that has LiteLLM."""
    if not LITELLM_PYTHON.exists():
        pytest.fail("LiteLLM is not installed: run `make test-clients`")
    yield from _interpreter(str(LITELLM_PYTHON), stack, "litellm")


def _interpreter(python: str, stack: RunningStack, *modules: str) -> Iterator[Interpreter]:
    inherited = {
        name: value
        for name, value in without_settings(os.environ).items()
        if not name.startswith(("OPENAI_", "LITELLM_"))
    }
    process = subprocess.Popen(
        [python, str(RUNNER), *modules],
        env={**inherited, "no_proxy": "*", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Interpreter(process, stack)
        assert process.stdin is not None
        process.stdin.close()
