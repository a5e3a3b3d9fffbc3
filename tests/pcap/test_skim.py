"""The innermost loops: they pass over plain traffic, count it, and stop before anything else."""

from __future__ import annotations

import pytest

from fzctl.pcap.links import link_for
from fzctl.pcap.skim import block_skimmer, record_skimmer
from tests.pcap import build

LINK = link_for(101)
assert LINK is not None
PROBE = LINK.probe
PLAIN = build.ipv4(bytes(60), protocol=6)[:20] + b"\1" * 60
CONTROL = build.control()
BEFORE = build.section() + build.interface()


def records(*frames: bytes) -> memoryview:
    return memoryview(b"".join(build.record(frame) for frame in frames))


def skim_ng(view: memoryview, way: str) -> tuple[int, int]:
    interfaces = frozenset((0,)) if way == "first" else frozenset((0, 7))
    return block_skimmer("<", PROBE, interfaces)(view, len(BEFORE), 7)


@pytest.mark.parametrize("count", range(10))
def test_records_stop_within_a_turn_before_a_suspect(count: int) -> None:
    view = records(*[PLAIN] * count, CONTROL, *[PLAIN] * 9)
    position, number = record_skimmer("<", PROBE)(view, 0, 7)
    passed = number - 7
    assert position == passed * (16 + len(PLAIN))
    assert count - 3 <= passed <= count


@pytest.mark.parametrize("cut", range(1, 200))
def test_records_stop_before_one_that_is_not_all_there(cut: int) -> None:
    view = records(*[PLAIN] * 8)
    size = 16 + len(PLAIN)
    position, number = record_skimmer("<", PROBE)(view[: len(view) - cut], 0, 0)
    assert position == number * size
    assert position <= len(view) - cut


@pytest.mark.parametrize("way", ["first", "group"])
@pytest.mark.parametrize(
    "stop",
    [
        build.packet(CONTROL),
        build.custom(),
        build.packet(PLAIN, index=1),
        build.packet(PLAIN, index=0xFFFFFFFF),
        build.packet(PLAIN, captured=len(PLAIN) + 4),
        build.packet(PLAIN)[:-4] + b"\1\0\0\0",
        build.packet(PLAIN)[:-1],
        b"",
    ],
)
@pytest.mark.parametrize("count", [0, 1, 5])
def test_blocks_stop_before_what_is_not_plain(way: str, stop: bytes, count: int) -> None:
    plain = build.packet(PLAIN)
    view = memoryview(BEFORE + plain * count + stop)
    assert skim_ng(view, way) == (len(BEFORE) + len(plain) * count, 7 + count)


@pytest.mark.parametrize("way", ["first", "group"])
def test_a_wrong_length_is_left_for_the_careful_reader(way: str) -> None:
    plain = build.packet(PLAIN)
    view = memoryview(BEFORE + plain + plain[:-4] + b"\1\0\0\0" + plain * 3)
    assert skim_ng(view, way) == (len(BEFORE) + len(plain), 8)
