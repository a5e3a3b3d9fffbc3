"""Copies: the first frame is remembered, in bounded memory."""

from __future__ import annotations

from fzctl.wireguard.copies import Copies


def test_a_copy_names_the_first_frame() -> None:
    copies = Copies()
    assert [copies.first(thing, frame) for frame, thing in enumerate("abab", start=1)] == [None, None, 1, 2]
    assert copies.first("a", 9) == 1


def test_at_least_the_last_things_are_remembered_and_at_most_twice_as_many() -> None:
    copies = Copies(limit=10)
    for frame in range(1000):
        assert copies.first(frame, frame) is None
        assert len(copies) <= 20
    assert all(copies.first(frame, 0) == frame for frame in range(990, 1000))
    copies.first(1000, 1000)
    assert all(copies.first(frame, 0) == frame for frame in range(991, 1001))
    assert copies.first(0, 1001) is None
