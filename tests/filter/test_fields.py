"""The value types and their words."""

from __future__ import annotations

from fzctl.filter.fields import ADDRESSES, NUMBERS, SEARCHABLE, FieldType


def test_every_type_has_words_of_its_own() -> None:
    assert len({kind.value for kind in FieldType}) == 9


def test_the_groups_do_not_overlap() -> None:
    assert not NUMBERS & SEARCHABLE
    assert not SEARCHABLE & ADDRESSES
