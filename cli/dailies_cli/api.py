"""Calls of the app's HTTP API, with its errors as people read them."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx

from dailies_cli.failures import Failure
from dailies_cli.place import Place

__all__ = ["Api"]

_ATTEMPTS = 6
_CONNECT_ATTEMPTS = 3
"""Where nobody is there, a person is not kept waiting."""
_LONGEST_PAUSE = 60.0
_TIMEOUT = httpx.Timeout(30, read=90)
_CHUNK = 1024 * 1024
_DELETED = "video_deleted"

Json = dict[str, Any]


class Api:
    """The app, as its callers see it. What may pass by itself is tried again, with the same
    ``Idempotency-Key``: so nothing is ordered twice."""

    def __init__(
        self,
        place: Place,
        *,
        operator: bool = False,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        key = place.operator_key if operator else place.key
        self.place = place
        self._sleep = sleep
        self._client = httpx.Client(
            base_url=place.url,
            headers={"Authorization": f"Bearer {key}", "User-Agent": "dailies-cli"},
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=not place.is_here,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Json:
        """The answer to a GET; parameters that are None are left out."""
        return _json(self._send("GET", path, params=_without_none(query)))

    def text(self, path: str, **query: Any) -> str:
        """The same where the answer is no JSON."""
        return self._send("GET", path, params=_without_none(query)).text

    def post(self, path: str, body: Json | None = None, **query: Any) -> Json:
        """The answer to a POST."""
        return _json(self._send("POST", path, json=body or {}, params=_without_none(query)))

    def put(self, path: str, body: Json, **query: Any) -> Json:
        """The answer to a PUT."""
        return _json(self._send("PUT", path, json=body, params=_without_none(query)))

    def patch(self, path: str, body: Json) -> Json:
        """The answer to a PATCH."""
        return _json(self._send("PATCH", path, json=body))

    def delete(self, path: str, **query: Any) -> Json:
        """The answer to a DELETE; empty where there is none."""
        answer = self._send("DELETE", path, params=_without_none(query))
        return _json(answer) if answer.is_success and answer.content else {}

    def post_form(
        self, path: str, fields: Mapping[str, str], files: Mapping[str, Path], **query: Any
    ) -> Json:
        """Send a form with files, which are read from the disk as they are sent."""

        return self.post_files(path, fields, list(files.items()), **query)

    def post_files(
        self, path: str, fields: Mapping[str, str], files: Sequence[tuple[str, Path]], **query: Any
    ) -> Json:
        """The same, with fields that have several files."""

        def send() -> httpx.Response:
            with ExitStack() as opened:
                parts = [
                    (name, (file.name, opened.enter_context(_open(file)))) for name, file in files
                ]
                return self._client.post(
                    path,
                    data=dict(fields),
                    files=parts,
                    headers=headers,
                    params=_without_none(query),
                )

        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return _json(self._patiently(send))

    def pages(self, path: str, *, limit: int, **query: Any) -> Iterator[Json]:
        """The entries of a list, from page to page, at most ``limit``."""
        after: str | None = None
        left = limit
        while left > 0:
            page = self.get(path, limit=min(left, 100), after=after, **query)
            yield from page["data"]
            left -= len(page["data"])
            after = page.get("last_id", page.get("after"))
            if not page.get("has_more") or after is None:
                return

    def download(self, path: str, target: Path, moved: Callable[[int, int | None], None]) -> int:
        """Fetch a file; it is there whole or not at all. Gives its length in bytes.

        ``moved`` is told the bytes so far, and how many there are, where that is known.
        """
        # Of its own: a second download to the same place must not write into this one.
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        # Where the app redirects to storage, that takes no key of ours: httpx drops it for another
        # host, as it must.
        try:
            with self._client.stream("GET", path, follow_redirects=True) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer)
                length = answer.headers.get("content-length")
                total = int(length) if length else None
                done = 0
                with part.open("wb") as file:
                    for chunk in answer.iter_bytes(_CHUNK):
                        file.write(chunk)
                        done += len(chunk)
                        moved(done, total)
            os.replace(part, target)
        except httpx.TransportError as error:
            raise Failure(f"The download broke off ({_said(error)}). Run it again.") from None
        except OSError as error:
            raise Failure(f"Can't write {target}: {error.strerror}.") from None
        finally:
            part.unlink(missing_ok=True)
        return done

    def _send(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        return self._patiently(lambda: self._client.request(method, path, headers=headers, **given))

    def _patiently(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        may_be_done = False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = send()
            except httpx.TransportError as error:
                nobody = isinstance(error, httpx.ConnectError)
                may_be_done |= not nobody and error.request.method != "GET"
                if attempt >= (_CONNECT_ATTEMPTS if nobody else _ATTEMPTS):
                    told = " It may have been done all the same: look before you ask again."
                    raise Failure(self._unreachable(error) + told * may_be_done) from None
                self._sleep(_pause(attempt))
                continue
            is_deletion = answer.request.method == "DELETE" and attempt > 1
            # Else an earlier try has deleted it, and its answer was lost.
            if answer.is_success or (is_deletion and _error_of(answer).get("code") == _DELETED):
                return answer
            after = _retry_after(answer)
            may = answer.status_code in (408, 429, 502, 503, 504)
            if not may or attempt == _ATTEMPTS or after > _LONGEST_PAUSE or _is_final(answer):
                raise _refusal(answer)
            self._sleep(max(after, _pause(attempt)))
        raise AssertionError  # the last attempt returns or raises

    def _unreachable(self, error: httpx.TransportError) -> str:
        hint = (
            f"{self.place.from_stack} says that a stack runs there: is it still running? "
            "`make start` starts one."
            if self.place.from_stack is not None
            else "Check DAILIES_URL and your network."
        )
        return f"{self.place.url} does not answer ({_said(error)}). {hint}"


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _open(file: Path) -> Any:
    try:
        return file.open("rb")
    except OSError as error:
        raise Failure(f"Can't read {file}: {error.strerror}.") from None


def _without_none(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _pause(attempt: int) -> float:
    return float(min(0.5 * 2**attempt, 20.0) * random.uniform(0.7, 1.3))  # noqa: S311 - no secret


def _retry_after(answer: httpx.Response) -> float:
    """Seconds after which the app wants to be asked again; 0 where it says nothing."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() else 0.0


def _is_final(answer: httpx.Response) -> bool:
    return bool(answer.headers.get("x-should-retry") == "false")


def _json(answer: httpx.Response) -> Json:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Failure(
            f"{answer.url.copy_with(query=None)} answered with something that is no object of the "
            "API. Is DAILIES_URL the address of a Dailies?"
        )
    return found


def _error_of(answer: httpx.Response) -> Json:
    """What the app says is wrong; empty where it is not the app that answers, or all is well."""
    try:
        body = answer.json()
        return body["error"] if isinstance(body.get("error"), dict) else {}
    except (ValueError, AttributeError):
        return {}


def _refusal(answer: httpx.Response) -> Failure:
    """The app's own words, and what tells its operators which request it was."""
    error = _error_of(answer)
    message = str(error.get("message") or f"{answer.status_code} {answer.reason_phrase}")
    param = error.get("param") if answer.status_code == 400 else None
    request_id = answer.headers.get("x-request-id")
    told = (param and f"field {param}", error.get("code"), request_id and f"request {request_id}")
    notes = [str(note) for note in told if note]
    return Failure(f"{message} ({', '.join(notes)})" if notes else message)
