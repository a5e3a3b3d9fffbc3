"""Exchanges: which message answers which, and which is a repetition.

The protocol has no request numbers. A question and its answer belong together by session,
resource and domain, the client's own key (``client/dns_resource_nat.rs``; without the gateway,
whose place the session takes). All of it is what packets show: a lost message is not seen.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Final

from fzctl.protocol.kinds import DOMAIN, RESOURCE, kind_by_name
from fzctl.protocol.values import domain_key
from fzctl.records import Exchange, Record

Key = tuple[str | None, int | None, str, str]

MOST_OPEN = 65536
"""Keys that are remembered at once; the one unused for longest is forgotten first."""

# Half the price of the class itself, in a place that is passed for every message.
_new: Final = tuple.__new__


class _Open:
    """One exchange as far as it has been seen."""

    def __init__(self, number: int, record: Record) -> None:
        self.number = number
        self.question = record.frame
        self.asked = record.time
        self.answer: int | None = None
        self.answer_payload = b""


class Exchanges:
    """Follows exchanges through records in the order of their frames."""

    def __init__(self) -> None:
        self._latest: dict[Hashable, _Open] = {}
        self._count = 0

    def observe(self, record: Record) -> Record:
        """The record with its exchange, as far as the frames up to it tell."""
        key = exchange_key(record)
        if key is None or record.copy_of is not None:
            return record
        kind = kind_by_name(record.message.name)
        exchange = self.place(record, key, is_answer=kind is not None and kind.answers is not None)
        return record if exchange is None else record._replace(exchange=exchange)

    def place(self, record: Record, key: Hashable, *, is_answer: bool) -> Exchange | None:
        """The place of a record among those of its ``key``; ``None`` for an answer to nothing seen."""
        found = self._latest.pop(key, None)
        if found is None or (found.answer is not None and not is_answer):
            if is_answer:
                return None
            self._count += 1
            opened = self._latest[key] = _Open(self._count, record)
            if len(self._latest) > MOST_OPEN:
                del self._latest[next(iter(self._latest))]
            return _new(Exchange, (opened.number, None, None, None, None))
        self._latest[key] = found
        if not is_answer:
            return _new(Exchange, (found.number, None, None, None, found.question))
        return self._answer(found, record)

    @staticmethod
    def _answer(found: _Open, record: Record) -> Exchange:
        passed = None if record.time is None or found.asked is None else record.time - found.asked
        repeats = found.answer if record.message.payload == found.answer_payload else None
        if found.answer is None:
            found.answer, found.answer_payload = record.frame, record.message.payload
        # In order, for names cost as much as all the rest: response_in, response_to, response_time.
        return _new(Exchange, (found.number, None, found.question, passed, repeats))


def follow(records: Iterable[Record]) -> Iterator[Record]:
    """Each record with its exchange, in one pass: who answers comes later and is not known yet."""
    exchanges = Exchanges()
    return map(exchanges.observe, records)


def follow_whole(records: Iterable[Record]) -> list[Record]:
    """All records with their exchanges, ``response_in`` too; holds them all in memory."""
    followed = list(follow(records))
    answers: dict[int, int] = {}
    for record in followed:
        if record.exchange is not None and record.exchange.response_to is not None:
            answers.setdefault(record.exchange.number, record.frame)
    return [
        record
        if record.exchange is None or record.exchange.response_to is not None
        else record._replace(
            exchange=record.exchange._replace(response_in=answers.get(record.exchange.number))
        )
        for record in followed
    ]


def exchange_key(record: Record) -> Key | None:
    """File, session, resource and domain of an accepted message that takes part in exchanges."""
    message = record.message
    if not message.accepted:
        return None
    fields = message.fields
    if RESOURCE.name not in fields or DOMAIN.name not in fields:
        return None
    session = None if record.outer is None else record.outer.session
    return record.file, session, fields[RESOURCE.name], domain_key(fields[DOMAIN.name])
