"""What a campaign does, drawn from its seed: which videos are ordered, and where kills are aimed.

The same seed gives the same orders, aims and delays. What they meet is up to the machine, so a run
is repeated in what it does, not to the millisecond.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["BUDGETED", "PAIR", "Aim", "Order", "Way", "draw_orders"]


class Way(StrEnum):
    """How a video is ordered."""

    KEYED = "HTTP with a key"
    KEYLESS = "HTTP without a key"
    RESENT = "HTTP, sent again as official clients do"
    DROP = "drop"
    UNTOLD = "drop that no event tells of"
    REMIX = "remix"
    BATCH = "batch"


class Aim(StrEnum):
    """Where the create request is held open for a kill; the simulator's kind of fault."""

    BEFORE = "hold"
    """The provider has the request, and has not made the job."""
    AFTER = "slow"
    """The job is made, and its answer is on the way."""


@dataclass(frozen=True)
class Order:
    """One video to order.

    Attributes:
        marker: a text that only this order's prompt holds.
        aim: where its create request is held open, for ``hold_seconds``.
        moderated: the provider will refuse to render it: its right end is ``failed``.
        model: of which provider it is asked; a remix is always of Sora 2.
    """

    number: int
    way: Way
    marker: str
    prompt: str
    aim: Aim | None
    hold_seconds: float
    moderated: bool
    model: str

    @property
    def key(self) -> str:
        return f"chaos-{self.marker}"

    @property
    def user(self) -> str:
        """For whom the video is: a budget can't count what has no price."""
        return "unpriced" if self.model in _UNPRICED else BUDGETED


_WAYS = {
    Way.KEYED: 0.3,
    Way.KEYLESS: 0.1,
    Way.RESENT: 0.25,
    Way.DROP: 0.14,
    Way.UNTOLD: 0.06,
    Way.REMIX: 0.15,
    Way.BATCH: 0.12,
}
_AIMED_SHARE = 0.4
_MODERATED_SHARE = 0.04
PAIR = "chaos-pair"
"""The model that is made in two places, of which the first goes bad."""
# One for each way in which a provider lets an unknown outcome be cleared up: a list, a key, a list
# with calls, calls alone, and nothing but an operator.
_MODELS = {
    "sora-2": 0.3,
    PAIR: 0.1,
    "sora": 0.16,
    "another-dailies": 0.11,
    "replicate-kling-v3": 0.11,
    "fal-happy-horse-1.1": 0.11,
    "grok-imagine-video-1.5": 0.11,
}
_UNPRICED = frozenset({"sora", "another-dailies"})
BUDGETED = "budgeted"
"""The end user whose videos are held on a budget."""
_RENDER_SECONDS = (30, 180)  # simulated
# Orders that any remix can start from come first.
_FIRST = 3


def draw_orders(count: int, seed: int) -> list[Order]:
    """``count`` orders, the first few of them plain, so that remixes find a source."""
    dice = random.Random(seed)
    return [_draw(number, dice) for number in range(count)]


def _draw(number: int, dice: random.Random) -> Order:
    way = dice.choices(list(_WAYS), list(_WAYS.values()))[0]
    aim = dice.choice(list(Aim)) if dice.random() < _AIMED_SHARE else None
    moderated = dice.random() < _MODERATED_SHARE
    model = dice.choices(list(_MODELS), list(_MODELS.values()))[0]
    hold, render = dice.uniform(1.5, 3.0), dice.uniform(*_RENDER_SECONDS)
    if number < _FIRST:
        way, aim, moderated, model = Way.KEYED, None, False, "sora-2"
    marker = f"<order {number:04d} {dice.getrandbits(32):08x}>"
    outcome = " outcome=moderated" if moderated else ""
    # A remix is of the one place of its source, which stays as it is.
    where = " twice" if model == PAIR and way is not Way.REMIX else ""
    prompt = f"waves on a beach{where} {marker} [sim label=chaos render={render:.0f}{outcome}]"
    return Order(number, way, marker, prompt, aim, hold, moderated, model)
