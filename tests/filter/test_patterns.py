"""Regular expressions: PCRE2's habits, and none that never ends."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.filter.errors import PatternError
from fzctl.filter.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "subject", "found"),
    [
        (rb"gitlab", b"GitLab.Example.com", True),
        (rb"(?-i)gitlab", b"GitLab", False),
        (rb"(?-i)GitLab", b"GitLab", True),
        (rb"(?i-s)a.b", b"A\nB", False),
        (rb"(?s)a.b", b"a\nb", True),
        (rb"^e\w+\.org$", b"example.org", True),
        ("É".encode(), "é".encode(), False),
        (rb"^.{4}$", "éé".encode(), True),
        (rb"\xff$", b"a\xff", True),
        (rb"", b"", True),
        (rb"[[a]", b"[", True),
    ],
)
def test_patterns_search_bytes_without_case(pattern: bytes, subject: bytes, found: bool) -> None:
    assert (compile_pattern(pattern).search(subject) is not None) is found


@pytest.mark.parametrize("pattern", [b"(?\x1b[31m)", b"(?P<\x07>a)", b"(?P=\xe2\x80\xae)"])
def test_what_a_pattern_holds_is_shown_harmless(pattern: bytes) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "pattern",
    [
        *(b"(", b"*", b"[", b"a{2,1}", rb"\1", b"(?z)", rb"\z", b"a(?i)b", b"[[:alpha:]]"),
        b"a{" + b"1" * 5000 + b"}",
        b"(" * 5000 + b")" * 5000,
    ],
)
def test_a_bad_pattern_is_a_pattern_error(pattern: bytes) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@given(st.binary(max_size=30))
def test_any_bytes_give_a_pattern_or_the_one_error(pattern: bytes) -> None:
    with suppress(PatternError):
        assert isinstance(compile_pattern(pattern), re.Pattern)


@given(st.text("ab|()*+?{}[]^$.\\1,:=!<>Pi-#&~ ", max_size=24))
def test_any_play_of_signs_gives_a_pattern_that_ends(pattern: str) -> None:
    try:
        compiled = compile_pattern(pattern.encode())
    except PatternError:
        return
    compiled.search(b"ab" * 40)


def test_groups_within_possessive_repeats_hold_nothing_that_python_could_lose_count_of() -> None:
    pattern = compile_pattern(rb"((a|(0|b))|(0000)|)++(?P<name>x)")
    assert pattern.groups == 0
    assert pattern.search(b"no_0000_tables") is None
    assert pattern.search(b"ab0000x") is not None
    with pytest.raises(PatternError, match="refer back"):
        compile_pattern(rb"(a|b)++c\1")
    assert compile_pattern(rb"(a|b)c\1").search(b"aca") is not None
    assert compile_pattern(rb"\((a)++[(]\)").search(b"(aa()") is not None
