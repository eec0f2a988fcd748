"""All guards together: what they say of a video, and what the log tells of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from dailies.guards import metrics
from dailies.guards.base import Guard, Passed, Refused, Subject, Unsaid, Verdict
from dailies.owners.guard import GuardLimits
from dailies.telemetry.logs import log_event
from dailies.telemetry.spans import span
from dailies.video.guarding import GuardName, GuardRules

__all__ = ["About", "Guards", "Show"]

Show = Callable[[bool], Awaitable[Subject]]
"""Gives what is to be looked at; the argument is whether pictures are."""


_WORDS: Mapping[type[Verdict], str] = {Passed: "passed", Refused: "refused", Unsaid: "unsaid"}


@dataclass(frozen=True, slots=True)
class About:
    """What the log tells of a video, beside the verdict."""

    owner: str
    model: str
    video_id: str | None = None


class Guards:
    """The guards that are set up; there may be none.

    Args:
        rules: for all, as set up.
        seconds: that a verdict may take, what is shown being made ready for it included.
        fails_open: what nobody could judge passes.
    """

    def __init__(
        self,
        guards: Sequence[Guard] = (),
        rules: GuardRules | None = None,
        *,
        seconds: float = 10,
        fails_open: bool = False,
    ) -> None:
        self._guards = tuple(guards)
        names = tuple(guard.name for guard in guards)
        self._rules = (rules or GuardRules()).model_copy(update={"guards": names})
        self._seconds = seconds
        self.fails_open = fails_open

    @property
    def names(self) -> frozenset[GuardName]:
        """Those that are set up."""
        return frozenset(guard.name for guard in self._guards)

    @property
    def patience(self) -> float:
        """For how many seconds a verdict may be waited for."""
        return self._seconds if self._guards else 0.0

    def rules_for(self, limits: GuardLimits | None) -> GuardRules:
        """The rules for what is made with a key that has these limits, or with none."""
        return self._rules if limits is None else limits.applied_to(self._rules)

    def look_at_pictures(self, rules: GuardRules) -> bool:
        """Whether one of the guards of the rules looks at pictures themselves."""
        return any(guard.sees_pictures for guard in self._of(rules))

    def follow_links(self, rules: GuardRules) -> bool:
        """Whether one of them is to be given a link to a finished video."""
        return any(not guard.sees_pictures for guard in self._of(rules))

    async def judge(
        self, rules: GuardRules, show: Show, about: About, *, is_final: bool = True
    ) -> Verdict:
        """What the guards of the rules say, all asked at once: a refusal where one refuses, else
        that somebody could not say, where that is not to pass.

        Args:
            is_final: nobody asks again, so that what nobody could judge passes, where it is to.
        """
        guards = self._of(rules)
        if not guards:
            return Passed()
        began = time.monotonic()
        with span("ask_guards", attributes={"dailies.video.id": about.video_id}):
            verdicts = await self._ask(guards, rules, show)
        seconds = round(time.monotonic() - began, 3)
        lets_through = self.fails_open and is_final
        metrics.asked(seconds, _stage(about))
        for guard, verdict in zip(guards, verdicts, strict=True):
            self._tell(guard.name, verdict, seconds, about, lets_through)
        refused = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
        unsaid = [verdict for verdict in verdicts if isinstance(verdict, Unsaid)]
        if refused:
            return refused[0]
        return unsaid[0] if unsaid and not lets_through else Passed()

    async def _ask(
        self, guards: Sequence[Guard], rules: GuardRules, show: Show
    ) -> Sequence[Verdict]:
        deadline = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(deadline):
                subject = await show(self.look_at_pictures(rules))
        except TimeoutError:
            return [self._late()] * len(guards)
        said = (self._judged(guard, subject, rules, deadline) for guard in guards)
        return await asyncio.gather(*said)

    async def _judged(
        self, guard: Guard, subject: Subject, rules: GuardRules, deadline: float
    ) -> Verdict:
        """What one of them says by then: that another is late takes no verdict of its away."""
        try:
            async with asyncio.timeout_at(deadline):
                return await guard.judge(subject, rules)
        except TimeoutError:
            return self._late()

    def _late(self) -> Unsaid:
        return Unsaid(f"no verdict within {self._seconds:g} seconds")

    def _of(self, rules: GuardRules) -> list[Guard]:
        return [guard for guard in self._guards if guard.name in rules.guards]

    async def close(self) -> None:
        """Let go of what they hold."""
        for guard in self._guards:
            await guard.close()

    def _tell(
        self,
        guard: GuardName,
        verdict: Verdict,
        seconds: float,
        about: About,
        lets_through: bool,
    ) -> None:
        category = verdict.category if isinstance(verdict, Refused) else None
        metrics.judged(guard, _WORDS[type(verdict)], _stage(about), category)
        if isinstance(verdict, Refused):
            log_event(
                "guard_refused",
                guard=guard,
                category=verdict.category,
                shown=verdict.shown,
                detail=verdict.detail,
                seconds=seconds,
                owner=about.owner,
                model=about.model,
                video_id=about.video_id,
            )
        elif isinstance(verdict, Unsaid):
            log_event(
                "guard_unavailable",
                level=logging.WARNING,
                guard=guard,
                reason=verdict.reason,
                remedy=verdict.remedy,
                let_through=lets_through,
                seconds=seconds,
                owner=about.owner,
                model=about.model,
                video_id=about.video_id,
            )


def _stage(about: About) -> str:
    return "request" if about.video_id is None else "video"
