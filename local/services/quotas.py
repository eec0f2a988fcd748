"""How many jobs a deployment takes: so many a minute, and so many at once, in simulated time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from local.services.clock import Clock
from local.services.errors import ServiceError, gateway_error, openai_error
from local.services.jobs import Job, JobStore, State
from local.services.settings import Settings

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Quota:
    """Job requests in 60 simulated seconds (None: not limited), and jobs that run at once."""

    per_minute: int | None
    at_once: int


QUOTAS = {"sora-2": Quota(2, 2), "sora-2-pro": Quota(2, 2), "sora": Quota(None, 2)}


class QuotaKeeper:
    """Refuses what is over the quota of a deployment, unless quotas are lifted."""

    def __init__(
        self, store: JobStore, clock: Clock, settings: Settings, state: Callable[[Job], State]
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._state = state

    def check(self, deployment: str, model: str) -> None:
        """Pass if one more job fits.

        Raises:
            ServiceError: 429; with ``Retry-After`` when the rate is exceeded.
        """
        if self._settings.unlimited:
            return
        quota = QUOTAS.get(model)
        if quota is None:
            return
        sim = self._clock.sim()
        recent: list[Job] = []
        active = 0
        for job in self._store.newest():
            if sim >= job.expires_sim:
                break
            if job.deployment != deployment:
                continue
            if sim - job.created_sim < _MINUTE:
                recent.append(job)
            active += self._state(job).active
        if quota.per_minute is not None and len(recent) >= quota.per_minute:
            wait = recent[quota.per_minute - 1].created_sim + _MINUTE - sim
            raise self._too_often(self._clock.real_seconds(wait))
        if active >= quota.at_once:
            raise openai_error(429, "Too many running tasks", kind="video_generation_user_error")

    def _too_often(self, seconds: float) -> ServiceError:
        whole = max(1, math.ceil(seconds))
        return gateway_error(
            429,
            "RateLimitReached",
            "Requests to the Create Video Operation under Azure OpenAI API have exceeded call rate "
            f"limit of your current pricing tier. Please retry after {whole} seconds.",
            {"Retry-After": str(whole), "retry-after-ms": str(max(1, round(seconds * 1000)))},
        )
