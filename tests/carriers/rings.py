"""Blocks as the kernel hands them over (TPACKET_V3), built from the headers' own words."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from typing import NamedTuple

from fzctl.errors import CarrierError
from tests.pcap.build import MAC
from tests.records import TIME

HOST, OUTGOING = 0, 4
TAGGED, TAG_TYPE = 1 << 4, 1 << 6


class Frame(NamedTuple):
    """A frame on a device; ``tag`` is a VLAN tag that the kernel took off, and ``kind`` its type."""

    data: bytes
    way: int = HOST
    device: int = 7
    time: int = TIME
    length: int | None = None
    tag: int | None = None
    kind: int | None = None
    protocol: bytes = b"\x86\xdd"


def block(frames: Iterable[Frame]) -> bytes:
    """A block of frames."""
    packets = [_packet(frame) for frame in frames]
    sized = [struct.pack("=I", len(packet)) + packet[4:] for packet in packets]
    body = b"".join(sized)
    return (
        struct.pack("=IIIIIIQQQ", 1, 0, 1, len(sized), 56, 56 + len(body), 0, 0, 0)[:56].ljust(56, b"\0")
        + body
    )


def _packet(frame: Frame) -> bytes:
    seconds, nanoseconds = divmod(frame.time, 1_000_000_000)
    status = 1
    if frame.tag is not None:
        status |= TAGGED
    if frame.kind is not None:
        status |= TAG_TYPE
    size, at = len(frame.data), 80
    header = struct.pack(
        "=6I2HIIH10x", 0, seconds, nanoseconds, size, size if frame.length is None else frame.length, status,
        at, at, 0, frame.tag or 0, frame.kind or 0,
    )  # fmt: skip
    address = struct.pack("=H2siHBB8s", 17, frame.protocol, frame.device, 1, frame.way, 6, MAC[:8])
    whole = (header + address).ljust(at, b"\0") + frame.data
    return whole + bytes(-len(whole) % 16)


class Canned:
    """A ring that hands over what it was given, and then fails where it is to."""

    def __init__(self, blocks: Iterable[bytes], error: CarrierError | None = None) -> None:
        self.blocks = list(blocks)
        self.dropped = 0
        self.is_closed = False
        self._error = error

    def wait(self, seconds: float) -> None:
        if not self.blocks and self._error is not None:
            raise self._error
        time.sleep(min(seconds, 0.005))

    def take(self) -> bytes | None:
        return self.blocks.pop(0) if self.blocks else None

    def close(self) -> None:
        self.is_closed = True
