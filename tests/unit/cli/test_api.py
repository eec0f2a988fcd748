"""How the command line calls the app: patiently, and never twice for one order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from dailies_cli.api import Api
from dailies_cli.failures import Failure
from dailies_cli.place import Place


class App:
    """An app that answers as it is told, one answer after the other."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def api(self) -> Api:
        place = Place("https://app.example", "key", "key")
        return Api(place, transport=httpx.MockTransport(self), sleep=self.pauses.append)


def test_what_passes_is_tried_again_as_the_same_order(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"picture")
    app = App(
        httpx.ConnectError("refused"),
        httpx.Response(429, headers={"retry-after": "7"}),
        httpx.Response(503),
        httpx.Response(200, json={"id": "video_1"}),
    )
    with app.api() as api:
        made = api.post_form("/v1/videos", {"prompt": "p"}, {"input_reference": image})
    assert made == {"id": "video_1"}
    assert len({request.headers["idempotency-key"] for request in app.requests}) == 1
    assert all(b"picture" in request.content for request in app.requests)
    assert app.pauses[1] >= 7


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400),
        httpx.Response(404),
        httpx.Response(429, headers={"x-should-retry": "false"}),
        httpx.Response(429, headers={"retry-after": "86400"}),
    ],
)
def test_what_does_not_pass_is_told_at_once(answer: httpx.Response) -> None:
    app = App(answer)
    with app.api() as api, pytest.raises(Failure, match=str(answer.status_code)):
        api.get("/v1/videos")
    assert app.pauses == []


@pytest.mark.parametrize(
    ("error", "attempts"), [(httpx.ConnectError("refused"), 3), (httpx.ReadError("cut"), 6)]
)
def test_an_app_that_never_answers_is_given_up(error: Exception, attempts: int) -> None:
    app = App(*[error] * 9)
    with app.api() as api, pytest.raises(Failure, match="does not answer"):
        api.get("/v1/videos")
    assert len(app.requests) == attempts


def test_the_app_s_words_are_shown_and_what_tells_the_request() -> None:
    error = {"message": "Use 5.", "code": "invalid_value", "param": "seconds", "type": "x"}
    app = App(httpx.Response(400, json={"error": error}, headers={"x-request-id": "r1"}))
    with app.api() as api, pytest.raises(Failure) as failed:
        api.get("/v1/videos")
    assert str(failed.value) == "Use 5. (field seconds, invalid_value, request r1)"


@pytest.mark.parametrize("body", ["<html>", "[1]", ""])
def test_what_is_no_answer_of_the_app_is_said_so(body: str) -> None:
    app = App(httpx.Response(200, text=body))
    with app.api() as api, pytest.raises(Failure, match="DAILIES_URL"):
        api.get("/v1/videos")


def test_a_list_is_read_from_page_to_page() -> None:
    app = App(
        httpx.Response(200, json={"data": [{"id": "1"}], "last_id": "1", "has_more": True}),
        httpx.Response(200, json={"data": [{"id": "2"}], "last_id": "2", "has_more": False}),
    )
    with app.api() as api:
        assert [each["id"] for each in api.pages("/v1/videos", limit=50)] == ["1", "2"]
    assert app.requests[1].url.params["after"] == "1"


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise httpx.ReadError("cut")

    app = App(httpx.Response(200, content=broken()), httpx.Response(200, content=b"whole"))
    target = tmp_path / "v.mp4"
    with app.api() as api:
        with pytest.raises(Failure, match="broke off"):
            api.download("/v1/videos/1/content", target, lambda done, total: None)
        assert list(tmp_path.iterdir()) == []
        api.download("/v1/videos/1/content", target, lambda done, total: None)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("v.mp4", b"whole")]


def test_two_downloads_to_one_place_leave_one_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "v.mp4"

    def slow() -> Iterator[bytes]:
        yield b"the first"
        with other.api() as api:
            api.download("/v1/videos/1/content", target, lambda done, total: None)
        yield b" is longer"

    app = App(httpx.Response(200, content=slow()))
    other = App(httpx.Response(200, content=b"another"))
    with app.api() as api:
        api.download("/v1/videos/1/content", target, lambda done, total: None)
    found = [(path.name, path.read_bytes()) for path in tmp_path.iterdir()]
    assert found == [("v.mp4", b"the first is longer")]


def test_what_a_delete_whose_answer_was_lost_has_deleted_is_deleted() -> None:
    gone = httpx.Response(404, json={"error": {"message": "was deleted", "code": "video_deleted"}})
    app = App(httpx.Response(503), gone)
    with app.api() as api:
        assert api.delete("/v1/videos/1") == {}
    with App(gone).api() as api, pytest.raises(Failure, match="was deleted"):
        api.delete("/v1/videos/1")
    none = httpx.Response(404, json={"error": {"message": "no key", "code": "key_not_found"}})
    with App(httpx.Response(503), none).api() as api, pytest.raises(Failure, match="no key"):
        api.delete("/v1/admin/keys/1")


@pytest.mark.parametrize(
    ("errors", "may_be_done"),
    [
        ([httpx.ReadError("cut")] * 6, True),
        ([httpx.ReadError("cut"), *[httpx.ConnectError("refused")] * 2], True),
        ([httpx.ConnectError("refused")] * 3, False),
    ],
)
def test_an_order_whose_answer_never_came_may_have_been_taken(
    errors: list[Exception], *, may_be_done: bool
) -> None:
    with App(*errors).api() as api, pytest.raises(Failure) as failed:
        api.post("/v1/videos", {"prompt": "a pier"})
    assert ("may have been done" in str(failed.value)) is may_be_done
    with App(*errors).api() as api, pytest.raises(Failure) as failed:
        api.get("/v1/videos")
    assert "may have been done" not in str(failed.value)
