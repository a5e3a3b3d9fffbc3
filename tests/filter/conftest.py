"""A table of fields of every type, and packets made of keyword arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from fzctl.filter import FieldType, compile_filter

FIELDS: Mapping[str, FieldType] = {
    "p.uint": FieldType.UINT,
    "p.other": FieldType.UINT,
    "p.bytes": FieldType.BYTES,
    "p.guid": FieldType.GUID,
    "p.text": FieldType.STRING,
    "p.more": FieldType.STRING,
    "p.ip4": FieldType.IPV4,
    "p.ip6": FieldType.IPV6,
    "p.flag": FieldType.BOOLEAN,
    "p.time": FieldType.TIME,
    "p.frame": FieldType.FRAMENUM,
}


@pytest.fixture(scope="session")
def fields() -> Mapping[str, FieldType]:
    return FIELDS


@pytest.fixture(scope="session")
def holds() -> Callable[..., bool]:
    """``holds("p.uint == 1", uint=1)``: does it match a packet of these values? A list is many values."""

    def match(expression: str, **values: object) -> bool:
        packet: dict[str, Sequence[object]] = {
            f"p.{name}": value if isinstance(value, list) else [value] for name, value in values.items()
        }
        return compile_filter(expression, FIELDS)(lambda name: packet.get(name, ()))

    return match
