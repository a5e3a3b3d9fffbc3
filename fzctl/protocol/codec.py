"""Messages: bytes to verdict and values to bytes.

Decoding never raises: what a receiver would make of a packet is a value. Encoding raises
:class:`~fzctl.errors.EncodeError` for what a real sender refuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fzctl.errors import EncodeError
from fzctl.protocol.kinds import AUTO, DIALECTS, Kind, find_kind
from fzctl.protocol.packet import (
    CONTROL_HEADER,
    CONTROL_PROTOCOL,
    IPV6_HEADER,
    MAX_PACKET,
    UNSPECIFIED_PAIR,
    Packet,
    build_packet,
    declared_length,
    is_ours,
    parse_packet,
)

UNKNOWN: Final = "unknown"
_CURRENT: Final = "current"
_NO_RESERVED: Final = bytes(7)


class Message(NamedTuple):
    """A verdict: what a receiver of ``dialect`` makes of one packet.

    ``control``: is it a control packet at all. ``kind``: the header's first byte, ``None`` where
    there is no header. ``reserved`` and ``payload``: the bytes as they are. ``error``: a sentence
    for people where the message is not accepted. ``offset``: where the control header begins in
    ``packet``, behind all IP headers. ``values``: the fields as read, ``None`` where the payload is
    so plainly what a sender emits that they need not be read before somebody asks.
    """

    packet: bytes
    control: bool
    kind: int | None
    name: str
    dialect: str
    accepted: bool
    reason: str
    error: str | None
    offset: int
    values: dict[str, Any] | None

    @property
    def declaration(self) -> Kind | None:
        """The declared kind that judged the payload, ``None`` for an unknown one."""
        return None if self.kind is None else find_kind(self.kind, self.dialect)

    @property
    def reserved(self) -> bytes | None:
        """Header bytes 1 to 7, or ``None`` without a whole header."""
        return None if self.kind is None else self.packet[self.offset + 1 : self.offset + CONTROL_HEADER]

    @property
    def payload(self) -> bytes:
        """What follows the control header."""
        return self.packet[self.offset + CONTROL_HEADER :] if self.kind is not None else b""

    @property
    def is_compact(self) -> bool:
        """Is the payload JSON text exactly as a sender emits it, in plain ASCII?"""
        return self.values is None and self.accepted

    @property
    def fields(self) -> dict[str, Any]:
        """What the receiver would hold, in canonical text; of a refused message what could be read."""
        if self.values is not None:
            return self.values
        import json  # only here, where the pattern has proven the text; decoding never needs it

        kind = self.declaration
        return {} if kind is None else kind.members(json.loads(self.payload))

    @property
    def header(self) -> Packet:
        """The IP level's view of the packet."""
        return parse_packet(self.packet)


def decode(packet: bytes, dialect: str = AUTO) -> Message:
    """Judge one IP packet (a whole one, from its first header byte on). Never raises.

    ``dialect`` is ``seed``, ``current``, ``next`` or ``auto`` (see :func:`judge`).
    """
    size = len(packet)
    if (
        IPV6_HEADER + CONTROL_HEADER <= size <= MAX_PACKET
        and packet[6] == CONTROL_PROTOCOL
        and packet[0] >> 4 == 6
        and packet[8:40] == UNSPECIFIED_PAIR
        and (packet[4] << 8) + packet[5] == size - IPV6_HEADER
    ):
        return judge(packet, IPV6_HEADER, dialect)
    view = parse_packet(packet)
    if view.reason == "ok":
        return judge(packet, view.offset, dialect)
    return _refused_packet(packet, dialect, view, control=view.reason == "too_short")


def decode_truncated(packet: bytes, dialect: str = AUTO) -> Message:
    """Judge the beginning of a packet whose rest the capture's snap length cut off. Never raises."""
    if not is_ours(packet):
        return _refused_packet(packet, dialect, parse_packet(packet), control=False)
    missing = declared_length(packet) - len(packet)
    if missing <= 0:
        return decode(packet, dialect)
    problem = f"the capture lacks the last {missing} bytes of the packet (snap length)"
    view = parse_packet(packet)
    if len(packet) - view.offset < CONTROL_HEADER:
        return _refused_packet(
            packet, dialect, view._replace(reason="truncated", problem=problem), control=True
        )
    message = judge(packet, view.offset, dialect)
    return message._replace(accepted=False, reason="truncated", error=problem, values=message.fields)


def judge(packet: bytes, offset: int, dialect: str = AUTO) -> Message:
    """Judge the control message whose 8-byte header stands at ``offset``.

    ``auto`` judges by ``current``, a kind that only another dialect has by that dialect, and a
    payload by an older dialect where it has that one's own fields in place of ours.
    """
    number = packet[offset]
    judging = _CURRENT if dialect == AUTO else dialect
    kind = find_kind(number, judging)
    if kind is None and dialect == AUTO:
        judging = next((each for each in DIALECTS if find_kind(number, each)), _CURRENT)
        kind = find_kind(number, judging)
    if kind is None:
        return Message(
            packet, True, number, UNKNOWN, judging, False, "unknown_event",
            f"the dialect {judging} has no message of kind {number}; receivers ignore it", offset, {},
        )  # fmt: skip
    if not kind.fields:
        return Message(packet, True, number, kind.name, judging, True, "ok", None, offset, {})
    if _compact_pattern(kind).fullmatch(packet, offset + CONTROL_HEADER):
        return Message(packet, True, number, kind.name, judging, True, "ok", None, offset, None)
    # Most captures need no strict reading at all, and no time at start-up for it.
    from fzctl.protocol import strict

    payload = packet[offset + CONTROL_HEADER :]
    values, refusal = strict.read_fields(kind, payload)
    if refusal is None:
        return Message(packet, True, number, kind.name, judging, True, "ok", None, offset, values)
    if dialect == AUTO:
        other = strict.dialect_by_fields(kind, payload)
        if other is not None:
            return judge(packet, offset, other)
    reason, error = strict.explain(refusal, payload)
    values = {**strict.salvage(kind, payload), **values}
    return Message(packet, True, number, kind.name, judging, False, reason, error, offset, values)


def encode_payload(kind: Kind, values: Mapping[str, Any], *, force: bool = False) -> bytes:
    """The JSON payload as a sender of ``kind`` writes it, byte for byte.

    ``values`` are the members of a record's ``fields``. Raises EncodeError where a sender
    could not or would not write them; ``force`` writes them all the same.
    """
    members = []
    for field in kind.fields:
        try:
            value = field.type.from_json(field.name, values)
        except KeyError:
            value = None
        if value is None:
            raise EncodeError(f"{kind.title} needs a value for {field.name}")
        try:
            text = field.type.encode(value)
        except EncodeError as error:
            if not force:
                raise EncodeError(f"{kind.title}: {error}") from None
            text = field.type.encode_anything(value)
        members.append(f'"{field.name}":{text}')
    return ("{" + ",".join(members) + "}").encode() if kind.fields else b""


def encode(
    kind: Kind, values: Mapping[str, Any], *, reserved: bytes = _NO_RESERVED, force: bool = False
) -> bytes:
    """The whole packet as a sender emits it. Raises EncodeError for what a sender refuses."""
    return build_packet(
        kind.number, encode_payload(kind, values, force=force), reserved=reserved, force=force
    )


def canonical_values(kind: Kind, payload: bytes) -> dict[str, Any] | None:
    """The values of a payload that a receiver of ``kind`` accepts, else ``None``."""
    from fzctl.protocol import strict

    values, refusal = strict.read_fields(kind, payload)
    return None if refusal is not None else values


def _compact_pattern(kind: Kind) -> re.Pattern[bytes]:
    """Matches a payload that is byte for byte what a sender emits, for the usual values.

    What it does not match is read strictly; what it matches, the strict reader accepts too.
    """
    known = _PATTERNS.get(id(kind))
    if known is not None:
        return known[1]
    texts = [field.type.compact() for field in kind.fields]
    members = ",".join(f'"{field.name}":{text}' for field, text in zip(kind.fields, texts, strict=True))
    pattern = re.compile(b"(?!)" if None in texts else f"\\{{{members}\\}}".encode())
    _PATTERNS[id(kind)] = kind, pattern
    return pattern


# By identity, because hashing a declaration costs as much as judging a message;
# the kind stands beside its pattern so that its identity stays taken.
_PATTERNS: Final[dict[int, tuple[Kind, re.Pattern[bytes]]]] = {}


def _refused_packet(packet: bytes, dialect: str, view: Packet, *, control: bool) -> Message:
    judging = _CURRENT if dialect == AUTO else dialect
    return Message(packet, control, None, UNKNOWN, judging, False, view.reason, view.problem, view.offset, {})
