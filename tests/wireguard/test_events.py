"""What leaves an endpoint, and the timestamps of its handshakes."""

from __future__ import annotations

from fzctl.wireguard.events import REFUSED, Event, World
from fzctl.wireguard.noise import tai64n
from tests.wireguard.wire import EPOCH, Randomness


def test_timestamps_follow_the_callers_clock_and_always_increase() -> None:
    world = World(Randomness(b""), 10.0, EPOCH)
    assert world.timestamp(10.0) == tai64n(EPOCH)
    assert world.timestamp(11.5) == tai64n(EPOCH + 1_500_000_000)
    assert world.timestamp(11.5) == tai64n(EPOCH + 1_500_000_001)
    assert world.timestamp(3.0) == tai64n(EPOCH + 1_500_000_002)
    assert world.timestamp(20.0) == tai64n(EPOCH + 10_000_000_000)


def test_events_that_nobody_fetches_do_not_fill_the_memory() -> None:
    world = World(Randomness(b""), 0.0, EPOCH)
    for number in range(3000):
        world.tell(Event(REFUSED, detail=str(number)))
    assert len(world.events) == 1024
    assert [world.events[0].detail, world.events[-1].detail] == ["1976", "2999"]
