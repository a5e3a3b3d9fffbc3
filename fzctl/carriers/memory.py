"""Two carriers that are joined in memory, and the clock that only they move: for tests and simulations.

Nothing happens by itself here. Time passes while someone waits in ``receive``, and what is due in
the meantime happens then, in its order: a run is the same each time and takes no time at all.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Final

from fzctl.carriers.base import ClosesOnExit, Received
from fzctl.errors import CarrierError

_NANOSECONDS: Final = 1_000_000_000
_EPOCH: Final = 1_700_000_000


class VirtualClock:
    """Seconds since the start, moved by whoever waits; calls can be put off to a later time."""

    def __init__(self, epoch: int = _EPOCH) -> None:
        self.now = 0.0
        self._epoch: Final = epoch
        self._order: Final = count()
        self._agenda: Final[list[tuple[float, int, Callable[[], None]]]] = []

    def __call__(self) -> float:
        return self.now

    def time_ns(self) -> int:
        """The same as nanoseconds since the Unix epoch."""
        return self._epoch * _NANOSECONDS + round(self.now * _NANOSECONDS)

    def call_at(self, when: float, what: Callable[[], None]) -> None:
        """Do something at that time, or as soon as someone waits where it is past."""
        heapq.heappush(self._agenda, (max(when, self.now), next(self._order), what))

    def wait(self, timeout: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass until the condition holds, at most that long; says whether it holds."""
        end = self.now + timeout
        while not until():
            if not self._agenda or self._agenda[0][0] > end:
                self.now = end
                return until()
            when, _, what = heapq.heappop(self._agenda)
            self.now = when
            what()
        return True


class MemoryCarrier(ClosesOnExit):
    """One end. ``on_packet``, where set, takes what comes: a simulated peer that answers at once."""

    def __init__(self, name: str, clock: VirtualClock, delay: float) -> None:
        self.name = name
        self.clock: Final = clock
        self.on_packet: Callable[[Received], None] | None = None
        self._delay: Final = delay
        self._inbox: Final[deque[Received]] = deque()
        self._other: MemoryCarrier | None = None
        self._closed = False

    def send(self, packet: bytes) -> None:
        if self._closed or self._other is None:
            raise CarrierError("send to", self.name, "it is closed")
        other, source = self._other, self.name
        self.clock.call_at(self.clock.now + self._delay, lambda: other._take(packet, source))

    def receive(self, timeout: float) -> Received | None:
        if self._closed:
            raise CarrierError("receive from", self.name, "it is closed")
        return self._inbox.popleft() if self.clock.wait(timeout, lambda: bool(self._inbox)) else None

    def close(self) -> None:
        self._closed = True
        self._inbox.clear()

    def _take(self, packet: bytes, source: str) -> None:
        if self._closed:
            return
        received = Received(packet, self.clock.time_ns(), source)
        if self.on_packet is not None:
            self.on_packet(received)
        else:
            self._inbox.append(received)

    def _join(self, other: MemoryCarrier) -> None:
        self._other = other


def memory_pair(
    clock: VirtualClock | None = None, delay: float = 0.0, names: tuple[str, str] = ("client", "gateway")
) -> tuple[MemoryCarrier, MemoryCarrier]:
    """Two carriers of one clock: what one sends the other receives ``delay`` seconds later, in order."""
    clock = clock or VirtualClock()
    first, second = MemoryCarrier(names[0], clock, delay), MemoryCarrier(names[1], clock, delay)
    first._join(second)
    second._join(first)
    return first, second
