"""Links that a provider gives lead to the provider's own hosts, or nowhere."""

from __future__ import annotations

import httpx
import pytest

from dailies.net.downloads import Downloads, UntrustedLink


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/elsewhere":
        return httpx.Response(302, headers={"location": "https://evil.example/v.mp4"})
    if request.url.path == "/plain":
        return httpx.Response(302, headers={"location": "http://api.films.example/v.mp4"})
    if request.url.path == "/moved":
        return httpx.Response(302, headers={"location": "/v.mp4"})
    if request.url.path == "/round":
        return httpx.Response(302, headers={"location": "/round"})
    assert "authorization" not in request.headers
    return httpx.Response(200, content=b"video")


HOSTS = ("api.films.example", ".cdn.example", "files.example")
DOWNLOADS = Downloads(HOSTS, transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    "link",
    [
        "https://files.example/v.mp4",
        "https://eu.cdn.example/v.mp4",
        "https://files.example/moved",
        "https://api.films.example/v.mp4",
    ],
)
async def test_files_come_from_the_providers_hosts(link: str) -> None:
    async with DOWNLOADS.open(link) as response:
        assert await response.aread() == b"video"


@pytest.mark.parametrize(
    "link",
    [
        "http://files.example/v.mp4",
        "https://cdn.example.evil.example/v.mp4",
        "https://evilcdn.example/v.mp4",
        "https://user:secret@files.example/v.mp4",
        "https://169.254.169.254/metadata",
        "https://files.example/elsewhere",
        "https://files.example/round",
        "file:///etc/passwd",
        "https://[",
        "",
        "https://files.example/" + "v" * 9000,
    ],
)
async def test_nothing_is_fetched_from_anywhere_else(link: str) -> None:
    with pytest.raises(UntrustedLink) as caught:
        async with DOWNLOADS.open(link):
            pass
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "link", ["http://api.films.example/v.mp4", "https://api.films.example/plain"]
)
async def test_an_endpoint_that_is_asked_by_https_gives_no_file_by_less(link: str) -> None:
    async with DOWNLOADS.open(link) as response:
        assert await response.aread() == b"video"
        assert str(response.request.url) == "https://api.films.example/v.mp4"


async def test_only_an_endpoint_that_is_asked_by_http_gives_files_by_it() -> None:
    downloads = Downloads(HOSTS, plain=True, transport=httpx.MockTransport(answer))
    async with downloads.open("http://api.films.example/v.mp4") as response:
        assert await response.aread() == b"video"
        assert response.request.url.scheme == "http"
    with pytest.raises(UntrustedLink):
        async with downloads.open("http://files.example/v.mp4"):
            pass


async def test_a_host_of_the_provider_must_have_a_public_address() -> None:
    with pytest.raises(UntrustedLink, match="no public address"):
        async with Downloads(("api.films.example", "localhost")).open("https://localhost/v.mp4"):
            pass
