"""The packet level: is it a control packet, what stands in its headers, and building one.

Upstream: ``ip-packet/src/lib.rs`` ``IpPacket::new``, ``is_fz_p2p_control``; ``make.rs``
``fz_p2p_control``. Receivers parse with the ingot crate.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from fzctl.errors import EncodeError

MAX_PACKET: Final = 1280
IPV6_HEADER: Final = 40
CONTROL_HEADER: Final = 8
MAX_PAYLOAD: Final = MAX_PACKET - IPV6_HEADER - CONTROL_HEADER
CONTROL_PROTOCOL: Final = 255
UNSPECIFIED_PAIR: Final = bytes(32)

FRAGMENT: Final = 44
WALKED_HEADERS: Final = frozenset((0, 43, FRAGMENT, 60, 135, 139, 140, 253, 254))

_TCP, _UDP, _ICMP, _ICMPV6 = 6, 17, 1, 58
_IPV6: Final = struct.Struct(">IHBB")
_MAX_FLOW_LABEL: Final = 0xFFFFF


class Packet(NamedTuple):
    """What a receiver's IP parser makes of some bytes.

    ``reason`` is ``ok`` for a control packet with a whole header, else why not. ``ours`` tells
    whether addresses and protocol are those of a control packet even where the packet is
    refused. ``offset`` is where the control header begins (bytes from the packet's start).
    """

    reason: str
    problem: str | None
    ours: bool
    offset: int = 0
    traffic_class: int | None = None
    flow_label: int | None = None
    hop_limit: int | None = None


class _Chain(NamedTuple):
    """The walk over the extension headers: what follows them, where, and what went wrong."""

    protocol: int
    offset: int
    fragment: bool
    broken: bool


def parse_packet(data: bytes) -> Packet:
    """Judge bytes as a receiver's ``IpPacket::new`` does. Never raises."""
    if len(data) > MAX_PACKET:
        problem = f"the packet has {len(data)} bytes, receivers take at most {MAX_PACKET}"
        return _refuse("ip_too_large", problem, data)
    if not data:
        return _refuse("ip_empty", "there is no packet", data)
    version = data[0] >> 4
    if version == 6:
        return _parse_ipv6(data)
    if version == 4:
        return _parse_ipv4(data)
    return _refuse("ip_version", f"the IP version is {version}", data)


def is_ours(data: bytes) -> bool:
    """Do addresses and protocol say control packet, whatever else is wrong with it?"""
    if len(data) < IPV6_HEADER or data[0] >> 4 != 6 or data[8:40] != UNSPECIFIED_PAIR:
        return False
    return _walk(data).protocol == CONTROL_PROTOCOL


def declared_length(data: bytes) -> int:
    """The length that an IPv6 header of at least 6 bytes claims for its packet."""
    return IPV6_HEADER + int.from_bytes(data[4:6], "big")


def transport_of(data: bytes) -> tuple[int, int] | None:
    """Protocol number of an IP packet and where its header begins, extension headers walked over.

    ``None`` where the packet ends before, or is no IP packet.
    """
    version = data[0] >> 4 if data else 0
    if version == 6 and len(data) >= IPV6_HEADER:
        chain = _walk(data)
        return None if chain.broken else (chain.protocol, chain.offset)
    if version == 4 and len(data) >= 20 and (data[0] & 15) >= 5:
        return data[9], (data[0] & 15) * 4
    return None


def build_packet(
    kind: int,
    payload: bytes,
    *,
    reserved: bytes = bytes(7),
    traffic_class: int = 0,
    flow_label: int = 0,
    hop_limit: int = 0,
    force: bool = False,
) -> bytes:
    """Put a control packet together (``make.rs`` ``fz_p2p_control``).

    Raises EncodeError where the packet would be larger than 1280 bytes, unless ``force``;
    above 65535 bytes of IPv6 payload always.
    """
    if not 0 <= kind <= 255 or len(reserved) != 7:
        raise EncodeError("a control header is a kind from 0 to 255 and 7 reserved bytes")
    size = IPV6_HEADER + CONTROL_HEADER + len(payload)
    if size > MAX_PACKET and not force:
        raise EncodeError(
            f"the payload has {len(payload)} bytes, a sender's limit is {MAX_PAYLOAD} "
            f"(a packet of {size} bytes, more than {MAX_PACKET})"
        )
    if size - IPV6_HEADER > 0xFFFF:
        raise EncodeError(f"a payload of {len(payload)} bytes fits no IPv6 packet")
    word = 6 << 28 | (traffic_class & 0xFF) << 20 | flow_label & _MAX_FLOW_LABEL
    head = _IPV6.pack(word, size - IPV6_HEADER, CONTROL_PROTOCOL, hop_limit & 0xFF)
    return b"".join((head, UNSPECIFIED_PAIR, bytes((kind,)), reserved, payload))


def _parse_ipv6(data: bytes) -> Packet:
    if len(data) < IPV6_HEADER:
        return _refuse("ip_malformed", f"{len(data)} bytes are no IPv6 header", data)
    chain = _walk(data)
    if chain.broken:
        return _refuse("ip_malformed", "the packet ends within an IPv6 extension header", data)
    if declared_length(data) != len(data):
        problem = f"the IPv6 header claims {declared_length(data)} bytes, the packet has {len(data)}"
        return _refuse("ip_length_mismatch", problem, data)
    if chain.fragment:
        return _refuse("ip_fragment", "the packet is a fragment", data)
    if chain.protocol != CONTROL_PROTOCOL or data[8:40] != UNSPECIFIED_PAIR:
        return _parse_transport(data, chain.offset, chain.protocol, version=6)
    if len(data) - chain.offset < CONTROL_HEADER:
        left = len(data) - chain.offset
        return _view(data, "too_short", f"a control header has 8 bytes, {left} are there", chain.offset)
    return _view(data, "ok", None, chain.offset)


def _parse_ipv4(data: bytes) -> Packet:
    header = (data[0] & 15) * 4
    if header < 20 or len(data) < header:
        return _refuse("ip_malformed", "the IPv4 header does not fit the packet", data)
    claimed = int.from_bytes(data[2:4], "big")
    if claimed != len(data):
        problem = f"the IPv4 header claims {claimed} bytes, the packet has {len(data)}"
        return _refuse("ip_length_mismatch", problem, data)
    if int.from_bytes(data[6:8], "big") & 0x3FFF:
        return _refuse("ip_fragment", "the packet is a fragment", data)
    return _parse_transport(data, header, data[9], version=4)


def _parse_transport(data: bytes, offset: int, protocol: int, *, version: int) -> Packet:
    """Receivers parse TCP, UDP and ICMP headers too, and refuse what does not fit."""
    left = len(data) - offset
    problem = None
    if protocol == _UDP:
        if left < 8 or int.from_bytes(data[offset + 4 : offset + 6], "big") != left:
            problem = "the UDP header's length does not match the packet"
    elif protocol == _TCP:
        header = (data[offset + 12] >> 4) * 4 if left >= 20 else 0
        if header < 20 or left < header:
            problem = "the TCP header does not fit the packet"
    elif protocol == (_ICMPV6 if version == 6 else _ICMP):
        if left < 8:
            problem = "the ICMP header does not fit the packet"
    elif protocol in (_ICMP, _ICMPV6):
        problem = "ICMPv4 belongs into IPv4 packets, ICMPv6 into IPv6 packets"
    if problem is not None:
        return _refuse("ip_malformed", problem, data)
    return _refuse("not_control", "an IP packet, but no control packet", data)


def _walk(data: bytes) -> _Chain:
    """Walk IPv6 extension headers in any order and number.

    As ingot's ``RepeatedView::parse_choice`` does it, a packet that ends exactly where the next
    extension header would begin is not broken: that header's number is then its protocol.
    """
    protocol, offset, fragment = data[6], IPV6_HEADER, False
    while protocol in WALKED_HEADERS and offset < len(data):
        if len(data) < offset + 8:
            return _Chain(protocol, offset, fragment, broken=True)
        length = 8
        if protocol == FRAGMENT:
            # Offset and M flag; the two reserved bits between them do not count.
            fragment |= bool(int.from_bytes(data[offset + 2 : offset + 4], "big") & 0xFFF9)
        else:
            length += 8 * data[offset + 1]
        if len(data) < offset + length:
            return _Chain(protocol, offset, fragment, broken=True)
        protocol, offset = data[offset], offset + length
    return _Chain(protocol, offset, fragment, broken=False)


def _refuse(reason: str, problem: str, data: bytes) -> Packet:
    if not is_ours(data):
        return Packet(reason, problem, ours=False)
    return _view(data, reason, problem, _walk(data).offset)


def _view(data: bytes, reason: str, problem: str | None, offset: int) -> Packet:
    word, _, _, hop_limit = _IPV6.unpack_from(data)
    return Packet(reason, problem, True, offset, word >> 20 & 0xFF, word & _MAX_FLOW_LABEL, hop_limit)
