"""STUN's messages, as TURN uses them: header, attributes, addresses, error codes.

RFC 8489 sections 5 and 14; TURN's own methods and attributes are those of RFC 8656 sections 17
and 18. What proves a message stands in :mod:`fzctl.wireguard.stunproof`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from fzctl.errors import EncodeError
from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import format_ip, ip_to_bytes
from fzctl.wireguard.endpoints import Endpoint

HEADER_SIZE: Final = 20
TRANSACTION_SIZE: Final = 12
MAGIC_COOKIE: Final = bytes.fromhex("2112a442")

# Methods: below 16 they share no bits with the class, which is added to them.
ALLOCATE: Final = 0x0003
REFRESH: Final = 0x0004
SEND: Final = 0x0006
DATA_METHOD: Final = 0x0007
CREATE_PERMISSION: Final = 0x0008
CHANNEL_BIND: Final = 0x0009

INDICATION: Final = 0x0010
SUCCESS: Final = 0x0100
ERROR: Final = 0x0110

USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
CHANNEL_NUMBER: Final = 0x000C
LIFETIME: Final = 0x000D
XOR_PEER_ADDRESS: Final = 0x0012
DATA: Final = 0x0013
REALM: Final = 0x0014
NONCE: Final = 0x0015
XOR_RELAYED_ADDRESS: Final = 0x0016
REQUESTED_ADDRESS_FAMILY: Final = 0x0017
REQUESTED_TRANSPORT: Final = 0x0019
MESSAGE_INTEGRITY_SHA256: Final = 0x001C
XOR_MAPPED_ADDRESS: Final = 0x0020
ALTERNATE_SERVER: Final = 0x8023
FINGERPRINT: Final = 0x8028

FAMILIES: Final = {4: 1, 6: 2}
"""The number of an address family by its IP version (RFC 8489 section 14.1)."""

_HEADER: Final = struct.Struct(">HH4s12s")
_ATTRIBUTE: Final = struct.Struct(">HH")
_ADDRESS: Final = struct.Struct(">xBH")
_ERROR: Final = struct.Struct(">xxBB")
_ADDRESS_SIZES: Final = {1: 4, 2: 16}
_MOST_BYTES: Final = 0xFFFF
_BEHIND_INTEGRITY: Final = frozenset((MESSAGE_INTEGRITY_SHA256, FINGERPRINT))


class Message(NamedTuple):
    """A STUN message. ``kind`` is method and class; of an attribute that stands twice the first counts."""

    kind: int
    transaction: bytes
    attributes: dict[int, bytes]


def decode_message(datagram: bytes) -> Message | None:
    """A datagram as a STUN message; None where it is none or is broken.

    What stands behind MESSAGE-INTEGRITY is not proven by it and does not count, but for another
    proof (RFC 8489 section 14.5).
    """
    spans = attribute_spans(datagram)
    if spans is None:
        return None
    attributes: dict[int, bytes] = {}
    for name, start, end in spans:
        if name not in attributes and (MESSAGE_INTEGRITY not in attributes or name in _BEHIND_INTEGRITY):
            attributes[name] = datagram[start:end]
    kind, _, _, transaction = _HEADER.unpack_from(datagram)
    return Message(kind, transaction, attributes)


def encode_message(kind: int, transaction: bytes, attributes: Iterable[tuple[int, bytes]]) -> bytes:
    """A message without proof. Raises EncodeError where it is larger than STUN can say."""
    body = b"".join(map(_encode_attribute, attributes))
    return _encode_header(kind, transaction, len(body)) + body


def append_attribute(datagram: bytes, name: int, value: bytes) -> bytes:
    """The message with one attribute more, its length with it."""
    kind, size, _, transaction = _HEADER.unpack_from(datagram)
    added = _encode_attribute((name, value))
    return _encode_header(kind, transaction, size + len(added)) + datagram[HEADER_SIZE:] + added


def attribute_spans(datagram: bytes) -> list[tuple[int, int, int]] | None:
    """Name, start and end of each attribute's value; None where this is no whole STUN message."""
    if len(datagram) < HEADER_SIZE:
        return None
    kind, size, cookie, _ = _HEADER.unpack_from(datagram)
    end = HEADER_SIZE + size
    if kind & 0xC000 or cookie != MAGIC_COOKIE or size % 4 or end != len(datagram):
        return None
    spans = []
    position = HEADER_SIZE
    while position < end:
        name, size = _ATTRIBUTE.unpack_from(datagram, position)
        position += _ATTRIBUTE.size
        if position + size > end:
            return None
        spans.append((name, position, position + size))
        position += size + -size % 4
    return spans


def decode_address(value: bytes, transaction: bytes | None) -> Endpoint | None:
    """An address attribute; with ``transaction`` one hidden from meddling routers (section 14.2)."""
    if len(value) < _ADDRESS.size:
        return None
    family, port = _ADDRESS.unpack_from(value)
    packed = value[_ADDRESS.size :]
    if _ADDRESS_SIZES.get(family) != len(packed):
        return None
    if transaction is not None:
        port, packed = _mask(port, packed, transaction)
    return format_ip(packed), port


def encode_address(endpoint: Endpoint, transaction: bytes | None) -> bytes:
    """The reverse of :func:`decode_address`. Raises EncodeError where it is no address and port."""
    address, port = endpoint[:2]
    try:
        packed = ip_to_bytes(address)
    except Refusal as refusal:
        raise EncodeError(refusal.problem) from None
    if not 0 <= port <= _MOST_BYTES:
        raise EncodeError(f"{port} is no port")
    family = FAMILIES[4 if len(packed) == 4 else 6]
    if transaction is not None:
        port, packed = _mask(port, packed, transaction)
    return _ADDRESS.pack(family, port) + packed


def decode_error(value: bytes) -> tuple[int, str] | None:
    """Code and reason phrase (section 14.8); the phrase is the sender's and not to be trusted."""
    if len(value) < _ERROR.size:
        return None
    hundreds, rest = _ERROR.unpack_from(value)
    return (hundreds & 7) * 100 + rest, value[_ERROR.size :].decode("utf-8", "backslashreplace")


def encode_error(code: int, reason: str) -> bytes:
    """The reverse of :func:`decode_error`."""
    return _ERROR.pack(*divmod(code, 100)) + reason.encode()


def _mask(port: int, packed: bytes, transaction: bytes) -> tuple[int, bytes]:
    mask = MAGIC_COOKIE + transaction
    hidden = bytes(a ^ b for a, b in zip(packed, mask, strict=False))
    return port ^ int.from_bytes(mask[:2], "big"), hidden


def _encode_header(kind: int, transaction: bytes, size: int) -> bytes:
    if size > _MOST_BYTES:
        raise EncodeError(f"a STUN message holds at most {_MOST_BYTES} bytes, not {size}")
    return _HEADER.pack(kind, size, MAGIC_COOKIE, transaction)


def _encode_attribute(attribute: tuple[int, bytes]) -> bytes:
    name, value = attribute
    if len(value) > _MOST_BYTES:
        raise EncodeError(f"a STUN attribute holds at most {_MOST_BYTES} bytes, not {len(value)}")
    return _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)
