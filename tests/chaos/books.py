"""A budget and the books over a campaign: what is held is given back, what was spent adds up."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.chaos.plan import BUDGETED
from tests.stack import RunningStack

__all__ = ["Books", "open_books", "read_books", "wrong_in"]

_BUDGET = "/v1/admin/budgets/local"
_USER = {"user": BUDGETED}
_AMPLE_USD = 100_000
# Of those whose cost was an estimate, the sweeper asks their provider.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Books:
    """What an end user's budget and spend tell; in micro-dollars."""

    held: int
    spent: int
    told: int
    videos: int


def open_books(stack: RunningStack) -> None:
    """Give an end user a budget that nothing uses up, so that each of its videos is held on it."""
    answer = stack.admin.put(_BUDGET, params=_USER, json={"total_usd": _AMPLE_USD})
    answer.raise_for_status()


def read_books(stack: RunningStack, videos: Iterable[dict[str, Any]]) -> tuple[Books, list[str]]:
    """The books, and what is wrong with them for so long that it will stay so."""
    deadline = time.monotonic() + _PATIENCE
    ids = [video["id"] for video in videos if video["user"] == BUDGETED]
    while True:
        now = [stack.api.get(f"/v1/videos/{each}").raise_for_status().json() for each in ids]
        books = _read(stack)
        wrong = wrong_in(books, now)
        if not wrong or time.monotonic() > deadline:
            return books, wrong
        time.sleep(1)


def wrong_in(books: Books, videos: Iterable[dict[str, Any]]) -> list[str]:
    """What does not add up, in words."""
    # One that has not ended has cost nothing yet; that it has not is for others to tell.
    costs = [round((video["cost_usd"] or 0) * 1_000_000) for video in videos]
    found = []
    if books.held:
        found.append(f"{books.held} micro-dollars are held for nothing")
    if books.spent != sum(costs):
        found.append(f"the budget says that {books.spent} were spent, the videos {sum(costs)}")
    if (books.told, books.videos) != (sum(costs), len(costs)):
        found.append(
            f"spend tells of {books.told} for {books.videos} videos, which are {sum(costs)} for "
            f"{len(costs)}"
        )
    return found


def _read(stack: RunningStack) -> Books:
    (budget,) = _json(stack.admin.get(_BUDGET, params=_USER))["data"]
    (standing,) = budget["standings"]
    asked = {"owner": "local", "group_by": "user"}
    rows = _json(stack.admin.get("/v1/admin/spend", params=asked))["data"]
    (total,) = [row for row in rows if row["group"] == BUDGETED]
    held, spent, told = (
        round(usd * 1_000_000)
        for usd in (standing["held_usd"], standing["spent_usd"], total["cost_usd"])
    )
    return Books(held, spent, told, total["videos"])


def _json(answer: httpx.Response) -> dict[str, Any]:
    told: dict[str, Any] = answer.raise_for_status().json()
    return told
