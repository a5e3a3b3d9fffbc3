"""Where a record seems to begin, told from the middle of a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.pcap.boundary import find_block, find_record
from tests.pcap import build

FRAMES = st.lists(st.binary(min_size=1, max_size=90), min_size=8, max_size=20)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_first_whole_record_behind_a_cut_is_found(order: str) -> None:
    records = [build.record(build.ethernet(build.ipv4()), 9, 1, order=order) for _ in range(20)]
    data = b"".join(records)
    for cut in range(1, len(records[0])):
        assert find_record(data[cut:], order) == len(records[0]) - cut
    assert find_record(data, order) == 0


@given(FRAMES, st.integers(0, 30))
def test_what_is_found_never_lies_behind_the_first_true_record(frames: list[bytes], cut: int) -> None:
    data = b"".join(build.record(frame, 7) for frame in frames)
    found = find_record(data[cut:], "<")
    starts = [0]
    for frame in frames:
        starts.append(starts[-1] + 16 + len(frame))
    assert found is not None
    assert found + cut <= min(start for start in starts if start >= cut)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_first_whole_block_behind_a_cut_is_found(order: str) -> None:
    frames = [build.packet(build.ethernet(build.ipv4()), 9, order=order) for _ in range(20)]
    data = b"".join(frames)
    for cut in range(4, len(frames[0]), 4):
        assert find_block(data[cut:], order) == len(frames[0]) - cut
    assert find_block(data, order) == 0


@pytest.mark.parametrize("find", [find_record, find_block])
def test_where_nothing_fits_nothing_is_found(find: object) -> None:
    assert callable(find)
    assert find(b"\xff" * 4096, "<") is None
    assert find(b"", "<") is None
