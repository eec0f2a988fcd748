"""The replay of an orchestrator's actions: which are new, under which number, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest

from local.host.taskhub.actions import OrchestrationFaultError, Outcome
from local.host.taskhub.history import Event, EventType, new_event
from local.host.taskhub.replay import replay

NOW = 1_800_000_000.0
NAMES = {
    EventType.TASK_SCHEDULED: {"Name": "work"},
    EventType.SUB_ORCHESTRATION_CREATED: {"Name": "child"},
}


class AllKnown:
    """Every function exists but ``nobody``."""

    def check_activity(self, name: str) -> None:
        if name == "nobody":
            raise OrchestrationFaultError("The function 'nobody' doesn't exist")

    check_orchestrator = check_activity
    check_entity = check_activity


def activity(name: str = "work") -> dict[str, Any]:
    return {"actionType": 0, "functionName": name, "input": "1"}


def retried(attempts: int) -> dict[str, Any]:
    options = {"firstRetryIntervalInMilliseconds": 5000, "maxNumberOfAttempts": attempts}
    return {**activity(), "actionType": 1, "retryOptions": options}


def timer(*, cancelled: bool = False) -> dict[str, Any]:
    moment = "2027-01-15T08:00:10.000000Z"
    return {"actionType": 5, "fireAt": moment, "isCanceled": cancelled}


def event(name: str) -> dict[str, Any]:
    return {"actionType": 6, "externalEventName": name}


def group(kind: int, *children: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": kind, "compoundActions": list(children)}


ANY, ALL = 11, 12
CONTINUE = {"actionType": 4, "input": '"next"'}


def made(kind: EventType, number: int) -> Event:
    return new_event(kind, NOW, number, **NAMES.get(kind, {}))


def completed(number: int) -> Event:
    return new_event(EventType.TASK_COMPLETED, NOW, TaskScheduledId=number, Result="1")


def failed(number: int) -> Event:
    return new_event(EventType.TASK_FAILED, NOW, TaskScheduledId=number, Reason="r", Details="d")


def fired(number: int) -> Event:
    return new_event(EventType.TIMER_FIRED, NOW, TimerId=number)


def raised(name: str) -> Event:
    return new_event(EventType.EVENT_RAISED, NOW, Name=name, Input="1")


def run(actions: list[dict[str, Any]], *events: Event) -> Outcome:
    start = (
        new_event(EventType.ORCHESTRATOR_STARTED, NOW),
        new_event(EventType.EXECUTION_STARTED, NOW, Name="o"),
    )
    return replay("e1", actions, (*start, *events), AllKnown())


TASK = EventType.TASK_SCHEDULED
TIMER = EventType.TIMER_CREATED


def test_top_level_actions_are_awaited_one_after_the_other() -> None:
    actions = [activity(), activity()]
    first = run(actions)
    assert [item.id for item in first.new] == [0]
    assert not first.all_awaited
    second = run(actions, made(TASK, 0), completed(0))
    assert [item.id for item in second.new] == [1]
    last = run(actions, made(TASK, 0), completed(0), made(TASK, 1), completed(1))
    assert (last.new, last.all_awaited, last.has_open_tasks) == ([], True, False)


def test_numbers_run_on_over_everything_but_awaited_events() -> None:
    signal = {"actionType": 9, "instanceId": "@counter@a", "operation": "add", "input": "1"}
    child = {"actionType": 2, "functionName": "child", "input": "1", "instanceId": None}
    outcome = run([signal, group(ALL, activity(), event("go"), timer(), child)])
    assert [(item.id, item.type) for item in outcome.new] == [
        (0, EventType.EVENT_SENT),
        (1, TASK),
        (2, TIMER),
        (3, EventType.SUB_ORCHESTRATION_CREATED),
    ]
    assert outcome.new[3].target == "e1:3"
    assert outcome.new[3].input == '"1"'
    assert outcome.new[1].input == "1"


def test_a_retry_takes_attempt_timer_attempt_and_a_last_timer() -> None:
    actions = [retried(2), activity()]
    history = [made(TASK, 0), failed(0)]
    delay = run(actions, *history).new[0]
    assert (delay.id, delay.type, delay.fire_at) == (1, TIMER, NOW + 5)
    history += [made(TIMER, 1), fired(1)]
    assert [(i.id, i.type) for i in run(actions, *history).new] == [(2, TASK)]
    history += [made(TASK, 2), failed(2)]
    last = run(actions, *history).new[0]
    assert (last.id, last.type, last.fire_at) == (3, TIMER, NOW)
    history += [made(TIMER, 3), fired(3)]
    assert [(i.id, i.type) for i in run(actions, *history).new] == [(4, TASK)]


def test_a_group_of_all_waits_even_after_a_failure() -> None:
    actions = [group(ALL, activity(), activity()), activity()]
    history = [made(TASK, 0), made(TASK, 1), failed(0)]
    assert run(actions, *history).new == []
    assert [item.id for item in run(actions, *history, completed(1)).new] == [2]


def test_a_group_of_any_goes_on_with_the_first() -> None:
    actions = [group(ANY, activity(), timer())]
    outcome = run(actions, made(TASK, 0), made(TIMER, 1), completed(0))
    assert (outcome.all_awaited, outcome.has_open_tasks) == (True, True)
    actions = [group(ANY, activity(), timer(cancelled=True))]
    outcome = run(actions, made(TASK, 0), made(TIMER, 1), completed(0))
    assert (outcome.all_awaited, outcome.has_open_tasks) == (True, False)


def test_an_event_that_came_early_is_kept_for_its_wait() -> None:
    actions = [activity(), event("go")]
    outcome = run(actions, made(TASK, 0), raised("go"), completed(0))
    assert outcome.all_awaited
    assert outcome.buffered == []


def test_continue_as_new_carries_later_events_and_loses_earlier_ones() -> None:
    actions = [activity(), CONTINUE]
    outcome = run(actions, made(TASK, 0), raised("early"), completed(0), raised("late"))
    assert (outcome.continue_as_new, outcome.next_input) == (True, '"\\"next\\""')
    assert [e.name for e in outcome.carried] == ["late"]
    assert outcome.buffered == ["early"]


def test_a_called_entity_answers_under_its_request_id() -> None:
    call = {"actionType": 7, "instanceId": "@counter@a", "operation": "get", "input": "null"}
    sent = run([call]).new[0]
    assert sent.request_id is not None
    assert run([call]).new[0].request_id == sent.request_id
    outcome = run([call], made(EventType.EVENT_SENT, 0), raised(sent.request_id))
    assert outcome.all_awaited


def test_a_history_that_does_not_fit_the_actions_is_a_fault() -> None:
    with pytest.raises(OrchestrationFaultError, match="Non-Deterministic"):
        run([timer()], made(TASK, 0))
    with pytest.raises(OrchestrationFaultError, match="Non-Deterministic"):
        run([activity("other")], made(TASK, 0))
    with pytest.raises(OrchestrationFaultError, match="Non-Deterministic"):
        run([], made(TASK, 0))


@pytest.mark.parametrize(
    "action",
    [activity("nobody"), {"actionType": 8, "httpRequest": {}}, {"actionType": 99}],
)
def test_an_action_that_cannot_be_carried_out_is_a_fault(action: dict[str, Any]) -> None:
    with pytest.raises(OrchestrationFaultError):
        run([action])
