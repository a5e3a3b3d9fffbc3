"""UDP datagrams in frames, and whether they may be WireGuard, directly or through TURN.

A quick look at the payload's first bytes decides; what WireGuard it is, and whether it is any, is
told by who can decrypt it. IP fragments are not put together, and the first one is none either.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from fzctl.pcap.frame import Datagram
from fzctl.protocol.values import format_ip
from fzctl.wireguard.endpoints import format_endpoint
from fzctl.wireguard.messages import KEEPALIVE_SIZE, TRANSPORT, message_type
from fzctl.wireguard.turn import CHANNEL_HEADER, channel_data

# Asked about transport data in ``[start:end]`` of a buffer: may they be passed over?
Skip = Callable[[memoryview, int, int], bool]
# Asked about the IP packet at a place in the window, in a frame that ends at another.
Passes = Callable[[memoryview, int, int], bool]

UDP: Final = 17
UDP_HEADER: Final = 8
# IPv6 headers before the one of the payload (RFC 8200 section 4; 135, 139, 140, 253 and 254: IANA,
# "IPv6 Extension Header Types").
EXTENSIONS: Final = frozenset((0, 43, 44, 51, 60, 135, 139, 140, 253, 254))

_FRAGMENT_HEADER: Final = 44
_AUTHENTICATION: Final = 51
_IPV4_HEADER: Final = 20
_IPV6_HEADER: Final = 40
# More fragments, or an offset: flags and offset in IPv4, offset and flag in IPv6.
_FRAGMENT_4: Final = 0x3FFF
_FRAGMENT_6: Final = 0xFFF9

# A message's first four bytes: its type, and three that are reserved.
_RESERVED: Final = 0xFFFFFF
_TRANSPORT_HEAD: Final = TRANSPORT << 24
_HEADS: Final = range(1 << 24, _TRANSPORT_HEAD + 1, 1 << 24)
_CHANNEL: Final = 1  # the two uppermost bits of ChannelData (RFC 8656 section 12)
_INDICATIONS: Final = (0x0016, 0x0017)
_MAGIC_COOKIE: Final = 0x2112A442
_STUN_BEGINNING: Final = 8

_MAX_TEXTS: Final = 4096

_short: Final = struct.Struct(">H").unpack_from
_stun: Final = struct.Struct(">H2xI").unpack_from
# IPv4 without options: total length, fragment, UDP length, first eight bytes of the payload.
_udp_4: Final = struct.Struct(">2xH2xH16xH2xII").unpack_from
# IPv6 without extension headers: payload length, UDP length, first eight bytes of the payload.
_udp_6: Final = struct.Struct(">4xH38xH2xII").unpack_from


def find_udp(data: bytes, offset: int, length: int) -> tuple[int, int] | None:
    """Where the payload of the UDP datagram begins in a frame, and its size by its header.

    ``offset`` is that of the IP header, ``length`` the frame's on the wire. ``None`` where it is no
    UDP, a fragment, cut before the payload, or the UDP header claims more than IP carries, which no
    receiver takes.
    """
    found = _find_4(data, offset) if data[offset] >> 4 == 4 else _find_6(data, offset)
    if found is None:
        return None
    udp, end = found
    if udp + UDP_HEADER > len(data):
        return None
    room = (end or max(length, len(data))) - udp
    (size,) = _short(data, udp + 4)
    if not size and data[offset] >> 4 == 6:
        size = room  # a jumbogram (RFC 2675 section 4)
    return (udp + UDP_HEADER, size - UDP_HEADER) if UDP_HEADER <= size <= room else None


def _find_4(data: bytes, offset: int) -> tuple[int, int] | None:
    """Where the UDP header begins and the IP packet ends, 0 where it does not tell."""
    if offset + _IPV4_HEADER > len(data) or data[offset + 9] != UDP:
        return None
    header = (data[offset] & 15) * 4
    (fragment,) = _short(data, offset + 6)
    if header < _IPV4_HEADER or fragment & _FRAGMENT_4:
        return None
    # Cards that cut packets leave the length at 0 until they have.
    (total,) = _short(data, offset + 2)
    return offset + header, offset + total if total else 0


def _find_6(data: bytes, offset: int) -> tuple[int, int] | None:
    """Where the UDP header begins and the IP packet ends, 0 where it does not tell."""
    at = offset + _IPV6_HEADER
    if at > len(data):
        return None
    (length,) = _short(data, offset + 4)
    end = at + length if length else 0
    kind = data[offset + 6]
    while kind != UDP:
        if kind not in EXTENSIONS or at + 8 > len(data):
            return None
        if kind == _FRAGMENT_HEADER:
            if _short(data, at + 2)[0] & _FRAGMENT_6:
                return None
            size = 8
        elif kind == _AUTHENTICATION:
            size = (data[at + 1] + 2) * 4
        else:
            size = (data[at + 1] + 1) * 8
        kind = data[at]
        at += size
    return at, end


def find_wireguard(data: bytes, start: int, size: int) -> tuple[int, int] | None:
    """Where the WireGuard message in a UDP payload begins and its size; ``None`` where it has none.

    With an indication of STUN, whose attributes are not looked at, it is all of the payload.
    """
    captured = min(len(data) - start, size)
    if captured >= CHANNEL_HEADER and message_type(data, start, start + size):
        return start, size
    if captured < _STUN_BEGINNING:
        return None
    kind, cookie = _stun(data, start)
    if cookie == _MAGIC_COOKIE and kind in _INDICATIONS:
        return start, size
    span = channel_data(data, start, start + size)
    if span is not None and message_type(data, *span):
        return span[0], span[1] - span[0]
    return None


class DatagramFinder:
    """Makes datagrams of frames, passing over the transport data that ``skip`` agrees to."""

    def __init__(self, skip: Skip | None = None) -> None:
        self.passes_4: Final = _passes_4(skip)
        self.passes_6: Final = _passes_6(skip)
        self._skip = skip
        self._texts: dict[bytes, str] = {}

    def find(
        self,
        number: int,
        time: int | None,
        link_type: int,
        data: bytes,
        length: int,
        offset: int,
        path: tuple[str, ...],
    ) -> Datagram | None:
        """The datagram in a frame whose IP header begins at ``offset``, where it is one for us."""
        udp = find_udp(data, offset, length)
        if udp is None:
            return None
        start, size = udp
        message = find_wireguard(data, start, size)
        if message is None:
            return None
        first, count = message
        whole = start + size <= len(data)
        skip = self._skip if whole and data[first] == TRANSPORT else None
        if skip is not None and skip(memoryview(data), first, first + count):
            return None
        ports = start - UDP_HEADER
        if data[offset] >> 4 == 4:
            src, dst = data[offset + 12 : offset + 16], data[offset + 16 : offset + 20]
        else:
            src, dst = data[offset + 8 : offset + 24], data[offset + 24 : offset + 40]
        return Datagram(
            number,
            time,
            link_type,
            data,
            length,
            start,
            start + size if whole else len(data),
            size,
            self._text(src + data[ports : ports + 2]),
            self._text(dst + data[ports + 2 : ports + 4]),
            (*path, "udp"),
        )

    def _text(self, end: bytes) -> str:
        text = self._texts.get(end)
        if text is None:
            if len(self._texts) >= _MAX_TEXTS:
                self._texts.clear()
            place = format_ip(end[:-2]), int.from_bytes(end[-2:], "big")
            text = self._texts[end] = format_endpoint(place)
        return text


def _passes_4(skip: Skip | None) -> Passes:
    """Whether a UDP datagram in IPv4 without options is nothing for us, at the least price.

    False says nothing; ``DatagramFinder.find`` looks with care.
    """

    def passes(view: memoryview, offset: int, after: int) -> bool:
        total, fragment, size, head, inner = _udp_4(view, offset)
        if head & _RESERVED:
            # Neither WireGuard nor, unless the next bytes say so, TURN.
            if (head >> 30 != _CHANNEL or inner & _RESERVED) and inner != _MAGIC_COOKIE:
                return True
            whole = size + 20 == total and not fragment & _FRAGMENT_4
            return _passes_turn(skip if whole else None, view, offset + 28, size, after, head, inner)
        if head != _TRANSPORT_HEAD:
            return head not in _HEADS
        start = offset + 28
        end = start + size - 8
        if skip is None or fragment & _FRAGMENT_4 or size + 20 != total or end > after or size < 40:
            return False
        return skip(view, start, end)

    return passes


def _passes_6(skip: Skip | None) -> Passes:
    """As ``_passes_4``, in IPv6 without extension headers."""

    def passes(view: memoryview, offset: int, after: int) -> bool:
        total, size, head, inner = _udp_6(view, offset)
        if head & _RESERVED:
            if (head >> 30 != _CHANNEL or inner & _RESERVED) and inner != _MAGIC_COOKIE:
                return True
            whole = size == total
            return _passes_turn(skip if whole else None, view, offset + 48, size, after, head, inner)
        if head != _TRANSPORT_HEAD:
            return head not in _HEADS
        start = offset + 48
        end = start + size - 8
        if skip is None or size != total or end > after or size < 40:
            return False
        return skip(view, start, end)

    return passes


def _passes_turn(
    skip: Skip | None, view: memoryview, start: int, size: int, after: int, head: int, inner: int
) -> bool:
    if inner == _MAGIC_COOKIE:
        return head >> 16 not in _INDICATIONS
    end = start + size - UDP_HEADER
    if skip is None or inner != _TRANSPORT_HEAD or end > after:
        return inner not in _HEADS
    span = channel_data(view, start, end)
    return span is not None and span[1] - span[0] >= KEEPALIVE_SIZE and skip(view, *span)
