"""Who is next in a lane: start-time fair queueing over owners (Goyal, Vin and Cheng, 1996).

Each owner is a flow with a weight. A video's start tag is the virtual time at which it would start
if all flows were served at once, each by its weight: that of the flow's video before it, plus one
over the weight; but not before the virtual time at which the flow began to wait. The least tag is
served first, and the virtual time is the tag of what was served last. So an owner that waits gets
its share from the next places on, however many videos others have sent before.
"""

from __future__ import annotations

import math

from dailies.routing.lane_state import Flow, Lane

__all__ = ["ahead", "join", "rounds_before", "served", "settle"]

_SAME = 1e-6
"""Tags that differ by less are equal."""


def join(lane: Lane, owner: str, weight: float) -> None:
    """An owner's video is about to wait or to be served: the owner has a flow from now on."""
    flow = lane.flows.get(owner, Flow(weight, 0.0))
    began = owner in lane.queue
    tag = flow.tag if began else max(flow.tag, lane.virtual)
    lane.flows[owner] = Flow(weight, tag)


def served(lane: Lane, owner: str) -> None:
    """One of the owner's videos has got a place."""
    flow = lane.flows[owner]
    # One that was let through before its turn does not move the time past those that wait.
    least = min((lane.flows[name].tag for name in lane.queue), default=flow.tag)
    lane.virtual = max(lane.virtual, min(flow.tag, least))
    lane.flows[owner] = Flow(flow.weight, flow.tag + 1 / flow.weight)


def settle(lane: Lane) -> None:
    """Forget the flows that owe nothing; where nobody waits, all of them."""
    if not lane.queue:
        lane.flows, lane.virtual = {}, 0.0
        return
    lane.flows = {
        owner: flow
        for owner, flow in lane.flows.items()
        if owner in lane.queue or flow.tag > lane.virtual
    }


def ahead(lane: Lane, owner: str, index: int, *, weight: float = 1.0) -> dict[str, int]:
    """How many videos of each owner are served before the one that has so many of its owner's
    before it. The owner need not wait yet: ``weight`` is then that of its flow."""
    flow = lane.flows.get(owner, Flow(weight, lane.virtual))
    begins = flow.tag if owner in lane.queue else max(flow.tag, lane.virtual)
    tag = begins + index / flow.weight
    counts = {owner: index}
    for other, entries in lane.queue.items():
        if other != owner:
            wins = _tie(lane, other) < _tie(lane, owner)
            counts[other] = min(len(entries), _before(lane.flows[other], tag, wins=wins))
    return counts


def rounds_before(lane: Lane, owner: str, index: int, *, weight: float = 1.0) -> int:
    """How many rounds are served before the one that has so many of its owner's before it: 0 for
    one that a newcomer can't overtake."""
    flow = lane.flows.get(owner, Flow(weight, lane.virtual))
    return max(0, round(flow.tag + index / flow.weight - lane.virtual))


def _before(flow: Flow, tag: float, *, wins: bool) -> int:
    """How many start tags of the flow, from its next one on, are before ``tag``; one that is equal
    counts where the flow ``wins``."""
    number = (tag - flow.tag) * flow.weight
    nearest = round(number)
    if abs(number - nearest) < _SAME:
        return max(0, nearest + wins)
    return max(0, math.ceil(number))


def _tie(lane: Lane, owner: str) -> tuple[float, str]:
    """Of two owners with equal tags: whose next video came first."""
    entries = lane.queue.get(owner)
    return (entries[0].since if entries else math.inf), owner
