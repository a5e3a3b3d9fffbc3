"""What becomes of the messages of a replay: which questions were asked, and which of them answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fzctl.carriers.base import Received
from fzctl.live.impair import CORRUPTED, LOST
from fzctl.live.schedule import Timed
from fzctl.protocol.codec import Message, decode
from fzctl.protocol.kinds import DOMAIN, KINDS, RESOURCE
from fzctl.protocol.values import domain_key

Key = tuple[str, str, str]

_ASKED_FOR: Final = frozenset(kind.answers for kind in KINDS if kind.answers is not None)


class Tally:
    """Counts what a :class:`~fzctl.live.pace.Pacer` sends and takes.

    A question that is sent again while it is open stays one, and one that was answered is asked
    anew. ``times`` are seconds from the first sending of a question to its answer. ``others``
    counts control messages that answer nothing, ``foreign`` packets that are none.
    """

    def __init__(self, messages: Sequence[Message], clock: Callable[[], float]) -> None:
        """``messages`` are what is sent, in the order of ``Timed.number``; looped ones begin anew."""
        self.asked = 0
        self.times: Final[list[float]] = []
        self.others = 0
        self.foreign = 0
        self._clock: Final = clock
        # Numbers, for each packet is looked up.
        self._numbers: Final[dict[Key, int]] = {}
        self._questions: Final = [self._number(message) for message in messages]
        self._open: Final[dict[int, float]] = {}

    @property
    def open_count(self) -> int:
        """Questions that wait for their answer."""
        return len(self._open)

    @property
    def asks(self) -> bool:
        """Is there a question among the messages at all?"""
        return bool(self._numbers)

    def sent(self, timed: Timed) -> None:
        """A packet left, or was lost on purpose."""
        questions = self._questions
        question = questions[(timed.number - 1) % len(questions)]
        if question is None or question in self._open:
            return
        if timed.done and (LOST in timed.done or CORRUPTED in timed.done):
            return
        self.asked += 1
        self._open[question] = self._clock()

    def take(self, received: Received) -> None:
        """Something came."""
        message = decode(received.packet)
        if not message.control:
            self.foreign += 1
            return
        kind = message.declaration
        key = None if kind is None or kind.answers is None else _key_of(message, kind.answers)
        asked = None if key is None else self._open.pop(self._numbers.get(key, -1), None)
        if asked is None:
            self.others += 1
        else:
            self.times.append(self._clock() - asked)

    def _number(self, message: Message) -> int | None:
        """One number for each question, however often it is asked."""
        key = _key_of(message) if message.name in _ASKED_FOR else None
        return None if key is None else self._numbers.setdefault(key, len(self._numbers))


def _key_of(message: Message, name: str | None = None) -> Key | None:
    """The question's kind, resource and domain, as the client compares them (``dns_resource_nat.rs``)."""
    if not message.accepted:
        return None
    fields = message.fields
    if RESOURCE.name not in fields or DOMAIN.name not in fields:
        return None
    return name or message.name, fields[RESOURCE.name], domain_key(fields[DOMAIN.name])
