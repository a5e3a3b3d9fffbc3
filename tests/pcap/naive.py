"""Datagrams built byte by byte, and what the scan must find among them, told in the plainest words."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import TypeVar

from fzctl.errors import CaptureError
from fzctl.pcap.frame import Candidate, Datagram, Frame
from fzctl.pcap.links import link_for, may_be_control

Item = TypeVar("Item")

EXACT = {1: 148, 2: 92, 3: 64}
EXTENSIONS = (0, 43, 51, 60, 135, 139, 140, 253, 254)


def transport(size: int = 80, index: int = 7) -> bytes:
    return struct.pack("<IIQ", 4, index, 1) + bytes(n & 0xFF for n in range(size - 16))


def channel(payload: bytes, number: int = 0x4000, padding: int = 0) -> bytes:
    return struct.pack(">HH", number, len(payload)) + payload + bytes(padding)


def indication(payload: bytes, kind: int = 0x17) -> bytes:
    data = struct.pack(">HH", 0x13, len(payload)) + payload + bytes(-len(payload) % 4)
    return struct.pack(">HHI12s", kind, len(data), 0x2112A442, b"transaction!") + data


def udp(payload: bytes, size: int | None = None) -> bytes:
    return struct.pack(">HHHH", 51820, 3478, 8 + len(payload) if size is None else size, 0xBEEF) + payload


def ipv4(payload: bytes, *, words: int = 0, fragment: int = 0x4000, total: int | None = None) -> bytes:
    size = 20 + 4 * words + len(payload) if total is None else total
    start = struct.pack(">BBHHHBBH", 0x45 + words, 2, size, 1, fragment, 64, 17, 0xABCD)
    return start + bytes((192, 0, 2, 1, 198, 51, 100, 2)) + b"\x01" * 4 * words + payload


def ipv6(payload: bytes, *headers: tuple[int, bytes], length: int | None = None, last: int = 17) -> bytes:
    kinds = [kind for kind, _ in headers] + [last]
    body = b"".join(bytes((after,)) + header for (_, header), after in zip(headers, kinds[1:], strict=True))
    body += payload
    size = len(body) if length is None else length
    ends = bytes.fromhex("20010db8000000000000000000000001fd002021111100000000000000000002")
    return struct.pack(">IHBB", 0x6B000000, size, kinds[0], 64) + ends + body


def extension(kind: int, more: int, fragment: int = 0) -> tuple[int, bytes]:
    """A header without its first byte, which says what follows."""
    if kind == 44:
        return kind, struct.pack(">BHI", 0, fragment, 1)
    if kind == 51:
        return kind, bytes((1 + more,)) + bytes((1 + more + 2) * 4 - 2)
    return kind, bytes((more,)) + bytes(more * 8 + 6)


def naive_udp(data: bytes, at: int, length: int) -> tuple[int, int, bytes, bytes] | None:
    """Payload position and size, and the raw addresses, in the plainest words."""
    room = max(length, len(data))
    if data[at] >> 4 == 4:
        if len(data) < at + 20 or data[at + 9] != 17 or data[at] & 15 < 5:
            return None
        total = int.from_bytes(data[at + 2 : at + 4], "big")
        flags = int.from_bytes(data[at + 6 : at + 8], "big")
        if flags & 0x2000 or flags & 0x1FFF:
            return None
        src, dst, place = data[at + 12 : at + 16], data[at + 16 : at + 20], at + (data[at] & 15) * 4
        end = at + total if total else room
    else:
        if len(data) < at + 40:
            return None
        total = int.from_bytes(data[at + 4 : at + 6], "big")
        end = at + 40 + total if total else room
        src, dst, place, kind = data[at + 8 : at + 24], data[at + 24 : at + 40], at + 40, data[at + 6]
        while kind != 17:
            if kind not in (*EXTENSIONS, 44) or len(data) < place + 8:
                return None
            if kind == 44 and (data[place + 2] or data[place + 3] & 0xF9):
                return None
            step = {44: 8, 51: data[place + 1] * 4 + 8}.get(kind, data[place + 1] * 8 + 8)
            kind, place = data[place], place + step
    if len(data) < place + 8:
        return None
    size = int.from_bytes(data[place + 4 : place + 6], "big")
    if size == 0 and data[at] >> 4 == 6:
        size = end - place
    if size < 8 or size > end - place:
        return None
    return place + 8, size - 8, src + data[place : place + 2], dst + data[place + 2 : place + 4]


def is_message(payload: bytes, size: int) -> bool:
    if len(payload) < 4 or payload[1:4] != bytes(3):
        return False
    return (payload[0] == 4 and size >= 32) or EXACT.get(payload[0]) == size


def naive_payload(payload: bytes, size: int) -> bool:
    if is_message(payload, size):
        return True
    if len(payload) >= 8 and payload[:2] in (b"\0\x16", b"\0\x17") and payload[4:8] == b"\x21\x12\xa4\x42":
        return True
    if len(payload) < 8 or not 0x4000 <= int.from_bytes(payload[:2], "big") <= 0x7FFF:
        return False
    inner = int.from_bytes(payload[2:4], "big")
    return inner + 4 <= size <= inner + 7 and is_message(payload[4 : 4 + inner], inner)


def text(end: bytes) -> str:
    address = ip_address(end[:-2])
    port = int.from_bytes(end[-2:], "big")
    if not isinstance(address, IPv6Address):
        return f"{address}:{port}"
    mapped = address.ipv4_mapped  # Python before 3.13 writes these in hex
    return f"[{address}]:{port}" if mapped is None else f"[::ffff:{mapped}]:{port}"


def drain(items: Iterator[Item]) -> tuple[list[Item], str]:
    """What an iterator over a capture yields, and the error that it ends with."""
    got: list[Item] = []
    try:
        for item in items:
            got.append(item)  # noqa: PERF402 - what came before an error counts
    except CaptureError as error:
        return got, str(error)
    return got, ""


def expected(frames: list[Frame]) -> list[Candidate | Datagram]:
    found: list[Candidate | Datagram] = []
    for number, time, link_type, data, length, _ in frames:
        link = link_for(link_type)
        located = link.locate(data) if link else None
        if located is None:
            continue
        if may_be_control(data, located[0]):
            found.append(Candidate(number, time, link_type, data, length, *located))
            continue
        place = naive_udp(data, located[0], length)
        if place is None:
            continue
        start, size, src, dst = place
        end = min(start + size, len(data))
        if naive_payload(data[start:end], size):
            ends = text(src), text(dst)
            path = (*located[1], "udp")
            found.append(Datagram(number, time, link_type, data, length, start, end, size, *ends, path))
    return found
