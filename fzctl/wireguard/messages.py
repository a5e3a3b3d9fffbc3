"""The four WireGuard messages on the wire: taking them apart and putting them together.

Whitepaper section 5.4.2 to 5.4.7. Numbers are little-endian; an index is shown as Wireshark
shows it, as the number that its four bytes make.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

INITIATION: Final = 1
RESPONSE: Final = 2
COOKIE_REPLY: Final = 3
TRANSPORT: Final = 4

INITIATION_SIZE: Final = 148
RESPONSE_SIZE: Final = 92
COOKIE_REPLY_SIZE: Final = 64
TRANSPORT_HEADER: Final = 16
KEEPALIVE_SIZE: Final = 32  # a transport message that holds nothing but the tag
MACS_SIZE: Final = 32
NO_MAC: Final = bytes(16)

_SIZES: Final = {INITIATION: INITIATION_SIZE, RESPONSE: RESPONSE_SIZE, COOKIE_REPLY: COOKIE_REPLY_SIZE}
_RESERVED: Final = bytes(3)

_INITIATION: Final = struct.Struct("<II32s48s28s16s16s")
_RESPONSE: Final = struct.Struct("<III32s16s16s16s")
_COOKIE_REPLY: Final = struct.Struct("<II24s32s")
_TRANSPORT: Final = struct.Struct("<IIQ")


class Initiation(NamedTuple):
    """The first message of a handshake (5.4.2)."""

    sender: int
    ephemeral: bytes
    static: bytes
    timestamp: bytes
    mac1: bytes = NO_MAC
    mac2: bytes = NO_MAC

    def pack(self) -> bytes:
        return _INITIATION.pack(INITIATION, *self)


class Response(NamedTuple):
    """The second message of a handshake (5.4.3)."""

    sender: int
    receiver: int
    ephemeral: bytes
    empty: bytes
    mac1: bytes = NO_MAC
    mac2: bytes = NO_MAC

    def pack(self) -> bytes:
        return _RESPONSE.pack(RESPONSE, *self)


class CookieReply(NamedTuple):
    """A responder under load asks for proof of address ownership (5.4.7)."""

    receiver: int
    nonce: bytes
    cookie: bytes

    def pack(self) -> bytes:
        return _COOKIE_REPLY.pack(COOKIE_REPLY, *self)


class Transport(NamedTuple):
    """A packet inside the tunnel; with nothing inside, a keepalive (5.4.6)."""

    receiver: int
    counter: int
    sealed: bytes

    def pack(self) -> bytes:
        return _TRANSPORT.pack(TRANSPORT, self.receiver, self.counter) + self.sealed


Message = Initiation | Response | CookieReply | Transport


def message_type(data: bytes | memoryview, start: int = 0, end: int | None = None) -> int:
    """The type of the message between ``start`` and ``end``; 0 where it is none.

    Strict about length and the three reserved bytes, so that little else passes for WireGuard.
    """
    size = (len(data) if end is None else end) - start
    if size < KEEPALIVE_SIZE or data[start + 1 : start + 4] != _RESERVED:
        return 0
    kind = data[start]
    if kind == TRANSPORT or _SIZES.get(kind) == size:
        return kind
    return 0


def parse(datagram: bytes) -> Message | None:
    """Take a datagram apart; None where it is no WireGuard message."""
    kind = message_type(datagram)
    if kind == TRANSPORT:
        _, receiver, counter = _TRANSPORT.unpack_from(datagram)
        return Transport(receiver, counter, datagram[TRANSPORT_HEADER:])
    if kind == INITIATION:
        return Initiation(*_INITIATION.unpack(datagram)[1:])
    if kind == RESPONSE:
        return Response(*_RESPONSE.unpack(datagram)[1:])
    if kind == COOKIE_REPLY:
        return CookieReply(*_COOKIE_REPLY.unpack(datagram)[1:])
    return None


def format_index(index: int) -> str:
    """An index as Wireshark writes it: ``0xF231BBE2``."""
    return f"0x{index:08X}"
