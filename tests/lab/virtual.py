"""Two ends of ours over a rough path, for hours, in a time that only the simulation makes.

Each end has a clock of its own, which runs a little fast or slow. Now and then one end moves to another
address, or falls asleep for a while: then its clock stops, or jumps ahead as it wakes.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any, Final, NamedTuple

from fzctl.live.client import ClientPlayer, Habits, Wish
from fzctl.live.gateway import GatewayPlayer
from fzctl.live.player import PENDING, STATE, Sent
from fzctl.protocol.packet import build_packet
from fzctl.wireguard.config import Config, PeerConfig
from fzctl.wireguard.device import Device
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.events import ESTABLISHED
from fzctl.wireguard.keys import PrivateKey
from fzctl.wireguard.messages import TRANSPORT, message_type
from fzctl.wireguard.results import OK
from tests.lab.rough import Rough, Roughness
from tests.lab.soakend import NUMBERED
from tests.lab.weighing import Weight, weigh
from tests.live.scenes import RESOURCE
from tests.wireguard.lab import A, B
from tests.wireguard.wire import AT_A, AT_B, EPOCH, Randomness, remote

_BEAT: Final = 1.0
_GRAIN: Final = 1e-6


class OwnClock:
    """An end's clock: seconds since its own beginning."""

    def __init__(self, start: float, rate: float) -> None:
        self._start: Final = start
        self._rate: Final = rate
        self._missed = 0.0

    def at(self, now: float) -> float:
        return self._start + (now - self._missed) * self._rate

    def when(self, own: float) -> float:
        """The true time at which it shows that."""
        return (own - self._start) / self._rate + self._missed

    def miss(self, seconds: float) -> None:
        """It stood still for so long."""
        self._missed += seconds


class VirtualEnd:
    """A device and its player, and all that came of them."""

    def __init__(
        self, name: str, static: PrivateKey, endpoint: Endpoint, other: PeerConfig,
        player: ClientPlayer | GatewayPlayer, clock: OwnClock,
    ) -> None:  # fmt: skip
        self.name: Final = name
        self.endpoint = endpoint
        self.player: Final = player
        self.clock: Final = clock
        self.awake_at = 0.0
        self.numbered: Final[Counter[bytes]] = Counter()
        self.came_at: Final[list[float]] = []
        self.steps: Final[list[dict[str, Any]]] = []
        self.sessions: Final[list[float]] = []
        self.waiting: Final[list[tuple[float, int, bytes]]] = []
        self._order: Final = count()
        self._number = 0
        self._next_beat = clock.at(0.0)
        config = Config(name, static, endpoint[1], (), (other,))
        random = Randomness(static.public + endpoint[0].encode())
        self.device: Final = Device(config, clock.at(0.0), EPOCH, random)
        self.put(player.start(clock.at(0.0)))

    def put(self, packets: list[Sent]) -> None:
        for sent in packets:
            heapq.heappush(self.waiting, (sent.at, next(self._order), sent.packet))

    def due(self) -> float:
        """The true time when it has something to do."""
        times = [self._next_beat, self.device.next_timeout(), self.player.next_timeout()]
        times += [self.waiting[0][0]] if self.waiting else []
        return max(self.awake_at, self.clock.when(min(time for time in times if time is not None)) + _GRAIN)

    def work(self, now: float) -> None:
        """Do what is due."""
        own = self.clock.at(now)
        self.device.handle_timeout(own)
        due = self.player.next_timeout()
        if due is not None and due <= own:
            self.put(self.player.handle_timeout(own))
        if own >= self._next_beat:
            self._next_beat = own + _BEAT
            self._number += 1
            self.device.send(build_packet(NUMBERED, b"%s %d" % (self.name.encode(), self._number)), own)
        while self.waiting and self.waiting[0][0] <= own:
            self.device.send(heapq.heappop(self.waiting)[2], own)

    def take(self, now: float) -> None:
        """Take what came out of the device."""
        own = self.clock.at(now)
        for inner in self.device.packets():
            self.came_at.append(now)
            if inner.packet[40] == NUMBERED:
                self.numbered[inner.packet] += 1
            self.put(self.player.receive(inner.packet, own, "other"))
        self.device.key_entries()
        self.sessions.extend(now for event in self.device.events() if event.name == ESTABLISHED)
        for happening in self.player.events():
            exchange = happening.exchange
            if happening.name == STATE and exchange is not None and exchange.state != PENDING:
                # In true time, as near as can be told: an end that sleeps meanwhile is excused.
                asked = now - (own - exchange.asked_at)
                self.steps.append({**exchange._asdict(), "time": now, "asked_at": asked, "answered_at": now})

    def weigh(self) -> Weight:
        return weigh((self.device, self.player))


class Disturbance(NamedTuple):
    """Something that interrupts the traffic, from ``begin`` to ``end``."""

    kind: str
    begin: float
    end: float


class Virtual:
    """Client and gateway, and what happens to them.

    ``refused`` counts the transport messages that an end which was awake did not take although they came
    for the first time, with the reason, and ``copies`` those that it did take a second time.
    """

    def __init__(self, seed: int, domains: int = 10, refresh: float = 60.0) -> None:
        self.now = 0.0
        self.disturbances: Final[list[Disturbance]] = []
        self.refused: Final[list[tuple[float, str, str]]] = []
        self.copies: Final[list[float]] = []
        self.weights: Final[list[tuple[float, int]]] = []
        self.lost = 0
        self._chance: Final = Random(seed)
        self._paths: Final = {name: Rough(Roughness(), f"{seed} {name}") for name in ("client", "gateway")}
        self._order: Final = count()
        self._flying: Final[list[tuple[float, int, int, bytes, Endpoint, Endpoint]]] = []
        self._agenda: Final[list[tuple[float, int, Callable[[], None]]]] = []
        self._taken: Final[set[int]] = set()
        self._numbers: Final = count()
        wishes = [Wish(f"n{number}.example.com", RESOURCE) for number in range(domains)]
        habits = Habits(refresh=refresh, patience=30.0, spacing=refresh / domains)
        self.client: Final = VirtualEnd(
            "client", A, AT_A, remote(B, AT_B), ClientPlayer(wishes, habits), OwnClock(1e6, 1.0003)
        )
        self.gateway: Final = VirtualEnd(
            "gateway", B, AT_B, remote(A), GatewayPlayer(), OwnClock(17.0, 0.9996)
        )
        self.ends: Final = (self.client, self.gateway)

    def disturb(self, until: float, every: float) -> None:
        """Plan moves and sleeps, one of them every so many seconds."""
        when = every
        while when < until - every:
            end = self._chance.choice(self.ends)
            kind = self._chance.choice(("moves", "sleeps", "jumps"))
            span = 0.0 if kind == "moves" else self._chance.choice((20.0, 100.0, 170.0, 200.0, 400.0))
            self._plan(when, end, kind, span)
            when += span + every

    def run(self, until: float, weigh_every: float = 300.0) -> None:
        heapq.heappush(self._agenda, (weigh_every, next(self._order), lambda: self._weigh(weigh_every)))
        while True:
            times = [end.due() for end in self.ends]
            times += [queue[0][0] for queue in (self._flying, self._agenda) if queue]
            if min(times) > until:
                return
            self.now = max(self.now, min(times))
            while self._agenda and self._agenda[0][0] <= self.now:
                heapq.heappop(self._agenda)[2]()
            while self._flying and self._flying[0][0] <= self.now:
                self._deliver(*heapq.heappop(self._flying)[2:])
            for end in self.ends:
                if end.awake_at <= self.now:
                    end.work(self.now)
                    self._pump(end)

    def _pump(self, end: VirtualEnd) -> None:
        end.take(self.now)
        for datagram, destination in end.device.datagrams():
            number = next(self._numbers)
            fate = self._paths[end.name].fate()
            self.lost += not fate
            for delay in fate:
                when = self.now + delay
                entry = (when, next(self._order), number, datagram, end.endpoint, destination)
                heapq.heappush(self._flying, entry)

    def _deliver(self, number: int, datagram: bytes, source: Endpoint, destination: Endpoint) -> None:
        for end in self.ends:
            if end.endpoint != destination or end.awake_at > self.now:
                continue
            reason = end.device.receive(datagram, source, end.clock.at(self.now))
            if message_type(datagram) != TRANSPORT:
                continue
            if reason == OK and number in self._taken:
                self.copies.append(self.now)
            elif reason != OK and number not in self._taken:
                self.refused.append((self.now, end.name, reason))
            self._taken.add(number)

    def _plan(self, when: float, end: VirtualEnd, kind: str, span: float) -> None:
        def happen() -> None:
            self.disturbances.append(Disturbance(kind, self.now, self.now + span))
            if kind == "moves":
                # What it sends comes from there from now on, and what it is sent has to go there.
                end.endpoint = (end.endpoint[0], end.endpoint[1] + 2)
                return
            end.awake_at = self.now + span
            if kind == "sleeps":
                end.clock.miss(span)

        heapq.heappush(self._agenda, (when, next(self._order), happen))

    def _weigh(self, every: float) -> None:
        self.weights.append((self.now, sum(end.weigh().objects for end in self.ends)))
        heapq.heappush(self._agenda, (self.now + every, next(self._order), lambda: self._weigh(every)))
