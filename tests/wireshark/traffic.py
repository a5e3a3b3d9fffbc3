"""Packets that no sample holds: what is not ours, and what somebody sends who wishes the dissector ill."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from fzctl.protocol.packet import IPV6_HEADER, UNSPECIFIED_PAIR, build_packet
from tests.records import RESOURCE, assigned, goodbye, status

ETHERNET: Final = bytes(12) + b"\x86\xdd"
MOST_FRAME: Final = 262_144  # Wireshark's own limit

_MOST: Final = 65_527  # with the control header the most that an IPv6 payload has
_ONE: Final = bytes.fromhex("20010db8000000000000000000000001")
_OTHER: Final = bytes.fromhex("20010db8000000000000000000000002")
_UNSPECIFIED: Final = bytes(16)
_GROUP: Final = bytes.fromhex("ff020000000000000000000000000016")
_UDP: Final = struct.pack(">HHHH", 4000, 4001, 8 + 64, 0) + bytes(64)
_REPORT: Final = b"\x8f" + bytes(7)  # MLDv2, without a group
_UNKNOWN_OPTION: Final = b"\x25\x71" + bytes(4)  # longer than its header
_IPV6, _ICMPV6 = 41, 58


class Cut(NamedTuple):
    """A packet of which the capture holds the first ``captured`` bytes."""

    packet: bytes
    captured: int


def others() -> Iterator[bytes]:
    """Raw IP packets that have something in common with ours: protocol, headers or addresses."""
    for ends in ((_ONE, _OTHER), (_UNSPECIFIED, _UNSPECIFIED)):
        for start in (0, 40):
            rest = _UDP[:40] if start == 0 else _UDP[40:]
            yield _ipv6(44, struct.pack(">BBHI", 17, 0, start | (start == 0), 77) + rest, *ends)
        for number in (0, 60, 253, 254, 51):
            yield _ipv6(number, _header(17) + _UDP, *ends)
    for ends in ((_ONE, _OTHER), (_OTHER, _ONE)):
        yield _ipv6(43, b"\x11\0\4\0" + bytes(4) + _UDP, *ends)
        yield _ipv6(43, b"\x11\2\2\1" + bytes(4) + _ONE + _UDP, *ends)
        yield _ipv6(135, b"\x3b" + bytes(7), *ends)
        yield _ipv6(135, b"\x3b\1\5\0" + bytes(12), *ends)
        yield _ipv6(139, b"\x3b\4\1\x11" + bytes(36), *ends)
        yield _ipv6(140, b"\x3b\0\1\0" + bytes(4), *ends)
        yield _ipv6(255, _UDP, *ends)
        for number in (0, 60):
            yield _ipv6(number, _header(17, _UNKNOWN_OPTION) + _UDP, *ends)
        yield _ipv6(_ICMPV6, b"\1\4" + bytes(6) + goodbye(), *ends)  # an error about one of ours
    for number in (44, 135, 139, 253, 254, 255):
        yield _ipv4(number, _UDP)
    yield _ipv6(_ICMPV6, _REPORT, _UNSPECIFIED, _GROUP)
    yield _ipv6(0, _header(_ICMPV6) + _REPORT, _UNSPECIFIED, _GROUP)
    yield _ipv6(17, _UDP, _UNSPECIFIED, _UNSPECIFIED)


def hostile() -> Iterator[bytes]:
    """Raw IP packets: large, deep and endless payloads, each under several kinds, and cut headers."""
    for payload in _payloads():
        for kind in range(5):
            yield build_packet(kind, payload, force=True)
    whole = build_packet(0, b'{"resource":"', force=True)
    yield from (whole[:size] for size in range(IPV6_HEADER, len(whole)))


def buried() -> Iterator[bytes]:
    """Raw IP packets with a message behind so much that Wireshark may not get there."""
    message = goodbye()[IPV6_HEADER:]
    for number in (0, 43, 44, 60, 135, 139, 253):
        for headers in (8, 100, 1000, 8000):
            yield _ours(number, _header(number) * (headers - 1) + _header(255) + message)
    for lure in _lures():
        options = (lure * 2046)[:2046]
        yield from (_ours(number, b"\xff\xff" + options + message) for number in (0, 43, 60, 135, 253))
    packet = goodbye()
    for _ in range(300):  # one in another
        packet = _ipv6(_IPV6, packet, _UNSPECIFIED, _UNSPECIFIED)
    yield packet


def huge() -> Iterator[bytes]:
    """Ethernet frames as offloading makes them, larger than any packet: what follows is no part of it."""
    for lure in _lures():
        filled = lure * (MOST_FRAME // len(lure))
        yield (ETHERNET + assigned() + filled)[:MOST_FRAME]
        yield (ETHERNET + _ours(255, (bytes(8) + filled)[:65_535]) + filled)[:MOST_FRAME]


def cut() -> Iterator[Cut]:
    """One packet of each kind of shape, cut by the snap length behind each of its bytes."""
    for packet in (assigned(), status(), goodbye(), _ours(60, _header(255) + status()[IPV6_HEADER:])):
        yield from (Cut(packet, size) for size in range(len(packet) + 1))


def _lures() -> Iterator[bytes]:
    """What looks like the beginning of something, again and again."""
    yield from (b"\xff", b"\0", goodbye(), assigned())
    yield b"\4\0\0\0"  # a WireGuard message
    yield b"\6" * 8 + UNSPECIFIED_PAIR
    yield b"\x60\0\0\0\0\x08\x2c\0" + UNSPECIFIED_PAIR  # a fragment
    yield b"\x60\0\0\0\xff\xff\0\0" + UNSPECIFIED_PAIR + _header(0) * 3


def _payloads() -> Iterator[bytes]:
    yield from (b"[" * _MOST, b'{"a":' * (_MOST // 5), b'{"resource":' + b"[" * 60_000)
    yield from (b'{"resource":' + b"[" * deep + b"]" * deep + b"}" for deep in (126, 127, 128, 129))
    yield b'{"domain":"' + b"a." * 30_000 + b'"}'
    yield b'{"domain":"' + b"\\u0041" * 10_000 + b'"}'
    yield b'{"domain":"' + b"\\ud800" * 10_000
    yield b'{"domain":"' + "\U0010ffff".encode() * 16_000 + b'"}'
    yield b'"' + b"\\" * 60_001
    yield b"-" + b"9" * 60_000
    yield b"0." + b"0" * 60_000 + b"1e-999999999"
    yield b"1e" + b"9" * 60_000
    yield b" " * 60_000
    yield b"\xff" * _MOST
    yield b"\0" * _MOST
    yield f'{{"resource":"{RESOURCE}","domain":"a","proxy_ips":["'.encode() + b'1.2.3.4","' * 6_000
    yield b'{"proxy_ips":["' + b"1:" * 30_000 + b'"]}'
    yield b'{"resource":"' + b"0" * 60_000 + b'"}'
    yield b'{"x":1,' * 9_000
    yield b"{" + b'"x":[{}],' * 7_000 + b'"x":0}'
    yield b"[" + b"1," * 30_000 + b"1]"
    yield bytes(number * 167 % 251 for number in range(_MOST))
    yield b"%s%n\x1b]0;x\x07" * 5_000
    yield from (b"", b"{")


def _header(following: int, options: bytes = b"\1\4\0\0\0\0") -> bytes:
    """An extension header of eight bytes."""
    return bytes((following, 0)) + options


def _ours(protocol: int, rest: bytes) -> bytes:
    return _ipv6(protocol, rest[:65_535], _UNSPECIFIED, _UNSPECIFIED)


def _ipv6(protocol: int, rest: bytes, source: bytes, target: bytes) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(rest), protocol, 64) + source + target + rest


def _ipv4(protocol: int, rest: bytes) -> bytes:
    ends = bytes((192, 0, 2, 1, 192, 0, 2, 2))
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(rest), 1, 0, 64, protocol, 0) + ends + rest
