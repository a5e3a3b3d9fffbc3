"""Counts of one phase."""

from __future__ import annotations

from fzctl.analysis.traffic import Tally, Traffic


def test_both_ways_are_counted_and_the_first_packet_is_remembered() -> None:
    tally = Tally()
    tally.count_from(7)
    tally.count_to(100, 5, 2)
    tally.count_to(50, 6, 3)
    assert tally.traffic() == Traffic(2, 150, 1, 7, first_frame=2, first_time=5)


def test_nothing_counted_is_nothing() -> None:
    assert Tally().traffic() == Traffic()
