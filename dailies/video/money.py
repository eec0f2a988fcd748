"""Money as whole micro-dollars, so that sums are exact, and what is held of budgets for a video.

Prices and costs are told in US dollars; what is added up is a whole number of millionths of one.
"""

from __future__ import annotations

from dailies.video.request import Document

__all__ = ["Reserve", "to_micros", "to_usd"]

_MICROS = 1_000_000


def to_micros(usd: float) -> int:
    """US dollars as micro-dollars, to the nearest one."""
    return round(usd * _MICROS)


def to_usd(micros: int) -> float:
    """Micro-dollars as US dollars, to be told and not to be added up."""
    return micros / _MICROS


class Reserve(Document):
    """What is held of budgets for a video from its acceptance on; settled when it ends.

    Attributes:
        micros: the highest that it could cost.
        accounts: the rows that it is held on (``dailies.stores.ledger``).
        at: when it was accepted, Unix seconds; that day and month it counts for, also at its end.
    """

    micros: int
    accounts: tuple[str, ...]
    at: float
