"""A story is a value: it can be compared, shown and kept, and nothing in it changes any more."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from tests.analysis.scenario import Scene, udp


def told() -> Scene:
    scene = Scene(1)
    scene.ask(0)
    scene.answer(1)
    scene.ask(2, "b.example", 0)
    scene.answer(3, "b.example", "Inactive")
    scene.goodbye(4)
    return scene


def leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for each in value.items() for leaf in leaves(each)]
    if isinstance(value, tuple):
        return [leaf for each in value for leaf in leaves(each)]
    return [value]


def test_it_holds_plain_values_only() -> None:
    story = told().story(at=0)
    assert all(isinstance(leaf, int | str | float | Enum | None) for leaf in leaves(story))


def test_equal_inputs_tell_equal_stories() -> None:
    assert told().story() == told().story()


def test_what_comes_later_does_not_change_it() -> None:
    scene = told()
    analyzer = scene.fed()
    analyzer.packet(0, udp("1.1.1.1", "2.2.2.2"), session=1)
    first = analyzer.finish()
    before = repr(first)
    analyzer.record(scene.ask(9, "c.example", 2))
    analyzer.packet(0, udp("1.1.1.1", "2.2.2.2"), session=1)
    assert repr(first) == before
