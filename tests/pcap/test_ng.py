"""pcapng: sections, interfaces, every block with a packet, and every way to be damaged."""

from __future__ import annotations

import io
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.capture import Capture, open_capture
from fzctl.pcap.walk import MAX_BLOCK
from tests.pcap import build

START = build.section() + build.interface()
SIX = build.control()


def capture_of(*parts: bytes) -> Capture:
    return open_capture(io.BytesIO(b"".join(parts)))


@pytest.mark.parametrize("order", "<>")
def test_all_packet_blocks_are_read_in_either_byte_order(order: str) -> None:
    second = 1_000_000
    capture = capture_of(
        build.section(order=order),
        build.interface(order=order),
        build.packet(SIX, 7 * second, length=99, order=order),
        build.simple(SIX, order=order),
        build.obsolete(SIX, 9 * second, order=order),
    )
    size = len(SIX)
    assert list(capture.frames()) == [
        (1, 7_000_000_000, 101, SIX, 99, ()),
        (2, None, 101, SIX, size, ()),
        (3, 9_000_000_000, 101, SIX, size, ()),
    ]


def test_a_new_section_forgets_interfaces_and_may_change_byte_order() -> None:
    capture = capture_of(
        START,
        build.packet(SIX),
        build.section(order=">"),
        build.interface(1, order=">"),
        build.packet(build.ethernet(SIX), order=">"),
        build.section(),
        build.packet(SIX),
    )
    found = capture.candidates()
    assert [next(found).path, next(found).path] == [("raw", "ipv6"), ("ethernet", "ipv6")]
    with pytest.raises(CaptureError, match="a packet of interface 0; the section has 0"):
        next(found)


def test_interfaces_of_different_link_types_may_alternate() -> None:
    frames = [SIX, build.ethernet(SIX), build.ipv4(), build.ethernet(build.ipv4())] * 4
    capture = capture_of(
        START,
        build.interface(1),
        *(build.packet(frame, index=n % 2) for n, frame in enumerate(frames)),
    )
    assert [found.number for found in capture.candidates()] == [1, 2, 5, 6, 9, 10, 13, 14]


def test_frames_of_an_unreadable_interface_are_counted() -> None:
    capture = capture_of(START, build.interface(105), *(build.packet(SIX, index=n % 2) for n in range(7)))
    assert [found.number for found in capture.candidates()] == [1, 3, 5, 7]
    assert capture.skipped_link_types == {105: 3}


def test_a_simple_packet_is_cut_by_the_first_interfaces_snap_length() -> None:
    capture = capture_of(
        build.section(), build.interface(snap=6), build.interface(), build.simple(b"abcdef", 99)
    )
    (frame,) = capture.frames()
    assert (frame.data, frame.length) == (b"abcdef", 99)


def test_comments_are_read_from_packets() -> None:
    words = build.option(1, b"one") + build.option(2, bytes(4)) + build.option(1, b"two")
    capture = capture_of(START, build.packet(b"abcde", options=words), build.packet(b"abcde"))
    assert [frame.comments for frame in capture.frames()] == [("one", "two"), ()]


def test_secrets_are_kept() -> None:
    secrets = build.block(10, struct.pack("<II", 0x57474B4C, 5) + b"abcde")
    capture = capture_of(START, secrets, build.packet(SIX))
    assert len(list(capture.candidates())) == 1
    assert capture.secrets == [(0x57474B4C, b"abcde")]


COUNTED = (0xBAD, 0x40000BAD)
NOT_COUNTED = (4, 5, 7, 8, 0x77, 0x201, 0x208, 0x80000001)


@pytest.mark.parametrize("kind", COUNTED + NOT_COUNTED)
@pytest.mark.parametrize("way", ["frames", "candidates"])
def test_custom_blocks_take_a_number_and_other_blocks_do_not(kind: int, way: str) -> None:
    capture = capture_of(START, build.packet(SIX), build.custom(kind), build.packet(SIX))
    assert [item.number for item in getattr(capture, way)()] == ([1, 3] if kind in COUNTED else [1, 2])


SYSDIG = struct.pack("<HQQIH", 1, 1, 1, 0, 1) + bytes(16)
BLOCKS = [
    *(build.custom(kind) for kind in COUNTED),
    *(build.custom(kind) for kind in (7, 8, 0x77, 0x201, 0x80000001)),
    *(build.block(kind, SYSDIG) for kind in (0x204, 0x208, 0x216)),
    build.block(9, b"__REALTIME_TIMESTAMP=1467516013000000\nMESSAGE=hi\n"),
    build.block(4, bytes(4)),
    build.block(5, struct.pack("<III", 0, 0, 0)),
    build.block(10, struct.pack("<II", 0x57474B4C, 4) + b"abcd"),
]


@pytest.mark.peer("tshark")
def test_frames_have_the_numbers_that_wireshark_gives_them(
    require_peer: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "blocks.pcapng"
    marked = [build.packet(build.ipv6(bytes((n,)))) for n in range(len(BLOCKS))]
    path.write_bytes(
        START + b"".join(one + other for one, other in zip(marked, BLOCKS, strict=True)) + build.packet(SIX)
    )
    command = [
        require_peer("tshark"),
        "-n",
        "-r",
        str(path),
        "-Y",
        "ipv6",
        "-T",
        "fields",
        "-e",
        "frame.number",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    with open_capture(path) as capture:
        assert [frame.number for frame in capture.frames()] == [int(line) for line in result.stdout.split()]


def damaged_block(size: int) -> bytes:
    return struct.pack("<II", 6, size) + bytes(200)


GOOD = START + build.packet(SIX) * 5
DAMAGE = [
    (damaged_block(0), "claims a length of 0 bytes"),
    (damaged_block(28), "claims a length of 28 bytes"),
    (damaged_block(66), "claims a length of 66 bytes"),
    (damaged_block(MAX_BLOCK + 4), "claims a length of 16777220 bytes"),
    (damaged_block(0xFFFFFFFC), "claims a length of 4294967292 bytes"),
    (build.block(0x77, b"abcd", again=20), "two lengths differ: 16 at its start, 20 at its end"),
    (build.packet(SIX)[:-1] + b"\1", "two lengths differ"),
    (build.packet(SIX)[:6], "ends within a block, of which 6 bytes"),
    (build.packet(SIX)[:-1], "ends within a block"),
    (build.packet(SIX, captured=len(SIX) + 4), f"claims {len(SIX) + 4} bytes in a block that holds"),
    (build.packet(SIX, captured=0xFFFFFFFF), "claims 4294967295 bytes in a block"),
    (build.simple(SIX, 500), "claims 500 bytes in a block"),
    (build.packet(SIX, index=3), "a packet of interface 3; the section has 1"),
    (build.packet(SIX, index=0xFFFFFFFF), "a packet of interface 4294967295; the section has 1"),
    (build.packet(build.ipv4(), index=0xFFFFFFFF), "a packet of interface 4294967295"),
    (build.block(10, struct.pack("<II", 1, 100) + b"ab"), "secrets claim 100 bytes in a block that holds 4"),
    (build.section(version=(2, 0)), r"version 2\.0 of the pcapng format"),
    (build.block(0x0A0D0D0A, bytes(16)), "without pcapng's byte-order magic"),
]


@pytest.mark.parametrize(("tail", "words"), DAMAGE)
@pytest.mark.parametrize("way", ["frames", "candidates"])
def test_damage_is_named_after_all_before_it_was_yielded(tail: bytes, words: str, way: str) -> None:
    for more in (b"", build.packet(build.ipv4()) * 5):
        good = GOOD + build.packet(build.ipv4()) * (5 if more else 0)
        capture = capture_of(good, tail)
        items = iter(getattr(capture, way)())
        assert [next(items).number for _ in range(5)] == [1, 2, 3, 4, 5]
        with pytest.raises(CaptureError, match=words) as caught:
            list(items)
        assert caught.value.offset == len(good)
        assert capture.frame_count == (10 if more else 5)


def test_a_wrong_second_length_is_seen_between_plain_packets() -> None:
    plain = build.packet(build.ipv4())
    broken = plain[:-4] + struct.pack("<I", len(plain) + 4)
    capture = capture_of(START, plain * 7, broken, plain * 7)
    with pytest.raises(CaptureError, match="two lengths differ") as caught:
        list(capture.candidates())
    assert caught.value.offset == len(START) + 7 * len(plain)
    assert capture.frame_count == 7


def test_a_packet_before_any_interface_is_damage() -> None:
    for block in (build.packet(SIX), build.simple(SIX)):
        with pytest.raises(CaptureError, match="the section has 0"):
            list(capture_of(build.section(), block).frames())


def test_a_block_larger_than_the_buffer_is_passed() -> None:
    large = build.block(0x77, bytes(1_000_000))
    capture = capture_of(START, build.packet(SIX), large, build.packet(SIX))
    assert [found.number for found in capture.candidates()] == [1, 2]


def test_a_section_alone_is_a_capture() -> None:
    assert list(capture_of(build.section()).candidates()) == []
    assert list(capture_of(build.section(version=(1, 2))).frames()) == []


def secrets(data: bytes = b"KEYS", *, order: str = "<") -> bytes:
    return build.block(10, struct.pack(order + "II", 0x57474B4C, len(data)) + data, order=order)


@pytest.mark.parametrize("way", ["frames", "candidates", "packets"])
@pytest.mark.parametrize("sizes", [[1 << 20], [1], [7, 30]])
def test_a_look_at_the_secrets_changes_nothing_of_the_pass(way: str, sizes: list[int]) -> None:
    body = b"".join(build.packet(build.control(), n) for n in range(5))
    for head, found in ((b"", False), (secrets(), True), (build.custom() + secrets(), True)):
        data = build.section() + build.interface() + head + body
        plain, asked = (open_capture(build.Pieces(data, sizes)) for _ in range(2))
        assert asked.has_secrets() is found
        assert list(getattr(asked, way)()) == list(getattr(plain, way)())
        assert asked.frame_count == plain.frame_count
        assert asked.secrets == plain.secrets


def test_damage_before_the_first_packet_is_told_by_the_pass() -> None:
    data = build.section() + build.interface() + build.block(5, bytes(8), again=16)
    capture = open_capture(build.Pieces(data, [1 << 20]))
    assert not capture.has_secrets()
    with pytest.raises(CaptureError, match="two lengths differ"):
        list(capture.packets())


@pytest.mark.parametrize("order", ["<", ">"])
def test_secrets_are_there_before_the_packets_behind_them(order: str) -> None:
    data = build.section(order=order) + build.interface(order=order)
    for number in range(3):
        data += build.packet(build.control(), order=order) * 2
        data += secrets(b"%d" % number, order=order)
    capture = open_capture(build.Pieces(data + build.packet(build.control(), order=order), [1 << 20]))
    seen = [len(capture.secrets) for _ in capture.packets()]
    assert seen == [0, 0, 1, 1, 2, 2, 3]
