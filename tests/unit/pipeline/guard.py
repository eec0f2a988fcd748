"""A guard that says what it is told to."""

from __future__ import annotations

from dailies.guards.base import Subject, Verdict
from dailies.video.guarding import GuardName, GuardRules

__all__ = ["Says"]


class Says:
    """Says the next of its verdicts, and the last one from then on."""

    name = GuardName.CONTENT_SAFETY

    def __init__(self, *verdicts: Verdict, sees_pictures: bool = True) -> None:
        self.verdicts = list(verdicts)
        self.seen: list[Subject] = []
        self.sees_pictures = sees_pictures

    async def judge(self, subject: Subject, rules: GuardRules) -> Verdict:
        self.seen.append(subject)
        return self.verdicts[0] if len(self.verdicts) == 1 else self.verdicts.pop(0)

    async def close(self) -> None:
        """Nothing is open."""
