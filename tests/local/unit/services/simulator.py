"""The services in this process: a clock that stands still, files made in no time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from local.services.app import Services, build
from local.services.media.encode import MediaFiles
from local.services.media.spec import VideoSpec
from local.services.settings import Options, Settings

SECRET = "identity-secret"
API_KEY = "sora-key"
VIDEOS = "/openai/v1/videos"
JOBS = "/openai/v1/video/generations/jobs"
START = 1_800_000_000.0


@functools.cache
def _token_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Simulator:
    """``speed`` simulated seconds a second; nothing passes until ``wait`` says so."""

    def __init__(
        self,
        directory: Path,
        *,
        speed: float = 1.0,
        subscriber: Callable[[httpx.Request], httpx.Response] | None = None,
        **settings: Any,
    ) -> None:
        self.time = START
        self.encoded: list[VideoSpec] = []
        self._subscriber = subscriber or (lambda request: httpx.Response(503))
        self._options = Options(
            port=0,
            tls_port=0,
            tls_cert=directory / "cert.pem",
            tls_key=directory / "key.pem",
            state_dir=directory / "state",
            speed=speed,
            identity_header=SECRET,
            settings=Settings(**settings),
            sora_api_key=API_KEY,
        )
        self._options.state_dir.mkdir(parents=True)
        # Made once: a key takes as long as many tests do.
        (self._options.state_dir / "token-key.pem").write_bytes(_token_key())
        self.services = self._build()
        self.http = self._client()

    async def restart(self) -> None:
        """End and begin again on the same state."""
        await self.close()
        self.services = self._build()
        self.http = self._client()
        self.services.start()

    async def close(self) -> None:
        """End."""
        await self.http.aclose()
        await self.services.close()

    def wait(self, seconds: float) -> None:
        """Let real seconds pass."""
        self.time += seconds

    async def make(self, prompt: str, **fields: Any) -> dict[str, Any]:
        """Create a Sora 2 video, and have its files written."""
        body = {"model": "sora-2", "prompt": prompt, **fields}
        answer = await self.http.post(VIDEOS, json=body)
        assert answer.status_code == 200, answer.text
        await self.services.library.wait_until_idle()
        video: dict[str, Any] = answer.json()
        return video

    async def show(self, video_id: str) -> dict[str, Any]:
        """The video as it is now."""
        answer = await self.http.get(f"{VIDEOS}/{video_id}")
        assert answer.status_code == 200, answer.text
        video: dict[str, Any] = answer.json()
        return video

    async def token(self, resource: str, **query: str) -> str:
        """A token for a resource."""
        answer = await self.http.get(
            "/identity/token",
            params={"resource": resource, "api-version": "2019-08-01", **query},
            headers={"X-IDENTITY-HEADER": SECRET},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def _build(self) -> Services:
        return build(
            self._options,
            now=lambda: self.time,
            subscriber_client=lambda: httpx.AsyncClient(
                transport=httpx.MockTransport(self._subscriber)
            ),
            encoder=self._encode,
        )

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.services.app),
            base_url="http://127.0.0.1",
            headers={"api-key": API_KEY},
        )

    def _encode(
        self,
        spec: VideoSpec,
        files: MediaFiles,
        find: Callable[[str], Path],
        cancelled: Callable[[], bool],
    ) -> None:
        self.encoded.append(spec)
        files.thumbnail.write_bytes(b"thumbnail")
        files.spritesheet.write_bytes(b"spritesheet")
        files.video.write_bytes(b"0123456789" * 10)
