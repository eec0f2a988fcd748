"""The files of Google Omni: where they are fetched, and with what."""

from __future__ import annotations

import base64

import httpx
import pytest
from pydantic import ValidationError

from dailies.providers.google_omni import OmniOptions
from dailies.providers.outcomes import Kind, Outcome
from dailies.video.basics import Variant
from dailies.video.errors import IntegrityError
from tests.unit.providers.conftest import Upstream
from tests.unit.providers.omni_wire import (
    CLOUD,
    DEVELOPER,
    MP4,
    adapter,
    completed,
    file,
    read,
    rpc,
    video,
)

# -- files


@pytest.mark.parametrize(
    "uri",
    [
        f"{DEVELOPER}/v1beta/files/abc-1:download?alt=media",
        f"{DEVELOPER}/v1beta/files/abc-1",
        "https://elsewhere.example/v1beta/files/abc-1:download?alt=media",
    ],
)
async def test_a_file_comes_from_our_own_endpoint_with_the_key(
    upstream: Upstream, uri: str
) -> None:
    upstream.says(httpx.Response(200, json=completed(video(uri=uri))), file())

    assert await read(upstream) == MP4
    assert str(upstream.last.url) == f"{DEVELOPER}/v1beta/files/abc-1:download?alt=media"
    assert upstream.last.headers["x-goog-api-key"] == "the-key"


async def test_a_redirect_within_the_endpoint_keeps_the_key(upstream: Upstream) -> None:
    place = "/download/v1beta/files/abc:download?alt=media"
    upstream.says(
        httpx.Response(200, json=completed(video(uri=f"{DEVELOPER}/v1beta/files/abc"))),
        httpx.Response(302, headers={"location": place}),
        file(),
    )

    assert await read(upstream) == MP4
    assert str(upstream.last.url) == f"{DEVELOPER}{place}"
    assert upstream.last.headers["x-goog-api-key"] == "the-key"


@pytest.mark.parametrize(
    "place", ["https://x1.googleusercontent.com/file?sig=1", f"{DEVELOPER}:8443/v.mp4"]
)
async def test_one_to_another_place_of_google_loses_it(upstream: Upstream, place: str) -> None:
    upstream.says(
        httpx.Response(200, json=completed(video(uri=f"{DEVELOPER}/v1beta/files/abc"))),
        httpx.Response(302, headers={"location": place}),
        file(),
    )

    assert await read(upstream) == MP4
    assert str(upstream.last.url) == place
    assert "x-goog-api-key" not in upstream.last.headers


@pytest.mark.parametrize(
    "place", ["https://elsewhere.example/v.mp4", "http://x1.googleusercontent.com/v.mp4"]
)
async def test_one_to_anywhere_else_is_not_followed(upstream: Upstream, place: str) -> None:
    upstream.says(
        httpx.Response(200, json=completed(video(uri=f"{DEVELOPER}/v1beta/files/abc"))),
        httpx.Response(302, headers={"location": place}),
        file(),
    )

    found = await read(upstream)

    assert isinstance(found, Outcome)
    assert found.code == "untrusted_link"
    assert len(upstream.requests) == 2


async def test_redirects_come_to_an_end(upstream: Upstream) -> None:
    upstream.says(
        httpx.Response(200, json=completed(video(uri=f"{DEVELOPER}/v1beta/files/abc"))),
        httpx.Response(302, headers={"location": "/again"}),
    )

    found = await read(upstream)

    assert isinstance(found, Outcome)
    assert len(upstream.requests) < 12


async def test_a_file_in_the_bucket_comes_with_googles_token(upstream: Upstream) -> None:
    uri = "gs://dailies/videos/video_1/sample 0.mp4"
    upstream.says(httpx.Response(200, json=completed(video(uri=uri))), file())

    assert await read(upstream, **CLOUD) == MP4
    assert str(upstream.last.url) == (
        "https://storage.googleapis.com/storage/v1/b/dailies/o/"
        "videos%2Fvideo_1%2Fsample%200.mp4?alt=media"
    )
    assert upstream.last.headers["authorization"] == "Bearer the-key"


@pytest.mark.parametrize("uri", ["gs://other/video_1/a.mp4", "gs://dailies/videos-2/a.mp4"])
async def test_a_file_in_another_place_is_not_fetched(upstream: Upstream, uri: str) -> None:
    upstream.says(httpx.Response(200, json=completed(video(uri=uri))), file())

    found = await read(upstream, **CLOUD)

    assert isinstance(found, Outcome)
    assert (found.kind, found.code) == (Kind.UNKNOWN, "untrusted_link")
    assert len(upstream.requests) == 1


async def test_a_file_within_the_answer(upstream: Upstream) -> None:
    data = base64.b64encode(MP4).decode()
    upstream.says(httpx.Response(200, json=completed(video(data=data))))

    assert await read(upstream) == MP4


async def test_one_that_is_no_base64_is_a_broken_file(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=completed(video(data="A!AA"))))

    with pytest.raises(IntegrityError):
        await read(upstream)


@pytest.mark.parametrize(
    ("answers", "kind", "code"),
    [
        ([httpx.Response(200, json=completed())], Kind.MISSING, "content_not_found"),
        (
            [
                httpx.Response(200, json=completed(video(uri=f"{DEVELOPER}/v1beta/files/abc"))),
                rpc(404, "NOT_FOUND", "Requested entity was not found."),
            ],
            Kind.MISSING,
            "content_not_found",
        ),
        (
            [httpx.Response(200, json=completed(video(uri="https://x.example/v.mp4")))],
            Kind.UNKNOWN,
            "untrusted_link",
        ),
        ([httpx.Response(503)], Kind.TRANSIENT, "provider_error"),
    ],
)
async def test_files_that_are_not_to_be_had(
    upstream: Upstream, answers: list[httpx.Response], kind: Kind, code: str
) -> None:
    upstream.says(*answers)

    found = await read(upstream)

    assert isinstance(found, Outcome)
    assert (found.kind, found.code) == (kind, code)


async def test_it_has_the_video_alone(upstream: Upstream) -> None:
    async with adapter(upstream).open_content("v1_abc", Variant.THUMBNAIL) as content:
        assert isinstance(content, Outcome)
        assert content.kind is Kind.MISSING


# -- options


@pytest.mark.parametrize("name", ["project", "gcs_prefix", "subject_scope"])
def test_what_google_cloud_needs(name: str) -> None:
    given = {key: value for key, value in CLOUD.items() if key != name}
    with pytest.raises(ValidationError, match=name) as caught:
        OmniOptions.model_validate(given)
    assert [error["type"] for error in caught.value.errors()] == ["missing"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("gcs_prefix", "dailies"), ("gcs_prefix", "gs://b/x?y"), ("location", "a/b")],
)
def test_options_that_can_not_be_meant(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        OmniOptions.model_validate(CLOUD | {name: value})
