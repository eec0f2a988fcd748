"""Names that messages carry: a function that is renamed or gone leaves them without one.

A message for a function that does not exist ends the host's process, and again each time that the
message comes back: an outage. An orchestration that calls an activity by a name that is gone fails;
one whose own name is gone fails at its next turn. So a name goes only when nothing can hold it any
more, and this list says when that is. A new function needs its line here, from the first version
that is deployed with it.
"""

from __future__ import annotations

import pytest

from tests.fresh import told_by

_FOREVER = "while any orchestrator that calls it is here"
_OF_DROPS = "3 days after such a version: two days is as long as one goes on after faults"
_DRAINED = "25 hours after a version that starts no new instance of it was deployed"
_SUBSCRIBED = "a day after no event subscription names it: so long Event Grid tells again"

QUEUED = {
    # orchestrators, in control queues and histories
    "generate_video_v1": _DRAINED,
    "generate_video_v2": _DRAINED,
    "generate_video_v3": _DRAINED,
    "generate_video_v4": _DRAINED,
    "repeat_step_v1": _DRAINED,
    "repeat_step_v2": _DRAINED,
    "repeat_step_v3": _DRAINED,
    "accept_drop_v1": _OF_DROPS,
    "accept_drop_v2": _OF_DROPS,
    "deliver_webhooks_v1": _FOREVER,
    "run_batch_v1": "when no batch is unfinished, however long its videos wait for a place",
    "accept_batch_v1": _OF_DROPS,
    # activities, in the work item queue and in what orchestrators yield
    "accept_drop": _FOREVER,
    "advance_video": _FOREVER,
    "archive_video": _FOREVER,
    "check_video": _FOREVER,
    "deliver_webhooks": _FOREVER,
    "finish_video": _FOREVER,
    "prepare_reference": _FOREVER,
    "publish_events": _FOREVER,
    "reject_drop": _FOREVER,
    "submit_video": _FOREVER,
    "tend_batch": _FOREVER,
    # the entity, in control queues, and its state under its name
    "quota": _FOREVER,
    # what Event Grid calls, and what the queue of the trigger before it may hold
    "reference_uploaded": _SUBSCRIBED,
    "reference_dropped": "7 days after no subscription names it: so long a queue keeps a message",
}

# Nothing waits under these: the host calls them itself, of the version that runs.
UNQUEUED = {
    "http_api",
    "sweep",
    "sweep_references",
    "sweep_batches",
    "retire_videos",
    "purge_histories",
    "warn_of_retirements",
    "keep_books",
}

_NAMES = """
import json, sys
import function_app
names = sorted(f.get_function_name() for f in function_app.app.get_functions())
json.dump(names, sys.stdout)
"""


@pytest.fixture(scope="module")
def names() -> set[str]:
    return set(told_by(_NAMES))


@pytest.mark.parametrize(("name", "until"), QUEUED.items())
def test_a_name_that_a_queue_may_hold_is_there(names: set[str], name: str, until: str) -> None:
    assert name in names, f"{name} may go only {until}"


def test_every_function_is_in_one_of_the_lists(names: set[str]) -> None:
    assert names == QUEUED.keys() | UNQUEUED
    assert not QUEUED.keys() & UNQUEUED
