"""The first and the last of many things, and how many are missing between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.analysis.bounded import Bounded, Room, TooManyError


@given(st.integers(0, 40), st.integers(1, 10))
def test_first_and_last_are_kept_in_their_order(number: int, most: int) -> None:
    bounded: Bounded[int] = Bounded(most)
    for each in range(number):
        bounded.add(each)
    things, left_out, before_gap = bounded.kept()
    everything = list(range(number))
    assert list(things) == everything[:before_gap] + everything[before_gap + left_out :]
    assert len(things) + left_out == len(bounded) == number
    assert len(things) <= 2 * most
    assert not left_out or (before_gap == most and len(things) == 2 * most)


def test_there_is_room_for_so_many_and_no_more() -> None:
    room = Room(2)
    room.take(1)
    room.take(2)
    for frame in (3, 4):
        with pytest.raises(TooManyError, match=f"more than 2 domains and connections.* frame {frame} on"):
            room.take(frame)
