"""For everybody: checked by axe in both colours and on a small screen, and driven by keys alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.studio.conftest import sign_in
from tests.infra.project import ROOT
from tests.stack import RunningStack

_AXE = ROOT / "studio" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def _violations(page: Page) -> list[Any]:
    page.evaluate(_AXE.read_text("utf-8"))
    result = page.evaluate("rules => axe.run(document, {runOnly: rules})", _RULES)
    assert result["passes"], "nothing was looked at"
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in result["violations"]]


@pytest.mark.parametrize(("colours", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_on_any_page(
    page: Page, stack: RunningStack, colours: Any, width: int
) -> None:
    video = stack.wait_for(stack.create("a lamp in a window"))
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/studio")
    expect(page.get_by_label("API key")).to_be_visible()
    assert _violations(page) == []

    sign_in(page, stack.api_key)
    expect(page.get_by_role("article").first).to_be_visible()
    expect(page.get_by_text("ready in about").first).to_be_visible()
    assert _violations(page) == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0, "the page has to be scrolled sideways"

    page.goto(f"/studio#/videos/{video['id']}")
    expect(page.get_by_label("Place in the video")).to_be_visible()
    assert _violations(page) == []
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Batches").click()
    expect(page.get_by_role("heading", name="Your batches")).to_be_visible()
    assert _violations(page) == []

    page.get_by_role("button", name="Sign out").click()
    sign_in(page, stack.admin_key)
    page.get_by_role("link", name="Operators").click()
    expect(page.get_by_role("rowheader", name="local").first).to_be_visible()
    page.get_by_role("button", name="budget").first.click()
    assert _violations(page) == []
    assert page.evaluate(wide) <= 0, "the page has to be scrolled sideways"


def test_colours_are_the_system_s_until_somebody_chooses(studio: Page) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    studio.emulate_media(color_scheme="light")
    light = studio.evaluate(ground)
    studio.emulate_media(color_scheme="dark")
    dark = studio.evaluate(ground)
    assert light != dark
    studio.get_by_label("Colours").select_option("light")
    assert studio.evaluate(ground) == light
    studio.reload()
    expect(studio.get_by_label("Colours")).to_have_value("light")
    assert studio.evaluate(ground) == light


def test_a_video_is_ordered_opened_and_closed_by_keys_alone(studio: Page) -> None:
    prompt = "by keys alone"
    studio.get_by_role("textbox", name="Prompt").focus()
    studio.keyboard.type(prompt)
    expect(studio.get_by_role("button", name="Make video")).to_be_enabled()
    studio.keyboard.press("Control+Enter")
    card = studio.get_by_role("article", name=prompt).first
    expect(card.locator("img")).to_be_visible()
    card.get_by_role("link").focus()
    studio.keyboard.press("Enter")
    expect(studio.get_by_role("dialog")).to_be_visible()
    studio.keyboard.press("Escape")
    expect(studio.get_by_role("dialog")).to_have_count(0)
    expect(card.get_by_role("link")).to_be_focused()
