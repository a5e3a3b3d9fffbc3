"""TURN: what a relayed datagram carries, on any port, with or without the rest of the exchange.

RFC 8656 section 12 (ChannelData) and section 11 (Send and Data indications).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from fzctl.errors import EncodeError
from fzctl.wireguard.endpoints import Endpoint, format_endpoint
from fzctl.wireguard.stun import (
    DATA,
    DATA_METHOD,
    INDICATION,
    SEND,
    XOR_PEER_ADDRESS,
    decode_address,
    decode_message,
    encode_address,
    encode_message,
)

CHANNEL_HEADER: Final = 4
DATA_INDICATION: Final = DATA_METHOD | INDICATION

# RFC 8656 hands out 0x4000 to 0x4FFF, RFC 5766 before it up to 0x7FFF.
_CHANNELS: Final = range(0x4000, 0x8000)
_CHANNEL_DATA: Final = struct.Struct(">HH")
_SEND_INDICATION: Final = SEND | INDICATION
_INDICATIONS: Final = frozenset(kind.to_bytes(2, "big") for kind in (_SEND_INDICATION, DATA_INDICATION))


class Via(NamedTuple):
    """How a relay carried a datagram: on a channel, or in an indication that names the peer."""

    channel: int | None
    peer: str | None


def unwrap(datagram: bytes) -> tuple[bytes, Via] | None:
    """The datagram inside a relayed one, and how it was carried; None where it is not relayed."""
    span = channel_data(datagram, 0, len(datagram))
    if span is not None:
        return datagram[span[0] : span[1]], Via(int.from_bytes(datagram[:2], "big"), None)
    if datagram[:2] not in _INDICATIONS:
        return None
    message = decode_message(datagram)
    if message is None or DATA not in message.attributes:
        return None
    peer = decode_address(message.attributes.get(XOR_PEER_ADDRESS, b""), message.transaction)
    return message.attributes[DATA], Via(None, None if peer is None else format_endpoint(peer))


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
    return _CHANNEL_DATA.pack(channel, len(payload)) + payload


def wrap_indication(payload: bytes, peer: Endpoint, transaction: bytes) -> bytes:
    """A Send indication: to a peer that has no channel. Raises EncodeError for what is no address."""
    attributes = ((XOR_PEER_ADDRESS, encode_address(peer, transaction)), (DATA, payload))
    return encode_message(_SEND_INDICATION, transaction, attributes)
