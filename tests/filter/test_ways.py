"""Patterns that can take forever are refused, and no others."""

from __future__ import annotations

import pytest

from fzctl.filter.errors import PatternError
from fzctl.filter.patterns import compile_pattern


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
