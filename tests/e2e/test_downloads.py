"""The documented downloads, and what the storage account that they are led to gets to see."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.documents import following_downloads
from tests.stack import RunningStack


class Relay:
    """A server that passes requests on, notes their headers, and can lead a redirect elsewhere."""

    def __init__(self, name: str, target: str, leads_to: Relay | None = None) -> None:
        self.seen: list[dict[str, str]] = []
        self._client = httpx.Client(base_url=target, trust_env=False)
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                relay.seen.append({n.lower(): v for n, v in self.headers.items()})
                own = {n: v for n, v in self.headers.items() if n.lower() != "host"}
                answer = relay._client.request(self.command, self.path, headers=own)
                self.send_response(answer.status_code)
                for header, value in answer.headers.items():
                    if header in ("content-type", "content-length"):
                        self.send_header(header, value)
                if location := answer.headers.get("location"):
                    assert leads_to is not None
                    at = urlsplit(location)
                    self.send_header("Location", f"{leads_to.url}{at.path}?{at.query}")
                self.end_headers()
                self.wfile.write(answer.content)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the test looks at what was seen."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://{name}:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator[Relay]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
            self._client.close()


@pytest.fixture(scope="module")
def video(stack: RunningStack) -> str:
    return str(stack.wait_for(stack.create("a download"))["id"])


@pytest.mark.parametrize("command", [command for _, command in following_downloads()])
def test_storage_is_asked_without_the_callers_key(
    stack: RunningStack, video: str, tmp_path: Path, command: str
) -> None:
    account = urlsplit(stack.blobs.url)
    # Names of two hosts, as in Azure, for a curl that does not tell ports apart.
    with (
        Relay("localhost", f"{account.scheme}://{account.netloc}").running() as storage,
        Relay("127.0.0.1", stack.base_url, storage).running() as app,
    ):
        key = stack.api_key
        names = {"DAILIES_URL": app.url, "url": app.url, "ID": video, "id": video}
        done = subprocess.run(
            ["bash", "-euc", command.replace("http://127.0.0.1:7071", app.url)],
            cwd=tmp_path,
            env={**os.environ, **names, "KEY": key, "DAILIES_KEY": key, "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert any(key in value for value in app.seen[0].values())
    assert storage.seen
    for headers in storage.seen:
        assert not any(key in value for value in headers.values()), headers
