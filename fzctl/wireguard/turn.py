"""TURN: what a relayed datagram carries, on any port, with or without the rest of the exchange.

RFC 8656 section 12 (ChannelData) and section 11 (Send and Data indications); RFC 8489 section 5
and 14 (STUN's header and attributes).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from fzctl.errors import EncodeError
from fzctl.protocol.values import format_ip

CHANNEL_HEADER: Final = 4

# RFC 8656 hands out 0x4000 to 0x4FFF, RFC 5766 before it up to 0x7FFF.
_CHANNELS: Final = range(0x4000, 0x8000)
_SEND_INDICATION: Final = 0x0016
_DATA_INDICATION: Final = 0x0017
_STUN_HEADER: Final = struct.Struct(">HH4s12s")
_MAGIC_COOKIE: Final = bytes.fromhex("2112a442")
_ATTRIBUTE: Final = struct.Struct(">HH")
_XOR_PEER_ADDRESS: Final = 0x0012
_DATA: Final = 0x0013
_ADDRESS_SIZES: Final = {1: 4, 2: 16}


class Via(NamedTuple):
    """How a relay carried a datagram: on a channel, or in an indication that names the peer."""

    channel: int | None
    peer: str | None


def unwrap(datagram: bytes) -> tuple[bytes, Via] | None:
    """The datagram inside a relayed one, and how it was carried; None where it is not relayed."""
    span = channel_data(datagram, 0, len(datagram))
    if span is not None:
        return datagram[span[0] : span[1]], Via(int.from_bytes(datagram[:2], "big"), None)
    return _unwrap_indication(datagram)


def channel_data(data: bytes | memoryview, start: int, end: int) -> tuple[int, int] | None:
    """Where the payload of the ChannelData message between ``start`` and ``end`` stands.

    Up to three bytes may follow it: padding to four, which UDP does not need but permits.
    """
    if end - start < CHANNEL_HEADER or not 0x40 <= data[start] <= 0x7F:
        return None
    first = start + CHANNEL_HEADER
    last = first + (data[start + 2] << 8 | data[start + 3])
    return (first, last) if last <= end < last + 4 else None


def wrap_channel_data(channel: int, payload: bytes) -> bytes:
    """A ChannelData message over UDP, unpadded as Firezone sends it."""
    if channel not in _CHANNELS or len(payload) > 0xFFFF:
        raise EncodeError("a channel is 0x4000 to 0x7FFF and carries at most 65535 bytes")
    return _ATTRIBUTE.pack(channel, len(payload)) + payload


def _unwrap_indication(datagram: bytes) -> tuple[bytes, Via] | None:
    if len(datagram) < _STUN_HEADER.size:
        return None
    kind, size, cookie, transaction = _STUN_HEADER.unpack_from(datagram)
    if kind not in (_SEND_INDICATION, _DATA_INDICATION) or cookie != _MAGIC_COOKIE:
        return None
    position = _STUN_HEADER.size
    end = position + size
    if end != len(datagram) or size % 4:
        return None
    payload = peer = None
    while position < end:
        name, size = _ATTRIBUTE.unpack_from(datagram, position)
        position += _ATTRIBUTE.size
        value = datagram[position : position + size]
        if len(value) < size:
            return None
        # Of an attribute that stands twice the first counts (RFC 8489 section 14).
        if name == _DATA and payload is None:
            payload = value
        elif name == _XOR_PEER_ADDRESS and peer is None:
            peer = _peer_address(value, transaction)
        position += size + -size % 4
    return None if payload is None else (payload, Via(None, peer))


def _peer_address(value: bytes, transaction: bytes) -> str | None:
    """Address and port, hidden from meddling routers under the cookie (RFC 8489 section 14.2)."""
    if len(value) < 4 or _ADDRESS_SIZES.get(value[1]) != len(value) - 4:
        return None
    mask = _MAGIC_COOKIE + transaction
    port = int.from_bytes(value[2:4], "big") ^ int.from_bytes(mask[:2], "big")
    address = format_ip(bytes(a ^ b for a, b in zip(value[4:], mask, strict=False)))
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
