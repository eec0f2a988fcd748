"""Keys that are issued, used by the official client, limited, rotated and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.stack import RunningStack

# Newer clients mark every method, since OpenAI's own service closed.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


def _admin(stack: RunningStack, method: str, path: str = "", **json: Any) -> Any:
    headers = {"Authorization": f"Bearer {stack.admin_key}"}
    answer = stack.api.request(method, f"/v1/admin/keys{path}", json=json, headers=headers)
    assert answer.is_success, f"{answer.status_code} {answer.text}"
    return answer.json()


def _client(stack: RunningStack, key: str) -> OpenAI:
    return OpenAI(base_url=f"{stack.base_url}/v1", api_key=key, max_retries=0)


@pytest.fixture
def issued(stack: RunningStack) -> Iterator[Any]:
    """A key of an owner who has no other, for one model only."""
    key = _admin(stack, "POST", owner="studio", limits={"models": ["sora-2"]})
    yield key
    _admin(stack, "DELETE", f"/{key['id']}")


def test_the_official_client_makes_a_video_with_an_issued_key(
    stack: RunningStack, issued: Any
) -> None:
    with _client(stack, issued["key"]) as client:
        video = client.videos.create_and_poll(prompt="a key under the mat", seconds="4")
        assert video.status == "completed"
        assert client.videos.download_content(video.id).content[4:8] == b"ftyp"
        assert [model.id for model in client.models.list()] == ["sora-2"]
        with pytest.raises(openai.PermissionDeniedError) as refused:
            client.videos.create(prompt="a dearer one", model="sora-2-pro")
    assert refused.value.code == "model_not_allowed"
    assert stack.api.get(f"/v1/videos/{video.id}").status_code == 404


def test_a_rotated_key_has_two_secrets_until_the_older_ends(
    stack: RunningStack, issued: Any
) -> None:
    path = f"/{issued['id']}"
    rotated = _admin(stack, "POST", f"{path}/rotate")
    for secret in (issued["key"], rotated["key"]):
        with _client(stack, secret) as client:
            assert client.videos.list().data is not None
    last = _admin(stack, "POST", f"{path}/rotate", overlap_seconds=0)
    for secret in (issued["key"], rotated["key"]):
        with _client(stack, secret) as client, pytest.raises(openai.AuthenticationError):
            client.videos.list()
    _admin(stack, "DELETE", path)
    with _client(stack, last["key"]) as client, pytest.raises(openai.AuthenticationError) as told:
        client.videos.list()
    assert told.value.code == "api_key_revoked"
