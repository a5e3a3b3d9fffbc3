"""What happens to messages between client and gateway in a scenario, and what each side gave.

It stands at the client's end of a carrier, so that a gateway that is real cannot tell it from a
bad network.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from fzctl.live.impair import CORRUPTED, LOST, Impairer
from fzctl.live.scenarios import Fate, Scenario
from fzctl.live.schedule import Timed
from fzctl.live.subject import Origin, Target, key_of
from fzctl.nat.gateway import LOOKUP_LIMIT
from fzctl.protocol.codec import Message, decode, encode
from fzctl.protocol.kinds import ASSIGNED_IPS, DOMAIN, DOMAIN_STATUS, RESOURCE, STATUS

ANSWER_LIMIT: Final = LOOKUP_LIMIT / 1000 + 1
"""Seconds after which a gateway's answer is here, if only an Inactive: the lookup's, and one for the way."""

_FORGED: Final = Origin()
_NO_FATE: Final = Fate()


class Question(NamedTuple):
    """A question that left whole for the gateway and waits for its answer."""

    time: float
    exchange: int


class Parcel(NamedTuple):
    """A message on its way to the client."""

    packet: bytes
    origin: Origin


class Wire:
    """The way to the gateway and back, for one run.

    ``later(seconds, what)`` does something then, ``put(packet)`` sends to the gateway for good,
    ``deliver(parcel, now)`` hands to the client. ``exchange_of(index)`` tells which exchange a
    domain's client is in. ``words`` are the gateway's for each domain, ``given`` the same as the
    scenario has them. ``wrong`` are sentences about how the gateway answered.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        targets: Sequence[Target],
        later: Callable[[float, Callable[[float], None]], None],
        put: Callable[[bytes], None],
        deliver: Callable[[Parcel, float], None],
        exchange_of: Callable[[int], int],
    ) -> None:
        self._scenario: Final = scenario
        self._out: Final = Impairer(scenario.impairments._replace(seed=seed))
        self._in: Final = Impairer(scenario.impairments._replace(seed=seed + 1))
        self._keys: Final = [target.key for target in targets]
        self._later: Final = later
        self._put: Final = put
        self._deliver: Final = deliver
        self._exchange_of: Final = exchange_of
        self._parcels: Final[dict[int, tuple[int, Origin]]] = {}
        self._asked: Final[Counter[tuple[str, str]]] = Counter()
        self._open: Final[dict[tuple[str, str], deque[Question]]] = {}
        self._forgotten: Final[Counter[tuple[str, str]]] = Counter()
        self._questions: Final[Counter[int]] = Counter()
        self.given: Final[dict[int, list[str]]] = {index: [] for index in range(len(targets))}
        self.words: Final[dict[int, list[str]]] = {index: [] for index in range(len(targets))}
        self.wrong: Final[list[str]] = []
        self.answered = 0
        self.in_flight = 0

    # --- to the gateway ---

    def ask(self, index: int, packet: bytes, now: float) -> None:
        """The client asks for a domain."""
        self._questions[index] += 1
        fate = _fate(self._scenario.questions, self._questions[index])
        if not fate.lost:
            self._leave(packet, index, now)

    def inject(self, packet: bytes, now: float) -> None:
        """Something goes to the gateway that no state machine sent."""
        self._send(packet, 0, False, now)

    def _leave(self, packet: bytes, index: int, now: float) -> None:
        number = len(self._parcels)
        self._parcels[number] = index, _FORGED
        for timed in self._out.feed(Timed(now, packet, number)):
            if LOST not in timed.done:
                send = partial(
                    self._send, timed.packet, self._parcels[timed.number][0], CORRUPTED in timed.done
                )
                self._at(timed.time, now, send)

    def _send(self, packet: bytes, index: int, damaged: bool, now: float) -> None:
        self._put(packet)
        message = decode(packet, "current")
        if message.accepted and message.name == ASSIGNED_IPS.name:
            key = _key(message)
            self._asked[key] += 1
            exchange = 0 if damaged else self._exchange_of(index)
            self._open.setdefault(key, deque()).append(Question(now, exchange))

    # --- to the client ---

    def arrive(self, packet: bytes, now: float) -> None:
        """Something came out of the tunnel."""
        message = decode(packet, "current")
        if not message.control:
            return
        if message.accepted and message.name == DOMAIN_STATUS.name:
            self._answer(message, now)
        else:
            self._travel(Parcel(packet, _FORGED), now)

    def forge(self, packet: bytes, now: float) -> None:
        """Something comes to the client that the gateway never said."""
        self._deliver(Parcel(packet, _FORGED), now)

    def forget(self) -> None:
        """The gateway has forgotten the client and what it was asked; what it said last is on its way."""
        for key, waiting in self._open.items():
            self._forgotten[key] += len(waiting)
        self._open.clear()

    def _answer(self, message: Message, now: float) -> None:
        self.answered += 1
        key = _key(message)
        status = message.fields[STATUS.name]
        exchange = self._match(key, message, now)
        index = self._keys.index(key) if key in self._keys else None
        if index is None:
            self._travel(Parcel(message.packet, _FORGED), now)
            return
        self.words[index].append(status)
        packet = message.packet
        fate = _fate(self._scenario.answers, len(self.given[index]) + 1)
        if fate.status is not None:
            status = fate.status
            packet = encode(DOMAIN_STATUS, {**message.fields, STATUS.name: status})
        self.given[index].append(status)
        parcel = Parcel(packet, Origin(False, exchange, len(self.given[index])))
        if not fate.lost:
            self._at(now + fate.held, now, partial(self._travel, parcel))

    def _match(self, key: tuple[str, str], message: Message, now: float) -> int:
        """The exchange of the oldest question that this may answer; what is wrong about it is noted."""
        domain, status = message.fields[DOMAIN.name], message.fields[STATUS.name]
        waiting = self._open.get(key)
        if waiting:
            question = waiting.popleft()
            if now - question.time > ANSWER_LIMIT:
                self.wrong.append(f"{domain}: the answer took {now - question.time:.1f} s")
            return question.exchange
        if self._forgotten[key]:
            self._forgotten[key] -= 1
        elif self._asked[key]:
            self.wrong.append(f"{domain}: {status} came once more, without a question")
        else:
            self.wrong.append(f"{domain}: {status} came, and nobody had asked for it")
        return 0

    def _travel(self, parcel: Parcel, now: float) -> None:
        number = len(self._parcels)
        self._parcels[number] = 0, parcel.origin
        for timed in self._in.feed(Timed(now, parcel.packet, number)):
            if LOST not in timed.done:
                origin = _FORGED if CORRUPTED in timed.done else self._parcels[timed.number][1]
                self._at(timed.time, now, partial(self._deliver, Parcel(timed.packet, origin)))

    def _at(self, when: float, now: float, what: Callable[[float], None]) -> None:
        """Do it then, and count it as in flight meanwhile."""
        if when <= now:
            what(now)
            return

        def arrive(then: float) -> None:
            self.in_flight -= 1
            what(then)

        self.in_flight += 1
        self._later(when - now, arrive)

    # --- what is open ---

    def open_questions(self, index: int) -> list[Question]:
        """A domain's questions that reached the tunnel and have no answer."""
        return list(self._open.get(self._keys[index], ()))

    def awaits_answer(self, since: float) -> bool:
        """Is a question open that was asked after ``since``?"""
        return any(waiting and waiting[-1].time > since for waiting in self._open.values())


def _fate(fates: Sequence[Fate], number: int) -> Fate:
    """What becomes of the n-th message, from 1."""
    return fates[number - 1] if number <= len(fates) else _NO_FATE


def _key(message: Message) -> tuple[str, str]:
    return key_of(message.fields[RESOURCE.name], message.fields[DOMAIN.name])
