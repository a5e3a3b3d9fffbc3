"""One domain as packets show it: the client's NAT state, its exchanges, its traffic.

The states are those of :mod:`fzctl.nat.client`, seen from outside. A repeated AssignedIps while
pending is a resend; one after a status shows that a query had made the client begin anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fzctl.analysis import traffic
from fzctl.analysis.bounded import Bounded, Kept
from fzctl.analysis.findings import Spot, Subject
from fzctl.analysis.histogram import Histogram
from fzctl.analysis.story import Asked, Change, Domain
from fzctl.analysis.traffic import Tally
from fzctl.nat.client import State
from fzctl.protocol.fields import Status

MOST_QUESTIONS: Final = 8
RESEND_AFTER: Final = 2_000_000_000  # nanoseconds; nat.client.RESEND_AFTER in the time of captures


_Change = tuple[Spot, State | None, bool, str]
"""The members of a :class:`Change`, which costs more to make than to keep."""


class OpenExchange:
    """An exchange that goes on."""

    __slots__ = (
        "answer", "answer_count", "last", "number", "question_count", "questions", "response_time",
        "same_bytes", "status",
    )  # fmt: skip

    def __init__(self, number: int, spot: Spot) -> None:
        self.number = number
        self.questions = [spot]
        self.question_count = 1
        self.last = spot
        self.same_bytes = True
        self.answer: Spot | None = None
        self.answer_count = 0
        self.status: str | None = None
        self.response_time: int | None = None

    def repeat(self, spot: Spot, *, same_bytes: bool) -> None:
        """The question once more."""
        self.question_count += 1
        self.last = spot
        self.same_bytes &= same_bytes
        if len(self.questions) < MOST_QUESTIONS:
            self.questions.append(spot)

    def asked(self) -> Asked:
        """The exchange as a value."""
        return Asked(
            self.number, tuple(self.questions), self.question_count, self.same_bytes, self.answer,
            self.status, self.response_time, self.answer_count,
        )  # fmt: skip


class DomainEntry:
    """Follows one domain of one resource in one connection."""

    __slots__ = (
        "active", "answers", "buffering", "changes", "current", "domain", "exchange", "exchanges", "flips",
        "inactive", "key", "overdue", "payload", "proxy_ips", "questions", "resource", "response_times",
        "retransmissions", "state", "status", "subject", "tallies", "told", "unasked", "writes",
    )  # fmt: skip

    def __init__(self, subject: Subject, key: str) -> None:
        self.subject = subject
        self.resource = subject.resource or ""
        self.domain = subject.domain or ""
        self.key = key
        self.proxy_ips: tuple[str, ...] = ()
        self.payload = b""
        self.told: Spot | None = None
        self.writes = -1
        self.state: State | None = None
        self.buffering = False
        self.status: str | None = None
        self.overdue: Spot | None = None
        self.exchange: OpenExchange | None = None
        self.exchanges: Bounded[OpenExchange] = Bounded()
        self.changes: Bounded[_Change] = Bounded()
        self.response_times = Histogram()
        self.questions = self.retransmissions = self.answers = self.unasked = 0
        self.active = self.inactive = self.flips = 0
        self.tallies: dict[str, Tally] = {}
        self.current = self._tally(traffic.PENDING)

    def ask(self, number: int, spot: Spot, payload: bytes, proxy_ips: Sequence[str]) -> None:
        """The first AssignedIps of an exchange."""
        self.close_exchange()
        self.exchange = OpenExchange(number, spot)
        self.questions += 1
        self.told = spot
        is_first = self.state is None
        if not self.payload:
            self.payload, self.proxy_ips = payload, tuple(proxy_ips)
        self.buffering = self.state in (None, State.FAILED)
        self._change(spot, State.PENDING, "first" if is_first else "recreated")

    def ask_again(self, spot: Spot, payload: bytes) -> None:
        """AssignedIps repeated before it was answered."""
        assert self.exchange is not None
        self.exchange.repeat(spot, same_bytes=payload == self.payload)
        self.questions += 1
        self.retransmissions += 1
        self.told = spot
        self.overdue = None

    def answer(self, spot: Spot, status: str | None, response_time: int | None) -> None:
        """DomainStatus; ``response_time`` where it answers something."""
        self.answers += 1
        found = self.exchange
        if found is not None:
            found.answer_count += 1
            if found.answer is None:
                found.answer, found.status, found.response_time = spot, status, response_time
                if response_time is not None:
                    self.response_times.add(response_time)
        if status is None:
            return
        if self.status not in (None, status):
            self.flips += 1
        self.status = status
        self.overdue = None
        if status == Status.ACTIVE:
            self.active += 1
            state = State.CONFIRMED
        else:
            self.inactive += 1
            state = State.FAILED
        self.buffering = False
        if state is not self.state:
            self._change(spot, state, "status")

    def end(self, spot: Spot) -> None:
        """Goodbye: client and gateway forget the domain."""
        self.buffering = False
        self._change(spot, None, "goodbye")

    def packet_to(self, size: int, spot: Spot) -> None:
        """An application's packet to the domain."""
        self.current.count_to(size, spot.time, spot.frame)
        if self.state is State.PENDING and self.exchange is not None and self.overdue is None:
            last = self.exchange.last.time
            if spot.time is not None and last is not None and spot.time - last >= RESEND_AFTER:
                self.overdue = spot

    def close_exchange(self) -> None:
        """Nothing more belongs to the exchange."""
        if self.exchange is not None:
            self.exchanges.add(self.exchange)
            self.exchange = None

    def story(self, *, is_mapped: bool) -> Domain:
        """The domain as a value."""
        counts = {phase: self.tallies[phase].traffic() for phase in traffic.PHASES if phase in self.tallies}
        return Domain(
            self.resource, self.domain, self.proxy_ips, self.state, self.buffering, is_mapped,
            self._changes(), self._exchanges(), self.questions, self.retransmissions, self.answers,
            self.unasked, self.active, self.inactive, self.flips, self.response_times.summary(),
            {phase: each for phase, each in counts.items() if each.packets_to or each.packets_from},
        )  # fmt: skip

    def _changes(self) -> Kept[Change]:
        kept = self.changes.kept()
        return Kept(tuple(Change(*each) for each in kept.things), kept.left_out, kept.before_gap)

    def _exchanges(self) -> Kept[Asked]:
        kept = self.exchanges.kept()
        return Kept(tuple(each.asked() for each in kept.things), kept.left_out, kept.before_gap)

    def _change(self, spot: Spot, state: State | None, cause: str) -> None:
        self.state = state
        self.changes.add((spot, state, self.buffering, cause))
        if state is State.PENDING:
            phase = traffic.PENDING if self.buffering else traffic.REFRESHING
        elif state is State.CONFIRMED:
            phase = traffic.CONFIRMED
        else:
            phase = traffic.FAILED if state is State.FAILED else traffic.ENDED
        self.current = self.tallies.get(phase) or self._tally(phase)

    def _tally(self, phase: str) -> Tally:
        found = self.tallies.get(phase)
        if found is None:
            found = self.tallies[phase] = Tally()
        return found
