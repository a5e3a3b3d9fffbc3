"""Whole captures: the formats are told apart, and both ways to read one agree."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fzctl.errors import CaptureError
from fzctl.pcap.capture import Capture, open_capture
from fzctl.pcap.frame import Candidate, Frame
from fzctl.pcap.links import link_for, may_be_control
from tests.pcap import build
from tests.pcap.naive import drain

ROUTING = (43, bytes(8))
FRAGMENT = (44, bytes(8))

PACKETS = st.one_of(
    st.builds(
        build.control,
        st.binary(max_size=20),
        hop_limit=st.sampled_from((0, 64)),
        headers=st.lists(st.sampled_from((ROUTING, FRAGMENT)), max_size=2),
    ),
    st.builds(build.ipv6, st.binary(max_size=80), protocol=st.sampled_from((6, 17, 0, 255))),
    st.builds(build.ipv6, st.binary(max_size=80), addresses=st.just(bytes(32))),
    st.builds(build.ipv4, st.binary(max_size=80) | st.integers(0, 80).map(bytes)),
    st.binary(min_size=1, max_size=60),
)
TAGS = st.lists(st.sampled_from((0x8100, 0x88A8, 0x9100)), max_size=5)
FRAMES = st.one_of(
    PACKETS,
    st.builds(lambda packet, tags: build.ethernet(packet, *tags), PACKETS, TAGS),
    st.builds(lambda packet, tags: build.cooked(packet, *tags), PACKETS, TAGS),
    st.builds(lambda packet, tags: build.cooked_v2(packet, *tags), PACKETS, TAGS),
    PACKETS.map(lambda packet: b"\0\0\0\x18" + packet),
    st.integers(0, 70).map(bytes),
)
CUT_FRAMES = st.builds(lambda frame, most: frame[:most], FRAMES, st.integers(0, 200))
LINK_TYPES = st.sampled_from((0, 1, 12, 101, 108, 113, 147, 228, 229, 276))
# How many bytes a pipe delivers at a time: every record is met at a buffer's end somewhere.
SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=4) | st.just([1 << 20])


def expected(frames: list[Frame]) -> list[Candidate]:
    """What the fast scan must find, told slowly."""
    found = []
    for number, time, link_type, data, length, _ in frames:
        link = link_for(link_type)
        located = link.locate(data) if link else None
        if located and may_be_control(data, located[0]):
            found.append(Candidate(number, time, link_type, data, length, *located))
    return found


def assert_agreement(data: bytes, sizes: list[int]) -> None:
    slow = open_capture(build.Pieces(data, sizes))
    fast = open_capture(build.Pieces(data, sizes))
    frames, slow_end = drain(slow.frames())
    candidates, fast_end = drain(fast.candidates())
    assert candidates == expected(frames)
    assert fast_end == slow_end
    assert fast.frame_count == slow.frame_count
    assert fast.skipped_link_types == slow.skipped_link_types


@given(st.lists(CUT_FRAMES, max_size=30), LINK_TYPES, SIZES, st.sampled_from("<>"))
@example([build.control()] * 9, 101, [1 << 20], "<")
@example([build.ipv4()] * 9, 101, [100], "<")
def test_the_fast_scan_of_pcap_finds_what_a_plain_walk_finds(
    frames: list[bytes], link_type: int, sizes: list[int], order: str
) -> None:
    assert_agreement(build.pcap(frames, link_type=link_type, order=order), sizes)


@st.composite
def ng_captures(draw: st.DrawFn) -> bytes:
    """Sections of either byte order, interfaces of several link types, blocks of every kind."""
    data = b""
    for _ in range(draw(st.integers(1, 2))):
        order = draw(st.sampled_from("<>"))
        count = draw(st.integers(1, 3))
        data += build.section(order=order)
        for _ in range(count):
            data += build.interface(draw(LINK_TYPES), order=order)
        for kind, frame in draw(st.lists(st.tuples(st.integers(0, 19), CUT_FRAMES), max_size=20)):
            index = kind % count
            if kind == 0:
                data += build.custom(order=order)
            elif kind == 1:
                data += build.simple(frame, order=order)
            elif kind == 2:
                data += build.obsolete(frame, 7, index=index, order=order)
            elif kind == 3:
                data += build.block(5, bytes(8), order=order)
            elif kind == 4:
                comment = build.option(1, b"words", order=order)
                data += build.packet(frame, 9, index=index, options=comment, order=order)
            else:
                data += build.packet(frame, kind << 40, index=index, order=order)
    return data


@given(ng_captures(), SIZES)
def test_the_fast_scan_of_pcapng_finds_what_a_plain_walk_finds(data: bytes, sizes: list[int]) -> None:
    assert_agreement(data, sizes)


@given(
    st.one_of(ng_captures(), st.lists(CUT_FRAMES, max_size=12).map(build.pcap)),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=4)), max_size=3),
    st.integers(0, 100),
    SIZES,
)
def test_both_ways_stop_at_the_same_damage_with_the_same_words(
    data: bytes, patches: list[tuple[int, bytes]], cut: int, sizes: list[int]
) -> None:
    start = 28
    damaged = bytearray(data[: max(start, len(data) - cut)])
    for where, patch in patches:
        if len(damaged) > start + len(patch):
            at = start + where % (len(damaged) - start - len(patch))
            damaged[at : at + len(patch)] = patch
    assert_agreement(bytes(damaged), sizes)


@given(st.binary(max_size=300), st.sampled_from((b"", build.pcap(()), build.section())))
def test_any_bytes_are_read_or_refused_in_words(data: bytes, head: bytes) -> None:
    with suppress(CaptureError), open_capture(io.BytesIO(head + data)) as capture:
        for _ in capture.frames():
            pass


def test_the_format_is_told_by_content() -> None:
    assert open_capture(io.BytesIO(build.pcap([]))).format == "pcap"
    assert open_capture(io.BytesIO(build.pcapng([]))).format == "pcapng"


@pytest.mark.parametrize("data", [b"hello, world\n", b"\xd4\xc3\xb2", b"\x1f"])
def test_what_is_no_capture_is_refused_at_its_first_byte(data: bytes) -> None:
    with pytest.raises(CaptureError, match="no capture file") as caught:
        open_capture(io.BytesIO(data))
    assert caught.value.offset == 0


def test_an_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not packets")
    with pytest.raises(CaptureError, match=r"notes\.txt at byte 0: this is no capture file"):
        open_capture(path)


def test_progress_reaches_the_size_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "some.pcap"
    path.write_bytes(build.pcap([build.ipv4()] * 3))
    with open_capture(path) as capture:
        list(capture.frames())
        assert capture.progress() == (path.stat().st_size, path.stat().st_size)
        assert capture.source == str(path)


def test_a_capture_is_read_once() -> None:
    capture = open_capture(io.BytesIO(build.pcap([])))
    list(capture.frames())
    with pytest.raises(RuntimeError, match="once"):
        capture.candidates()


def test_frames_are_counted_while_candidates_come() -> None:
    data = build.pcap([build.ipv4()] * 6 + [build.control()] + [build.ipv4()] * 6)
    capture: Capture = open_capture(io.BytesIO(data))
    candidates = capture.candidates()
    assert next(candidates).number == 7
    assert capture.frame_count == 7
    assert list(candidates) == []
    assert capture.frame_count == 13


def test_user0_is_ip_only_on_request() -> None:
    data = build.pcap([build.control()], link_type=147)
    assert list(open_capture(io.BytesIO(data)).candidates()) == []
    (found,) = open_capture(io.BytesIO(data), user0_is_ip=True).candidates()
    assert found.path == ("raw", "ipv6")
