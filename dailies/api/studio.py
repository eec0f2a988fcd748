"""The studio: a page for people, whose built files the app serves as they are.

Nothing in it is anybody's: it asks for a key and then speaks the public API. So it needs no key
itself, and what it may load and whom it may speak to is said by its content security policy.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from dailies.api.context import Context, RequestContext
from dailies.video.errors import NotFound

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

DIST = Path(__file__).resolve().parents[2] / "studio" / "dist"
"""Where ``make studio`` puts what it builds, and the package has it too."""

_PAGE = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""Of all that is served. A machine's own list may say otherwise, and browsers go by what we say."""

_UNBUILT = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The studio is not built</title></head>
<body><h1>The studio is not built</h1>
<p>This app was started without the files of its studio. Build them, then load this page again:</p>
<pre>make studio</pre>
<p>The API works all the same.</p></body></html>
"""


@router.get("/studio")
async def page(request: Request, context: RequestContext) -> Response:
    """The page; or, where it was not built, one that says how to."""
    if not (DIST / _PAGE).is_file():
        return HTMLResponse(_UNBUILT, 503, headers=_guarding("default-src 'none'"))
    response = await _file(request, _PAGE)
    # The page names its files by their hashes, so it alone must be asked for each time.
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(_guarding(_policy(context)))
    return response


@router.get("/studio/config.json")
async def config(context: RequestContext) -> dict[str, bool]:
    """What the page must know before anybody has signed in."""
    return {"entra": context.services.settings.platform_authenticates}


@router.get("/studio/assets/{name}")
async def asset(name: str, request: Request) -> Response:
    """A script, a style or a picture of the page, whose name has the hash of what is in it."""
    # By the folder's own list: some names of a caller's can't even be asked for.
    if PurePosixPath(name).suffix not in _TYPES or name not in _listed(DIST / "assets"):
        raise NotFound("The studio has no such file.", code="not_found")
    response = await _file(request, f"assets/{name}")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers.update(_guarding("default-src 'none'"))
    return response


def _listed(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


async def _file(request: Request, name: str) -> Response:
    # It answers what a browser has already with a 304.
    response = await StaticFiles(directory=DIST).get_response(name, request.scope)
    response.headers["Content-Type"] = _TYPES[PurePosixPath(name).suffix]
    return response


def _policy(context: Context) -> str:
    """What the page may load: its own files, and pictures and videos of the storage account."""
    account = urlsplit(context.services.files.url(_PAGE))
    storage = f"{account.scheme}://{account.netloc}"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            f"img-src 'self' blob: {storage}",
            f"media-src blob: {storage}",
            "form-action 'none'",
            "base-uri 'none'",
        )
    )


def _guarding(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
