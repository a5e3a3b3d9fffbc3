"""Tables by index: the newest first, in bounded memory."""

from __future__ import annotations

from fzctl.wireguard.tables import PER_INDEX, IndexTable


def test_the_newest_under_an_index_comes_first() -> None:
    table = IndexTable[str](3)
    for thing in "abcde":
        table.add(7, thing)
    table.add(8, "z")
    assert table.find(7) == ["e", "d", "c", "b", "a"]
    assert table.find(8) == ["z"]
    assert table.find(9) == []
    assert list(table.values()) == ["a", "b", "c", "d", "e", "z"]


def test_memory_is_bounded_over_many_indices() -> None:
    table = IndexTable[int](100)
    for index in range(10_000):
        table.add(index, index)
        assert len(table) <= 200
    assert all(table.find(index) == [index] for index in range(9_900, 10_000))


def test_memory_is_bounded_under_one_index() -> None:
    table = IndexTable[int](100)
    for thing in range(10_000):
        table.add(7, thing)
    assert len(table) <= 2 * PER_INDEX
    assert table.find(7)[:PER_INDEX] == list(range(9_999, 9_999 - PER_INDEX, -1))


def test_what_is_in_use_stays() -> None:
    table = IndexTable[int](10)
    table.add(0, 0)
    for index in range(1, 1000):
        table.add(index, index)
        table.keep(0, 0)
    assert table.find(0) == [0]
    assert len(table) <= 20


def test_what_is_removed_is_gone_and_absent_things_are_no_trouble() -> None:
    table = IndexTable[str](1)
    table.add(1, "old")
    table.add(2, "new")
    for index, thing in ((1, "old"), (2, "new"), (2, "new"), (3, "x")):
        table.remove(index, thing)
    table.keep(1, "old")
    assert len(table) == 0
    assert table.find(1) == []
