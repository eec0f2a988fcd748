"""A guard, or an answer, that is late takes no refusal away that is known."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from dailies.guards.base import Guard, Passed, Refused, Shown, Subject, Unsaid, Verdict
from dailies.guards.panel import About, Guards
from dailies.video.guarding import GuardName, GuardRules, Harm
from tests.content_safety import ContentSafetyAccount
from tests.unit.pipeline.guard import Says

ABOUT = About("alice", "a-model")
VIOLENT = Refused("violence", Shown.PROMPT)


class Silent(Says):
    """Never says anything."""

    name = GuardName.WEBHOOK

    async def judge(self, subject: Subject, rules: GuardRules) -> Verdict:
        return await asyncio.Future[Verdict]()


async def _show(_: bool) -> Subject:
    return Subject("alice", "a-model", texts=("a kitten",))


async def _judged(*guards: Guard, fails_open: bool) -> Verdict:
    panel = Guards(guards, seconds=0.01, fails_open=fails_open)
    return await panel.judge(panel.rules_for(None), _show, ABOUT)


@pytest.mark.parametrize("fails_open", [False, True])
@pytest.mark.parametrize("first", ["silent", "refusing"])
async def test_a_refusal_counts_though_another_guard_never_answers(
    first: str, *, fails_open: bool
) -> None:
    guards = [Silent(Passed()), Says(VIOLENT)]
    if first == "refusing":
        guards.reverse()
    assert await _judged(*guards, fails_open=fails_open) == VIOLENT


async def test_that_one_passes_does_not_stand_for_one_that_never_answers() -> None:
    assert isinstance(await _judged(Says(Passed()), Silent(), fails_open=False), Unsaid)


class _BlindAccount(ContentSafetyAccount):
    """Answers about texts, and never about pictures."""

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if "image:analyze" in request.url.path:
            return await asyncio.Future[httpx.Response]()
        return await super().answer(request)


async def test_a_refused_text_is_refused_while_a_picture_is_still_looked_at(
    tmp_path: Path,
) -> None:
    account = _BlindAccount(tmp_path)
    await account.block("house-words", "zanzibar")
    guard = account.guard()
    rules = GuardRules(severities=dict.fromkeys(Harm, 4), blocklists=("house-words",))
    subject = Subject("alice", "a-model", texts=("to zanzibar",), pictures=(b"a picture",))
    try:
        verdict = await guard.judge(subject, rules)
    finally:
        await guard.close()
    assert isinstance(verdict, Refused)
    assert verdict.category == "blocklist"
