"""What a record holds under each name of ``-Y`` and ``-e``: the fields of filters and of Wireshark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from fzctl.filter import Filter, compile_filter
from fzctl.filter.types import FieldType
from fzctl.protocol.kinds import columns
from fzctl.records import Record

PREFIX: Final = "fzp2p."


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
        "frame.number": Column(FieldType.FRAMENUM, "Frame number", lambda r: (r.frame,)),
        "frame.time_epoch": Column(
            FieldType.TIME, "Seconds since the epoch", lambda r: () if r.time is None else (r.time / 1e9,)
        ),
    }
    return found


def record_filter(expression: str) -> Callable[[Record], bool]:
    """A display filter over records. Raises FilterError that points at the place."""
    known = all_columns()
    compiled: Filter = compile_filter(expression, {name: column.type for name, column in known.items()})
    getters = {name: known[name].values for name in compiled.fields}
    return lambda record: compiled(lambda name: getters[name](record))


def _some(value: Any) -> Sequence[Any]:
    return () if value is None else (value,)


def _picker(pick: Callable[[Any], Sequence[Any]]) -> Callable[[Record], Sequence[Any]]:
    return lambda record: pick(record.message.fields)
