"""Numbers: how many messages, how fast, how large, and how long answers took.

Groups are kinds, tunnels' sessions and domains. Memory grows with the groups, not with messages;
quantiles come from :mod:`fzctl.analysis.histogram` and are at most 1.6 % off.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from fzctl.analysis.bounded import Room
from fzctl.analysis.exchanges import Exchanges
from fzctl.analysis.histogram import Histogram, Summary
from fzctl.protocol.codec import Message
from fzctl.protocol.kinds import DOMAIN, RESOURCE
from fzctl.protocol.packet import MAX_PACKET
from fzctl.protocol.values import domain_key
from fzctl.records import Record

SECOND: Final = 1_000_000_000
MOST_KNOWN: Final = 16384
"""Packets whose groups are remembered, where they are not too large for a receiver."""


class Numbers(NamedTuple):
    """One group: ``name`` for people, ``messages`` without copies, their payloads' ``sizes`` in bytes.

    ``rate`` is messages a second between the first and the last one, ``None`` for less than two
    moments; ``busiest`` is the greatest number within one second of the clock. ``answers`` are
    response times in nanoseconds: of the questions where the group is a kind of question or answer.
    """

    name: str
    messages: int
    copies: int
    refused: int
    first: int | None
    last: int | None
    rate: float | None
    busiest: int
    sizes: Summary
    answers: Summary


class Report(NamedTuple):
    """All groups: everything, by kind, by (file, session), by (resource, domain), refusals by reason."""

    total: Numbers
    kinds: dict[str, Numbers]
    sessions: dict[tuple[str | None, int | None], Numbers]
    domains: dict[tuple[str, str], Numbers]
    reasons: dict[str, int]


class Stats:
    """Counts records in the order of their times."""

    def __init__(self) -> None:
        self._total = _Group("all messages")
        self._kinds: dict[str, _Group] = {}
        self._sessions: dict[tuple[str | None, int | None], _Group] = {}
        self._domains: dict[tuple[str, str], _Group] = {}
        self._by_packet: dict[bytes, _Known] = {}
        self._reasons: dict[str, int] = {}
        self._exchanges = Exchanges()
        self._room = Room()

    def observe(self, record: Record) -> None:
        """Count one record. Its exchange is looked for where it has none yet.

        Raises TooManyError where there are more groups than there is room for.
        """
        message = record.message
        session = None if record.outer is None else record.outer.session
        kind_group, domain_group, key, is_answer = self._known(message, record.frame)
        session_group = self._sessions.get((record.file, session))
        if session_group is None:
            session_group = _Group(session_name(record.file, session))
            self._sessions[record.file, session] = session_group
        groups = [self._total, kind_group, session_group]
        if domain_group is not None:
            groups.append(domain_group)
        if record.copy_of is not None:
            for group in groups:
                group.copies += 1
            return
        if not message.accepted:
            self._reasons[message.reason] = self._reasons.get(message.reason, 0) + 1
        exchange = record.exchange
        if exchange is None and key is not None:
            exchange = self._exchanges.place(record, (record.file, session, key), is_answer=is_answer)
        passed = None
        # Of several answers to one question only the first took that time.
        if exchange is not None and exchange.response_to is not None and exchange.retransmission_of is None:
            passed = exchange.response_time
        size = len(message.payload)
        for group in groups:
            group.count(record.time, size, passed, accepted=message.accepted)

    def _known(self, message: Message, frame: int) -> _Known:
        """The groups of a message's kind and domain; the same bytes are looked at once."""
        found = self._by_packet.get(message.packet)
        if found is not None and found.kind_group.name == message.name:
            return found
        fields = message.fields if message.accepted else {}
        key = domain_group = None
        if RESOURCE.name in fields and DOMAIN.name in fields:
            key = fields[RESOURCE.name], domain_key(fields[DOMAIN.name])
            domain_group = self._domains.get(key)
            if domain_group is None:
                self._room.take(frame)
                domain_group = self._domains[key] = _Group(fields[DOMAIN.name])
        kind = message.declaration
        kind_group = self._kinds.setdefault(message.name, _Group(message.name))
        found = _Known(kind_group, domain_group, key, kind is not None and kind.answers is not None)
        if len(message.packet) <= MAX_PACKET:
            if len(self._by_packet) >= MOST_KNOWN:
                self._by_packet.clear()
            self._by_packet[message.packet] = found
        return found

    def report(self) -> Report:
        """The numbers so far; each kind of group in the order of its first messages."""
        return Report(
            self._total.numbers(),
            {key: group.numbers() for key, group in self._kinds.items()},
            {key: group.numbers() for key, group in self._sessions.items()},
            {key: group.numbers() for key, group in self._domains.items()},
            dict(self._reasons),
        )


def stats_of(records: Iterable[Record]) -> Report:
    """The numbers of all records."""
    stats = Stats()
    for record in records:
        stats.observe(record)
    return stats.report()


def session_name(file: str | None, session: int | None) -> str:
    """What people call a session of a file; no session stands for what is in plain."""
    name = "in plain" if session is None else f"session {session}"
    return name if file is None else f"{name} of {file}"


class _Group:
    __slots__ = (
        "answers", "busiest", "copies", "first", "in_second", "last", "messages", "name", "refused", "second",
        "sizes",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.messages = 0
        self.copies = 0
        self.refused = 0
        self.first: int | None = None
        self.last: int | None = None
        self.second = -1
        self.in_second = 0
        self.busiest = 0
        self.sizes = Histogram()
        self.answers = Histogram()

    def count(self, time: int | None, size: int, passed: int | None, *, accepted: bool) -> None:
        self.messages += 1
        self.refused += not accepted
        self.sizes.add(size)
        if passed is not None:
            self.answers.add(passed)
        if time is None:
            return
        if self.first is None or time < self.first:
            self.first = time
        if self.last is None or time > self.last:
            self.last = time
        second = time // SECOND
        if second != self.second:
            self.second, self.in_second = second, 0
        self.in_second += 1
        if self.in_second > self.busiest:
            self.busiest = self.in_second

    def numbers(self) -> Numbers:
        rate = None
        if self.first is not None and self.last is not None and self.last > self.first:
            rate = (self.messages - 1) * SECOND / (self.last - self.first)
        return Numbers(
            self.name, self.messages, self.copies, self.refused, self.first, self.last, rate, self.busiest,
            self.sizes.summary(), self.answers.summary(),
        )  # fmt: skip


class _Known(NamedTuple):
    kind_group: _Group
    domain_group: _Group | None
    key: tuple[str, str] | None
    is_answer: bool
