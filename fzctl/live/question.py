"""One message that asks for an answer: when to send it, and what of all that comes is the answer."""

from __future__ import annotations

from typing import Final

from fzctl.errors import UsageError
from fzctl.protocol.codec import Message, decode
from fzctl.protocol.exchange import exchange_key, is_answer
from fzctl.protocol.kinds import DOMAIN, KINDS, RESOURCE, Kind

RESEND: Final = 2.0
"""Seconds from one sending to the next: a client waits that long (``client/dns_resource_nat.rs``)."""
PATIENCE: Final = 10.0
"""So many seconds a gateway may look a domain up (``rust/gateway/src/eventloop.rs``)."""

ANSWER: Final = "answer"
"""The answer to the question."""
REFUSED: Final = "refused"
"""Of the answer's kind, but no receiver would take it."""
OTHER: Final = "other"
"""Another control message."""
FOREIGN: Final = "foreign"
"""No control message at all."""


class Question:
    """Sent at the start, and again every RESEND seconds until its answer comes or time is up.

    It is sent again at most ``retries`` times, without end where that is ``None``, and waits
    ``patience`` seconds in all. Time is seconds of any steady clock.
    """

    def __init__(self, packet: bytes, *, retries: int | None = None, patience: float = PATIENCE) -> None:
        """Raises UsageError where nobody answers such a message, or nobody could tell the answer."""
        self.packet: Final = packet
        self.message: Final = decode(packet)
        self.sent_count = 0
        self.answer: Message | None = None
        self.asked_at: float | None = None
        self.answered_at: float | None = None
        self._retries: Final = retries
        self._patience: Final = patience
        self._sent_at = 0.0
        kind = self.message.declaration
        if kind is None or not any(is_answer(each, kind) for each in KINDS):
            what = "such a message" if kind is None else kind.title
            raise UsageError(f"nobody answers {what}: leave --expect away")
        self._kind: Final = kind
        self._key: Final = _key_of(kind, self.message)
        if self._key is None:
            raise UsageError(f"--expect needs resource and domain in {kind.title}: its answer repeats them")

    @property
    def seconds(self) -> float | None:
        """From the first sending to the answer."""
        if self.answered_at is None or self.asked_at is None:
            return None
        return self.answered_at - self.asked_at

    def next_timeout(self) -> float | None:
        """When it is to be sent next, or time is up; ``None`` before the first sending."""
        if self.asked_at is None:
            return None
        end = self.asked_at + self._patience
        return min(self._sent_at + RESEND, end) if self._may_repeat() else end

    def is_due(self, now: float) -> bool:
        """Is it to be sent now?"""
        if self.asked_at is None:
            return True
        return not self.is_over(now) and self._may_repeat() and now >= self._sent_at + RESEND

    def is_over(self, now: float) -> bool:
        """Has the answer come, or is it waited for no longer?"""
        return self.answer is not None or (
            self.asked_at is not None and now >= self.asked_at + self._patience
        )

    def sent(self, now: float) -> None:
        """It has left."""
        self.sent_count += 1
        self._sent_at = now
        if self.asked_at is None:
            self.asked_at = now

    def receive(self, message: Message, now: float) -> str:
        """What a message that came is to this question: one of the words above."""
        if not message.control:
            return FOREIGN
        kind = message.declaration
        if kind is None or not is_answer(kind, self._kind):
            return OTHER
        if not message.accepted:
            return REFUSED
        if self.asked_at is None or self.answer is not None or _key_of(kind, message) != self._key:
            return OTHER
        self.answer, self.answered_at = message, now
        return ANSWER

    def _may_repeat(self) -> bool:
        return self._retries is None or self.sent_count <= self._retries


def _key_of(kind: Kind, message: Message) -> tuple[str, ...] | None:
    fields = message.fields
    if RESOURCE.name not in fields or DOMAIN.name not in fields:
        return None
    return exchange_key(kind, fields)
