"""The replay window against the plainest possible one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fzctl.wireguard.replay import WINDOW, ReplayWindow
from fzctl.wireguard.timers import REJECT_AFTER_MESSAGES

near = st.integers(0, 3 * WINDOW)
anywhere = st.integers(0, REJECT_AFTER_MESSAGES)


@given(st.lists(st.one_of(st.integers(0, 50), near, anywhere), max_size=60))
def test_each_counter_is_taken_once_and_only_while_recent(counters: list[int]) -> None:
    window = ReplayWindow()
    taken: set[int] = set()
    for counter in counters:
        recent = not taken or counter > max(taken) - WINDOW
        expected = recent and counter not in taken
        assert window.accept(counter) == expected
        if expected:
            taken.add(counter)


def test_a_late_counter_opens_no_door_to_those_taken_before() -> None:
    window = ReplayWindow()
    assert all(window.accept(counter) for counter in (1, 9, 5, 3, 7))
    assert not any(window.accept(counter) for counter in (1, 3, 5, 7, 9))
    assert all(window.accept(counter) for counter in (0, 2, 4, 6, 8, 10))
    assert not any(window.accept(counter) for counter in range(11))


def test_the_window_is_about_eight_thousand_wide_and_its_edge_is_sharp() -> None:
    window = ReplayWindow()
    assert window.accept(WINDOW)
    assert not window.accept(0)
    assert window.accept(1)
    assert not window.accept(1)
    assert 8000 <= WINDOW <= 8192


def test_a_jump_over_the_whole_window_forgets_and_refuses_all_before() -> None:
    window = ReplayWindow()
    for counter in range(100):
        assert window.accept(counter)
    assert window.accept(10 * WINDOW)
    assert not any(window.accept(counter) for counter in range(100))
    assert window.accept(10 * WINDOW - 1)
