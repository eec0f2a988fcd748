"""Content through the app, where clients can't reach the storage account."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI

from bench.memory import peak_mb, reset_peak, rss_mb
from tests.stack import RunningStack, running_stack

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


MOST_MB = 24
"""Of growth in a process while it passes on a file of any size."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    settings = {"DAILIES_CONTENT_DELIVERY": "stream"}
    with running_stack(tmp_path_factory.mktemp("stack"), settings=settings) as running:
        yield running


def test_the_official_client_downloads_without_reaching_storage(stack: RunningStack) -> None:
    with OpenAI(base_url=f"{stack.base_url}/v1", api_key=stack.api_key) as client:
        video = client.videos.create_and_poll(prompt="a kite over the dunes")
        content = client.videos.download_content(video.id)
    assert not content.response.history
    assert content.content[4:8] == b"ftyp"
    path = f"/v1/videos/{video.id}/content"
    head = stack.api.head(path)
    part = stack.api.get(path, headers={"Range": "bytes=4-7"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(content.content))
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["Content-Range"] == f"bytes 4-7/{len(content.content)}"


def test_a_large_file_does_not_show_in_memory(stack: RunningStack) -> None:
    size = 250_000_000
    video = stack.wait_for(stack.create(f"[sim bytes={size}] a long pier"))
    path = f"/v1/videos/{video['id']}/content"
    pids = [stack.pids()[name] for name in ("host", "worker")]
    before = {pid: rss_mb(pid) for pid in pids}
    for pid in pids:
        reset_peak(pid)
    with stack.api.stream("GET", path) as answer:
        received = sum(len(chunk) for chunk in answer.iter_raw())
    assert (answer.status_code, received) == (200, size)
    growth = {pid: peak_mb(pid) - before[pid] for pid in pids}
    assert max(growth.values()) < MOST_MB, growth


def test_a_caller_that_leaves_early_costs_nobody(stack: RunningStack) -> None:
    video = stack.wait_for(stack.create("[sim bytes=100000000] a short look"))
    path = f"/v1/videos/{video['id']}/content"
    for _ in range(3):
        with stack.api.stream("GET", path) as answer:
            assert next(answer.iter_raw())
    last = stack.api.get(path, headers={"Range": "bytes=-10"})
    assert (last.status_code, len(last.content)) == (206, 10)


def test_a_key_that_is_revoked_ends_its_download(stack: RunningStack) -> None:
    video = stack.wait_for(stack.create("[sim bytes=250000000] a pier that is not yours"))
    path = f"{stack.base_url}/v1/videos/{video['id']}/content"
    operator = {"Authorization": f"Bearer {stack.admin_key}"}
    known = stack.api.get("/v1/admin/keys", headers=operator).json()["data"]
    owner = next(key["owner"] for key in known if not key["operator"])
    issued = stack.api.post("/v1/admin/keys", json={"owner": owner}, headers=operator).json()
    key = {"api-key": issued["key"]}
    with httpx.Client(headers=key, trust_env=False, timeout=60) as client:
        with client.stream("GET", path) as answer:
            assert answer.status_code == 200
            pieces = answer.iter_raw()
            assert next(pieces)
            # Nobody reads on, so the app waits with the rest.
            stack.api.delete(f"/v1/admin/keys/{issued['id']}", headers=operator)
            stack.wait_until(lambda: client.head(path).status_code == 401, what="it is refused")
            with pytest.raises(httpx.TransportError):
                sum(len(piece) for piece in pieces)
            assert answer.num_bytes_downloaded < 250_000_000
        assert client.get(path).json()["error"]["code"] == "api_key_revoked"


def test_an_upload_in_chunks_arrives(stack: RunningStack) -> None:
    body = json.dumps({"prompt": "sent in pieces"}).encode()
    pieces = (body[i : i + 5] for i in range(0, len(body), 5))
    headers = {"Content-Type": "application/json"}
    answer = stack.api.post("/v1/videos", content=pieces, headers=headers)
    assert answer.status_code == 200, answer.text
