"""Captures read in every way there is, and what must come out the same."""

from __future__ import annotations

import struct
import zlib
from typing import Any
from unittest import mock

from fzctl.pcap import engine
from fzctl.pcap.capture import Capture, open_capture
from fzctl.pcap.frame import Candidate, Frame
from tests.pcap import build
from tests.pcap.naive import drain, expected
from tests.pcap.test_datagrams import whole_transport


def sizes_of(data: bytes) -> list[int]:
    """In which pieces the bytes come: always the same for the same bytes, and mostly small ones."""
    number = zlib.crc32(data)
    return [1 << 20] if number & 3 == 0 else [1 + (number >> 8 * turn & 0x1FF) for turn in range(3)]


def opened(data: bytes, sizes: list[int]) -> Capture:
    return open_capture(build.Pieces(data, sizes))


def assert_one_truth(data: bytes) -> list[Frame]:
    """All passes over a capture agree, in whatever pieces it comes; the frames that it holds.

    Raises CaptureError where it is none.
    """
    whole, sizes = [1 << 20], sizes_of(data)
    slow = opened(data, whole)
    frames, end = drain(slow.frames())
    candidates = [each for each in expected(frames) if isinstance(each, Candidate)]
    for way in (whole, sizes):
        again = opened(data, way)
        assert drain(again.frames()) == (frames, end)
        assert facts_of(again) == facts_of(slow)
        for kernel in dict.fromkeys((None, engine._kernel)):
            with mock.patch.object(engine, "_kernel", kernel):
                fast = opened(data, way)
                found = drain(fast.candidates())
            assert found == (candidates, end)
            assert facts_of(fast) == facts_of(slow)
    assert_datagrams(data, sizes, frames, end)
    return frames


def assert_datagrams(data: bytes, sizes: list[int], frames: list[Frame], end: str) -> None:
    """``packets`` finds what the plain words find, and asks about whole transport messages only."""
    found = expected(frames)
    asked: set[bytes] = set()

    def refuse(view: memoryview, start: int, after: int) -> bool:
        asked.add(bytes(view[start:after]))
        return False

    for skip in (None, refuse):
        assert drain(opened(data, sizes).packets(skip)) == (found, end)
    whole = {message for each in found if (message := whole_transport(each))}
    assert asked >= whole
    # The length that ends a block is looked at last.
    assert len(asked - whole) <= bool(end)
    left = [each for each in found if not whole_transport(each)]
    assert drain(opened(data, sizes).packets(lambda view, start, after: True)) == (left, end)


def facts_of(capture: Capture) -> tuple[Any, ...]:
    """What a capture knows of itself after a pass."""
    return capture.format, capture.frame_count, capture.skipped_link_types, capture.secrets, capture.names


def plain_pcap(data: bytes) -> list[tuple[int, int, int, bytes, int]]:
    """The whole records of a pcap in the plainest words: number, time, link type, bytes, length."""
    order = "<" if data[0] in (0xD4, 0x4D) else ">"
    tick = 1000 if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4") else 1
    link_type = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    found: list[tuple[int, int, int, bytes, int]] = []
    at = 24
    while at + 16 <= len(data):
        seconds, ticks, captured, length = struct.unpack_from(order + "IIII", data, at)
        if at + 16 + captured > len(data):
            break
        found.append(
            (
                len(found) + 1,
                seconds * 10**9 + ticks * tick,
                link_type,
                data[at + 16 : at + 16 + captured],
                length,
            )
        )
        at += 16 + captured
    return found


def samples(ending: str) -> list[bytes]:
    """The sample captures of one format, the smaller ones."""
    from tests.fuzz.target import HERE

    root = HERE.parents[1]
    paths = sorted(
        [*(root / "captures").rglob(f"*.{ending}"), *(root / "tests/wireguard/data").glob(f"*.{ending}")]
    )
    return [data for path in paths if len(data := path.read_bytes()) <= 16384]
