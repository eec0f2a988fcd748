"""The snippets of Azure's and LiteLLM's documentation run with only endpoint, key, file names and
ids changed.

Those that import LiteLLM need it installed: ``make test-clients``. Azure's variants that sign in
with Entra ID run against the simulated Azure, which takes such tokens; the app takes keys.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Interpreter, Run
from tests.clients.snippets import Places, Snippet, load
from tests.stack import RunningStack

SNIPPETS = load()
PYTHON = [s for s in SNIPPETS if s.language == "python"]
CURL = [s for s in SNIPPETS if s.language == "bash"]
ENTRA = "Microsoft Entra ID"

# What the output holds at the end, by the titles; the first that matches counts.
EXPECTED = (
    (r"remix", r"remixed_from_video_id='video_|ID: video_"),
    (r"Async, (?!usage)|Async,", r"Video successfully completed:  Video\("),
    (r"poll job status", r"Video successfully completed!\nVideo\(id='video_"),
    (r"^Download video", r"Saved video.mp4"),
    (r"videos.create|reference source", r"Video generation started: Video\(id='video_"),
    (r"complete workflow example", r"Remix started. ID: video_"),
    (r"complete workflow", r"Video ID: video_"),
    (r"download video content", r"Video downloaded successfully!"),
    (r"content retrieval|error handling|optional parameters", r"^(?!.*failed)"),
    (r"status checking", r"Status: completed"),
    (r"client, (video gen|remix)", r"Status: (queued|in_progress)"),
    (r"quick start|async usage", r"Current Status: completed"),
    (r".", r"Video ID: video_"),
)
SAVES = r"^Download|workflow|download|content retrieval|Basic usage|Quick start|Async usage"
HAS_REFERENCE = r"(?i)reference"


def _parameters(snippets: list[Snippet]) -> list[Any]:
    return [
        pytest.param(s, id=s.name, marks=[pytest.mark.litellm] if s.needs_litellm else [])
        for s in snippets
    ]


@pytest.fixture
def places(stack: RunningStack, finished: str, image: Path, image_url: str) -> Places:
    """The app, a key of its, and files."""
    return Places(stack.base_url, stack.api_key, finished, image, image_url)


@pytest.mark.parametrize("snippet", _parameters(PYTHON))
def test_python(
    snippet: Snippet,
    request: pytest.FixtureRequest,
    stack: RunningStack,
    places: Places,
    tmp_path: Path,
) -> None:
    environment = _environment(stack, snippet)
    if ENTRA in snippet.title:
        upstream = request.getfixturevalue("upstream_finished")
        places = Places(stack.simulator_url, "", upstream, places.image, places.image_url)
    script = tmp_path / "snippet.py"
    script.write_text(snippet.at(places), encoding="utf-8")
    before = len(stack.jobs())
    name = "litellm_python" if snippet.needs_litellm else "python"
    interpreter: Interpreter = request.getfixturevalue(name)
    run = interpreter.run(script, environment, directory=tmp_path)
    assert run.status == 0, run.output
    assert re.search(_expected(snippet), run.output, re.DOTALL), run.output
    if re.search(SAVES, snippet.title):
        _check_film(run)
    if re.search(HAS_REFERENCE, snippet.title) and "remix" not in snippet.title.lower():
        _check_reference(stack, before)


# The local stack itself needs neither.
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="no curl or bash")
@pytest.mark.parametrize("snippet", _parameters(CURL))
def test_curl(snippet: Snippet, places: Places, tmp_path: Path) -> None:
    run = _shell(snippet.at(places), tmp_path)
    assert run.status == 0, run.output
    if "--output" in snippet.code:
        _check_film(run)
        return
    documents = _documents(run.output)
    assert len(documents) == snippet.code.count("curl ")
    for document in documents:
        if document["object"] == "list":
            assert document["data"], "a finished video is there at least"
            continue
        assert document["object"] == "video"
        assert document["status"] in ("queued", "in_progress", "completed")
        if "remix" in snippet.title:
            assert document["remixed_from_video_id"] == places.video


def test_every_page_is_read() -> None:
    pages = {snippet.page: 0 for snippet in SNIPPETS}
    for snippet in SNIPPETS:
        pages[snippet.page] += 1
    assert pages == {
        "azure-sora-2": 21,
        "litellm-azure": 6,
        "litellm-openai": 12,
        "litellm-videos": 22,
    }


def _environment(stack: RunningStack, snippet: Snippet) -> Mapping[str, str]:
    """What a reader would have set before: the endpoint and the key where a snippet takes them from
    the environment, and for Entra ID what App Service sets."""
    azure = {"AZURE_OPENAI_API_KEY": stack.api_key}
    if snippet.needs_litellm:
        # LiteLLM's page says AZURE_OPENAI_API_BASE, which LiteLLM does not read.
        return {
            **azure,
            "AZURE_API_BASE": stack.base_url,
            "OPENAI_API_KEY": stack.api_key,
        }
    if ENTRA in snippet.title:
        keys = json.loads((stack.process.state_dir / "keys.json").read_text(encoding="utf-8"))
        return {
            "IDENTITY_ENDPOINT": f"{stack.simulator_url}/identity/token",
            "IDENTITY_HEADER": keys["identity_header"],
        }
    return {
        **azure,
        "OPENAI_BASE_URL": f"{stack.base_url}/openai/v1/",
        "OPENAI_API_KEY": stack.api_key,
    }


def _expected(snippet: Snippet) -> str:
    return next(text for title, text in EXPECTED if re.search(title, snippet.title, re.IGNORECASE))


def _shell(code: str, directory: Path) -> Run:
    """Run a curl command as it stands; its own configuration file makes an error answer fail."""
    bash = str(shutil.which("bash"))
    (directory / ".curlrc").write_text('fail-with-body\nsilent\nshow-error\nnoproxy = "*"\n')
    done = subprocess.run(
        [bash, "-e", "-c", code],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "CURL_HOME": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return Run(done.returncode, done.stdout, directory)


def _documents(text: str) -> list[dict[str, Any]]:
    """JSON documents, one after the other."""
    found: list[dict[str, Any]] = []
    decoder = json.JSONDecoder()
    while text := text.strip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def _check_film(run: Run) -> None:
    films = list(run.directory.glob("*.mp4"))
    assert len(films) == 1, run.output
    assert films[0].read_bytes()[4:8] == b"ftyp"


def _check_reference(stack: RunningStack, before: int) -> None:
    """The picture came to the upstream job, in the size of the video."""

    def arrived() -> dict[str, Any] | None:
        return next((job for job in stack.jobs()[before:] if job["reference"]), None)

    job = stack.wait_until(arrived, within=30, what="the picture is upstream")
    width, height = job["size"].split("x")
    assert (job["reference"]["width"], job["reference"]["height"]) == (int(width), int(height))
