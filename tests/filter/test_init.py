"""The filter as its users see it: any text gives a Filter or a FilterError, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fzctl.errors import UsageError
from fzctl.filter import FieldType, Filter, FilterError, compile_filter

PIECES = [
    *("p.uint", "p.bytes", "p.guid", "p.text", "p.ip4", "p.ip6", "p.flag", "p.time"),
    *("p", "len", "lower", "string"),
    *("==", "!=", "===", "<", "contains", "matches", "in", "not", "and", "or", "xor", "any", "all"),
    *("!", "(", ")", "{", "}", ",", "..", "[0:1]", "[-1:]", "=", "\\", "\x00", "é", "true", "Active"),
    *("1", "0x1", "-1", "1.5", "7b:22", "'a'", '"a"', 'r"a+"', '"("', "1.2.3.4/8", "::/0"),
    "6b7188f5-00ac-41dc-9ddd-57e2384f31ef",
]
PACKET: Mapping[str, list[object]] = {
    "p.uint": [1], "p.bytes": [b"{"], "p.guid": ["6b7188f5-00ac-41dc-9ddd-57e2384f31ef"], "p.text": ["a", ""],
    "p.ip4": ["1.2.3.4"], "p.ip6": ["::1"], "p.flag": [True], "p.time": [0.5], "p.frame": [3],
}  # fmt: skip


def test_a_filter_knows_its_text_its_fields_and_the_answer(fields: Mapping[str, FieldType]) -> None:
    filter_ = compile_filter('p.text contains "gitlab" and p.uint == 1', fields)
    assert filter_.text == 'p.text contains "gitlab" and p.uint == 1'
    assert filter_.fields == {"p.text", "p.uint"}
    assert filter_(lambda name: ["gitlab.com"] if name == "p.text" else [1]) is True
    assert filter_(lambda name: ["gitlab.com"] if name == "p.text" else []) is False
    assert repr(filter_) == "Filter('p.text contains \"gitlab\" and p.uint == 1')"


def test_an_error_is_one_of_usage_and_shows_the_place(fields: Mapping[str, FieldType]) -> None:
    with pytest.raises(UsageError) as caught:
        compile_filter('p.uint == "abc"', fields)
    assert str(caught.value).splitlines()[1:] == ['  p.uint == "abc"', "            ^^^^^"]


def test_no_fields_at_all_is_no_crash() -> None:
    with pytest.raises(FilterError, match="no field kind"):
        compile_filter("kind == 1", {})


@given(st.text(st.characters()))
@example("\ud800")
@example('p.text matches "(?i"')
def test_any_text_gives_a_filter_or_a_filter_error(fields: Mapping[str, FieldType], text: str) -> None:
    answer(fields, text)


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_any_row_of_words_gives_a_filter_or_a_filter_error(
    fields: Mapping[str, FieldType], pieces: list[str]
) -> None:
    answer(fields, " ".join(pieces))


@given(
    st.sampled_from(PIECES[:8]),
    st.sampled_from(["==", "!=", "<", ">=", "contains", "matches", "in"]),
    st.sampled_from(PIECES),
)
def test_any_relation_gives_an_answer_or_a_filter_error(
    fields: Mapping[str, FieldType], left: str, sign: str, right: str
) -> None:
    answer(fields, f"{left} {sign} {{{right}}}" if sign == "in" else f"{left} {sign} {right}")


def answer(fields: Mapping[str, FieldType], text: str) -> None:
    with suppress(FilterError):
        filter_ = compile_filter(text, fields)
        assert isinstance(filter_, Filter)
        assert filter_(lambda name: PACKET.get(name, ())) in (True, False)
