"""What a client keeps for the moment in which its NAT is up: the last packets, each once.

Upstream: ``tunnel-proto/src/unique_packet_buffer.rs``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from fzctl.protocol.packet import transport_of

CAPACITY: Final = 32

_TCP: Final = 6
_TCP_HEADER: Final = 20
_SYN: Final = 0x02


class PacketBuffer:
    """IP packets in the order in which they came; of too many the oldest are overwritten."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._packets: deque[bytes] = deque(maxlen=capacity)

    def push(self, packet: bytes) -> bytes | None:
        """Keep an application's packet; returns the one that is lost for it.

        That is the packet itself where the same bytes are buffered already, an older transmission
        of the same TCP SYN, whose place it takes, or the oldest packet where the buffer is full.
        """
        if packet in self._packets:
            return packet
        syn = _syn_identity(packet)
        if syn is not None:
            for position, buffered in enumerate(self._packets):
                if _syn_identity(buffered) == syn:
                    self._packets[position] = packet
                    return buffered
        return self._append(packet)

    def extend(self, packets: Iterable[bytes]) -> list[bytes]:
        """Keep packets as they are, doubles too; returns those overwritten for them."""
        lost = map(self._append, packets)
        return [packet for packet in lost if packet is not None]

    def drain(self) -> tuple[bytes, ...]:
        """All packets, the oldest first; the buffer is empty afterwards."""
        packets = tuple(self._packets)
        self._packets.clear()
        return packets

    def __len__(self) -> int:
        return len(self._packets)

    def _append(self, packet: bytes) -> bytes | None:
        oldest = self._packets[0] if len(self._packets) == self._packets.maxlen else None
        self._packets.append(packet)
        return oldest


def _syn_identity(packet: bytes) -> bytes | None:
    """What two transmissions of one TCP SYN have in common; ``None`` for any other packet."""
    found = transport_of(packet)
    if found is None or found[0] != _TCP:
        return None
    _, start = found
    if len(packet) < start + _TCP_HEADER or not packet[start + 13] & _SYN:
        return None
    addresses = packet[8:40] if packet[0] >> 4 == 6 else packet[12:20]
    return addresses + packet[start : start + 8]  # ports and sequence number
