"""When the messages of a replay leave, and which of them do."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import UsageError
from fzctl.live.schedule import at_once, at_own_times, at_rate, longest_pause, looped, sendable, way_of_kind
from fzctl.protocol.codec import decode_truncated
from fzctl.records import read_hex
from tests.records import TIME, assigned, goodbye, raw, record, status

SECOND = 1_000_000_000
PACKETS = [assigned(), status(), goodbye()]
RECORDS = [record(packet, n, TIME + n * SECOND // 4) for n, packet in enumerate(PACKETS)]


def test_messages_keep_their_own_times() -> None:
    assert list(at_own_times(RECORDS)) == [
        (0.0, PACKETS[0], 1, ()),
        (0.25, PACKETS[1], 2, ()),
        (0.5, PACKETS[2], 3, ()),
    ]


@pytest.mark.parametrize(("speed", "times"), [(2.0, [0, 0.125, 0.25]), (0.5, [0, 0.5, 1.0])])
def test_times_are_scaled(speed: float, times: list[float]) -> None:
    assert [each.time for each in at_own_times(RECORDS, speed)] == times


def test_a_nanosecond_is_kept() -> None:
    first, second = at_own_times([record(PACKETS[0], 1, TIME), record(PACKETS[1], 2, TIME + 1)])
    assert second.time - first.time == 1e-9


def test_a_clock_that_steps_back_and_a_missing_time_do_not_wait() -> None:
    times = [None, TIME, TIME + SECOND, TIME - 5 * SECOND, None, TIME + 2 * SECOND]
    found = at_own_times(record(goodbye(), n, time) for n, time in enumerate(times))
    assert [each.time for each in found] == [0, 0, 1, 1, 1, 2]


def test_behind_a_step_back_messages_keep_their_distance_and_a_step_forth_is_as_before() -> None:
    hour = 3600 * SECOND
    back = [0, SECOND, 2 * SECOND - hour, 4 * SECOND - hour, 7 * SECOND - hour]
    found = at_own_times(record(goodbye(), n, TIME + time) for n, time in enumerate(back))
    assert [each.time for each in found] == [0, 1, 1, 3, 6]
    forth = [*back, 9 * SECOND]
    found = at_own_times(record(goodbye(), n, TIME + time) for n, time in enumerate(forth))
    assert [each.time for each in found] == [0, 1, 1, 3, 6, 9]


def test_what_was_written_a_little_out_of_order_delays_nothing_behind_it() -> None:
    times = [0, 500_000_000, 400_000_000, SECOND, 900_000_000, 2 * SECOND]
    found = at_own_times(record(goodbye(), n, TIME + time) for n, time in enumerate(times))
    assert [each.time for each in found] == [0, 0.5, 0.5, 1, 1, 2]


def test_rounds_of_a_clock_that_steps_back_follow_each_other_too() -> None:
    times = [100 * SECOND, 0, 5 * SECOND]
    found = at_own_times(looped([record(goodbye(), n, TIME + each) for n, each in enumerate(times)], 2))
    assert [each.time for each in found] == [0, 0, 5, 7.5, 7.5, 12.5]


def test_the_longest_pause_is_known_with_who_waits_for_it() -> None:
    times = [None, TIME, TIME + SECOND, TIME + 5 * SECOND, TIME + 6 * SECOND]
    planned = at_own_times(record(goodbye(), n, time) for n, time in enumerate(times))
    assert longest_pause(planned) == (4.0, goodbye(), 4, ())
    assert longest_pause(at_once(RECORDS)) is None
    assert longest_pause([]) is None


def test_a_rate_is_kept_over_any_number() -> None:
    found = list(at_rate(RECORDS * 1000, 1000.0))
    assert [each.time for each in found[:3]] == [0, 0.001, 0.002]
    assert found[-1].time == 2.999
    assert [each.number for each in found] == list(range(1, 3001))


def test_at_once_is_at_once() -> None:
    assert [(each.time, each.packet) for each in at_once(RECORDS)] == [(0.0, packet) for packet in PACKETS]


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_a_speed_and_a_rate_are_numbers_above_0(value: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        list(at_own_times(RECORDS, value))
    with pytest.raises(UsageError, match="above 0"):
        list(at_rate(RECORDS, value))


@given(st.lists(st.none() | st.integers(0, 2**63), max_size=20), st.floats(1e-3, 1e3))
def test_times_never_go_back(times: list[int | None], speed: float) -> None:
    found = [each.time for each in at_own_times((record(goodbye(), 1, time) for time in times), speed)]
    assert all(before <= after for before, after in pairwise([0.0, *found]))


def test_one_direction_is_chosen() -> None:
    records = [record(assigned(), direction="a>b"), record(status(), direction="b>a"), record(goodbye())]
    assert list(sendable(records)) == records
    assert list(sendable(records, "b>a")) == records[1:2]


def test_copies_cut_packets_and_what_is_no_message_are_left_out() -> None:
    cut = record(assigned())._replace(message=decode_truncated(assigned()[:60]))
    copy = record(assigned(), copy_of=1)
    strange = list(read_hex(["xx", "", "45000014000000004001000001020304" + "05060708"]))
    assert list(sendable([cut, copy, *strange, RECORDS[0]])) == [RECORDS[0]]


def test_the_way_is_that_of_who_handles_the_kind() -> None:
    ways = [way_of_kind(record(packet)) for packet in (assigned(), status(), goodbye(), raw(9), b"")]
    assert ways == ["a>b", "b>a", None, None, None]


def test_rounds_follow_each_other_as_messages_do() -> None:
    found = list(at_own_times(looped(RECORDS, 3)))
    assert [each.time for each in found] == [n * 0.25 for n in range(9)]
    assert [each.packet for each in found] == PACKETS * 3
    assert [each.number for each in found] == list(range(1, 10))


@pytest.mark.parametrize("times", [[None], [None, None], [TIME]])
def test_rounds_of_messages_without_pauses_are_a_second_apart_or_at_once(times: list[int | None]) -> None:
    records = [record(goodbye(), 1, time) for time in times]
    found = [each.time for each in at_own_times(looped(records, 2))]
    assert found == ([0.0, 1.0] if times == [TIME] else [0.0] * 2 * len(times))
