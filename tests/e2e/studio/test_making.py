"""What people do in the studio to make a video and to have it, in a real browser."""

from __future__ import annotations

import secrets
from pathlib import Path

from playwright.sync_api import FilePayload, Page, Route, expect

from tests.e2e.studio.conftest import sign_in
from tests.pictures import png
from tests.stack import RunningStack

_ALL_THERE = 4  # a media element's HAVE_ENOUGH_DATA


def _prompt(about: str) -> str:
    """Words that no other test's video has."""
    return f"{about}, take {secrets.token_hex(4)}"


def _choose(studio: Page, name: str) -> None:
    """A length, a size or a fit."""
    studio.get_by_role("form", name="New video").get_by_text(name, exact=True).click()


def _order(studio: Page, prompt: str, *, model: str = "sora-2") -> None:
    studio.get_by_role("combobox", name="Model").select_option(model)
    studio.get_by_role("textbox", name="Prompt").fill(prompt)
    studio.get_by_role("button", name="Make video").click()


def test_a_key_that_is_not_known_is_refused_and_none_is_kept(page: Page) -> None:
    page.goto("/studio")
    page.get_by_label("API key").fill("no-such-key")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Incorrect API key")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_is_kept_in_the_tab_alone_and_until_one_signs_out(
    studio: Page, stack: RunningStack
) -> None:
    studio.reload()
    expect(studio.get_by_role("heading", name="New video")).to_be_visible()
    assert stack.api_key not in studio.evaluate("JSON.stringify(localStorage)")
    other = studio.context.new_page()
    other.goto("/studio")
    expect(other.get_by_label("API key")).to_be_visible()
    other.close()
    studio.get_by_role("button", name="Sign out").click()
    expect(studio.get_by_label("API key")).to_be_visible()
    assert studio.evaluate("sessionStorage.length") == 0


def test_nothing_is_ordered_before_the_models_are_known(page: Page, stack: RunningStack) -> None:
    held: list[Route] = []
    page.route("**/v1/models", lambda route: held.append(route))
    sent: list[str] = []
    page.on("request", lambda each: sent.append(f"{each.method} {each.url}"))
    order = f"POST {stack.base_url}/v1/videos"
    sign_in(page, stack.api_key)
    prompt = page.get_by_role("textbox", name="Prompt")
    prompt.fill(_prompt("Somebody who is quicker than the network"))
    expect(page.get_by_role("button", name="Looking for models")).to_be_disabled()
    prompt.press("Control+Enter")
    held[0].continue_()
    expect(page.get_by_role("button", name="Make video")).to_be_enabled()
    assert order not in sent
    prompt.press("Control+Enter")
    expect(page.get_by_role("status")).to_have_text("Ordered: it is on the wall.")
    assert sent.count(order) == 1


def test_a_video_is_priced_ordered_followed_played_and_saved(
    studio: Page, stack: RunningStack
) -> None:
    prompt = _prompt("A paper kite over the dunes")
    studio.get_by_role("combobox", name="Model").select_option("sora-2")
    order = studio.get_by_role("button", name="Make video")
    expect(order).to_contain_text("$0.40")
    _choose(studio, "12 s")
    expect(order).to_contain_text("$1.20")
    _choose(studio, "16:9")
    expect(studio.get_by_text("ready in about")).to_be_visible()
    before = len(stack.api.get("/v1/videos?limit=100").json()["data"])
    studio.get_by_role("textbox", name="Prompt").fill(prompt)
    assert len(stack.api.get("/v1/videos?limit=100").json()["data"]) == before
    order.click()

    card = studio.get_by_role("article", name=prompt)
    expect(card.locator("img")).to_be_visible()  # it came by events: nothing was loaded again
    expect(card).to_contain_text("12 s · 16:9 · $1.20")
    card.get_by_role("link").click()
    dialog = studio.get_by_role("dialog")
    expect(dialog).to_contain_text(prompt)
    expect(dialog.locator("video")).to_have_js_property("readyState", _ALL_THERE)
    assert dialog.locator("video").evaluate("v => [v.videoWidth, v.videoHeight]") == [1280, 720]
    with studio.expect_download() as saving:
        dialog.get_by_role("button", name="Download").click()
    saved = Path(saving.value.path()).read_bytes()
    assert saving.value.suggested_filename.endswith(".mp4")
    video_id = saving.value.suggested_filename.removesuffix(".mp4")
    found = stack.api.get(f"/v1/videos/{video_id}/content", follow_redirects=True)
    assert saved == found.content


def test_a_video_that_others_order_with_the_key_appears_by_itself(
    studio: Page, stack: RunningStack
) -> None:
    expect(studio.get_by_text("Live", exact=True)).to_be_visible()
    prompt = _prompt("Somebody else's idea")
    stack.create(prompt)
    expect(studio.get_by_role("article", name=prompt).locator("img")).to_be_visible()


def test_a_picture_is_shown_as_it_will_be_fitted_and_starts_the_video(
    studio: Page, stack: RunningStack
) -> None:
    prompt = _prompt("She looks up")
    studio.get_by_role("combobox", name="Model").select_option("sora-2")
    _choose(studio, "16:9")
    picture = FilePayload(name="ada.png", mimeType="image/png", buffer=png(3))
    studio.get_by_label("First frame").set_input_files(picture)
    # An upright picture: the upright size is chosen, and what the fit does to it is said.
    shown = studio.get_by_alt_text("The first frame")
    expect(studio.get_by_role("radio", name="9:16")).to_be_checked()
    expect(studio.get_by_text("6% of the picture is cut off, left and right")).to_be_visible()
    box = shown.bounding_box()
    assert box is not None
    assert abs(box["width"] / box["height"] - 720 / 1280) < 0.01
    _choose(studio, "Whole")
    expect(studio.get_by_text("Bars above and below take 6%")).to_be_visible()
    assert shown.evaluate("i => getComputedStyle(i).objectFit") == "contain"

    studio.get_by_role("textbox", name="Prompt").fill(prompt)
    studio.get_by_role("button", name="Make video").click()
    expect(studio.get_by_role("article", name=prompt).locator("img")).to_be_visible()
    (job,) = stack.jobs(prompt)
    assert (job["reference"]["width"], job["reference"]["height"]) == (720, 1280)


def test_a_video_is_scrubbed_by_its_film(studio: Page) -> None:
    prompt = _prompt("A long walk")
    _order(studio, prompt)
    card = studio.get_by_role("article", name=prompt)
    expect(card.locator("img")).to_be_visible()
    media = card.get_by_role("link")
    box = media.bounding_box()
    assert box is not None
    studio.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 20)
    expect(card.locator(".tile img")).to_be_visible()
    media.click()
    place = studio.get_by_label("Place in the video")
    player = studio.get_by_role("dialog").locator("video")
    expect(player).to_have_js_property("readyState", _ALL_THERE)
    place.fill("0.5")
    expect(player).to_have_js_property("currentTime", 2)
    expect(place).to_have_attribute("aria-valuetext", "2.0 of 4 seconds")


def test_a_video_is_remixed_and_deleted(studio: Page, stack: RunningStack) -> None:
    prompt, remix = _prompt("A harbour"), _prompt("The same in snow")
    _order(studio, prompt)
    card = studio.get_by_role("article", name=prompt)
    expect(card.locator("img")).to_be_visible()
    card.get_by_role("link").click()
    studio.get_by_role("textbox", name="Remix: what is to be different").fill(remix)
    studio.get_by_role("button", name="Remix").click()
    expect(studio.get_by_role("article", name=remix).locator("img")).to_be_visible()
    made = next(v for v in stack.api.get("/v1/videos").json()["data"] if v["prompt"] == remix)
    assert made["remixed_from_video_id"]

    card.get_by_role("link").click()
    studio.get_by_role("button", name="Delete …").click()
    studio.get_by_role("button", name="Delete", exact=True).click()
    expect(card).to_have_count(0)
    assert stack.api.get(f"/v1/videos/{made['remixed_from_video_id']}").status_code == 404


def test_what_the_api_refuses_is_said_in_its_words(studio: Page) -> None:
    broken = FilePayload(name="ada.png", mimeType="image/png", buffer=b"no picture")
    studio.get_by_label("First frame").set_input_files(broken)
    expect(studio.get_by_text("This browser can't show the picture")).to_be_visible()
    _order(studio, _prompt("Nobody looks up"))
    expect(studio.get_by_role("alert")).to_contain_text("image")
