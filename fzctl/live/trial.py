"""One run of a scenario: a client, what is done to its messages, and a gateway behind a carrier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final, NamedTuple

from fzctl.carriers.base import OUT, Carrier
from fzctl.live.player import Agenda
from fzctl.live.scenarios import (
    ASKED,
    CONFIRMED,
    SAY_ACTIVE,
    SAY_BROKEN,
    SAY_GOODBYE,
    SAY_INACTIVE,
    START,
    TO_CLIENT,
    Scenario,
    Strike,
)
from fzctl.live.subject import Course, Subject, Target
from fzctl.live.wire import ANSWER_LIMIT, Parcel, Wire
from fzctl.nat.client import State
from fzctl.nat.table import Mapped
from fzctl.protocol.codec import encode, encode_payload
from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import (
    ASSIGNED_IPS,
    DOMAIN_STATUS,
    GOODBYE,
    KINDS,
    STATUS,
)
from fzctl.protocol.packet import build_packet

SILENCE: Final = 10.0
"""So long nothing comes about where nobody sends, five times as long as what makes a client repeat."""
GRACE: Final = ANSWER_LIMIT + 1
"""A question without an answer for so long has none coming."""

_BEGIN_WITHIN: Final = 90
"""Milliseconds in which the applications begin, each at its own moment."""
_ROUNDING: Final = 1e-9
_UNKNOWN: Final = next(number for number in range(256) if number not in {kind.number for kind in KINDS})


class Settings(NamedTuple):
    """What all runs have in common: the domains, and how many seconds one takes at most.

    For ``settle`` seconds a run goes on when all is done: what should not come may still come.
    """

    targets: tuple[Target, ...]
    limit: float = 300.0
    settle: float = 2.0


class Gateway(NamedTuple):
    """What is known of the gateway beside its messages, where it is simulated.

    ``forget``: it drops all that it knows, as when it says Goodbye. ``table``: its NAT table.
    """

    forget: Callable[[], None]
    table: Callable[[], Sequence[Mapped]]


class Outcome(NamedTuple):
    """What is to be seen when a run is over; ``time`` is then."""

    scenario: Scenario
    courses: tuple[Course, ...]
    wire: Wire
    table: tuple[Mapped, ...] | None
    time: float


class Trial:
    """One run, over when nothing more is to come, or its time is up."""

    def __init__(
        self,
        scenario: Scenario,
        settings: Settings,
        carrier: Carrier,
        clock: Callable[[], float],
        random: Random,
        gateway: Gateway | None = None,
    ) -> None:
        self._scenario: Final = scenario
        self._settings: Final = settings
        self._carrier: Final = carrier
        self._clock: Final = clock
        self._gateway: Final = gateway
        self._agenda: Final = Agenda()
        self._start: Final = clock()
        self._calm_since: float | None = None
        self._said_goodbye = False
        self._struck: Final[set[tuple[int, int]]] = set()
        self._refreshed: Final[set[int]] = set()
        self._to_come = 0
        count = len(settings.targets)
        self.subject: Final = Subject(
            settings.targets, self._ask, self._later, self._on_confirmed, silent=scenario.silent
        )
        self.wire: Final = Wire(
            scenario,
            random.getrandbits(62),
            settings.targets,
            self._later,
            carrier.send,
            self._deliver,
            lambda index: self.subject.courses[index].exchange,
        )
        for strike in scenario.strikes:
            self._to_come += 1 if strike.say == SAY_GOODBYE else count
        if scenario.refresh_after is not None:
            self._to_come += count
        for index in range(count):
            self._later(random.randrange(1, _BEGIN_WITHIN) / 1000, partial(self.subject.begin, index))
            self._plan(START, index)

    def run(self) -> Outcome:
        """Go through with it. Raises CarrierError."""
        limit = self._settings.limit
        end = self._start + (min(SILENCE, limit) if self._scenario.silent else limit)
        while True:
            now = self._clock()
            self._agenda.run(now + _ROUNDING)
            if now >= end or self._is_over(now):
                break
            times = [end, self._agenda.next() or end]
            if self._calm_since is not None:
                times.append(self._calm_since + self._settings.settle)
            received = self._carrier.receive(max(min(times) - now, 0.0))
            if received is not None and received.direction != OUT:
                self.wire.arrive(received.packet, self._clock())
        self.subject.check_packets()
        table = None if self._gateway is None else tuple(self._gateway.table())
        return Outcome(self._scenario, tuple(self.subject.courses), self.wire, table, self._clock())

    def _is_over(self, now: float) -> bool:
        """Has all come about, and nothing more for a while?"""
        is_calm = (
            not self._scenario.silent
            and not self._to_come
            and not self.wire.in_flight
            and all(course.state is State.CONFIRMED for course in self.subject.courses)
            and not self.wire.awaits_answer(now - GRACE)
        )
        if not is_calm:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        settle = self._settings.settle
        return self._calm_since is not None and now - self._calm_since >= settle - _ROUNDING

    def _later(self, seconds: float, what: Callable[[float], None]) -> None:
        self._agenda.put(self._clock() + seconds, what)

    # --- between client and wire ---

    def _ask(self, index: int, packet: bytes) -> None:
        self.wire.ask(index, packet, self._clock())
        self._plan(ASKED, index, self.subject.courses[index].exchange)

    def _deliver(self, parcel: Parcel, now: float) -> None:
        self.subject.receive(parcel.packet, now, parcel.origin)

    def _on_confirmed(self, index: int) -> None:
        self._plan(CONFIRMED, index)
        if self._scenario.refresh_after is not None and index not in self._refreshed:
            self._refreshed.add(index)
            self._later(self._scenario.refresh_after, partial(self._refresh, index))

    def _refresh(self, index: int, now: float) -> None:
        self._to_come -= 1
        self.subject.query(index, now)

    # --- strikes ---

    def _plan(self, when: str, index: int, nth: int = 1) -> None:
        """The strikes of this moment, each once for a domain."""
        for number, strike in enumerate(self._scenario.strikes):
            if (strike.when, strike.nth) != (when, nth) or (number, index) in self._struck:
                continue
            self._struck.add((number, index))
            if strike.say == SAY_GOODBYE:
                if self._said_goodbye:
                    continue
                self._said_goodbye = True
            self._later(strike.after, partial(self._strike, strike, index))

    def _strike(self, strike: Strike, index: int, now: float) -> None:
        self._to_come -= 1
        packet = _message(strike, self._settings.targets[index])
        if strike.way != TO_CLIENT:
            if strike.say == SAY_GOODBYE:
                self.subject.end(now)
                self.wire.forget()
            self.wire.inject(packet, now)
            return
        if strike.say == SAY_GOODBYE and self._gateway is not None:
            self._gateway.forget()
            self.wire.forget()
        self.wire.forge(packet, now)


def _message(strike: Strike, target: Target) -> bytes:
    """What is said; where it is to be ignored it would do harm if it were not."""
    if strike.say == SAY_GOODBYE:
        return encode(GOODBYE, {})
    if strike.say == SAY_ACTIVE:
        return encode(DOMAIN_STATUS, {**target.values, STATUS.name: Status.ACTIVE})
    inactive = {**target.values, STATUS.name: Status.INACTIVE}
    if strike.say == SAY_INACTIVE:
        return encode(DOMAIN_STATUS, inactive)
    if strike.way == TO_CLIENT:
        kind, payload = DOMAIN_STATUS, encode_payload(DOMAIN_STATUS, inactive)
    else:
        kind, payload = ASSIGNED_IPS, encode_payload(ASSIGNED_IPS, target.values)
    if strike.say == SAY_BROKEN:
        return build_packet(kind.number, payload[:-1])
    return build_packet(_UNKNOWN, payload)
