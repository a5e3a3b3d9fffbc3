"""Packets, frames and captures for the tests, built byte by byte from the formats' own words."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence

MICROSECOND_MAGIC = 0xA1B2C3D4
NANOSECOND_MAGIC = 0xA1B23C4D
MAC = bytes.fromhex("020000000001020000000002")


def control(
    body: bytes = b'{"a":1}', *, hop_limit: int = 0, headers: Sequence[tuple[int, bytes]] = ()
) -> bytes:
    """A control packet; ``headers`` are extension headers, each its number and its bytes."""
    chain = [number for number, _ in headers] + [255]
    payload = b"".join(
        bytes((following,)) + data[1:] for following, (_, data) in zip(chain[1:], headers, strict=True)
    )
    payload += bytes(8) + body
    return struct.pack(">IHBB", 0x60000000, len(payload), chain[0], hop_limit) + bytes(32) + payload


def ipv6(payload: bytes = b"payload", *, protocol: int = 17, addresses: bytes = b"\xfd" * 32) -> bytes:
    return struct.pack(">IHBB", 0x60000000, len(payload), protocol, 64) + addresses + payload


def ipv4(payload: bytes = b"payload", *, protocol: int = 17) -> bytes:
    size = 20 + len(payload)
    return struct.pack(">BBHHHBBH", 0x45, 0, size, 1, 0x4000, 64, protocol, 0) + bytes(8) + payload


def ethernet(packet: bytes, *tags: int) -> bytes:
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return MAC + b"".join(struct.pack(">HH", tag, 5) for tag in tags) + kind + packet


def cooked(packet: bytes, *tags: int) -> bytes:
    inner = ethernet(packet, *tags)[12:]
    return struct.pack(">HHH8s", 0, 1, 6, MAC) + inner


def cooked_v2(packet: bytes, *tags: int) -> bytes:
    inner = ethernet(packet, *tags)[12:]
    return inner[:2] + struct.pack(">HIHBB8s", 0, 1, 1, 0, 6, MAC) + inner[2:]


def pcap(
    frames: Iterable[bytes], *, link_type: int = 101, order: str = "<", magic: int = NANOSECOND_MAGIC
) -> bytes:
    """A pcap of frames, the n-th at n seconds and n ticks."""
    header = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)
    return header + b"".join(record(data, n, n, order=order) for n, data in enumerate(frames, 1))


def record(
    data: bytes, seconds: int = 1, ticks: int = 0, length: int | None = None, *, order: str = "<"
) -> bytes:
    return struct.pack(order + "IIII", seconds, ticks, len(data), length or len(data)) + data


def block(
    kind: int, body: bytes, *, order: str = "<", size: int | None = None, again: int | None = None
) -> bytes:
    body += bytes(-len(body) % 4)
    size = 12 + len(body) if size is None else size
    return (
        struct.pack(order + "II", kind, size)
        + body
        + struct.pack(order + "I", size if again is None else again)
    )


def section(*, order: str = "<", version: tuple[int, int] = (1, 0)) -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, *version, -1), order=order)


def interface(link_type: int = 101, *, snap: int = 0, options: bytes = b"", order: str = "<") -> bytes:
    return block(1, struct.pack(order + "HHI", link_type, 0, snap) + options, order=order)


def option(code: int, value: bytes, *, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def packet(
    data: bytes,
    ticks: int = 0,
    *,
    index: int = 0,
    captured: int | None = None,
    length: int | None = None,
    options: bytes = b"",
    order: str = "<",
) -> bytes:
    head = struct.pack(
        order + "IIIII",
        index,
        ticks >> 32,
        ticks & 0xFFFFFFFF,
        len(data) if captured is None else captured,
        len(data) if length is None else length,
    )
    return block(6, head + data + bytes(-len(data) % 4) + options, order=order)


def simple(data: bytes, length: int | None = None, *, order: str = "<") -> bytes:
    return block(3, struct.pack(order + "I", length or len(data)) + data, order=order)


def obsolete(data: bytes, ticks: int = 0, *, index: int = 0, order: str = "<") -> bytes:
    head = struct.pack(order + "HHIIII", index, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(2, head + data, order=order)


def custom(kind: int = 0xBAD, *, order: str = "<") -> bytes:
    return block(kind, struct.pack(order + "I", 32473) + b"abcd", order=order)


def pcapng(frames: Iterable[bytes], *, link_type: int = 101) -> bytes:
    return section() + interface(link_type) + b"".join(packet(data, n) for n, data in enumerate(frames, 1))


class Pieces(io.RawIOBase):
    """A pipe that delivers its bytes in pieces of the given sizes, over and over."""

    def __init__(self, data: bytes, sizes: Sequence[int]) -> None:
        self._data = data
        self._sizes = sizes
        self._turn = 0
        self.name = "pieces"

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        count = min(self._sizes[self._turn % len(self._sizes)], len(target), len(self._data))
        self._turn += 1
        target[:count] = self._data[:count]
        self._data = self._data[count:]
        return count
