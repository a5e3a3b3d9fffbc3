"""What a ladder shows: the messages one below the other, and the traffic between them.

Of long inputs the first and the last rungs are kept, of packets the first ``MAX_PACKET`` bytes.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, NamedTuple

from fzctl.analysis.bounded import Kept
from fzctl.analysis.findings import Spot, Subject, spot_of
from fzctl.analysis.story import Story
from fzctl.nat.client import State
from fzctl.protocol.packet import MAX_PACKET
from fzctl.records import Exchange, Record

MOST_RUNGS: Final = 1000
"""Rungs that are kept from each end."""
_MOST_SIGHTED: Final = 4096
_MOST_DOMAINS: Final = 3


class Sent:
    """A message, its place in an exchange, its connection, and where else it was seen.

    Its packet lacks the last ``left_out`` bytes.
    """

    __slots__ = ("copies", "exchange", "left_out", "record", "subject")

    def __init__(
        self, record: Record, exchange: Exchange | None, subject: Subject, left_out: int = 0
    ) -> None:
        self.record = record
        self.exchange = exchange
        self.subject = subject
        self.left_out = left_out
        self.copies: list[Spot] = []


class Flow:
    """Application packets of one connection between two messages, all in the same state of its domain.

    ``domains`` are the first that they went to or came from, ``state`` is what the client's NAT for
    them was, ``buffering`` whether it held them back.
    """

    __slots__ = (
        "buffering", "bytes_from", "bytes_to", "domains", "first", "last_time", "packets_from",
        "packets_to", "state", "subject",
    )  # fmt: skip

    def __init__(self, subject: Subject, state: State | None, first: Spot, *, buffering: bool) -> None:
        self.subject = subject
        self.state = state
        self.buffering = buffering
        self.first = first
        self.last_time = first.time
        self.domains: dict[str, None] = {}
        self.packets_to = self.bytes_to = self.packets_from = self.bytes_from = 0


Rung = Sent | Flow
_Plain = tuple[Record, Exchange | None, Subject, int]
"""A message without copies, which is made a :class:`Sent` only where it is kept to the end."""


class Analysis(NamedTuple):
    """What was found in one input, or in several that were merged.

    ``asked`` is the moment that was asked for, in the user's words; ``problems`` say what could not be
    read.
    """

    files: tuple[str, ...]
    story: Story
    rungs: Kept[Rung]
    asked: str | None = None
    problems: tuple[str, ...] = ()


class Ladder:
    """Takes messages and packets in their order.

    ``with_copies``: some records may be copies, which are noted with their originals.
    """

    def __init__(self, most: int = MOST_RUNGS, *, with_copies: bool = True) -> None:
        self._most = most
        self._first: list[Rung | _Plain] = []
        self._last: deque[Rung | _Plain] = deque(maxlen=most)
        self._count = 0
        self._sighted: OrderedDict[tuple[str | None, int], Sent] | None = (
            OrderedDict() if with_copies else None
        )
        self._flows: list[Flow] = []

    def message(self, record: Record, exchange: Exchange | None, subject: Subject) -> None:
        """The next message of the connection ``subject``; a copy is noted with its original."""
        if self._flows:
            self._flows = []
        packet = record.message.packet
        left_out = max(0, len(packet) - MAX_PACKET)
        if left_out:
            # No receiver takes it: thousands of such would fill the memory, and their beginning is enough.
            record = record._replace(message=record.message._replace(packet=packet[:MAX_PACKET]))
        rung: Rung | _Plain = record, exchange, subject, left_out
        if self._sighted is not None:
            if record.copy_of is not None:
                origin = record.file if record.copy_in is None else record.copy_in
                original = self._sighted.get((origin, record.copy_of))
                if original is not None:
                    original.copies.append(spot_of(record))
                return
            if len(self._sighted) >= _MOST_SIGHTED:
                self._sighted.popitem(last=False)
            rung = self._sighted[record.file, record.frame] = Sent(record, exchange, subject, left_out)
        self._count += 1
        if self._count > self._most:
            self._last.append(rung)
        else:
            self._first.append(rung)

    def packet(
        self, subject: Subject, state: State | None, spot: Spot, size: int, *, buffering: bool, towards: bool
    ) -> None:
        """An application's packet to or from the domain ``subject``, whose NAT is in ``state``."""
        for flow in self._flows:
            if (
                flow.state is state
                and flow.buffering == buffering
                and flow.subject.connection == subject.connection
                and flow.subject.tunnel == subject.tunnel
            ):
                break
        else:
            flow = Flow(Subject(subject.tunnel, subject.connection), state, spot, buffering=buffering)
            self._flows.append(flow)
            self._count += 1
            (self._last if self._count > self._most else self._first).append(flow)
        if len(flow.domains) < _MOST_DOMAINS:
            flow.domains[subject.domain or ""] = None
        flow.last_time = spot.time
        if towards:
            flow.packets_to += 1
            flow.bytes_to += size
        else:
            flow.packets_from += 1
            flow.bytes_from += size

    def kept(self) -> Kept[Rung]:
        """What is kept so far."""
        things = tuple(
            Sent(*each) if isinstance(each, tuple) else each for each in (*self._first, *self._last)
        )
        return Kept(things, self._count - len(things), len(self._first))
