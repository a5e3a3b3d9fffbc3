"""Quantiles within their documented precision, in memory that does not grow with the values."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from fzctl.analysis.histogram import Histogram, Summary

VALUES = st.lists(st.integers(0, 2**62), min_size=1, max_size=60)


@given(VALUES, st.floats(0, 1))
def test_a_quantile_is_at_most_a_sixty_fourth_off(values: list[int], share: float) -> None:
    exact = sorted(values)[max(1, math.ceil(len(values) * share)) - 1]
    found = Histogram(values).quantile(share)
    assert found is not None
    assert abs(found - exact) <= exact / 64


@given(VALUES)
def test_least_greatest_count_and_mean_are_exact(values: list[int]) -> None:
    summary = Histogram(values).summary()
    assert (summary.values, summary.least, summary.greatest) == (len(values), min(values), max(values))
    assert summary.mean == sum(values) / len(values)


@given(VALUES)
def test_every_value_lies_in_its_class(values: list[int]) -> None:
    histogram = Histogram(values)
    for start, end, count in histogram.classes():
        assert sum(start <= value < end for value in values) == count
    assert sum(count for *_, count in histogram.classes()) == len(histogram) == len(values)


def test_small_values_are_exact() -> None:
    assert [Histogram([value]).classes() for value in (0, 1, 63)] == [
        [(0, 1, 1)], [(1, 2, 1)], [(63, 64, 1)],
    ]  # fmt: skip
    assert Histogram(range(64)).quantile(0.5) == 31


def test_nothing_counted_tells_nothing() -> None:
    assert Histogram().quantile(0.5) is None
    assert Histogram().summary() == Summary(0, None, None, None, None, None, None, None)


def test_a_negative_value_counts_as_zero() -> None:
    assert Histogram([-5]).summary().greatest == 0


def test_its_size_is_bounded() -> None:
    histogram = Histogram(3**power // 7**step for power in range(40) for step in range(20))
    assert len(histogram.classes()) <= 2000
