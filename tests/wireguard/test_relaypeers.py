"""Peers behind a relay: one each, however they are spelt."""

from __future__ import annotations

import pytest

from fzctl.errors import EncodeError
from fzctl.wireguard.relaypeers import MOST_WAITING, RelayPeers


def test_a_peer_is_met_once() -> None:
    peers = RelayPeers()
    first = peers.meet(("2001:DB8::1", 7))
    assert peers.meet(("2001:db8:0::1", 7)) is first
    assert peers.find(("2001:db8::1", 7)) is first
    assert peers.on_channel(0x4000) is first
    assert list(peers) == [first]
    assert first.endpoint == ("2001:DB8::1", 7)
    assert peers.meet(("2001:db8::1", 8)) is not first


def test_there_are_4096_channels_and_peers_beyond_them_have_none() -> None:
    peers = RelayPeers()
    for port in range(1, 4099):
        peers.meet(("192.0.2.1", port))
    channels = [known.channel for known in peers]
    assert channels == [*range(0x4000, 0x5000), None, None]


def test_a_permission_counts_for_all_ports_of_its_address() -> None:
    peers = RelayPeers()
    known = peers.meet(("2001:DB8::1", 7))
    assert not peers.permits("2001:db8::1")
    known.permitted = True
    assert peers.permits("2001:db8::1")
    assert not peers.permits("2001:db8::2")


def test_what_waits_is_bounded_and_what_is_dropped_is_counted() -> None:
    peers = RelayPeers()
    known = peers.meet(("192.0.2.1", 7))
    for number in range(MOST_WAITING + 2):
        peers.hold(b"%d" % number, known)
    assert (known.waiting[0], peers.dropped) == (b"2", 2)
    peers.clear()
    assert peers.dropped == MOST_WAITING + 2
    assert list(peers) == []
    assert peers.find(("192.0.2.1", 7)) is None


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(EncodeError):
        RelayPeers().meet(("nowhere", 1))
