"""What every player is: one side's manners as values. Packets and time in, packets and happenings out.

Time is seconds of a clock that never steps back, the same in every call.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Final, NamedTuple, Protocol

from fzctl.protocol.codec import Message

RECEIVED: Final = "received"
"""A control message came, whatever becomes of it."""
SENT: Final = "sent"
"""A packet left; told by who drives the player."""
UNSENT: Final = "unsent"
"""A packet did not leave; the sentence says why. Told by who drives the player."""
LOST: Final = "lost"
"""A packet that would leave was lost on purpose."""
STATE: Final = "state"
"""An exchange went on: ``exchange`` says where it stands."""
IGNORED: Final = "ignored"
"""Nothing comes of a message that was received; the sentence says why."""
FOREIGN: Final = "foreign"
"""A packet came that is no control message."""
CLOSED: Final = "closed"
"""The other end said Goodbye."""
TABLE: Final = "table"
"""The NAT table of ``peer`` changed."""
NOTE: Final = "note"
"""What people should know beside."""

PENDING: Final = "pending"
CONFIRMED: Final = "confirmed"
FAILED: Final = "failed"
UNANSWERED: Final = "unanswered"
"""The states of an exchange: asked, answered with Active, answered with anything else, given up."""


class Sent(NamedTuple):
    """A packet and when it is to leave; what is past means at once.

    ``to`` names who gets it as ``receive`` named the sender; empty: who is at the other end.
    """

    packet: bytes
    at: float
    to: str = ""


class Exchange(NamedTuple):
    """One question for one domain, and its answer.

    ``round`` counts from 1 how often the domain was set up or refreshed, ``sent_count`` the
    sendings of this round. ``answered_at`` is ``None`` without an answer.
    """

    domain: str
    resource: str
    proxy_ips: tuple[str, ...]
    state: str
    round: int
    asked_at: float
    sent_count: int
    answered_at: float | None = None

    @property
    def seconds(self) -> float | None:
        """From the round's first sending to its answer."""
        return None if self.answered_at is None else self.answered_at - self.asked_at


class Happening(NamedTuple):
    """Something that happened; ``name`` is one of the words above, ``sentence`` is for people.

    Texts out of packets stand in ``sentence`` as they came. ``peer`` is the other end as
    ``receive`` named it.
    """

    name: str
    time: float
    sentence: str
    packet: bytes = b""
    peer: str = ""
    exchange: Exchange | None = None


class Player(Protocol):
    """One side. No packet makes a player raise."""

    @property
    def is_done(self) -> bool:
        """Has everything come about, or failed, that it set out for?"""
        ...

    def start(self, now: float) -> list[Sent]: ...

    def receive(self, packet: bytes, now: float, source: str = "") -> list[Sent]:
        """Take any inner packet; ``source`` tells several others apart."""
        ...

    def next_timeout(self) -> float | None: ...

    def handle_timeout(self, now: float) -> list[Sent]: ...

    def stop(self, now: float) -> list[Sent]:
        """Leave, with a Goodbye where manners ask for one. A second time does nothing."""
        ...

    def events(self) -> list[Happening]:
        """What happened since the last call."""
        ...


class Diary:
    """What happened; ``counts`` keeps how often under each name."""

    def __init__(self) -> None:
        self.counts: Final[Counter[str]] = Counter()
        self._pages: list[Happening] = []

    def tell(self, happening: Happening) -> None:
        self.counts[happening.name] += 1
        self._pages.append(happening)

    def take(self) -> list[Happening]:
        """What was told since the last call."""
        taken, self._pages = self._pages, []
        return taken


class Agenda:
    """What is to be done at which time, in that order, and else in the order in which it was put off."""

    def __init__(self) -> None:
        self._order: Final = count()
        self._heap: Final[list[tuple[float, int, Callable[[float], None]]]] = []

    def put(self, when: float, what: Callable[[float], None]) -> None:
        heapq.heappush(self._heap, (when, next(self._order), what))

    def next(self) -> float | None:
        """When something is due."""
        return self._heap[0][0] if self._heap else None

    def run(self, now: float) -> None:
        """Do what is due, not what is put off meanwhile to this very moment."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        for what in due:
            what(now)

    def clear(self) -> None:
        self._heap.clear()


def milliseconds(now: float) -> int:
    """The whole milliseconds in which :mod:`fzctl.nat` counts."""
    return round(now * 1000)


def sentence_of(message: Message) -> str:
    """A message in a few words: its kind, and its values in the order of its fields."""
    kind = message.declaration
    if kind is None:
        return "no header" if message.kind is None else f"kind {message.kind}"
    return " ".join((kind.title, *(_text(each) for each in message.fields.values())))


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
