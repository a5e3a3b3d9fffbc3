"""UDP datagrams that may be WireGuard: found in every kind of frame, and nothing else for one."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fzctl.errors import CaptureError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.frame import Candidate, Datagram
from tests.pcap import build
from tests.pcap.naive import (
    EXTENSIONS,
    channel,
    drain,
    expected,
    extension,
    indication,
    ipv4,
    ipv6,
    transport,
    udp,
)

MESSAGES = st.one_of(
    st.sampled_from((32, 31, 33, 48, 80, 84, 128)).map(transport),
    st.sampled_from(((1, 148), (2, 92), (3, 64), (1, 92), (2, 148), (3, 63), (5, 64), (0, 64))).map(
        lambda kind: struct.pack("<I", kind[0]) + b"\x55" * (kind[1] - 4)
    ),
    st.just(b"\x04\0\0\1" + bytes(60)),
    st.binary(max_size=60),
)
PAYLOADS = st.one_of(
    MESSAGES,
    st.builds(
        channel, MESSAGES, st.sampled_from((0x3FFF, 0x4000, 0x4FFF, 0x7FFF, 0x8000)), st.integers(0, 4)
    ),
    st.builds(indication, MESSAGES, st.sampled_from((0x16, 0x17, 0x01, 0x115))),
)
UDPS = st.builds(
    lambda payload, more: udp(payload, None if more is None else max(0, 8 + len(payload) + more)),
    PAYLOADS,
    st.sampled_from((None, None, None, None, -1000, -9, -4, -1, 1, 16)),
)
HEADERS = st.builds(
    extension,
    st.sampled_from((*EXTENSIONS, 44)),
    st.integers(0, 2),
    st.sampled_from((0, 0, 0, 1, 8, 0xFFF9, 6)),
)
PACKETS = st.one_of(
    st.builds(ipv4, UDPS),
    st.builds(
        ipv4,
        UDPS,
        words=st.integers(0, 10),
        fragment=st.sampled_from((0, 0x4000, 0x2000, 1, 0x8000)),
        total=st.sampled_from((None, None, 0, 19, 28, 60, 1000)),
    ),
    st.builds(ipv6, UDPS),
    st.builds(
        lambda payload, headers, length, last: ipv6(payload, *headers, length=length, last=last),
        UDPS,
        st.lists(HEADERS, max_size=3),
        st.sampled_from((None, None, 0, 8, 1000)),
        st.sampled_from((17, 17, 17, 6, 59)),
    ),
    st.builds(build.control, st.binary(max_size=20)),
    st.builds(build.ipv4, st.binary(max_size=80), protocol=st.just(6)),
    st.builds(build.ipv6, st.binary(max_size=80), protocol=st.just(6)),
    # From :: to ::, and yet UDP: a candidate by its first header, or no datagram less.
    UDPS.map(lambda payload: ipv6(payload)[:8] + bytes(32) + payload),
)
TAGS = st.lists(st.sampled_from((0x8100, 0x88A8)), max_size=3)
FAMILIES = st.sampled_from((b"\2\0\0\0", b"\0\0\0\2", b"\x1e\0\0\0", b"\0\0\0\x1e", b"\0\0\0\x18"))


@st.composite
def framed(draw: st.DrawFn) -> tuple[int, list[bytes]]:
    """A link type, and frames of which most are of that type."""
    link_type = draw(st.sampled_from((0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 105)))
    wrap = {1: build.ethernet, 113: build.cooked, 276: build.cooked_v2}.get(link_type)
    if wrap is not None:
        frames = st.builds(lambda packet, tags: wrap(packet, *tags), PACKETS, TAGS)
    elif link_type in (0, 108):
        frames = st.builds(lambda family, packet: family + packet, FAMILIES, PACKETS)
    else:
        frames = PACKETS
    return link_type, draw(st.lists(frames | st.binary(max_size=60), max_size=12))


def packets_of(
    data: bytes, sizes: list[int], skip: object = None
) -> tuple[list[Candidate | Datagram], str, int]:
    capture = open_capture(build.Pieces(data, sizes))
    found, end = drain(capture.packets(skip))  # type: ignore[arg-type]
    return found, end, capture.frame_count


def assert_agreement(data: bytes, sizes: list[int]) -> None:
    slow = open_capture(build.Pieces(data, sizes))
    frames, end = drain(slow.frames())
    wanted = expected(frames)
    got = packets_of(data, sizes)
    assert got == (wanted, end, slow.frame_count)
    # What is asked about is what may be passed over: whole transport messages, and no others.
    asked: set[bytes] = set()

    def refuse(view: memoryview, start: int, after: int) -> bool:
        asked.add(bytes(view[start:after]))
        return False

    assert packets_of(data, sizes, refuse) == got
    assert asked == {message for found in wanted if (message := whole_transport(found))}
    passed = packets_of(data, sizes, lambda view, start, end: True)
    assert passed == ([found for found in wanted if not whole_transport(found)], *got[1:])


def whole_transport(found: Candidate | Datagram) -> bytes | None:
    if isinstance(found, Candidate) or found.end - found.start < found.size:
        return None
    payload = found.data[found.start : found.end]
    if payload[0] >= 0x40:
        payload = payload[4 : 4 + int.from_bytes(payload[2:4], "big")]
    return payload if payload[0] == 4 else None


SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=4) | st.just([1 << 20])
SNAPS = st.sampled_from((262144, 262144, 130, 60, 46))


@settings(max_examples=300, deadline=None)
@given(framed(), SNAPS, SIZES, st.sampled_from("<>"))
@example((1, [build.ethernet(ipv4(udp(transport())))] * 9), 262144, [1 << 20], "<")
@example((1, [build.ethernet(ipv6(udp(channel(transport()))))] * 9), 262144, [100], ">")
def test_the_scan_of_pcap_finds_what_the_plain_words_find(
    frames: tuple[int, list[bytes]], snap: int, sizes: list[int], order: str
) -> None:
    link_type, packets = frames
    data = build.pcap([], link_type=link_type, order=order) + b"".join(
        build.record(packet[:snap], n, n, len(packet), order=order) for n, packet in enumerate(packets, 1)
    )
    assert_agreement(data, sizes)


@st.composite
def ng_captures(draw: st.DrawFn) -> bytes:
    data = b""
    for _ in range(draw(st.integers(1, 2))):
        order = draw(st.sampled_from("<>"))
        groups = draw(st.lists(framed(), min_size=1, max_size=3))
        data += build.section(order=order)
        data += b"".join(build.interface(link_type, order=order) for link_type, _ in groups)
        snap = draw(SNAPS)
        blocks = [
            build.packet(frame[:snap], 7, index=index, length=len(frame), order=order)
            for index, (_, frames) in enumerate(groups)
            for frame in frames
        ]
        blocks += [build.custom(order=order)] * draw(st.integers(0, 2))
        data += b"".join(draw(st.permutations(blocks)))
    return data


@settings(max_examples=300, deadline=None)
@given(ng_captures(), SIZES)
def test_the_scan_of_pcapng_finds_what_the_plain_words_find(data: bytes, sizes: list[int]) -> None:
    assert_agreement(data, sizes)


@given(
    ng_captures(),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=4)), min_size=1, max_size=3),
    SIZES,
)
def test_the_scan_stops_at_the_same_damage_with_the_same_words(
    data: bytes, patches: list[tuple[int, bytes]], sizes: list[int]
) -> None:
    damaged = bytearray(data)
    for where, patch in patches:
        at = 28 + where % max(1, len(damaged) - 28 - len(patch))
        damaged[at : at + len(patch)] = patch
    slow = open_capture(build.Pieces(bytes(damaged), sizes))
    end = ""
    try:
        for _ in slow.frames():
            pass
    except CaptureError as error:
        end = str(error)
    got = packets_of(bytes(damaged), sizes)
    assert got[1:] == (end, slow.frame_count)


CASES = [
    (ipv4(udp(transport())), (28, 80)),
    (ipv4(udp(transport()), words=3), (40, 80)),
    (ipv6(udp(transport())), (48, 80)),
    (ipv6(udp(transport()), extension(60, 1), extension(44, 0)), (72, 80)),
    (ipv6(udp(transport()), extension(51, 0)), (60, 80)),
    (ipv4(udp(channel(transport(81)))), (28, 85)),
    (ipv4(udp(channel(transport(81), padding=3))), (28, 88)),
    (ipv4(udp(channel(transport(81), padding=4))), None),
    (ipv4(udp(indication(transport(), 0x16))), (28, 104)),
    (ipv4(udp(indication(transport(), 0x17))), (28, 104)),
    (ipv4(udp(indication(transport(), 0x01))), None),
    (ipv4(udp(transport(), 0), total=108), None),
    (ipv6(udp(transport(), 0)), (48, 80)),
    (ipv6(udp(transport(), 0), length=0), (48, 80)),
    (ipv4(udp(transport() + b"more", 88)), (28, 80)),
    (ipv4(udp(transport(), 89)), None),
    (ipv4(udp(transport()), total=0), (28, 80)),
    (ipv4(udp(transport()), fragment=0x2000), None),
    (ipv4(udp(transport()), fragment=1), None),
    (ipv6(udp(transport()), extension(44, 0, 1)), None),
    (ipv6(udp(transport()), extension(44, 0, 8)), None),
    (ipv4(udp(transport(31))), None),
    (ipv4(udp(transport(32))), (28, 32)),
    (ipv4(udp(indication(transport()), 8)), None),
    (ipv6(udp(indication(transport()), 8)), None),
    (ipv4(udp(indication(b""), 15)), None),
    (ipv4(udp(indication(b""), 16)), (28, 8)),
]


@pytest.mark.parametrize(("packet", "place"), CASES)
def test_a_datagram_is_found_by_the_words_of_its_headers(
    packet: bytes, place: tuple[int, int] | None
) -> None:
    found = list(open_capture(io.BytesIO(build.pcap([packet]))).packets())
    assert [(item.start, item.size) for item in found if isinstance(item, Datagram)] == (
        [place] if place else []
    )


def test_the_ends_are_told_as_text() -> None:
    four, six = open_capture(
        io.BytesIO(build.pcap([ipv4(udp(transport())), ipv6(udp(transport()))]))
    ).packets()
    assert isinstance(four, Datagram)
    assert isinstance(six, Datagram)
    assert (four.src, four.dst) == ("192.0.2.1:51820", "198.51.100.2:3478")
    assert (six.src, six.dst) == ("[2001:db8::1]:51820", "[fd00:2021:1111::2]:3478")


def test_a_cut_datagram_is_yielded_with_its_size_and_nobody_is_asked() -> None:
    frame = build.ethernet(ipv4(udp(transport(1000))))
    data = build.pcap([], link_type=1) + build.record(frame[:100], length=len(frame))

    def ask(view: memoryview, start: int, end: int) -> bool:
        raise AssertionError

    (found,) = open_capture(io.BytesIO(data)).packets(ask)
    assert isinstance(found, Datagram)
    assert (found.start, found.end, found.size) == (42, 100, 1000)


def test_what_is_passed_over_is_counted_as_a_frame() -> None:
    for build_capture in (build.pcap, build.pcapng):
        capture = open_capture(io.BytesIO(build_capture([ipv4(udp(transport()))] * 5)))
        assert list(capture.packets(lambda view, start, end: True)) == []
        assert capture.frame_count == 5


def test_address_texts_take_bounded_memory() -> None:
    from fzctl.pcap import datagrams

    finder = datagrams.DatagramFinder()
    for number in range(2 * datagrams._MAX_TEXTS):
        packet = bytearray(ipv4(udp(transport())))
        packet[12:16] = number.to_bytes(4, "big")
        found = finder.find(1, None, 101, bytes(packet), len(packet), 0, ("raw", "ipv4"))
        assert found is not None
        assert found.src == f"0.0.{number >> 8}.{number & 255}:51820"
    assert len(finder._texts) <= datagrams._MAX_TEXTS
