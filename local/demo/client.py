"""The calls that the demo makes, as any client of the app would."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient, ContentSettings

from local.stack.ready import StackInfo

__all__ = ["DemoClient", "DemoError", "Download"]


class DemoError(Exception):
    """The demo can't go on; the message says why."""


@dataclass(frozen=True)
class Download:
    """A file that was fetched, and what it is."""

    path: Path
    bytes: int
    sha256: str


class DemoClient:
    """HTTP to the app and the simulator, and the storage account."""

    def __init__(self, info: StackInfo) -> None:
        # No proxy and no .netrc of the user's: all of it is on this machine.
        self._api = httpx.Client(
            base_url=info.base_url,
            headers={"Authorization": f"Bearer {info.api_key}"},
            timeout=30,
            follow_redirects=True,  # content answers with a link into storage
            trust_env=False,
        )
        self._simulator = httpx.Client(base_url=info.simulator_url, timeout=30, trust_env=False)
        self._blobs = BlobServiceClient.from_connection_string(info.storage_connection_string)

    def create(self, prompt: str, *, model: str, seconds: str, size: str) -> dict[str, Any]:
        """``POST /v1/videos``; the video object."""
        body = {"model": model, "prompt": prompt, "seconds": seconds, "size": size}
        return self._json(self._api.post("/v1/videos", json=body))

    def video(self, video_id: str) -> dict[str, Any]:
        """``GET /v1/videos/{id}``; the video object."""
        return self._json(self._api.get(f"/v1/videos/{video_id}"))

    def drop(self, name: str, image: bytes, prompt: str, *, model: str) -> None:
        """Put ``image`` into the container ``references``, with prompt and model as metadata."""
        blob = self._blobs.get_blob_client("references", name)
        try:
            blob.upload_blob(
                image,
                overwrite=True,
                metadata={"prompt": prompt, "model": model},
                content_settings=ContentSettings(content_type="image/png"),
            )
        except AzureError as error:
            raise DemoError(f"can't put {name} into the container references: {error}") from error

    def events(self) -> list[dict[str, Any]]:
        """The CloudEvents that the topic has taken, in order."""
        answer = self._simulator.get("/_inspect/events")
        if answer.status_code != httpx.codes.OK:
            raise DemoError(f"GET /_inspect/events: {answer.status_code} {answer.text[:300]}")
        listed = answer.json()
        return [entry["event"] for entry in listed]

    def download(self, video_id: str, variant: str, path: Path) -> Download:
        """``GET /v1/videos/{id}/content``, streamed into ``path``."""
        url = f"/v1/videos/{video_id}/content"
        digest, size = hashlib.sha256(), 0
        with self._api.stream("GET", url, params={"variant": variant}) as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                raise DemoError(f"GET {url}: {answer.status_code} {answer.text[:300]}")
            with path.open("wb") as file:
                for chunk in answer.iter_bytes():
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
        return Download(path=path, bytes=size, sha256=digest.hexdigest())

    def manifest(self, video_id: str) -> bytes:
        """The blob ``{id}/manifest.json`` in the container ``videos``."""
        blob = self._blobs.get_blob_client("videos", f"{video_id}/manifest.json")
        try:
            return blob.download_blob().readall()
        except AzureError as error:
            raise DemoError(f"{video_id} has no manifest: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()
        self._simulator.close()
        self._blobs.close()

    @staticmethod
    def _json(answer: httpx.Response) -> dict[str, Any]:
        if not answer.is_success:
            request = answer.request
            raise DemoError(
                f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:300]}"
            )
        body = answer.json()
        if not isinstance(body, dict):
            raise DemoError(f"{answer.request.url.path} answered no object: {answer.text[:300]}")
        return body
