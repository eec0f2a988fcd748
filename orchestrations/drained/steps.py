"""How an orchestrator runs a step: once in place, and repeated in a sub-orchestration."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import azure.durable_functions as df

from dailies.engine import GenerateInput, QuotaRequest, Step, VideoRef, step_instance_id
from orchestrations.drained.repeat_step import REPEAT_STEP_V3, RepeatInput

__all__ = ["Steps"]


@dataclass(frozen=True)
class Steps:
    """The steps of one video.

    Attributes:
        repeater: the sub-orchestrator that repeats a step; a version of the orchestrator keeps the
            one that it came with.
    """

    context: df.DurableOrchestrationContext
    video: GenerateInput
    repeater: str

    @property
    def gives_back(self) -> bool:
        """Whether a place in a quota is given back as soon as it is not used any more."""
        return self.repeater == REPEAT_STEP_V3

    @property
    def ref(self) -> VideoRef:
        """The part of the input that every activity gets."""
        ref: VideoRef = {"id": self.video["id"], "owner": self.video["owner"]}
        # An instance that was started before there were traces has none, and replays without.
        if "traceparent" in self.video:
            ref["traceparent"] = self.video["traceparent"]
        return ref

    def run(
        self,
        activity: str,
        extra: Mapping[str, Any] | None = None,
        *,
        limit: int | None = None,
    ) -> Generator[Any, Any, Step]:
        """Call the step once; only when that is not enough, repeat it in a sub-orchestration."""
        payload = {**self.ref, **(extra or {}), "attempt": 0}
        try:
            step: Step = yield self.context.call_activity(activity, payload)
            faults = 0
        except Exception:  # noqa: BLE001 - Durable hands every activity's fault over as an Exception
            step = {"kind": "wait", "seconds": self.video["retry_seconds"]}
            faults = 1
        if step["kind"] != "wait":
            return step
        return (
            yield from self.repeat(
                activity,
                extra,
                delay=step.get("seconds", 0.0),
                attempt=1,
                faults=faults,
                limit=limit,
            )
        )

    def repeat(
        self,
        activity: str,
        extra: Mapping[str, Any] | None = None,
        *,
        quota: QuotaRequest | None = None,
        granted: bool = False,
        delay: float = 0.0,
        attempt: int = 0,
        faults: int = 0,
        limit: int | None = None,
    ) -> Generator[Any, Any, Step]:
        """Repeat the step in a sub-orchestration until it is done or stops.

        ``granted``: the first call needs no place in the quota.
        """
        state: RepeatInput = {
            "activity": activity,
            "video": {**self.ref, **(extra or {})},
            "retry_seconds": self.video["retry_seconds"],
            "quota": quota,
            "delay": delay,
            "attempt": attempt,
            "faults": faults,
            "limit": limit,
        }
        if granted:
            state["granted"] = True
        instance_id = step_instance_id(self.video["id"], activity, self.video["restarts"])
        step: Step = yield self.context.call_sub_orchestrator(self.repeater, state, instance_id)
        return step
