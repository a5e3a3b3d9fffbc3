"""A device read as a file is read: the same frames, whatever the way they came by."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.carriers.live import COOKED, LiveCapture
from fzctl.errors import CarrierError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.frame import Candidate, Datagram
from fzctl.pcap.links import ETHERNET, RAW
from tests.carriers.rings import OUTGOING, Canned, Frame, block
from tests.pcap.build import control, cooked_v2, ethernet, ipv4, ipv6, pcap
from tests.records import TIME, assigned, goodbye

SAMPLES = Path(__file__).parents[2] / "captures"
WIREGUARD = b"\4\0\0\0" + bytes(60)


def udp(payload: bytes) -> bytes:
    return struct.pack(">HHHH", 51820, 51821, 8 + len(payload), 0) + payload


def live(frames: Iterable[Frame], link_type: int, *, loopback: int = 0, a_block: int = 3) -> LiveCapture:
    every = list(frames)
    blocks = [block(every[at : at + a_block]) for at in range(0, len(every), a_block)]
    capture = LiveCapture("dev", Canned(blocks), link_type, loopback=loopback)
    capture.until = 0.0
    return capture


def read(capture: LiveCapture) -> list[Candidate | Datagram]:
    found = list(capture.packets())
    capture.close()
    return found


def both(
    frames: list[bytes], link_type: int
) -> tuple[list[Candidate | Datagram], list[Candidate | Datagram]]:
    """What is found live, and in a file with the same frames; times are the file's affair."""
    ours = [each._replace(time=None) for each in read(live(map(Frame, frames), link_type))]
    with open_capture(io.BytesIO(pcap(frames, link_type=link_type))) as capture:
        theirs = [each._replace(time=None) for each in capture.packets()]
    return ours, theirs


@pytest.mark.parametrize("name", ["encrypted/direct", "links/ethernet", "links/vlan", "links/raw"])
def test_the_samples_read_the_same(name: str) -> None:
    with open_capture(SAMPLES / f"{name}.pcap") as capture:
        frames = list(capture.frames())
    ours, theirs = both([frame.data for frame in frames], frames[0].link_type)
    assert ours == theirs != []


inner = st.one_of(
    st.sampled_from((goodbye(), assigned(), control(headers=[(60, bytes(8))]))),
    st.builds(
        lambda data: ipv4(udp(data)), st.sampled_from((WIREGUARD, b"\1\0\0\0" + bytes(144), b"x" * 40))
    ),
    st.builds(lambda data: ipv6(udp(data)), st.sampled_from((WIREGUARD, b"\x40\0\0\x40" + WIREGUARD))),
    st.builds(ipv4, st.binary(max_size=60), protocol=st.sampled_from((6, 17))),
    st.builds(ipv6, st.binary(max_size=60), protocol=st.sampled_from((0, 6, 17, 44, 255))),
    st.binary(max_size=70),
)


@given(st.lists(st.tuples(inner, st.sampled_from(((), (0x8100,), (0x88A8, 0x8100)))), max_size=8))
def test_anything_on_ethernet_reads_the_same(packets: list[tuple[bytes, tuple[int, ...]]]) -> None:
    frames = [ethernet(packet, *tags) if packet else b"" for packet, tags in packets]
    ours, theirs = both(frames, ETHERNET)
    assert ours == theirs


@given(st.lists(inner, max_size=8))
def test_anything_without_link_header_reads_the_same(packets: list[bytes]) -> None:
    ours, theirs = both(packets, RAW)
    assert ours == theirs


def test_a_tag_that_the_kernel_took_off_stands_in_its_place_again() -> None:
    frames = [
        Frame(ethernet(goodbye()), tag=5),
        Frame(ethernet(goodbye()), tag=5, kind=0x88A8),
        Frame(ethernet(ipv4(udp(WIREGUARD))), tag=5),
    ]
    found = read(live(frames, ETHERNET))
    assert [each.data for each in found] == [
        ethernet(goodbye(), 0x8100),
        ethernet(goodbye(), 0x88A8),
        ethernet(ipv4(udp(WIREGUARD)), 0x8100),
    ]
    assert {each.path[:2] for each in found} == {("ethernet", "vlan")}
    assert [each.length for each in found] == [len(each.data) for each in found]


def test_frames_of_all_devices_are_cooked_as_wireshark_reads_them() -> None:
    found = read(live([Frame(goodbye(), device=1), Frame(b"no packet", protocol=b"\x08\x06")], COOKED))
    assert [each.data for each in found] == [cooked_v2(goodbye())]
    assert found[0].path == ("linux_cooked_v2", "ipv6")


def test_ways_times_numbers_and_lengths_are_the_kernels() -> None:
    frames = [Frame(goodbye()), Frame(ipv4(protocol=6)), Frame(assigned(), OUTGOING, time=5, length=900)]
    capture = live(frames, RAW)
    assert [(capture.direction, each.number, each.time, each.length) for each in capture.candidates()] == [
        ("in", 1, TIME, 48),
        ("out", 3, 5, 900),
    ]
    assert capture.frame_count == 3
    capture.close()


def test_what_goes_by_twice_on_loopback_is_seen_once() -> None:
    frames = [Frame(goodbye(), OUTGOING, device=1), Frame(goodbye(), device=1), Frame(goodbye(), OUTGOING)]
    capture = live(frames, COOKED, loopback=1)
    assert [capture.direction for _ in capture.candidates()] == ["in", "out"]
    assert capture.frame_count == 2
    capture.close()


def test_what_may_be_passed_over_is_asked_about_and_left_out() -> None:
    capture = live([Frame(ipv4(udp(WIREGUARD))), Frame(goodbye())], RAW)
    asked: list[int] = []

    def skip(view: memoryview, start: int, end: int) -> bool:
        asked.append(end - start)
        return True

    assert [each.number for each in capture.packets(skip)] == [2]
    assert asked == [len(WIREGUARD)]
    capture.close()


def test_the_clock_ticks_before_what_has_come_is_looked_at() -> None:
    capture = live([Frame(goodbye())], RAW)
    ticks: list[int] = []
    capture.tick = lambda: ticks.append(capture.frame_count)
    list(capture.packets())
    assert ticks[0] == 0
    capture.close()


def test_without_a_thread_there_is_a_sentence_and_the_device_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", refuse)
    ring = Canned([])
    with pytest.raises(CarrierError, match="cannot watch wg0: no thread can be started"):
        LiveCapture("wg0", ring, RAW)
    assert ring.is_closed


def test_a_device_that_is_gone_ends_it_behind_what_it_gave() -> None:
    ring = Canned([block([Frame(goodbye())])], CarrierError("watch", "wg0", "it is gone"))
    capture = LiveCapture("wg0", ring, RAW)
    found = capture.candidates()
    assert next(found).number == 1
    with pytest.raises(CarrierError, match="cannot watch wg0: it is gone"):
        next(found)
    capture.close()
    assert ring.is_closed
