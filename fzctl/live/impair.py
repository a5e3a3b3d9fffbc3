"""What a bad network does to packets, repeatable for a seed.

Each impairment draws from a random stream of its own, and as often for each packet whatever
becomes of it: switching one on, or making it stronger, leaves the decisions of the others alone.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from random import Random
from typing import Final, NamedTuple

from fzctl.errors import UsageError
from fzctl.live.schedule import Timed
from fzctl.protocol.packet import declared_length, parse_packet

LOST: Final = "lost"
DUPLICATE: Final = "duplicate"
REORDERED: Final = "reordered"
CORRUPTED: Final = "corrupted"
DELAYED: Final = "delayed"

FARTHEST: Final = 3
"""So many packets may overtake one that is reordered."""
MOST_BITS: Final = 3
"""So many bits of a packet are flipped at most."""


class Impairments(NamedTuple):
    """Chances from 0 to 1; times in seconds. ``jitter`` is the most that a delay differs from ``delay``."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    seed: int = 0


class _Held:
    """A packet that waits to be overtaken."""

    __slots__ = ("overtaken", "timed", "until")

    def __init__(self, timed: Timed, until: int) -> None:
        self.timed: Final = timed
        self.until: Final = until
        self.overtaken = 0


class Impairer:
    """A bad network for packets that come one by one.

    A packet that is lost comes out marked LOST, the copy of a duplicated one marked DUPLICATE.
    """

    def __init__(self, impairments: Impairments) -> None:
        """Raises UsageError where a chance or a time is out of range."""
        _check(impairments)
        self._how: Final = impairments
        self._streams: Final = {
            name: Random(f"{impairments.seed} {name}")
            for name in ("loss", "duplicate", "reorder", "corrupt", "jitter")
        }
        self._held: list[_Held] = []
        self._latest = 0.0

    def feed(self, timed: Timed) -> list[Timed]:
        """What leaves because of a packet: itself, and those that it overtook. Times may lie ahead."""
        how = self._how
        lost = self._strikes("loss", how.loss)
        twice = self._strikes("duplicate", how.duplicate)
        late, distance = self._strikes("reorder", how.reorder), 1 + self._draw("reorder", FARTHEST)
        broken, flips = self._strikes("corrupt", how.corrupt), self._draw("corrupt", 1 << 32)
        lag = how.delay + how.jitter * (2 * self._streams["jitter"].random() - 1)
        self._latest = max(self._latest, timed.time)
        if lost:
            return [timed._replace(done=(*timed.done, LOST))]
        if broken:
            timed = timed._replace(packet=corrupt(timed.packet, flips), done=(*timed.done, CORRUPTED))
        if lag > 0:
            timed = timed._replace(time=timed.time + lag, done=(*timed.done, DELAYED))
        self._latest = max(self._latest, timed.time)
        if late:
            self._held.append(_Held(timed, distance))
            if twice:  # the copy takes the straight way
                return self._leave(timed._replace(done=(*timed.done, DUPLICATE)))
            return []
        copies = [timed._replace(done=(*timed.done, DUPLICATE))] if twice else []
        return self._leave(timed, *copies)

    def rest(self) -> list[Timed]:
        """What still waits to be overtaken when nothing comes any more."""
        left = [self._let_go(held, self._latest) for held in self._held]
        self._held = []
        return left

    def _leave(self, *leaving: Timed) -> list[Timed]:
        out = list(leaving)
        kept = []
        for held in self._held:
            if held.timed.number == leaving[0].number:
                kept.append(held)
                continue
            held.overtaken += 1
            if held.overtaken < held.until:
                kept.append(held)
            else:
                out.append(self._let_go(held, leaving[0].time))
        self._held = kept
        return out

    @staticmethod
    def _let_go(held: _Held, time: float) -> Timed:
        timed = held.timed._replace(time=max(held.timed.time, time))
        return timed._replace(done=(*timed.done, REORDERED)) if held.overtaken else timed

    def _strikes(self, name: str, chance: float) -> bool:
        return self._streams[name].random() < chance

    def _draw(self, name: str, below: int) -> int:
        return int(self._streams[name].random() * below)


def impair(packets: Iterable[Timed], impairments: Impairments) -> Iterator[Timed]:
    """A whole sequence in the order of time, impaired, again in the order of time.

    Raises UsageError where a chance or a time is out of range.
    """
    return _in_order(packets, Impairer(impairments))


def corrupt(packet: bytes, choice: int) -> bytes:
    """Flip up to MOST_BITS bits behind the IP header of a control packet, as ``choice`` says.

    Of another packet any bits; what stands behind the length in an IPv6 header is left alone.
    """
    start, end = 0, len(packet)
    view = parse_packet(packet)
    if view.ours:
        start, end = view.offset, min(end, declared_length(packet))
    if start >= end:
        start, end = 0, len(packet)
    random = Random(choice)
    bits = 8 * (end - start)
    broken = bytearray(packet)
    for bit in random.sample(range(bits), min(bits, random.randint(1, MOST_BITS))):
        broken[start + bit // 8] ^= 1 << bit % 8
    return bytes(broken)


def _in_order(packets: Iterable[Timed], impairer: Impairer) -> Iterator[Timed]:
    waiting: list[tuple[float, int, Timed]] = []
    count = 0
    for packet in packets:
        # Nothing that comes later leaves before this packet's own time.
        while waiting and waiting[0][0] <= packet.time:
            yield heapq.heappop(waiting)[2]
        for timed in impairer.feed(packet):
            heapq.heappush(waiting, (timed.time, count, timed))
            count += 1
    for timed in impairer.rest():
        heapq.heappush(waiting, (timed.time, count, timed))
        count += 1
    while waiting:
        yield heapq.heappop(waiting)[2]


def _check(how: Impairments) -> None:
    for name in ("loss", "duplicate", "reorder", "corrupt"):
        chance = getattr(how, name)
        if not 0 <= chance <= 1:
            raise UsageError(f"the chance of {name} lies between 0 and 100 %, not at {100 * chance:g} %")
    for name in ("delay", "jitter"):
        seconds = getattr(how, name)
        if not (seconds >= 0 and math.isfinite(seconds)):
            raise UsageError(f"the {name} is a number of seconds, not {seconds:g}")
