"""What a record holds under each name of ``-Y`` and ``-e``: the fields of filters and of Wireshark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from fzctl.filter import Filter, compile_filter
from fzctl.filter.fields import FieldType
from fzctl.protocol.kinds import columns
from fzctl.records import Record

PREFIX: Final = "fzp2p."
OF_EXCHANGES: Final = frozenset(
    PREFIX + name for name in ("response_in", "response_to", "response_time", "retransmission_of", "exchange")
)
NEEDS_LOOKAHEAD: Final = frozenset({PREFIX + "response_in"})


class Column(NamedTuple):
    """One named field: its type in filters, what people call it, and its values in a record."""

    type: FieldType
    label: str
    values: Callable[[Record], Sequence[Any]]


_TYPES: Final = {
    "guid": FieldType.GUID,
    "string": FieldType.STRING,
    "ipv4": FieldType.IPV4,
    "ipv6": FieldType.IPV6,
    "uint16": FieldType.UINT,
}


def all_columns() -> dict[str, Column]:
    """Every field by its full name, in the order of the contract."""
    found = {
        PREFIX + "kind": Column(FieldType.UINT, "Kind", lambda r: _some(r.message.kind)),
        PREFIX + "reserved": Column(FieldType.BYTES, "Reserved", lambda r: _some(r.message.reserved)),
        PREFIX + "payload": Column(FieldType.BYTES, "Payload", lambda r: _some(r.message.payload or None)),
    }
    for column in columns().values():
        found[PREFIX + column.name] = Column(_TYPES[column.kind], column.label, _picker(column.pick))
    found |= {
        PREFIX + "accepted": Column(FieldType.BOOLEAN, "Accepted", lambda r: (r.message.accepted,)),
        PREFIX + "reason": Column(FieldType.STRING, "Reason", lambda r: (r.message.reason,)),
        PREFIX + "response_in": Column(FieldType.FRAMENUM, "Answered in frame", _of_exchange("response_in")),
        PREFIX + "response_to": Column(FieldType.FRAMENUM, "Answer to frame", _of_exchange("response_to")),
        PREFIX + "response_time": Column(FieldType.TIME, "Time since the question (s)", _response_time),
        PREFIX + "retransmission_of": Column(
            FieldType.FRAMENUM, "Repeats frame", _of_exchange("retransmission_of")
        ),
        PREFIX + "exchange": Column(FieldType.UINT, "Exchange number", _of_exchange("number")),
        PREFIX + "session": Column(FieldType.UINT, "WireGuard session", _session),
        "frame.number": Column(FieldType.FRAMENUM, "Frame number", lambda r: (r.frame,)),
        "frame.time_epoch": Column(FieldType.TIME, "Seconds since the epoch", lambda r: _seconds(r.time)),
    }
    return found


class RecordFilter:
    """A display filter over records; ``fields`` are the names that it uses.

    Raises FilterError that points at the place.
    """

    def __init__(self, expression: str) -> None:
        known = all_columns()
        self._compiled: Filter = compile_filter(
            expression, {name: column.type for name, column in known.items()}
        )
        self.fields = self._compiled.fields
        self._getters = {name: known[name].values for name in self.fields}

    def __call__(self, record: Record) -> bool:
        return self._compiled(lambda name: self._getters[name](record))


def _of_exchange(name: str) -> Callable[[Record], Sequence[Any]]:
    return lambda record: () if record.exchange is None else _some(getattr(record.exchange, name))


def _response_time(record: Record) -> Sequence[Any]:
    return () if record.exchange is None else _seconds(record.exchange.response_time)


def _seconds(nanoseconds: int | None) -> Sequence[Any]:
    # A float has no room for nanoseconds since the epoch.
    return () if nanoseconds is None else (Decimal(nanoseconds).scaleb(-9),)


def _session(record: Record) -> Sequence[Any]:
    return () if record.outer is None else _some(record.outer.session)


def _some(value: Any) -> Sequence[Any]:
    return () if value is None else (value,)


def _picker(pick: Callable[[Any], Sequence[Any]]) -> Callable[[Record], Sequence[Any]]:
    return lambda record: pick(record.message.fields)
