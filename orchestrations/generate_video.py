"""The life of one video: a small loop around one activity, in one instance.

How far a video has come stands in its record, and ``advance_video`` takes it as far as it can go.
Here is what no activity can do: wait, without holding anything meanwhile, and ask for a place in a
deployment's quota. It continues as new in time, so no history grows beyond about a hundred events
however long a render takes or a provider is away.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any, NotRequired, TypedDict, cast

import azure.durable_functions as df
from azure.durable_functions.models.Task import TaskBase, TimerTask

from dailies.engine import GENERATE_VIDEO, WAKE_EVENT, Doing, GenerateInput, QuotaRequest, Step

blueprint = df.Blueprint()

# Rows of history after which a generation ends, and how many each thing writes. The dearest turn
# writes 19: a wake that comes too late, a pause that is cut short, a question, a call, a signal.
_MOST_EVENTS = 78
_BEGIN, _PAUSE, _WAKE, _CALL, _SIGNAL = 2, 4, 3, 4, 1
# Faults in a row, with pauses that double up to the longest: about an hour with the defaults.
_MOST_FAULTS = 18
_LONGEST_PAUSE = 300.0


class LifeState(TypedDict):
    """What is carried from one generation to the next; times in seconds.

    ``delay`` is the pause before the next call, ``woken`` says that it was cut short. ``place`` is
    the quota to ask, and with ``granted`` the next call needs no answer of it. ``asked_at`` is when
    it was asked first (Unix seconds), ``grants`` how often it granted a place; ``told``, that the
    video knows that it waits. ``faults`` are those in a row.
    """

    doing: Doing
    attempt: int
    faults: int
    delay: float
    woken: bool
    place: QuotaRequest | None
    granted: bool
    grants: int
    told: bool
    asked_at: NotRequired[float]


class LifeInput(GenerateInput):
    """The input of a generation; the first one's has no state."""

    state: NotRequired[LifeState]


@blueprint.orchestration_trigger(context_name="context", orchestration=GENERATE_VIDEO)
def generate_video_v4(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Pause, ask for a place where one is needed, advance the video; until it is over.

    A fault is tried again after a pause that doubles; after too many in a row the instance fails,
    and the sweeper starts the video's orchestration anew.
    """
    video = cast(LifeInput, context.get_input())
    life = _Life(context, video)
    while life.events < _MOST_EVENTS and not life.begins_anew:
        step: Step | None = yield from life.turn()
        if step is not None and step["kind"] == "done":
            return {"id": video["id"], "error": step.get("error")}
    context.continue_as_new({**video, "state": life.state})
    return None


def _first_state(video: GenerateInput) -> LifeState:
    # An image is looked at before a place is asked for: one that can't be used needs none.
    prepares = video["has_reference"]
    return {
        "doing": Doing.PREPARING if prepares else Doing.SUBMITTING,
        "attempt": 0,
        "faults": 0,
        "delay": 0.0,
        "woken": False,
        "place": None if prepares else video["quota"],
        "granted": video.get("sent", False),
        "grants": 0,
        "told": False,
    }


class _Life:
    """One generation: its state, and what it has written into its history so far."""

    def __init__(self, context: df.DurableOrchestrationContext, video: LifeInput) -> None:
        self.state = video.get("state") or _first_state(video)
        self.events = _BEGIN
        self.begins_anew = False
        self._context = context
        self._video = video
        self._wake: TaskBase | None = None

    def turn(self) -> Generator[Any, Any, Step | None]:
        """One round of the loop; the activity's answer, if it was called and had one."""
        state = self.state
        self._context.set_custom_status(state["doing"])
        yield from self._pause()
        if self.begins_anew:
            return None
        woken, state["woken"] = state["woken"], False
        # Whoever was woken has no time to stand in a queue: it was probably cancelled.
        wait_seconds = None if woken else (yield from self._ask())
        if wait_seconds is not None and state["told"]:
            state["delay"] = wait_seconds
            return None
        step: Step | None = yield from self._advance(woken=woken, wait_seconds=wait_seconds)
        return step

    def _pause(self) -> Generator[Any, Any, None]:
        """Wait for ``delay``; or go on at once, ``woken``, when somebody wakes the video."""
        context, state = self._context, self.state
        seconds, state["delay"] = state["delay"], 0.0
        if self._wake is not None and self._wake.is_completed:
            # It came after the last pause: the call since then may not have seen what it was for.
            self._wake = None
            self.events += _WAKE
            state["woken"] = True
        if state["woken"] or seconds <= 0:
            return
        begun = context.current_utc_datetime
        # The SDK declares the base class of what it gives.
        timer = cast(TimerTask, context.create_timer(begun + timedelta(seconds=seconds)))
        self._wake = context.wait_for_external_event(WAKE_EVENT)
        winner = yield context.task_any([timer, self._wake])
        self.events += _PAUSE
        if winner is timer:
            return
        self._wake = None
        self.events += _WAKE
        state["woken"] = True
        # A timer left open would keep the instance from completing.
        timer.cancel()  # type: ignore[no-untyped-call] # the SDK has no types here
        # The SDK gives an event that came before its wait to every later wait of the generation.
        self.begins_anew = context.current_utc_datetime == begun

    def _ask(self) -> Generator[Any, Any, float | None]:
        """Ask for a place; seconds to the next question, None when there is a place or no need."""
        state, place = self.state, self.state["place"]
        if place is None or state["granted"]:
            return None
        now = self._context.current_utc_datetime.timestamp()
        # What was granted before came to nothing. Each time costs a little of the place in the
        # queue: one that the provider puts off for ever is overtaken, one put off once is not.
        since = state.setdefault("asked_at", now) + state["grants"] * place["window_seconds"]
        question = {**place, "video": self._video["id"], "now": now, "since": since}
        grant = yield self._context.call_entity(_entity(place["deployment"]), "acquire", question)
        self.events += _CALL
        if not grant["granted"]:
            return float(grant["wait_seconds"])
        # Kept over a fault: what it was granted for may have been done, or not.
        state["granted"] = True
        state["grants"] += 1
        return None

    def _advance(
        self, *, woken: bool, wait_seconds: float | None
    ) -> Generator[Any, Any, Step | None]:
        """Call the activity; ``wait_seconds``: to tell it that its video waits for a place."""
        state, place = self.state, self.state["place"]
        waiting = wait_seconds is not None
        payload = {
            "id": self._video["id"],
            "owner": self._video["owner"],
            "traceparent": self._video.get("traceparent"),
            "doing": state["doing"],
            "attempt": state["attempt"],
            "woken": woken,
            "place": place["deployment"] if place is not None and state["granted"] else None,
            **({"waiting": True} if waiting else {}),
        }
        self.events += _CALL
        try:
            step: Step = yield self._context.call_activity("advance_video", payload)
        except Exception:
            if wait_seconds is not None:
                # It is told with the next question.
                state["delay"] = wait_seconds
                return None
            state["faults"] += 1
            if state["faults"] > _MOST_FAULTS:
                raise
            pause = self._video["retry_seconds"] * 2 ** min(state["faults"] - 1, 8)
            state["delay"] = min(pause, _LONGEST_PAUSE)
            state["attempt"] += 1
            return None
        state["faults"] = 0
        state["told"] = state["told"] or waiting
        state["delay"] = step.get("seconds", 0.0)
        state["doing"] = step.get("doing", state["doing"])
        state["attempt"] = step.get("attempt", 0)
        self._keep_or_move(step)
        if wait_seconds is not None and state["place"] == place and not state["granted"]:
            state["delay"] = max(state["delay"], wait_seconds)
        return step

    def _keep_or_move(self, step: Step) -> None:
        """Keep the place while the video's work is under way there, else give it back.

        One that is kept over a pause, or where nobody sends any more, is lost to all others.
        """
        state = self.state
        keeps = step["kind"] != "done" and step.get("holds", False)
        if (release := step.get("release")) is not None:
            self._give_back(release["deployment"], release["took"])
            state["place"] = None
        else:
            place = step.get("place", state["place"])
            # What waits in a queue leaves it too, when it needs no place there any more.
            is_over = step["kind"] == "done" or place != state["place"]
            if state["place"] is not None and (is_over or state["granted"] != keeps):
                self._give_back(state["place"]["deployment"], None)
            if place != state["place"]:
                state["place"] = place
                state["grants"] = 0
        state["granted"] = keeps

    def _give_back(self, deployment: str, took: float | None) -> None:
        """Leave the deployment's queue, and the place in its quota."""
        release = {"video": self._video["id"], "took": took}
        self._context.signal_entity(_entity(deployment), "release", release)
        self.events += _SIGNAL


def _entity(deployment: str) -> df.EntityId:
    return df.EntityId("quota", deployment)
