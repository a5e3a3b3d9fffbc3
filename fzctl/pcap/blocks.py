"""The blocks of pcapng (draft-ietf-opsawg-pcapng): their numbers, options and interfaces."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from fzctl.pcap.links import Link, link_for

SECTION: Final = 0x0A0D0D0A
INTERFACE: Final = 1
OBSOLETE_PACKET: Final = 2
SIMPLE_PACKET: Final = 3
NAMES: Final = 4
STATISTICS: Final = 5
ENHANCED_PACKET: Final = 6
JOURNAL: Final = 9
SECRETS: Final = 10
CUSTOM: Final = 0x00000BAD
CUSTOM_NOT_COPIED: Final = 0x40000BAD
SYSDIG_EVENTS: Final = (0x204, 0x216, 0x221)

# Blocks without a packet that nonetheless take a frame number in Wireshark
# (wiretap/pcapng.c; seen with tshark 4.0).
COUNTED: Final = frozenset((JOURNAL, CUSTOM, CUSTOM_NOT_COPIED, *SYSDIG_EVENTS))
# Type, length, and the length once more at the end.
FRAMING: Final = 12
LEAST_LENGTH: Final[dict[int, int]] = {
    SECTION: 28,
    INTERFACE: 20,
    OBSOLETE_PACKET: 32,
    SIMPLE_PACKET: 16,
    ENHANCED_PACKET: 32,
    SECRETS: 20,
}
WIREGUARD_KEYS: Final = 0x57474B4C  # the type of secrets that are a WireGuard key log
BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D
BYTE_ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}

END_OF_OPTIONS: Final = 0
COMMENT: Final = 1
INTERFACE_NAME: Final = 2
PACKET_FLAGS: Final = 2
TIME_RESOLUTION: Final = 9
TIME_OFFSET: Final = 14

# What a terminal or a reader of C strings may trip over; line breaks and tabs are text.
_CONTROL: Final = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029]")

_NANOSECONDS: Final = 1_000_000_000
_POWER_OF_TWO: Final = 0x80

# The way of a packet past an interface, in its flags (section 4.3.1).
DIRECTIONS: Final = {"in": 1, "out": 2}
_MAX_OPTION: Final = 0xFFFF


class Interface(NamedTuple):
    """One interface of a section; ``link`` is ``None`` where we cannot read its frames.

    A timestamp ``t`` means ``t * numerator // denominator + offset`` nanoseconds since 1970.
    ``snap_length`` is 0 where nothing is cut.
    """

    link_type: int
    link: Link | None
    snap_length: int
    numerator: int
    denominator: int
    offset: int


def parse_interface(body: bytes, order: str, *, user0_is_ip: bool = False) -> Interface:
    """Read an interface description block (section 4.2) from its body of at least 8 bytes.

    ``order`` is the section's byte order as ``struct`` spells it.
    """
    link_type, snap_length = struct.unpack_from(order + "H2xI", body)
    resolution, offset = 6, 0
    for code, value in options(body[8:], order):
        if code == TIME_RESOLUTION and len(value) == 1:
            resolution = value[0]
        elif code == TIME_OFFSET and len(value) == 8:
            (offset,) = struct.unpack(order + "q", value)
    if resolution & _POWER_OF_TWO:
        numerator, denominator = _NANOSECONDS, 1 << (resolution - _POWER_OF_TWO)
    else:
        numerator, denominator = 10 ** max(9 - resolution, 0), 10 ** max(resolution - 9, 0)
    link = link_for(link_type, user0_is_ip=user0_is_ip)
    return Interface(link_type, link, snap_length, numerator, denominator, offset * _NANOSECONDS)


def options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Code and value of each option (section 3.5), up to the end or to what does not fit."""
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from(order + "HH", data, at)
        at += 4
        if code == END_OF_OPTIONS or at + length > len(data):
            return
        yield code, data[at : at + length]
        at += length + -length % 4


def comments(data: bytes, order: str) -> tuple[str, ...]:
    """The comments among the options of a block; bytes that are not UTF-8 stay visible."""
    return tuple(
        value.decode("utf-8", "backslashreplace") for code, value in options(data, order) if code == COMMENT
    )


def pack_option(code: int, value: bytes) -> bytes:
    """One option, padded."""
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def pack_text(code: int, text: str) -> bytes:
    """A text option; control characters stay visible, what is too long is cut."""
    return pack_option(code, encode_text(text, _MAX_OPTION))


def encode_text(text: str, most: int) -> bytes:
    """UTF-8 of at most that many bytes, with control characters written out as ``\\x1b``."""
    value = _CONTROL.sub(_written_out, text).encode("utf-8", "replace")
    if len(value) > most:
        # Cut between characters: half a one would make the whole text unreadable to others.
        value = value[:most].decode("utf-8", "ignore").encode()
    return value


def _written_out(found: re.Match[str]) -> str:
    return (
        found[0].encode("ascii", "backslashreplace").decode()
        if found[0] > "\x7f"
        else f"\\x{ord(found[0]):02x}"
    )
