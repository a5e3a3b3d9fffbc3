"""The parts of pcapng blocks."""

from __future__ import annotations

import struct

import pytest

from fzctl.pcap.blocks import comments, options, parse_interface
from tests.pcap import build


def body(*parts: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HHI", 101, 0, 96) + b"".join(parts)


def nanoseconds(ticks: int, resolution: int | None, offset: int = 0) -> int:
    parts = [] if resolution is None else [build.option(9, bytes((resolution,)))]
    parts.append(build.option(14, struct.pack("<q", offset)))
    interface = parse_interface(body(*parts), "<")
    return ticks * interface.numerator // interface.denominator + interface.offset


@pytest.mark.parametrize(
    ("ticks", "resolution", "expected"),
    [
        (5, None, 5_000),
        (5, 6, 5_000),
        (5, 9, 5),
        (5, 3, 5_000_000),
        (5, 0, 5_000_000_000),
        (5_678, 12, 5),
        (1024 + 512, 0x8A, 1_500_000_000),
        (3, 0x80, 3_000_000_000),
        (1 << 63, 0xFF, 0),
    ],
)
def test_time_stamps_of_any_resolution_are_nanoseconds(
    ticks: int, resolution: int | None, expected: int
) -> None:
    assert nanoseconds(ticks, resolution) == expected


def test_a_time_offset_is_whole_seconds_of_either_sign() -> None:
    assert nanoseconds(5, 9, offset=100) == 100_000_000_005
    assert nanoseconds(5, 9, offset=-100) == -99_999_999_995


@pytest.mark.parametrize("order", "<>")
def test_an_interface_is_read_in_either_byte_order(order: str) -> None:
    interface = parse_interface(body(build.option(9, b"\x09", order=order), order=order), order)
    assert (interface.link_type, interface.snap_length, interface.numerator) == (101, 96, 1)
    assert interface.link is not None


def test_options_of_a_wrong_size_are_passed_over() -> None:
    interface = parse_interface(body(build.option(9, b"\x09\x09"), build.option(14, b"1")), "<")
    assert (interface.numerator, interface.offset) == (1000, 0)


def test_options_end_at_their_end_mark_or_where_one_does_not_fit() -> None:
    one = build.option(7, b"abcde")
    assert list(options(one + one, "<")) == [(7, b"abcde")] * 2
    assert list(options(one + build.option(0, b"") + one, "<")) == [(7, b"abcde")]
    assert list(options(one + b"\7\0\xff\xff", "<")) == [(7, b"abcde")]
    assert list(options(b"\7\0", "<")) == []


def test_comments_are_all_found_and_never_fail() -> None:
    data = build.option(1, "schön".encode()) + build.option(4, b"x") + build.option(1, b"a\xffb")
    assert comments(data, "<") == ("schön", "a\\xffb")
