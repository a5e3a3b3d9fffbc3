"""The first and the last of many things, and how many are missing between them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fzctl.analysis.bounded import Bounded


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
