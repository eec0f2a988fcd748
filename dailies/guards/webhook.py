"""A guard of the operator's own: a webhook that is asked about each video.

The call is signed as Standard Webhooks has it (standard-webhooks/standard-webhooks,
spec/standard-webhooks.md), so that any of its libraries can check it. The answer is
``{"allow": true}``, or ``{"allow": false, "category": "…"}``.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr

from dailies.guards.base import Passed, Refused, Shown, Subject, Unsaid, Verdict
from dailies.jsontext import parse_json
from dailies.video.guarding import GuardName, GuardRules
from dailies.video.request import VideoRequest

__all__ = ["WebhookGuard", "signed_headers", "webhook_key"]

_MOST_ANSWER_BYTES = 64 * 1024
_MOST_PARTS, _MOST_DEPTH = 1000, 8
_CATEGORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,63}")
_ANY = "policy"
"""The category of a refusal that names none that can be shown."""
_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)
_MOST_SECONDS = 30.0
"""For one part of the call; the whole verdict has a time of its own."""


def webhook_key(secret: str) -> bytes:
    """The key in ``whsec_<base64>``.

    Raises:
        ValueError: it is none of 24 to 64 bytes.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError(
            "expected 'whsec_' and 24 to 64 random bytes in base64; make one with: "
            "printf 'whsec_%s' \"$(openssl rand -base64 32)\""
        )
    return key


def signed_headers(key: bytes, call_id: str, at: float, body: bytes) -> dict[str, str]:
    """The three headers by which the receiver knows who calls, and that it is no old call."""
    timestamp = str(int(at))
    signature = hmac.digest(key, f"{call_id}.{timestamp}.".encode() + body, sha256)
    return {
        "webhook-id": call_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


class WebhookGuard:
    """A ``Guard`` that asks an address of the operator's.

    Args:
        clock: gives Unix seconds.
        transport: in place of the network.
    """

    def __init__(
        self,
        url: str,
        secret: SecretStr,
        *,
        clock: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._key = webhook_key(secret.get_secret_value())
        self._clock = clock
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    @property
    def name(self) -> GuardName:
        """See ``Guard``."""
        return GuardName.WEBHOOK

    @property
    def sees_pictures(self) -> bool:
        """See ``Guard``. It is told what they are."""
        return False

    async def judge(self, subject: Subject, rules: GuardRules) -> Verdict:
        """See ``Guard``."""
        now = self._clock()
        body = json.dumps(_call(subject, now)).encode()
        headers = signed_headers(self._key, f"guard_{uuid4().hex}", now, body)
        try:
            status, answer = await self._post(body, headers)
        except httpx.HTTPError as error:
            return Unsaid(type(error).__name__)
        if not 200 <= status < 300:
            return Unsaid(f"it answered {status}")
        return _read(answer, Shown.PROMPT if subject.video_id is None else Shown.VIDEO)

    async def close(self) -> None:
        """See ``Guard``."""
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send it, to the address itself and nowhere that it leads on to."""
        if self._client is None:
            self._client = httpx.AsyncClient(transport=self._transport, timeout=_MOST_SECONDS)
        sent = {**headers, "content-type": "application/json"}
        async with self._client.stream("POST", self._url, content=body, headers=sent) as response:
            answer = b""
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > _MOST_ANSWER_BYTES:
                    return response.status_code, b""
            return response.status_code, answer


def _call(subject: Subject, now: float) -> dict[str, Any]:
    """What it is told; no key, no hash of one, and nothing that lets it in anywhere but the link to
    a finished video, which ends soon."""
    request, is_request = subject.request, subject.video_id is None
    stage = "request" if is_request else "video"
    data: dict[str, Any] = {
        "stage": stage if request is not None else "character",
        "video_id": subject.video_id,
        "owner": subject.owner,
        "model": subject.model,
        "name": subject.character,
        **({} if request is None else _asked(request)),
        "inputs": [
            {"role": file.role, "content_type": file.content_type, "sha256": file.sha256}
            for file in subject.sent
        ],
        "url": subject.link,
    }
    return {
        "type": "dailies.guard.asked",
        "timestamp": datetime.fromtimestamp(now, UTC).isoformat(),
        "data": {name: value for name, value in data.items() if value is not None},
    }


def _asked(request: VideoRequest) -> dict[str, Any]:
    return {
        "user": request.user,
        "safety_identifier": request.safety_identifier,
        "operation": request.operation,
        "source_video_id": request.source_video_id,
        "seconds": request.seconds,
        "size": str(request.size),
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "provider_options": request.provider_options or None,
    }


def _read(answer: bytes, shown: Shown) -> Verdict:
    try:
        document = parse_json(answer.decode(), most_parts=_MOST_PARTS, most_depth=_MOST_DEPTH)
    except ValueError:  # and no text at all
        return Unsaid("it answered with what is no JSON")
    allow = document.get("allow") if isinstance(document, dict) else None
    if not isinstance(allow, bool):
        return Unsaid("its answer has no 'allow' that is true or false")
    if allow:
        return Passed()
    category = document.get("category") if isinstance(document, dict) else None
    is_word = isinstance(category, str) and _CATEGORY.fullmatch(category)
    return Refused(str(category) if is_word else _ANY, shown)
