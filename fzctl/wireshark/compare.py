"""Two readings of one capture beside each other: ours and tshark's, field by field.

What is compared are the fields of the message, its verdict and the reason, and its place among
questions and answers. The texts are brought into one form first, ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from socket import AF_INET6, inet_pton
from typing import Any, Final, NamedTuple

from fzctl.columns import PREFIX, all_columns
from fzctl.filter.fields import FieldType
from fzctl.protocol.values import format_ip
from fzctl.records import Record

Values = Mapping[str, Sequence[str]]
"""The values of a packet's fields, by name, in one form of text."""

# Sessions are kept apart in the same way, but each side counts those that it knows of.
_NEVER: Final = frozenset({PREFIX + "session"})


class Difference(NamedTuple):
    """One field of one packet that the two read differently; a side without the packet has ``None``."""

    frame: int
    field: str
    ours: tuple[str, ...] | None
    theirs: tuple[str, ...] | None


def compared_fields() -> list[str]:
    """The fields that are compared, in the order of the contract."""
    return [name for name in all_columns() if name.startswith(PREFIX) and name not in _NEVER]


def our_values(record: Record) -> Values:
    """What we read in a packet."""
    columns = all_columns()
    return {
        name: [_text(columns[name].type, value) for value in columns[name].values(record)]
        for name in compared_fields()
    }


def their_values(shown: Values) -> Values:
    """What tshark shows of a packet, in our form."""
    columns = all_columns()
    return {
        name: [_normalised(columns[name].type, text) for text in shown.get(name, ())]
        for name in compared_fields()
    }


def differences(ours: Iterable[tuple[int, Values]], theirs: Iterable[tuple[int, Values]]) -> list[Difference]:
    """What the two read differently, by frame; several messages in a frame are taken in their order."""
    left, right = _by_frame(ours), _by_frame(theirs)
    found: list[Difference] = []
    for frame in sorted(left.keys() | right.keys()):
        mine, other = left.get(frame, []), right.get(frame, [])
        for place in range(max(len(mine), len(other))):
            found += _compare(
                frame,
                mine[place] if place < len(mine) else None,
                other[place] if place < len(other) else None,
            )
    return found


def _by_frame(readings: Iterable[tuple[int, Values]]) -> dict[int, list[Values]]:
    frames: dict[int, list[Values]] = {}
    for frame, values in readings:
        frames.setdefault(frame, []).append(values)
    return frames


def _compare(frame: int, ours: Values | None, theirs: Values | None) -> list[Difference]:
    if ours is None or theirs is None:
        seen = (ours or theirs or {}).get(PREFIX + "reason", ())
        both = (None, tuple(seen)) if ours is None else (tuple(seen), None)
        return [Difference(frame, "fzp2p", *both)]
    return [
        Difference(frame, name, tuple(ours[name]), tuple(theirs[name]))
        for name in compared_fields()
        if list(ours[name]) != list(theirs[name])
    ]


def _text(kind: FieldType, value: Any) -> str:
    if kind is FieldType.BOOLEAN:
        return "1" if value else "0"
    if kind is FieldType.TIME:
        return f"{value:.9f}"
    return value.hex() if isinstance(value, bytes) else str(value)


def _normalised(kind: FieldType, text: str) -> str:
    if kind is FieldType.BYTES:
        return text.replace(":", "").lower()
    if kind is FieldType.BOOLEAN:
        return "1" if text.lower() in ("1", "true") else "0"
    if kind is FieldType.UINT and text.lower().startswith("0x"):
        return str(int(text, 16))
    if kind is FieldType.IPV6:
        return _canonical_ipv6(text)
    return text.lower() if kind is FieldType.GUID else text


def _canonical_ipv6(text: str) -> str:
    """The C library, and so Wireshark, writes ``::102:304`` as ``::1.2.3.4``; Rust does not."""
    try:
        return format_ip(inet_pton(AF_INET6, text))
    except (OSError, ValueError):  # a name in place of the address, or a text with a zero
        return text
