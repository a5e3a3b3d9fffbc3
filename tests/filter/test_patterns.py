"""Regular expressions: PCRE2's habits, and none that never ends."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.filter.patterns import PatternError, compile_pattern


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


@pytest.mark.parametrize(
    "pattern",
    [
        rb"(a+)+$",
        rb"(a*)*b",
        rb"(?:\w+\s?)*$",
        rb"(a|a)*$",
        rb"(a|aa)+$",
        rb"(a?a)+$",
        rb"((ab)+)+$",
        rb"(a{1,30}){1,30}$",
        rb"^(([a-z])+.)+[A-Z]([a-z])+$",
        rb"(?:(?:a|a)b)*$",
        rb"(?=(a+)+b)",
        rb"(x+x+)+y",
        rb".*.*.*.*x",
        rb"a*b*a*b*a*b*a*c",
        rb"(a*\w+){2}c",
        rb"a*a*a*a*a*b",
        b"(" + b"|".join(b"%d" % number for number in range(200)) + b")*",
        rb"(?:a?){22}a{22}b",
        b"a?" * 22 + b"a{22}b",
        b"(a)?" * 22 + b"b",
        rb"(?:a|a){22}b",
        rb"(?:a|aa){22}b",
        rb"(?:(?:a|a){5}){5}b",
        rb"(a{0,9}){9}b",
        rb"(?:a?a?\.)*b",
        rb"(?:a*a*\.)*b",
        rb"(?:(?:ab)*(?:ab)?\.)*c",
        rb"(?:(?:ba)*b(?:ab)*\.)*c",
        rb"a*(?:b)?a*(?:b)?a*(?:b)?a*c",
        rb"a*(?!b)a*(?!b)a*(?!b)a*c",
        rb"(?>a)*(?>a)*(?>a)*(?>a)*c",
        rb"(?:(?:(?>[ab]*+){1,15}){9}|.){9}c",
    ],
)
def test_what_can_take_forever_is_refused(pattern: bytes) -> None:
    with pytest.raises(PatternError, match="take forever"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        rb"^([a-z0-9-]+\.)+example\.(com|org)$",
        rb"^\w+\.\w+\.\w+\.\w+\.\w+\.\w+$",
        rb"(foo|bar)+",
        rb"(?:[0-9a-f]{2}:){5}",
        rb"gitlab|github|.*\.internal$",
        rb"a.*b.*c.*d",
        rb"(a++)+$",
        rb"(?>a+)+$",
        rb"(?:,[^,]+)*$",
        rb'"[^"\\]*(?:\\.[^"\\]*)*"',
        rb"(?P<x>a)(?P=x)(?#note)b{2}",
        rb"a{x}",
        rb"[]a]+[^]a]",
        rb"[[a]+(b)++",
        b"(" * 60 + b"a" + b"){3}" * 60,
        rb"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$",
        rb"^((25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)$",
        rb"^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$",
        rb"^[\w.+-]+@[\w-]+(\.[\w-]+)+$",
        rb"https?://(www\.)?[\w.-]+(:\d+)?(/\S*)?",
        rb"(\s*\w+\s*=\s*\d+\s*,)*",
        rb"(?:foo)?(?:bar)?(?:baz)?",
        rb"a?b?c?d?e?f?g?h?i?j?k?l?m?n?o?p?q?r?s?t?",
    ],
)
def test_what_ends_is_taken(pattern: bytes) -> None:
    assert compile_pattern(pattern).search(b"a" * 1232) is None or True


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
