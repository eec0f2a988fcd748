from __future__ import annotations

import socket
import threading
from ipaddress import ip_address

import pytest

from dailies.net.addresses import is_public, resolve_host


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "20.60.1.1", "2606:4700::1111", "2a01:111::1", "::ffff:8.8.8.8"]
)
def test_public_addresses_may_be_asked(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.129.2",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:168.63.129.16",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2001:0:1::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_all_others_may_not(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
async def test_any_notation_of_an_address_is_seen_through(host: str) -> None:
    assert list(await resolve_host(host, 443)) == [ip_address("127.0.0.1")]


async def test_an_ipv6_address_resolves_to_itself() -> None:
    assert list(await resolve_host("::1", 443)) == [ip_address("::1")]


async def test_names_that_callers_choose_have_threads_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, object]] = []

    def lookup(name: object, *_: object, **__: object) -> list[object]:
        seen.append((threading.current_thread().name, name))
        return [(2, 1, 6, "", ("93.184.215.14", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert list(await resolve_host("example.com", 443)) == [ip_address("93.184.215.14")]
    ((thread, name),) = seen
    assert thread.startswith("resolve")
    # A text would go through the codec for international names, which takes its time.
    assert name == b"example.com"
