"""The lab's own peer, two of a kind and without a network: what the lab proves rests on it."""

from __future__ import annotations

from collections import deque

import pytest

from fzctl.wireguard.keylog import parse_keylog
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.noise import NO_PSK
from tests.lab.peer import Peer, Silence
from tests.wireguard.lab import CONTROL, IPV4_PACKET, PSK, A, B


class MemoryWire:
    """Datagrams to another peer in the same thread: waiting lets the other one work."""

    def __init__(self) -> None:
        self.inbox: deque[bytes] = deque()
        self.other: Peer | None = None

    def send(self, datagram: bytes) -> None:
        assert self.other is not None
        assert isinstance(self.other.wire, MemoryWire)
        self.other.wire.inbox.append(datagram)

    def receive(self, timeout: float) -> bytes | None:
        if self.inbox:
            return self.inbox.popleft()
        if timeout > 0.001 and self.other is not None:
            for _ in range(3):
                try:
                    self.other.receive(lambda packet: False, timeout=0.001)
                except Silence:
                    pass
                if self.inbox:
                    break
        return self.inbox.popleft() if self.inbox else None


def pair(psk: Secret = NO_PSK) -> tuple[Peer, Peer]:
    wires = MemoryWire(), MemoryWire()
    peers = Peer(wires[0], A, B.public, psk), Peer(wires[1], B, A.public, psk)
    wires[0].other, wires[1].other = peers[::-1]
    return peers


@pytest.mark.parametrize("psk", [NO_PSK, PSK], ids=["no psk", "psk"])
def test_packets_go_both_ways_over_several_handshakes_and_all_keys_are_kept(psk: Secret) -> None:
    first, second = pair(psk)
    for one, other in ((first, second), (second, first), (first, second)):
        one.connect()
        one.send(CONTROL)
        assert other.receive(lambda packet: True) == CONTROL
        other.send(IPV4_PACKET, padded=False)
        assert one.receive(lambda packet: True) == IPV4_PACKET
    assert len(first.transport_keys()) == len(second.transport_keys()) == 6
    assert set(first.transport_keys()) == set(second.transport_keys())
    log = parse_keylog(first.key_log(), "keys")
    assert log.warnings == ()
    assert len(log.psk_of()) == 3
