"""A real browser on the studio of the running stack."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.patience import PATIENCE
from tests.stack import RunningStack


# Not for the whole session: a loop runs in this thread for as long as it is there, and tests of
# coroutines that came after it could run none of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium on the PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox can't be had as root, in containers of CI.
        launched = playwright.chromium.launch(
            executable_path=program, chromium_sandbox=os.geteuid() != 0
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, stack: RunningStack, tmp_path: Path) -> Iterator[Page]:
    """An empty tab. At the end nothing may have been thrown, nor refused by the page's policy."""
    context = browser.new_context(
        base_url=stack.base_url,
        viewport={"width": 1280, "height": 900},
        accept_downloads=True,
        reduced_motion="reduce",
    )
    expect.set_options(timeout=PATIENCE * 1000)
    context.set_default_timeout(PATIENCE * 1000)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "console",
        lambda said: (
            wrong.append(said.text)
            if said.type == "error" and not re.search("status of 4|Failed to load", said.text)
            else None
        ),
    )
    yield opened
    if shots := os.environ.get("STUDIO_SHOTS"):
        # To be looked at: STUDIO_SHOTS=out/shots pytest tests/e2e/studio
        opened.screenshot(path=Path(shots) / f"{tmp_path.name}.png")
    context.close()
    assert wrong == []


@pytest.fixture
def studio(page: Page, stack: RunningStack) -> Page:
    """The studio, signed in to with the stack's key."""
    sign_in(page, stack.api_key)
    return page


def sign_in(page: Page, key: str) -> None:
    """Sign in as a person does."""
    page.goto("/studio")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="New video")).to_be_visible()
