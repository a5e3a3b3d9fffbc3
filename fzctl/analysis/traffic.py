"""Application traffic of one domain, by what its NAT was at that time."""

from __future__ import annotations

from typing import Final, NamedTuple

PENDING: Final = "pending"
REFRESHING: Final = "refreshing"
CONFIRMED: Final = "confirmed"
FAILED: Final = "failed"
ENDED: Final = "ended"
PHASES: Final = (PENDING, REFRESHING, CONFIRMED, FAILED, ENDED)
"""Asked while the client buffers, asked anew while packets pass, confirmed, failed (packets vanish at
the gateway), and after Goodbye."""


class Traffic(NamedTuple):
    """Packets and bytes to a domain's proxy IPs and from them, and the first of those to them."""

    packets_to: int = 0
    bytes_to: int = 0
    packets_from: int = 0
    bytes_from: int = 0
    first_frame: int | None = None
    first_time: int | None = None


class Tally:
    """Counts the packets of one phase."""

    __slots__ = ("bytes_from", "bytes_to", "first_frame", "first_time", "packets_from", "packets_to")

    def __init__(self) -> None:
        self.packets_to = 0
        self.bytes_to = 0
        self.packets_from = 0
        self.bytes_from = 0
        self.first_frame: int | None = None
        self.first_time: int | None = None

    def count_to(self, size: int, time: int | None, frame: int | None) -> None:
        """A packet to the domain."""
        if not self.packets_to:
            self.first_frame, self.first_time = frame, time
        self.packets_to += 1
        self.bytes_to += size

    def count_from(self, size: int) -> None:
        """A packet from the domain."""
        self.packets_from += 1
        self.bytes_from += size

    def traffic(self) -> Traffic:
        """The counts so far."""
        return Traffic(
            self.packets_to,
            self.bytes_to,
            self.packets_from,
            self.bytes_from,
            self.first_frame,
            self.first_time,
        )
