"""Webhooks of a running stack, called over the network and checked as their receivers do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook as Standard

from tests.receiver import Receiver, running_receiver
from tests.stack import RunningStack


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


def test_a_webhook_is_told_of_a_video_while_another_one_hangs(
    stack: RunningStack, receiver: Receiver
) -> None:
    secret = stack.api.post("/v1/webhooks/secret").json()["secret"]
    # It refuses the first call, and takes the second.
    receiver.answers = [(503, {"Retry-After": "1"})]
    with running_receiver("127.0.0.2") as hanging:
        hanging.hold.clear()
        hanging.answers = [(410, {})]  # in the end: then nothing is left for it
        stack.create("a clock that stands still", webhook_url=hanging.url)
        hanging.wait_for(1)
        events = ["dailies.video.accepted", "dailies.video.completed"]
        video = stack.create(
            "a clock tower strikes", webhook_url=receiver.url, webhook_events=events
        )
        calls = receiver.wait_for(3)
    told = [Standard(secret).verify(call.body, dict(call.headers)) for call in calls]
    assert {(event["id"], event["type"]) for event in told} == {
        (f"{video['id']}.{kind.rpartition('.')[2]}", kind) for kind in events
    }
    ended = next(event for event in told if event["type"] == events[1])
    assert ended["data"]["files"]["video"]["bytes"] > 0
    deliveries = stack.api.get("/v1/webhooks/deliveries", params={"video_id": video["id"]}).json()[
        "data"
    ]
    assert {each["status"] for each in deliveries} == {"delivered"}
    again = stack.api.post(f"/v1/webhooks/deliveries/{deliveries[0]['id']}/resend")
    assert again.status_code == 200, again.text
    assert receiver.wait_for(4)[3].headers["webhook-id"] == deliveries[0]["event_id"]
