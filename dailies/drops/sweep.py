"""Find the uploads that no event told of, and those whose orchestration ended without an answer.

Two looks. The first is at what was seen and not answered: few rows. The second goes through the
names of the whole container, as far as one run's time allows, and on from there in the next: a
container of a million blobs takes a few hours, and no memory. Only what was changed since the pass
before is looked at closely, so that a pass over what is long done costs its lists and nothing else.
What was there before the first pass is never touched: it may be somebody's archive.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobProperties

from dailies.drops.arrivals import Looked, look_again
from dailies.engine import InstanceState, Orchestrations
from dailies.protocols.drop.naming import DropKind, classify
from dailies.services import Services
from dailies.stores.drops import REJECTED_SECONDS, ContainerPass, OpenDrop, blob_state
from dailies.telemetry.logs import log_event

__all__ = ["SKEW_SECONDS", "sweep_drops"]

_LONGEST_LOOK_SECONDS = 20.0
"""Of the whole run, which has to end well before a host's limit on a function's time."""
_PER_PAGE = 100
"""The SDK reads a page's XML in one go, a third of a millisecond for a blob, and the loop waits."""
_AT_ONCE = 8
_LONGEST_UNANSWERED_SECONDS = 3600.0
SKEW_SECONDS = 300.0
"""Storage's clock and ours, and a page that was listed before a blob came."""


async def sweep_drops(
    services: Services, orchestrations: Orchestrations, *, late: bool = False
) -> Counter[str]:
    """Do both looks once; gives how often each thing was done.

    The line that ends it is written every time: that it is missing tells that no sweep came so far.

    Args:
        late: the timer fired after its time.
    """
    actions: Counter[str] = Counter()
    settings = services.settings
    waiting: list[OpenDrop] = []
    async for drop in services.drops.open_drops():
        waiting.append(drop)
        if services.clock() - drop.since >= settings.sweep_grace_seconds:
            await _safely(actions, drop.blob, _tend(services, orchestrations, drop))
    await _look_through(services, orchestrations, actions)
    await services.drops.forget_rejections(services.clock() - REJECTED_SECONDS)
    # Its sidecar is waited for, and an outage waited out: longer than both is no waiting.
    longest = settings.sidecar_wait_seconds + _LONGEST_UNANSWERED_SECONDS
    oldest = min(waiting, key=lambda drop: drop.since, default=None)
    log_event(
        "drop_sweep_done",
        late=late,
        open=len(waiting),
        stalled=sum(services.clock() - drop.since > longest for drop in waiting),
        oldest_seconds=round(services.clock() - oldest.since) if oldest else 0,
        oldest=oldest.blob if oldest else None,
        actions=dict(actions),
    )
    return actions


async def _tend(services: Services, orchestrations: Orchestrations, drop: OpenDrop) -> str | None:
    if await orchestrations.state(drop.instance_id) is InstanceState.RUNNING:
        return None
    looked = await look_again(services, orchestrations, drop.blob)
    if looked is not Looked.NOTHING:
        # An event may have started it since it was asked above: it is under way then.
        return "started" if looked is Looked.STARTED else None
    # Answered, deleted or replaced, by somebody who did not come to say so.
    await services.drops.close_instance(drop.instance_id)
    return "closed"


async def _look_through(
    services: Services, orchestrations: Orchestrations, actions: Counter[str]
) -> None:
    """Go on with the pass, and end it if the end is reached."""
    now = services.clock()
    current = await services.drops.current_pass()
    if current is None:
        current = ContainerPass(began=now, changed_since=now + SKEW_SECONDS)
        await services.drops.save_pass(current)
    until = time.monotonic() + _LONGEST_LOOK_SECONDS
    oldest = current.changed_since - SKEW_SECONDS
    newest = now - services.settings.sweep_grace_seconds
    async for page, token in _pages(services, current.token):
        changed = [
            blob
            for blob in page
            if oldest <= blob.last_modified.timestamp() <= newest and _may_start(blob)
        ]
        await _look_closely(services, orchestrations, changed, actions)
        if token is None:
            # What came meanwhile the next one sees, and what was too new for this one.
            too_new = current.began - services.settings.sweep_grace_seconds
            current = ContainerPass(began=now, changed_since=too_new)
        else:
            current = current.model_copy(update={"token": token})
        await services.drops.save_pass(current)
        if token is None or time.monotonic() > until:
            return


async def _pages(
    services: Services, token: str | None
) -> AsyncIterator[tuple[list[BlobProperties], str | None]]:
    """The pages of the container's list from ``token`` on, each with the token of the next."""
    listing = services.files.references.list_blobs(results_per_page=_PER_PAGE)
    pages: Any = listing.by_page(continuation_token=token)  # declared without its token
    try:
        async for page in pages:
            blobs = [blob async for blob in page]
            yield blobs, pages.continuation_token or None
    except HttpResponseError as error:
        if token is None or error.status_code != 400:
            raise
        # Storage does not know the token any more: begin anew.
        async for first in _pages(services, None):
            yield first


def _may_start(blob: BlobProperties) -> bool:
    kind = classify(str(blob.name))
    return kind.starts_video or kind in (DropKind.UNSUPPORTED, DropKind.BATCH)


async def _look_closely(
    services: Services,
    orchestrations: Orchestrations,
    blobs: list[BlobProperties],
    actions: Counter[str],
) -> None:
    limit = asyncio.Semaphore(_AT_ONCE)

    async def look(blob: BlobProperties) -> None:
        async with limit:
            name = str(blob.name)
            await _safely(actions, name, _missed(services, orchestrations, blob))

    await asyncio.gather(*map(look, blobs))


async def _missed(
    services: Services, orchestrations: Orchestrations, blob: BlobProperties
) -> str | None:
    """Start what nobody has seen. What was seen has a row among the open ones, or an answer."""
    name = str(blob.name)
    known = (await services.drops.get(name)).current(blob_state(blob))
    if known is not None:
        return None
    looked = await look_again(services, orchestrations, name)
    return "found" if looked is Looked.STARTED else None


async def _safely(
    actions: Counter[str], name: str, looking: Coroutine[Any, Any, str | None]
) -> None:
    try:
        action = await looking
    except Exception as error:  # noqa: BLE001 - the others must not wait for it
        log_event("sweep_failed", level=logging.ERROR, fault=error, blob=name)
        action = "failed"
    if action is not None:
        actions[action] += 1
        log_event("drop_swept", blob=name, action=action)
