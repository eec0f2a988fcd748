"""Frames between the host and its worker."""

from __future__ import annotations

import asyncio
import selectors
import socket

import pytest

from local.host.worker.channel import Channel, ChannelClosedError


@pytest.mark.parametrize("payload", [b"", b"x", bytes(3 * 1024**2)])
async def test_a_frame_arrives_whole_and_leaves_nothing_to_write(payload: bytes) -> None:
    ours, theirs = socket.socketpair()
    sender, receiver = await Channel.open(ours), await Channel.open(theirs)
    sent = asyncio.create_task(sender.send({"kind": "ready"}, payload))
    assert await receiver.receive() == ({"kind": "ready"}, payload)
    await sent
    await asyncio.sleep(0.01)
    # A loop that still wants to write an empty rest turns for ever; only its selector tells.
    loop = asyncio.get_running_loop()
    watched = loop._selector.get_map()  # type: ignore[attr-defined] # of the selector loop alone
    assert not any(
        key.events & selectors.EVENT_WRITE for key in watched.values() if key.fd == ours.fileno()
    )
    sender.close()
    with pytest.raises(ChannelClosedError):
        await receiver.receive()
    receiver.close()
