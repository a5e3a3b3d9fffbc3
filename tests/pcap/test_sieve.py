"""The innermost loops of the scan for datagrams: where they stop."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from fzctl.pcap.datagrams import DatagramFinder
from fzctl.pcap.links import link_for
from fzctl.pcap.sieve import block_shape, record_shape, sieve_blocks, sieve_records
from tests.pcap import build
from tests.pcap.naive import channel, extension, ipv4, ipv6, transport, udp

PLAIN = [
    ipv4(udp(bytes(60))),
    ipv6(udp(b"\x45" * 60)),
    build.ipv4(struct.pack(">HHIIHH", 443, 50000, 7, 7, 0x5010, 9) + bytes(60), protocol=6),
    build.ipv6(struct.pack(">HHIIHH", 443, 50000, 7, 7, 0x5010, 9) + bytes(60), protocol=6),
    ipv4(udp(transport())),
    ipv6(udp(channel(transport()))),
]
OTHERS = [
    ipv4(udp(transport(31))),
    ipv4(udp(b"\x01\0\0\0" + b"\x55" * 144)),
    ipv4(udp(transport()), words=1),
    ipv4(udp(transport()), fragment=0x2000),
    ipv6(udp(transport()), extension(60, 0)),
    build.control(),
    b"\x55" * 60,
    ipv4(udp(transport()))[:60],
]


def agree(view: memoryview, start: int, end: int) -> bool:
    return True


def sift_pcap(frames: list[bytes], order: str = "<", tags: Sequence[int] | None = None) -> int:
    """How many of the records are passed over."""
    link = link_for(1)
    assert link is not None
    # The loop looks a little ahead, so something must follow.
    data = build.pcap([*frames, bytes(100)], link_type=1, order=order)
    shape = record_shape(order, link)
    if tags is not None:
        shape.meet(build.ethernet(PLAIN[0], *tags), ("ethernet", *("vlan",) * len(tags), "ipv4"))
    position, number = sieve_records(memoryview(data), 24, 0, shape, DatagramFinder(agree))
    assert position == 24 + sum(16 + len(frame) for frame in frames[:number])
    return number


def sift_pcapng(frames: list[bytes], order: str = "<", tags: Sequence[int] | None = None) -> int:
    """How many of the blocks are passed over."""
    link = link_for(1)
    assert link is not None
    blocks = [build.packet(frame, order=order) for frame in [*frames, bytes(100)]]
    start = build.interface(1, order=order)
    view = memoryview(start + b"".join(blocks))
    word = struct.Struct(order + "I").unpack_from
    shape = block_shape(order, link)
    if tags is not None:
        shape.meet(build.ethernet(PLAIN[0], *tags), ("ethernet", *("vlan",) * len(tags), "ipv4"))
    position, number = sieve_blocks(view, len(start), 0, word, shape, frozenset((0,)), DatagramFinder(agree))
    assert position == len(start) + sum(map(len, blocks[:number]))
    return number


both = pytest.mark.parametrize("sift", [sift_pcap, sift_pcapng])
orders = pytest.mark.parametrize("order", ["<", ">"])


@both
@orders
def test_plain_traffic_and_what_is_agreed_to_is_passed_over(sift: object, order: str) -> None:
    frames = [build.ethernet(packet) for packet in PLAIN]
    assert callable(sift)
    assert sift(frames, order) == len(frames)


@both
@orders
@pytest.mark.parametrize("other", OTHERS)
def test_all_else_is_left_to_a_careful_look(sift: object, order: str, other: bytes) -> None:
    plain = build.ethernet(PLAIN[0])
    assert callable(sift)
    assert sift([plain, plain, build.ethernet(other), plain], order) == 2
    assert sift([plain, build.ethernet(PLAIN[4], 0x8100), plain], order) == 1


@both
@orders
@pytest.mark.parametrize("tags", [(), (0x8100,), (0x88A8,)])
def test_frames_are_passed_over_that_are_tagged_as_the_last_one_met(
    sift: object, order: str, tags: tuple[int, ...]
) -> None:
    assert callable(sift)
    tagged = [build.ethernet(packet, *tags) for packet in PLAIN]
    assert sift(tagged, order, tags) == len(tagged)
    for others in ((), (0x8100,), (0x88A8,), (0x8100, 0x8100)):
        # Two tags are for the careful look, and leave the expectation as it was.
        if others != tags:
            other = build.ethernet(PLAIN[4], *others)
            assert sift([*tagged, other, *tagged], order, tags) == len(tagged)


def test_a_tag_that_looks_like_a_header_is_none() -> None:
    # Behind the type of the tag stand its value and the type: 0x45 0x00.
    frame = build.MAC + b"\x81\x00\x45\x00\x08\x00" + PLAIN[4]
    assert sift_pcap([frame]) == 0
    assert sift_pcap([frame], tags=(0x8100,)) == 1


def test_a_block_that_ends_in_a_wrong_length_is_taken_back() -> None:
    link = link_for(1)
    assert link is not None
    start = build.interface(1)
    frame = build.ethernet(PLAIN[0])
    wrong = build.packet(frame)[:-4] + struct.pack("<I", 4)
    view = memoryview(start + build.packet(frame) + wrong + build.packet(frame))
    word = struct.Struct("<I").unpack_from
    shape = block_shape("<", link)
    position, number = sieve_blocks(view, len(start), 0, word, shape, frozenset((0,)), DatagramFinder(agree))
    assert (position, number) == (len(start) + len(build.packet(frame)), 1)
