"""The loop that sends, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Self

import pytest

from fzctl.carriers.base import Received
from fzctl.carriers.memory import MemoryCarrier, VirtualClock, memory_pair
from fzctl.errors import CarrierError
from fzctl.live.impair import LOST, Impairments, impair
from fzctl.live.pace import BATCH, GRAIN, Pacer
from fzctl.live.schedule import Timed, at_once, at_rate
from tests.records import assigned, goodbye, record, status

RECORDS = [record(assigned()), record(status()), record(goodbye())]


class Link:
    """Our end, and when what was sent came to the other."""

    def __init__(self, *, answers: bool = False) -> None:
        self.clock = VirtualClock()
        self.ours, self.theirs = memory_pair(self.clock)
        self.came: list[tuple[float, bytes]] = []
        self.got: list[Received] = []
        self._answers = answers
        self.theirs.on_packet = self._take

    def _take(self, received: Received) -> None:
        self.came.append((self.clock.now, received.packet))
        if self._answers:
            self.theirs.send(received.packet[::-1])

    def pacer(self, limit: int | None = None) -> Pacer:
        return Pacer(
            self.ours, self.clock, self.got.append, lambda: limit is not None and len(self.came) >= limit
        )


def timed(*times: float) -> list[Timed]:
    return [Timed(time, goodbye(), number) for number, time in enumerate(times, start=1)]


def test_each_packet_leaves_at_its_time() -> None:
    link = Link()
    pacer = link.pacer()
    times = [0.0, 0.25, 0.25, 7.0, 3600.0]
    assert pacer.run(timed(*times), linger=1.0)
    assert [time for time, _ in link.came] == pytest.approx(times, abs=GRAIN)
    assert pacer.sent == 5
    assert pacer.late < GRAIN + 1e-9
    assert pacer.seconds == pytest.approx(3600.0)


def test_a_rate_does_not_drift_and_close_packets_leave_together() -> None:
    link = Link()
    pacer = link.pacer()
    pacer.run(at_rate(RECORDS * 4000, 30000.0))
    assert len(link.came) == 12000
    assert pacer.seconds == pytest.approx(12000 / 30000, abs=2 * GRAIN)
    assert 0 < pacer.late <= GRAIN + 1e-9
    assert len({time for time, _ in link.came}) <= 0.4 / GRAIN + 2


def test_at_once_takes_no_time() -> None:
    link = Link()
    link.pacer().run(at_once(RECORDS * 100))
    assert link.clock.now == 0.0
    assert len(link.came) == 300


def test_answers_are_handed_on_while_it_sends() -> None:
    link = Link(answers=True)
    order: list[str] = []
    pacer = Pacer(link.ours, link.clock, lambda _: order.append("in"), on_sent=lambda _: order.append("out"))
    pacer.run(timed(0.0, 1.0, 2.0), linger=0.5)
    assert order == ["out", "in"] * 3
    assert (pacer.sent, pacer.received) == (3, 3)


def test_a_flood_without_pauses_does_not_leave_the_answers_waiting() -> None:
    link = Link(answers=True)
    received_after: list[int] = []
    pacer = Pacer(link.ours, link.clock, lambda _: received_after.append(pacer.sent))
    pacer.run(at_once(RECORDS * 200), linger=0.1)
    assert len(received_after) == 600
    assert received_after[0] == BATCH


def test_late_answers_are_waited_for_as_long_as_asked() -> None:
    link = Link()
    link.clock.call_at(2.0, lambda: link.theirs.send(b"late"))
    link.clock.call_at(4.0, lambda: link.theirs.send(b"too late"))
    assert link.pacer().run(timed(0.0), linger=3.0)
    assert [each.packet for each in link.got] == [b"late"]
    assert link.clock.now == pytest.approx(3.0)


def test_lost_packets_do_not_leave_and_all_that_was_done_is_counted() -> None:
    link = Link()
    pacer = link.pacer()
    how = Impairments(loss=0.3, duplicate=0.3, corrupt=0.3, reorder=0.3, seed=2)
    pacer.run(impair(at_rate(RECORDS * 100, 1000.0), how))
    assert pacer.sent == len(link.came) == 300 - pacer.done["lost"] + pacer.done["duplicate"]
    assert set(pacer.done) == {"lost", "duplicate", "corrupted", "reordered"}


def test_lost_packets_are_told_too() -> None:
    link = Link()
    told: list[Timed] = []
    sequence = [Timed(0.0, goodbye(), 1, (LOST,)), Timed(1.0, goodbye(), 2)]
    Pacer(link.ours, link.clock, link.got.append, on_sent=told.append).run(sequence)
    assert told == sequence
    assert len(link.came) == 1


@pytest.mark.parametrize("sequence", [timed(*range(100)), timed(*([0.0] * 1000))])
def test_it_stops_when_asked(sequence: list[Timed]) -> None:
    link = Link()
    pacer = link.pacer(limit=3)
    assert not pacer.run(sequence, linger=10.0)
    assert len(link.came) <= 3 + BATCH
    assert pacer.sent <= 3 + BATCH


def test_it_stops_in_a_long_pause_and_while_it_lingers() -> None:
    link = Link()
    for sequence, linger in ((timed(0.0, 3600.0), 0.0), (timed(0.0), 3600.0)):
        start = link.clock.now
        pacer = Pacer(link.ours, link.clock, link.got.append, partial(passed, link.clock, start + 5.0))
        assert not pacer.run(sequence, linger)
        assert pacer.sent == 1
        assert link.clock.now - start < 5.2


def passed(clock: VirtualClock, time: float) -> bool:
    return clock.now >= time


def test_what_was_sent_before_an_error_is_counted() -> None:
    class Breaks(MemoryCarrier):
        left = 2

        def send(self, packet: bytes) -> None:
            if not self.left:
                raise CarrierError("send to", self.name, "it is gone")
            self.left -= 1

        def __enter__(self) -> Self:
            return self

    clock = VirtualClock()
    pacer = Pacer(Breaks("wg0", clock, 0.0), clock, lambda _: None)
    with pytest.raises(CarrierError, match="cannot send to wg0"):
        pacer.run(timed(0.0, 1.0, 2.0, 3.0))
    assert pacer.sent == 2


def test_packets_are_made_only_when_they_are_needed() -> None:
    link = Link()
    made: list[int] = []

    def endless() -> Iterator[Timed]:
        number = 0
        while True:
            number += 1
            made.append(number)
            yield Timed(float(number), goodbye(), number)

    link.pacer(limit=5).run(endless())
    assert len(made) <= 7
