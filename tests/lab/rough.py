"""A rough path: what it loses, delays and doubles, the same for a seed. And a UDP relay that is one."""

from __future__ import annotations

import heapq
import selectors
import socket as sockets
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from fzctl.wireguard.endpoints import Endpoint
from tests.lab.netns import Socket

TO_FAR: Final = 0
TO_NEAR: Final = 1

PAUSE: Final = 1.0
"""A loop that comes round so late was stopped, and all else on this machine with it."""

_TICK: Final = 0.1
_RECORD: Final = struct.Struct("<ddBBH")
_LARGEST: Final = 65535
# Of WireGuard; in TURN, on a channel or in an indication.
_TRANSPORTS: Final = (b"\4", b"\x40", b"\0\x16", b"\0\x17")


class Roughness(NamedTuple):
    """Chances from 0 to 1; times in seconds. What is late takes up to ``lag`` longer than all else."""

    loss: float = 0.10
    late: float = 0.05
    twice: float = 0.01
    delay: float = 0.004
    lag: float = 0.15


SMOOTH: Final = Roughness(loss=0.0, late=0.0, twice=0.0)


class Rough:
    """One way of a rough path."""

    def __init__(self, how: Roughness, seed: str) -> None:
        self._how: Final = how
        self._random: Final = Random(seed)

    def fate(self) -> list[float]:
        """How long each copy of the next datagram takes; nothing where it is lost."""
        how, draw = self._how, self._random.random
        lost, late, twice, lag, again = (draw() for _ in range(5))
        if lost < how.loss:
            return []
        first = how.delay + (how.lag * lag if late < how.late else 0.0)
        return [first, how.delay + how.lag * again] if twice < how.twice else [first]


class Passed(NamedTuple):
    """A datagram that reached the relay: when, which way, how often it was passed on, when at the latest."""

    time: float
    way: int
    copies: int
    until: float
    datagram: bytes


def read_journal(path: Path) -> Iterator[Passed]:
    """What a relay has written."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        when, until, way, copies, size = _RECORD.unpack_from(data, at)
        at += _RECORD.size + size
        yield Passed(when, way, copies, until, data[at - size : at])


class RoughRelay(threading.Thread):
    """Passes datagrams on between two ends, each of which sees only the relay.

    The path is rough from the first transport message on: both ends shall get to know each other.
    ``near`` and ``far`` are sockets and the ends behind them. The ports that the ends see can be
    changed at any time, as where a NAT forgets; what is sent to the old ones still arrives.
    """

    def __init__(
        self,
        near: tuple[Socket, Endpoint],
        far: tuple[Socket, Endpoint],
        how: Roughness,
        seed: str,
        journal: Path,
    ) -> None:
        super().__init__(daemon=True)
        self.pauses: Final[list[tuple[float, float]]] = []
        self._rough: Final = [Rough(how, f"{seed} {way}") for way in (TO_FAR, TO_NEAR)]
        # By the way that they send.
        self._sockets: Final = [far[0], near[0]]
        self._targets: Final = [far[1], near[1]]
        self._journal: Final = journal.open("wb")
        self._flying: Final[list[tuple[float, int, int, bytes]]] = []
        self._order: Final = count()
        self._ended: Final = threading.Event()
        self._selector: Final = selectors.DefaultSelector()
        self._new: Final[list[tuple[int, Socket]]] = []
        self._is_rough = False
        for way, opened in enumerate(self._sockets):
            self._listen(way, opened)

    def move(self, way: int, opened: Socket) -> None:
        """From now on what goes this way leaves from another socket."""
        self._new.append((way, opened))

    def stop(self) -> None:
        """End, and let go of all sockets."""
        self._ended.set()
        self.join(10)
        self._journal.close()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def run(self) -> None:
        looked = time.monotonic()
        while not self._ended.is_set():
            due = self._flying[0][0] - looked if self._flying else _TICK
            ready = self._selector.select(min(max(due, 0.0), _TICK))
            now = time.monotonic()
            if now - looked > PAUSE:
                self.pauses.append((looked, now))
            looked = now
            for way, opened in self._new[:]:
                self._listen(way, opened)
                self._sockets[way] = opened
                self._new.remove((way, opened))
            for key, _ in ready:
                self._take(key.data, key.fileobj, now)  # type: ignore[arg-type]
            while self._flying and self._flying[0][0] <= now:
                _, _, way, datagram = heapq.heappop(self._flying)
                with suppress(OSError):  # nobody listens there yet, or any more
                    self._sockets[way].sendto(datagram, self._targets[way])

    def _listen(self, way: int, opened: Socket) -> None:
        """What comes in on a socket goes the other way than what it sends."""
        opened.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1 << 20)
        self._selector.register(opened, selectors.EVENT_READ, 1 - way)

    def _take(self, way: int, opened: Socket, now: float) -> None:
        while True:
            try:
                datagram = opened.recv(_LARGEST, sockets.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error for what it sent
            self._is_rough = self._is_rough or datagram.startswith(_TRANSPORTS)
            fate = self._rough[way].fate() if self._is_rough else [0.0]
            for delay in fate:
                heapq.heappush(self._flying, (now + delay, next(self._order), way, datagram))
            until = now + max(fate, default=0.0)
            self._journal.write(_RECORD.pack(now, until, way, len(fate), len(datagram)) + datagram)
