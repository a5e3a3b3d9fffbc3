"""Classic pcap: byte orders, resolutions, and every way to be damaged."""

from __future__ import annotations

import io
import os
import struct

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.classic import MAX_CAPTURED
from tests.pcap import build


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("magic", "time"), [(build.MICROSECOND_MAGIC, 2_000_002_000), (build.NANOSECOND_MAGIC, 2_000_000_002)]
)
def test_times_are_nanoseconds_in_either_byte_order_and_resolution(order: str, magic: int, time: int) -> None:
    data = build.pcap([b"first", b"second"], order=order, magic=magic, link_type=1)
    frame = list(open_capture(io.BytesIO(data)).frames())[1]
    assert frame == (2, time, 1, b"second", 6, ())


@pytest.mark.parametrize("order", "<>")
def test_a_candidate_carries_its_number_time_and_lengths(order: str) -> None:
    packet = build.control()
    data = build.pcap([build.ipv4()] * 6, order=order) + build.record(packet, 9, 8, 1000, order=order)
    (candidate,) = open_capture(io.BytesIO(data)).candidates()
    assert candidate == (7, 9_000_000_008, 101, packet, 1000, 0, ("raw", "ipv6"))


def test_the_length_of_a_frame_check_sequence_is_no_part_of_the_link_type() -> None:
    data = build.pcap([build.ethernet(build.control())], link_type=0x24000001)
    assert [found.link_type for found in open_capture(io.BytesIO(data)).candidates()] == [1]


def test_frames_of_an_unreadable_link_type_are_counted() -> None:
    capture = open_capture(io.BytesIO(build.pcap([b"x", b"y"], link_type=105)))
    assert list(capture.candidates()) == []
    assert capture.skipped_link_types == {105: 2}
    assert capture.frame_count == 2


def test_a_capture_without_frames_is_fine() -> None:
    capture = open_capture(io.BytesIO(build.pcap([])))
    assert list(capture.candidates()) == []
    assert capture.skipped_link_types == {}


GOOD = build.pcap([build.control()] * 5)
DAMAGE = [
    (build.record(b"")[:7], 0, "ends within a record, of which 7 bytes"),
    (build.record(build.ipv4())[:-1], 0, "ends within a record"),
    (struct.pack("<IIII", 1, 1, 0xFFFFFFFF, 60) + bytes(60), 0, "claims 4294967295 bytes"),
    (struct.pack("<IIII", 1, 1, MAX_CAPTURED + 1, 60) + bytes(MAX_CAPTURED + 1), 0, "claims 262145 bytes"),
]


@pytest.mark.parametrize(("tail", "at", "words"), DAMAGE)
@pytest.mark.parametrize("way", ["frames", "candidates"])
def test_damage_is_named_after_all_before_it_was_yielded(tail: bytes, at: int, words: str, way: str) -> None:
    capture = open_capture(io.BytesIO(GOOD + tail))
    items = iter(getattr(capture, way)())
    assert [next(items).number for _ in range(5)] == [1, 2, 3, 4, 5]
    with pytest.raises(CaptureError, match=words) as caught:
        next(items)
    assert caught.value.offset == len(GOOD) + at
    assert capture.frame_count == 5


def test_the_longest_packet_is_read_wherever_it_stands() -> None:
    longest = bytes(MAX_CAPTURED)
    data = build.pcap([build.control(), longest, build.control(), longest, longest, build.control()])
    assert [found.number for found in open_capture(io.BytesIO(data)).candidates()] == [1, 3, 6]


@pytest.mark.parametrize("length", [4, 23])
def test_a_cut_file_header_is_named(length: int) -> None:
    with pytest.raises(CaptureError, match="ends within its header") as caught:
        open_capture(io.BytesIO(GOOD[:length]))
    assert caught.value.offset == length


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(CaptureError, match=r"version 3\.4"):
        open_capture(io.BytesIO(GOOD[:4] + b"\3" + GOOD[5:]))


def test_a_live_pipe_yields_what_is_complete() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source, os.fdopen(writer, "wb", buffering=0) as target:
        target.write(build.pcap([build.control()] * 2) + build.record(build.control())[:30])
        found = open_capture(source).candidates()
        assert [next(found).number, next(found).number] == [1, 2]


def test_a_tiny_frame_at_the_very_end_is_counted() -> None:
    for size in range(45):
        capture = open_capture(io.BytesIO(build.pcap([build.ipv4(), bytes(size)])))
        assert list(capture.candidates()) == []
        assert capture.frame_count == 2
