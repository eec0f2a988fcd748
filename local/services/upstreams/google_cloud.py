"""What Google's models need of Google Cloud: tokens for an identity of Azure, and a bucket.

``POST /v1/token`` is the security token service (RFC 8693): it takes tokens of the stack's own
identity endpoint, as a workload identity provider does that trusts its tenant. ``POST
/v1/projects/-/serviceAccounts/{account}:generateAccessToken`` is the IAM Credentials API.
``GET /storage/v1/b/{bucket}/o/{object}`` is the JSON API of Cloud Storage, with the videos of those
models: an object is ``{folder}/{job id}/{name}.mp4``. Errors are those of OAuth 2, and of Google's
error model (AIP-193).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.bodies import Upload, image_size
from local.services.errors import ServiceError
from local.services.identity import InvalidTokenError
from local.services.upstreams.base import Upstream

__all__ = ["UPSTREAM", "GoogleCloud", "check_access", "checked", "image", "rpc_error"]

BUCKET = "dailies-local"
_PROJECT = "local-studio"
_PROVIDER = (
    "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/azure/"
    "providers/tenant"
)
_AUDIENCE = "api://dailies-google"
_ACCOUNT = f"videos@{_PROJECT}.iam.gserviceaccount.com"
_TOKEN_SECONDS = 3599
_EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "audience": _PROVIDER,
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}
_SCOPES = tuple(f"https://www.googleapis.com/auth/{name}" for name in ("cloud-platform", "iam"))
"""For Google's services themselves, and for an account's token."""

_RENDERERS = ("google-omni", "vertex-veo")


class GoogleCloud(Upstream):
    """Tokens and files."""

    name: ClassVar[str] = "google-cloud"
    settings: ClassVar[Mapping[str, str]] = {
        "GOOGLE_CLOUD_PROJECT": _PROJECT,
        "GOOGLE_CLOUD_VIDEOS": f"gs://{BUCKET}/videos",
        "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": _PROVIDER,
        "GOOGLE_SUBJECT_SCOPE": f"{_AUDIENCE}/.default",
        "GOOGLE_SERVICE_ACCOUNT": _ACCOUNT,
        "GOOGLE_STS_ENDPOINT": "{url}",
        "GOOGLE_IAM_ENDPOINT": "{url}",
        "GOOGLE_STORAGE_ENDPOINT": "{url}",
    }

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        account = "/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
        return [
            Route("/v1/token", self._exchange, methods=["POST"], name="token"),
            Route(account, self._impersonate, methods=["POST"], name="token"),
            Route(
                "/storage/v1/b/{bucket}/o/{object:path}",
                self._object,
                methods=["GET"],
                name="content",
            ),
        ]

    async def _exchange(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        for name, wanted in _EXCHANGE.items():
            if form.get(name) != wanted:
                raise _oauth_error("invalid_request", f"Invalid value for {name}.")
        if form.get("scope") not in _SCOPES:
            raise _oauth_error("invalid_scope", "Invalid value for scope.")
        try:
            self.studio.check_token(form.get("subject_token", ""), _AUDIENCE)
        except InvalidTokenError as exc:
            raise _oauth_error("invalid_grant", f"Error with the subject token: {exc}") from exc
        return JSONResponse(
            {
                "access_token": self._issue(),
                "issued_token_type": _EXCHANGE["requested_token_type"],
                "token_type": "Bearer",
                "expires_in": _TOKEN_SECONDS,
            }
        )

    async def _impersonate(self, request: Request) -> Response:
        check_access(self, request)
        if request.path_params["account"] != _ACCOUNT:
            raise rpc_error(403, "Permission 'iam.serviceAccounts.getAccessToken' denied.")
        body = await self.json(request)
        if not body.get("scope"):
            raise rpc_error(400, "scope is required.")
        expires = datetime.fromtimestamp(int(self.studio.clock.now()) + _TOKEN_SECONDS, UTC)
        return JSONResponse(
            {
                "accessToken": self._issue(),
                "expireTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )

    async def _object(self, request: Request) -> Response:
        check_access(self, request)
        name = str(request.path_params["object"])
        uri = f"gs://{request.path_params['bucket']}/{name}"
        job = self.studio.store.get(uri.split("/")[-2])
        is_there = (
            job is not None
            and job.api in _RENDERERS
            and job.details["gcs"] == uri
            and self.studio.state(job).phase == "completed"
        )
        if job is None or not is_there:
            raise rpc_error(404, f"No such object: {uri.removeprefix('gs://')}")
        if request.query_params.get("alt") != "media":
            return JSONResponse({"kind": "storage#object", "name": name})
        return self.video(request, job)

    def _issue(self) -> str:
        expires = str(int(self.studio.clock.now()) + _TOKEN_SECONDS)
        return f"ya29.{expires}.{_mark(self.key, expires)}"


def check_access(upstream: Upstream, request: Request) -> None:
    """A request comes with a token that was issued here.

    Raises:
        ServiceError: 401.
    """
    kind, _, rest = (upstream.bearer(request) or "").partition(".")
    expires, _, mark = rest.partition(".")
    known = kind == "ya29" and hmac.compare_digest(mark, _mark(upstream.key, expires))
    if not known or int(expires) <= upstream.studio.clock.now():
        raise rpc_error(
            401,
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
            "cookie or other valid authentication credential.",
        )


def _mark(key: str, expires: str) -> str:
    return hmac.new(key.encode(), expires.encode(), hashlib.sha256).hexdigest()[:40]


def rpc_error(
    status: int, message: str, *, reason: str | None = None, name: str | None = None
) -> ServiceError:
    """An error as google.rpc.Status has it in HTTP."""
    error: dict[str, Any] = {
        "code": status,
        "message": message,
        "status": name or _STATUS_NAMES[status],
    }
    if reason is not None:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": reason, "domain": "googleapis.com"}]
    return ServiceError(status, {"error": error})


_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
}


def checked(found: object, fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The object, if every field of it is known and of its type.

    Raises:
        ValueError: it is not; the message says which.
    """
    if not isinstance(found, dict):
        raise ValueError(f"Invalid value at '{where or 'body'}': an object is expected.")
    for name, value in found.items():
        path = f"{where}.{name}" if where else name
        if name not in fields:
            raise ValueError(f'Invalid JSON payload received. Unknown name "{path}".')
        flag = isinstance(value, bool)
        if not isinstance(value, fields[name]) or (flag and fields[name] is not bool):
            raise ValueError(f"Invalid value at '{path}'.")
    return found


def image(data: object, mime_type: object, where: str) -> bytes:
    """The picture that a request holds as base64.

    Raises:
        ValueError: it is none.
    """
    try:
        picture = base64.b64decode(data if isinstance(data, str) else "?", validate=True)
        image_size(Upload(where, str(mime_type), picture), where)
    except (binascii.Error, ServiceError):
        raise ValueError(f"Unable to process the input image at '{where}'.") from None
    return picture


def _oauth_error(code: str, description: str) -> ServiceError:
    return ServiceError(400, {"error": code, "error_description": description})


UPSTREAM = GoogleCloud
