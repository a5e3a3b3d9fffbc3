"""What comes out of a carrier, in the manner of a live capture."""

from __future__ import annotations

from fzctl.carriers.memory import VirtualClock, memory_pair
from fzctl.carriers.source import CarrierSource
from fzctl.pcap.links import RAW
from tests.pcap.build import ipv6
from tests.records import TIME, assigned, goodbye


def test_control_packets_are_handed_on_and_all_are_counted() -> None:
    clock = VirtualClock(TIME)
    ours, theirs = memory_pair(clock)
    for packet in (assigned(), ipv6(), goodbye()):
        theirs.send(packet)
    source = CarrierSource(ours, lambda: clock.now)
    source.until = clock.now + 1
    found = list(source.candidates())
    assert [(each.number, each.link_type, each.data) for each in found] == [
        (1, RAW, assigned()),
        (3, RAW, goodbye()),
    ]
    assert source.frame_count == 3
    assert source.direction == "in"


def test_it_looks_at_the_clock_where_nothing_comes() -> None:
    clock = VirtualClock(TIME)
    ours, _ = memory_pair(clock)
    source = CarrierSource(ours, lambda: clock.now)
    ticks: list[float] = []
    source.tick = lambda: ticks.append(clock.now)
    source.until = clock.now + 0.35
    assert list(source.packets()) == []
    assert len(ticks) == 4


def test_a_word_ends_it() -> None:
    clock = VirtualClock(TIME)
    ours, theirs = memory_pair(clock)
    source = CarrierSource(ours, lambda: clock.now)
    theirs.send(assigned())
    theirs.send(goodbye())
    found = []
    for candidate in source.candidates():
        found.append(candidate.data)
        source.stop()
    assert found == [assigned()]
    source.close()
    source.close()
