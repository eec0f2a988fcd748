"""What operators see and do in the studio."""

from __future__ import annotations

import secrets

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.studio.conftest import sign_in
from tests.stack import RunningStack


def test_an_operator_issues_a_key_gives_its_owner_a_budget_and_revokes_it(
    page: Page, stack: RunningStack
) -> None:
    owner = f"night-{secrets.token_hex(4)}"
    sign_in(page, stack.admin_key)
    page.get_by_role("link", name="Operators").click()
    page.get_by_role("textbox", name="Owner").fill(owner)
    page.get_by_label("What it is for").fill("night renders")
    page.get_by_role("button", name="Issue a key").click()
    secret = page.get_by_role("alert").locator("code")
    expect(secret).to_contain_text("dk_")
    key = secret.inner_text()
    mine = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stack.base_url, headers=mine, trust_env=False) as client:
        assert client.get("/v1/whoami").json()["owner"] == owner
        page.get_by_role("button", name="I have it").click()
        expect(page.get_by_text(key)).to_have_count(0)

        theirs = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=owner))
        theirs.get_by_role("button", name="Set a budget").click()
        theirs.get_by_label("A month, US dollars").fill("0.25")
        theirs.get_by_role("button", name="Save").click()
        expect(theirs).to_contain_text("A month: $0.00 of $0.25")
        order = {"model": "sora-2", "prompt": "beyond the budget"}
        assert client.post("/v1/videos", json=order).status_code == 429

        row = page.get_by_role("row").filter(has_text=owner)
        row.get_by_role("button", name="Revoke night renders").click()
        row.get_by_role("button", name="Revoke for good").click()
        expect(row).to_contain_text("revoked")
    state = stack.admin.get("/v1/admin/keys?owner=" + owner).json()["data"][0]["state"]
    assert state == "revoked"


def test_an_operator_sees_what_was_spent_and_what_needs_an_eye(
    page: Page, stack: RunningStack
) -> None:
    stack.wait_for(stack.create("something to be paid for"))
    sign_in(page, stack.admin_key)
    page.get_by_role("link", name="Operators").click()
    page.get_by_label("Spend by").select_option("model")
    row = page.get_by_role("row").filter(
        has=page.get_by_role("rowheader", name="sora-2", exact=True)
    )
    expect(row).to_contain_text("$")
    eye = page.get_by_role("region", name="What needs an eye")
    expect(eye).to_contain_text("openai-compatible")  # a deployment that is not set up here


def test_who_is_no_operator_is_shown_nothing_of_theirs(studio: Page) -> None:
    expect(studio.get_by_role("link", name="Operators")).to_have_count(0)
    studio.goto("/studio#/operators")
    expect(studio.get_by_role("heading", name="New video")).to_be_visible()
