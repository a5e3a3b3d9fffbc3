"""What comes out of a carrier, as the packets of a capture that does not end by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from fzctl.carriers.base import Carrier
from fzctl.pcap.frame import Candidate, Datagram
from fzctl.pcap.links import RAW, link_for, may_be_control

if TYPE_CHECKING:
    from fzctl.pcap.datagrams import Skip

TICK: Final = 0.1
"""Seconds between two looks at the clock where nothing comes."""


class CarrierSource:
    """Inner packets as frames of raw IP, in the manner of ``fzctl.carriers.live.LiveCapture``."""

    link_type: Final = RAW
    secrets: Final[list[tuple[int, bytes]]] = []

    def __init__(self, carrier: Carrier, clock: Callable[[], float] = time.monotonic) -> None:
        self._carrier: Final = carrier
        self._clock: Final = clock
        self._stopped = False
        self.tick: Callable[[], None] | None = None
        self.until: float | None = None
        self.direction: str | None = None
        self.frame_count = 0

    @property
    def source(self) -> str:
        """The carrier's name."""
        return self._carrier.name

    @property
    def dropped(self) -> int:
        """Packets that came and waited too long, as far as the carrier counts them."""
        return int(getattr(self._carrier, "dropped", 0))

    def candidates(self) -> Iterator[Candidate]:
        """The packets that may be control packets. Raises CarrierError where the carrier is gone."""
        link = link_for(RAW)
        assert link is not None
        while not self._stopped and (self.until is None or self._clock() < self.until):
            received = self._carrier.receive(TICK)
            if self.tick is not None:
                self.tick()
            if received is None:
                continue
            self.frame_count += 1
            self.direction = received.direction
            packet = received.packet
            located = link.locate(packet)
            if located is not None and may_be_control(packet, located[0]):
                yield Candidate(self.frame_count, received.time, RAW, packet, len(packet), *located)

    def packets(self, skip: Skip | None = None) -> Iterator[Candidate | Datagram]:
        """The same: what comes out of a tunnel is decrypted already."""
        return self.candidates()

    def stop(self) -> None:
        """End with what has come until now. May be called by a signal's handler."""
        self._stopped = True

    def close(self) -> None:
        """Let go of the carrier; a second time does nothing."""
        self._carrier.close()
