"""Captures by chance: both formats and byte orders, many links, interfaces and blocks; and broken ones."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

from tests.differential.messages import control
from tests.pcap import build, naive

SAMPLES: Final = Path(__file__).parents[2] / "captures"

_LINKS: Final = (1, 1, 1, 101, 101, 0, 12, 14, 108, 113, 228, 229, 276, 147, 105)
_TAGS: Final = (0x8100, 0x88A8, 0x9100)
_ORDERS: Final = ("<", "<", ">")
_MAGICS: Final = (build.NANOSECOND_MAGIC, build.MICROSECOND_MAGIC)
_FAMILIES: Final = (2, 24, 28, 30, 10)
# Proxy IPs, their neighbours, and others.
_ENDS_4: Final = tuple(
    bytes.fromhex(each) for each in ("00000000", "c0000201", "64600001", "647ffffe", "645fffff", "64800000")
)
_ENDS_6: Final = tuple(
    bytes.fromhex(each)
    for each in (
        "00" * 16, "fd" * 16, "2001" + "00" * 14, "fd00202111118000" + "00" * 7 + "01",
        "fd00202111118000" + "00000000001fffff", "fd00202111118000" + "0000000000200000",
        "fd00202111117fff" + "00" * 8,
    )
)  # fmt: skip
_NUMBERS: Final = (0, 1, 4, 12, 32, 262_144, 262_145, 1 << 24, (1 << 24) + 4, 1 << 31, 0xFFFF_FFFF)
_LARGE: Final = (9_000, 60_000, 65_535, 262_000, 262_144)


def packet(chance: Random) -> bytes:
    """An IP packet: control, other traffic, WireGuard, or something that is nearly one of those."""
    how = chance.random()
    if how < 0.3:
        return control(chance)
    if how < 0.6:
        return _traffic(chance)
    data = _tunnelled(chance)
    if how < 0.9:
        return data
    broken = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        broken[chance.randrange(min(len(broken), 80))] = chance.choice((0, 1, 4, 6, 17, 0x45, 0x60, 255))
    return bytes(broken)


def _traffic(chance: Random) -> bytes:
    size = chance.choice((0, 8, 40, 40, 552, 1460))
    # Zeros where the quick looks look.
    body = bytes(size) if chance.random() < 0.15 else chance.randbytes(size)
    protocol = chance.choice((6, 6, 17, 58, 50, 0, 44, 255))
    if chance.random() < 0.5:
        packet = build.ipv4(body, protocol=protocol)
        ends = chance.choice(_ENDS_4) + chance.choice(_ENDS_4)
        return packet[:12] + ends + packet[20:]
    addresses = chance.choice(
        (b"\xfd" * 32, bytes(32), bytes(16) + b"\x20\x01" + bytes(14), chance.randbytes(32))
    )
    return build.ipv6(body, protocol=protocol, addresses=addresses)


def _tunnelled(chance: Random) -> bytes:
    size = chance.choice((32, 32, 80, 112, 1312))
    message = chance.choice(
        (
            naive.transport(size, chance.randrange(4)),
            naive.transport(size, chance.randrange(4)),
            b"\1\0\0\0" + chance.randbytes(144),
            b"\2\0\0\0" + chance.randbytes(88),
            b"\3\0\0\0" + chance.randbytes(60),
            b"\1\0\0\0" + chance.randbytes(chance.randrange(150)),
        )
    )
    how = chance.randrange(6)
    if how == 0:
        message = naive.channel(message, chance.choice((0x4000, 0x4001, 0x7FFF, 0x8000)), chance.randrange(4))
    elif how == 1:
        message = naive.indication(message, chance.choice((0x16, 0x17, 0x01)))
    claimed = None if chance.random() < 0.9 else chance.choice((0, 7, 8, 40, len(message) + 9))
    datagram = naive.udp(message, claimed)
    if chance.random() < 0.5:
        total = None if chance.random() < 0.9 else chance.choice((0, 20, 28, len(datagram) + 19))
        fragment = chance.choice((0x4000, 0x4000, 0x4000, 0, 0x2000, 0x0001))
        return naive.ipv4(datagram, words=chance.choice((0, 0, 0, 1)), fragment=fragment, total=total)
    headers = [
        naive.extension(chance.choice((0, 43, 44, 51, 60, 135, 139, 140, 253)), chance.randrange(3))
        for _ in range(chance.choice((0, 0, 0, 0, 1, 2)))
    ]
    length = None if chance.random() < 0.9 else chance.choice((0, 8, len(datagram) - 1))
    return naive.ipv6(datagram, *headers, length=length)


def frame(chance: Random, link_type: int, usual_tags: int = 0) -> bytes:
    """A frame of a link type, the IP packet in it where it belongs, mostly."""
    data = packet(chance)
    tags = [chance.choice(_TAGS) for _ in range(usual_tags if chance.random() < 0.9 else chance.randrange(6))]
    if link_type == 1:
        data = build.ethernet(data, *tags)
    elif link_type == 113:
        data = build.cooked(data, *tags)
    elif link_type == 276:
        data = build.cooked_v2(data, *tags)
    elif link_type in (0, 108):
        family = 2 if data[0] >> 4 == 4 else chance.choice(_FAMILIES)
        data = struct.pack(chance.choice("<>") + "I", family) + data
    if chance.random() < 0.03:
        data += bytes(chance.choice(_LARGE) - len(data))
    if chance.random() < 0.04:
        data = data[: chance.randrange(min(len(data), 100))]
    if chance.random() < 0.02:
        data = bytes(chance.randrange(90))
    return data


def pcap(chance: Random, frames: int = 50) -> bytes:
    """A pcap, cut by a snap length now and then."""
    order, magic = chance.choice(_ORDERS), chance.choice(_MAGICS)
    # The upper bits of the link type tell the length of a frame check sequence.
    link_type = chance.choice(_LINKS)
    upper = chance.choice((0, 0, 0, 0x1400_0000))
    snap = chance.choice((262_144, 262_144, 96, 60))
    tags = chance.choice((0, 0, 0, 1, 2))
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link_type | upper)]
    for number in range(chance.randrange(2 * frames)):
        data = frame(chance, link_type, tags)
        seconds = chance.choice((number, 0, 0xFFFF_FFFF))
        out.append(build.record(data[:snap], seconds, chance.getrandbits(29), len(data), order=order))
    return b"".join(out)


def pcapng(chance: Random, frames: int = 50) -> bytes:
    """A pcapng of one section or several."""
    out = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        order = chance.choice(_ORDERS)
        out.append(build.section(order=order, version=(1, chance.choice((0, 0, 2)))))
        links = [chance.choice(_LINKS) for _ in range(chance.choice((1, 1, 1, 2, 4)))]
        if chance.random() < 0.3:
            links = [links[0]] * len(links)
        snaps = []
        for link_type in links:
            snaps.append(chance.choice((0, 0, 262_144, 96)))
            out.append(
                build.interface(link_type, snap=snaps[-1], options=_options(chance, order), order=order)
            )
        tags = chance.choice((0, 0, 1, 2))
        for _ in range(chance.randrange(2 * frames)):
            out.append(_block(chance, order, links, snaps, tags))
            if chance.random() < 0.01:
                links.append(chance.choice(_LINKS))
                snaps.append(0)
                out.append(build.interface(links[-1], options=_options(chance, order), order=order))
    return b"".join(out)


def _options(chance: Random, order: str) -> bytes:
    out = b""
    if chance.random() < 0.5:
        out += build.option(9, bytes((chance.choice((6, 9, 3, 12, 0, 0x80, 0x94, 0xA0)),)), order=order)
    if chance.random() < 0.2:
        out += build.option(14, struct.pack(order + "q", chance.choice((-5, 3600, 10**9))), order=order)
    if chance.random() < 0.3:
        out += build.option(2, b"wg0", order=order)
    return out + (build.option(0, b"", order=order) if out and chance.random() < 0.5 else b"")


def _block(chance: Random, order: str, links: list[int], snaps: list[int], tags: int) -> bytes:
    index = chance.randrange(len(links)) if chance.random() < 0.4 else 0
    data = frame(chance, links[index], tags)
    ticks = chance.choice((chance.getrandbits(40), chance.getrandbits(62)))
    how = chance.randrange(40)
    if how == 0:
        return build.custom(chance.choice((0xBAD, 0x4000_0BAD, 0x204, 9)), order=order)
    if how == 1:
        first = frame(chance, links[0], tags)
        return build.simple(first[: snaps[0] or None], len(first), order=order)
    if how == 2:
        return build.obsolete(data, ticks, index=index, order=order)
    if how == 3:
        kind = chance.choice((5, 4, 7, 0x8000_0001))
        return build.block(kind, chance.randbytes(4 * chance.randrange(2, 6)), order=order)
    if how == 4:
        secrets = struct.pack(order + "II", 0x57474B4C, 8) + b"# no key"
        return build.block(10, secrets, order=order)
    options = build.option(1, b"words", order=order) if how == 5 else b""
    cut = data[: snaps[index] or None]
    return build.packet(cut, ticks, index=index, length=len(data), options=options, order=order)


def sample(chance: Random) -> bytes:
    """One of the sample captures."""
    return chance.choice(sorted(SAMPLES.rglob("*.pcap*"))).read_bytes()


def whole(chance: Random, frames: int = 50) -> bytes:
    """A capture that is as it should be."""
    make = chance.choice((pcap, pcapng))
    return sample(chance) if chance.random() < 0.1 else make(chance, frames)


def large(chance: Random, size: int = 1_000_000) -> bytes:
    """A capture of about so many bytes, few of them ours; its packets may hold pieces of captures."""
    # Frames that are for us by chance are many more than there are in such a capture.
    links = [chance.choice((1, 101, 113))]
    fillers = [_filler(chance, links[0]) for _ in range(20)]
    order = chance.choice(_ORDERS)
    is_ng = chance.random() < 0.5
    if is_ng:
        out = [build.section(order=order), build.interface(links[0], order=order)]
    else:
        out = [struct.pack(order + "IHHiIII", build.NANOSECOND_MAGIC, 2, 4, 0, 0, 262_144, links[0])]
    length = 0
    while length < size:
        rare = chance.random() < 0.03
        data = frame(chance, links[0]) if rare else chance.choice(fillers)
        if not is_ng:
            out.append(build.record(data, 1_790_000_000 + len(out), chance.getrandbits(29), order=order))
        elif rare and chance.random() < 0.2:
            out.append(_block(chance, order, links, [0] * len(links), 0))
        elif chance.random() < 0.0005:
            out += _change(chance, order, links)
        else:
            out.append(build.packet(data, 1_790_000_000_000_000 + len(out), order=order))
        length += len(out[-1])
    return b"".join(out)


def _change(chance: Random, order: str, links: list[int]) -> list[bytes]:
    """What alters how the blocks behind it are read."""
    how = chance.randrange(3)
    if how == 0:
        return [build.section(order=order), *(build.interface(link, order=order) for link in links)]
    if how == 1:
        links.append(chance.choice(_LINKS))
        return [build.interface(links[-1], order=order)]
    return [build.block(10, struct.pack(order + "II", 0x57474B4C, 8) + b"# no key", order=order)]


def _filler(chance: Random, link_type: int) -> bytes:
    body = chance.randbytes(chance.choice((40, 552, 1400, 1400)))
    how = chance.randrange(12)
    if how == 0:
        body = b"".join(build.record(chance.randbytes(50), 7, order=chance.choice("<>")) for _ in range(20))
    elif how == 1:
        body = b"".join(build.packet(chance.randbytes(52), 7) for _ in range(12))
    elif how == 2:
        body = (build.pcap([build.control()] * 9) + build.pcapng([build.control()] * 4))[:1400]
    data = build.ipv4(body, protocol=6) if chance.random() < 0.5 else build.ipv6(body, protocol=6)
    if link_type == 101:
        return data
    return build.ethernet(data) if link_type == 1 else build.cooked(data)


# --- damage ---


def break_capture(chance: Random, data: bytes) -> bytes:
    """Damage of one kind or another; the first four bytes stay, they tell the format."""
    for _ in range(chance.choice((1, 1, 2))):
        broken = chance.choice(_DAMAGES)(chance, data)
        data = broken if len(broken) >= 4 else data
    return data


def _place(chance: Random, data: bytes) -> int:
    """Anywhere, often where a number stands that counts."""
    start = min(24, len(data))
    if chance.random() < 0.5:
        places = list(_starts(data))
        if places:
            return min(chance.choice(places) + chance.randrange(32), max(len(data) - 1, start))
    return chance.randrange(start, max(len(data), start + 1))


def _starts(data: bytes) -> list[int]:
    """Where blocks or records begin, as long as the lengths lead on."""
    starts = []
    is_ng = data[:4] == b"\x0a\x0d\x0d\x0a"
    order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" or data[:1] in (b"\xd4", b"\x4d") else ">"
    at = 0 if is_ng else 24
    while at + 16 <= len(data):
        starts.append(at)
        size = struct.unpack_from(order + "I", data, at + (4 if is_ng else 8))[0]
        if is_ng and not 12 <= size < len(data):
            break
        at += size if is_ng else 16 + size
    return starts


def _flip(chance: Random, data: bytes) -> bytes:
    at = _place(chance, data)
    return data[:at] + bytes((chance.randrange(256),)) + data[at + 1 :]


def _word(chance: Random, data: bytes) -> bytes:
    """A number of four bytes that is very wrong, or nearly right."""
    starts = _starts(data)
    at = (chance.choice(starts) if starts else 24) + 4 * chance.randrange(7)
    if at + 4 > len(data):
        return data
    before = int.from_bytes(data[at : at + 4], "little")
    numbers = (
        0,
        1,
        4,
        12,
        32,
        262_144,
        262_145,
        1 << 24,
        (1 << 24) + 4,
        1 << 31,
        0xFFFF_FFFF,
        before + 1,
        before + 4,
    )
    number = chance.choice((*numbers, before - 4)) & 0xFFFF_FFFF
    return data[:at] + number.to_bytes(4, chance.choice(("little", "big"))) + data[at + 4 :]


def _cut_end(chance: Random, data: bytes) -> bytes:
    return data[: max(4, len(data) - chance.choice((1, 3, 4, 15, 16, 17, 100, 1000)))]


def _cut_anywhere(chance: Random, data: bytes) -> bytes:
    return data[: chance.randrange(4, max(len(data), 5))]


def _take_out(chance: Random, data: bytes) -> bytes:
    at = _place(chance, data)
    return data[:at] + data[at + chance.choice((1, 2, 4, 16, 60)) :]


def _put_in(chance: Random, data: bytes) -> bytes:
    at = _place(chance, data)
    return data[:at] + chance.choice((b"\0", bytes(4), bytes(64), chance.randbytes(16))) + data[at:]


def _reorder(chance: Random, data: bytes) -> bytes:
    """Two blocks or records change places, or one comes twice."""
    starts = [*_starts(data), len(data)]
    if len(starts) < 4:
        return data
    parts = [data[a:b] for a, b in pairwise(starts)]
    first, second = chance.randrange(len(parts)), chance.randrange(len(parts))
    if chance.random() < 0.5:
        parts[first], parts[second] = parts[second], parts[first]
    else:
        parts.insert(first, parts[second])
    return data[: starts[0]] + b"".join(parts)


def _splice(chance: Random, data: bytes) -> bytes:
    """Another capture's end behind this one's beginning."""
    other = whole(chance, 5)
    at = chance.choice(_starts(data) or [len(data)])
    return data[:at] + other[chance.choice((0, 24, len(other) // 2)) :]


def _other_order(chance: Random, data: bytes) -> bytes:
    """The header says the other byte order."""
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return data[:8] + data[8:12][::-1] + data[12:]
    return data[:4][::-1] + data[4:]


_DAMAGES: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    _flip, _flip, _word, _word, _word, _cut_end, _cut_anywhere, _take_out, _put_in, _reorder, _splice,
    _other_order,
)  # fmt: skip
