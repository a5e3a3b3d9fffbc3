"""Capture files read in the simplest way, record by record and block by block, out of the formats' own words.

Nothing of ``fzctl.pcap`` is used here: what that finds quickly must be what stands here in plain.
"""

from __future__ import annotations

import struct
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

from tests.pcap.naive import naive_payload, naive_udp, text

MOST_CAPTURED: Final = 262_144
MOST_BLOCK: Final = 16 * 1024 * 1024

_MAGICS: Final = {
    0xA1B2C3D4: 1000,
    0xA1B23C4D: 1,
}
_SECTION: Final = 0x0A0D0D0A
_NUMBERED: Final = (9, 0xBAD, 0x4000_0BAD, 0x204, 0x216, 0x221)
_LEAST: Final = {_SECTION: 28, 1: 20, 2: 32, 3: 16, 6: 32, 10: 20}
_READABLE: Final = (0, 1, 12, 14, 101, 108, 113, 228, 229, 276)
_FAMILIES: Final = {2: 4, 24: 6, 28: 6, 30: 6, 10: 6}
# Their names, where the ethertype stands, and how long the header is.
_ETHERTYPES: Final = {1: ("ethernet", 12, 14), 113: ("linux_cooked", 14, 16), 276: ("linux_cooked_v2", 0, 20)}
_LEAD_TO_CONTROL: Final = (0, 43, 44, 60, 135, 139, 140, 253, 254, 255)


class Whole(NamedTuple):
    """A frame: its number, nanoseconds, link type, bytes, length on the wire."""

    number: int
    time: int | None
    link_type: int
    data: bytes
    length: int


class Walk:
    """What a file holds; ``error_at`` is where it is damaged, None where it is whole."""

    def __init__(self) -> None:
        self.frames: Final[list[Whole]] = []
        self.count = 0
        self.unreadable: Final[dict[int, int]] = {}
        self.error_at: int | None = None

    def add(self, time: int | None, link_type: int, data: bytes, length: int) -> None:
        self.count += 1
        self.frames.append(Whole(self.count, time, link_type, data, length))
        if link_type not in _READABLE:
            self.unreadable[link_type] = self.unreadable.get(link_type, 0) + 1


def walk(data: bytes) -> Walk:
    """Read a file that begins with a magic of either format."""
    found = Walk()
    if data[:4] == struct.pack("<I", _SECTION):
        found.error_at = _walk_blocks(data, found)
    elif any(struct.unpack(order + "I", data[:4])[0] in _MAGICS for order in "<>"):
        found.error_at = _walk_records(data, found)
    else:
        found.error_at = 0
    return found


def _walk_records(data: bytes, found: Walk) -> int | None:
    if len(data) < 24:
        return len(data)
    order = next(each for each in "<>" if struct.unpack(each + "I", data[:4])[0] in _MAGICS)
    magic, major, _, _, _, _, link = struct.unpack(order + "IHHiIII", data[:24])
    if major != 2:
        return 4
    at = 24
    while at < len(data):
        if at + 16 > len(data):
            return at
        seconds, ticks, captured, length = struct.unpack(order + "IIII", data[at : at + 16])
        if captured > MOST_CAPTURED or at + 16 + captured > len(data):
            return at
        time = seconds * 1_000_000_000 + ticks * _MAGICS[magic]
        found.add(time, link & 0xFFFF, data[at + 16 : at + 16 + captured], length)
        at += 16 + captured
    return None


class _Interface(NamedTuple):
    link_type: int
    snap: int
    resolution: int
    offset: int

    def nanoseconds(self, ticks: int) -> int:
        exponent = self.resolution & 0x7F
        ticks_a_second = 1 << exponent if self.resolution & 0x80 else int(10**exponent)
        return ticks * 1_000_000_000 // ticks_a_second + self.offset * 1_000_000_000


def _walk_blocks(data: bytes, found: Walk) -> int | None:
    order = "<"
    interfaces: list[_Interface] = []
    at = 0
    while at < len(data):
        if at + 8 > len(data):
            return at
        kind, size = struct.unpack(order + "II", data[at : at + 8])
        if kind == _SECTION:
            magic = data[at + 8 : at + 12]
            if len(magic) < 4 or magic not in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
                return at
            order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
            size = struct.unpack(order + "I", data[at + 4 : at + 8])[0]
        if size % 4 or size < _LEAST.get(kind, 12) or size > MOST_BLOCK or at + size > len(data):
            return at
        body = data[at + 8 : at + size - 4]
        if data[at + size - 4 : at + size] != struct.pack(order + "I", size):
            return at
        if kind == _SECTION:
            major, minor = struct.unpack(order + "HH", body[4:8])
            if (major, minor) not in ((1, 0), (1, 2)):
                return at
            interfaces = []
        elif kind == 1:
            interfaces.append(_interface(body, order))
        elif kind in (2, 3, 6):
            if not _add_packet(found, kind, body, order, interfaces):
                return at
        elif kind == 10 and struct.unpack(order + "I", body[4:8])[0] > len(body) - 8:
            return at
        elif kind in _NUMBERED:
            found.count += 1
        at += size
    return None


def _interface(body: bytes, order: str) -> _Interface:
    link_type, snap = struct.unpack(order + "H2xI", body[:8])
    resolution, offset = 6, 0
    rest = body[8:]
    while len(rest) >= 4:
        code, length = struct.unpack(order + "HH", rest[:4])
        value = rest[4 : 4 + length]
        if code == 0 or len(value) < length:
            break
        if code == 9 and length == 1:
            resolution = value[0]
        if code == 14 and length == 8:
            offset = struct.unpack(order + "q", value)[0]
        rest = rest[4 + (length + 3) // 4 * 4 :]
    return _Interface(link_type, snap, resolution, offset)


def _add_packet(found: Walk, kind: int, body: bytes, order: str, interfaces: list[_Interface]) -> bool:
    index, ticks = 0, None
    if kind == 6:
        index, high, low, captured, length = struct.unpack(order + "IIIII", body[:20])
        ticks, rest = high << 32 | low, body[20:]
    elif kind == 2:
        index, high, low, captured, length = struct.unpack(order + "H2xIIII", body[:20])
        ticks, rest = high << 32 | low, body[20:]
    else:
        length, rest = struct.unpack(order + "I", body[:4])[0], body[4:]
        captured = length
        if interfaces and interfaces[0].snap:
            captured = min(length, interfaces[0].snap)
    if index >= len(interfaces) or captured > len(rest):
        return False
    one = interfaces[index]
    time = None if ticks is None else one.nanoseconds(ticks)
    found.add(time, one.link_type, rest[:captured], length)
    return True


# --- what is in a frame ---


def locate(link_type: int, data: bytes) -> tuple[int, tuple[str, ...]] | None:
    """Where the IP header begins and the path to it; None where there is none."""
    found: tuple[int, int, tuple[str, ...]] | None = None
    if link_type in (12, 14, 101, 228, 229):
        version = data[0] >> 4 if data else 0
        if version in {228: (4,), 229: (6,)}.get(link_type, (4, 6)):
            return 0, ("raw", f"ipv{version}")
    elif link_type in (0, 108):
        name = "null" if link_type == 0 else "loop"
        for order in (">I", "<I"):
            if len(data) >= 4 and struct.unpack(order, data[:4])[0] in _FAMILIES:
                version = _FAMILIES[struct.unpack(order, data[:4])[0]]
                found = version, 4, (name, f"ipv{version}")
    elif link_type in (1, 113, 276):
        name = {1: "ethernet", 113: "linux_cooked", 276: "linux_cooked_v2"}[link_type]
        found = _behind_tags(
            name, {1: 12, 113: 14, 276: 0}[link_type], {1: 14, 113: 16, 276: 20}[link_type], data
        )
    if found is None:
        return None
    version, at, path = found
    return (at, path) if at < len(data) and data[at] >> 4 == version else None


def _behind_tags(
    name: str, kind_at: int, header: int, data: bytes
) -> tuple[int, int, tuple[str, ...]] | None:
    path, at = [name], header
    kind = data[kind_at : kind_at + 2]
    while kind in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"):
        path.append("vlan")
        kind = data[at + 2 : at + 4]
        at += 4
    if len(path) > 5 or kind not in (b"\x08\x00", b"\x86\xdd"):
        return None
    version = 4 if kind == b"\x08\x00" else 6
    return version, at, (*path, f"ipv{version}")


def may_be_control(data: bytes, at: int) -> bool:
    """An IPv6 header from ``::`` to ``::`` behind which protocol 255 may come."""
    header = data[at : at + 40]
    return (
        len(header) == 40
        and header[0] >> 4 == 6
        and header[8:] == bytes(32)
        and header[6] in _LEAD_TO_CONTROL
    )


_PROXIES: Final = {4: (ip_network("100.96.0.0/11"),), 16: (ip_network("fd00:2021:1111:8000::/107"),)}

Control = tuple[int, int | None, int, bytes, int, int, tuple[str, ...]]
Udp = tuple[int, int | None, int, bytes, int, int, int, int, str, str, tuple[str, ...]]


def controls(found: Walk) -> list[Control]:
    """The frames that may hold a control packet, with where it begins and its path."""
    chosen: list[Control] = []
    for frame in found.frames:
        place = locate(frame.link_type, frame.data)
        if place is not None and may_be_control(frame.data, place[0]):
            chosen.append((*frame, *place))
    return chosen


def controls_and_udp(found: Walk) -> list[Control | Udp]:
    """Those, and the UDP datagrams that may be WireGuard or carry it."""
    chosen: list[Control | Udp] = []
    for frame in found.frames:
        place = locate(frame.link_type, frame.data)
        if place is None:
            continue
        if may_be_control(frame.data, place[0]):
            chosen.append((*frame, *place))
            continue
        udp = naive_udp(frame.data, place[0], frame.length)
        if udp is None:
            continue
        start, size, src, dst = udp
        end = min(start + size, len(frame.data))
        if naive_payload(frame.data[start:end], size):
            chosen.append((*frame, start, end, size, text(src), text(dst), (*place[1], "udp")))
    return chosen


def to_proxies(found: Walk) -> list[tuple[int, int | None, bytes]]:
    """The packets from or to a proxy IP that are no messages: frame, time, and the frame from there on."""
    chosen = []
    for frame in found.frames:
        place = locate(frame.link_type, frame.data)
        if place is None or may_be_control(frame.data, place[0]):
            continue
        data = frame.data[place[0] :]
        start, size = (12, 4) if data[0] >> 4 == 4 else (8, 16)
        ends = [data[at : at + size] for at in (start, start + size)]
        if any(len(end) == size and ip_address(end) in network for end in ends for network in _PROXIES[size]):
            chosen.append((frame.number, frame.time, data))
    return chosen
