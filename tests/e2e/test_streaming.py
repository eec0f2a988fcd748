"""Content through the app, where clients can't reach the storage account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.stack import RunningStack, running_stack

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    settings = {"DAILIES_CONTENT_DELIVERY": "stream", "DAILIES_STREAM_ANSWER_BYTES": "1048576"}
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


def test_a_large_file_comes_in_ranges(stack: RunningStack) -> None:
    video = stack.wait_for(stack.create("[sim bytes=3000000] a long pier"))
    path = f"/v1/videos/{video['id']}/content"
    whole = stack.api.get(path)
    assert (whole.status_code, whole.json()["error"]["code"]) == (400, "range_required")
    fetched = b""
    while len(fetched) < 3_000_000:
        part = stack.api.get(path, headers={"Range": f"bytes={len(fetched)}-"})
        assert part.status_code == 206
        assert part.headers["Content-Range"].startswith(f"bytes {len(fetched)}-")
        fetched += part.content
    assert len(fetched) == 3_000_000
