"""Text into tokens."""

from __future__ import annotations

import pytest

from fzctl.filter.errors import FilterError
from fzctl.filter.lexer import COMPARISONS, Kind, encode_text, read_tokens


def kinds(text: str) -> list[Kind]:
    return [token.kind for token in read_tokens(text)]


def test_every_spelling_of_an_operator_is_known() -> None:
    for text in COMPARISONS:
        assert kinds(text) == [Kind.COMPARE, Kind.END], text
    assert kinds("~ matches") == [Kind.MATCHES, Kind.MATCHES, Kind.END]
    assert kinds("&& and || or ^^ xor ! not")[::2] == [Kind.AND, Kind.OR, Kind.XOR, Kind.NOT, Kind.END]


def test_words_need_no_space_around_signs() -> None:
    assert kinds("a==1&&(b!=2)") == kinds("a == 1 && ( b != 2 )")
    assert kinds("a==1&&b")[:4] == [Kind.WORD, Kind.COMPARE, Kind.WORD, Kind.AND]


@pytest.mark.parametrize(
    "word",
    [
        *("1", "-1", "-0.5", "0x1f", "7b:22", "7b-22", "100.96.0.0/11", "fd00::1", "::/0", "::1"),
        *("fzp2p.kind", "a.", "example.org", "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"),
    ],
)
def test_a_value_without_quotes_is_one_word(word: str) -> None:
    assert [(token.kind, token.text) for token in read_tokens(word)[:-1]] == [(Kind.WORD, word)]


@pytest.mark.parametrize("text", ["1..5", "1 .. 5", "1.. 5", "10.0.0.1..10.0.0.9", "::1..::f", '"a".."b"'])
def test_two_dots_part_a_range(text: str) -> None:
    tokens = read_tokens(text)
    assert len(tokens) == 4
    assert tokens[1].kind is Kind.RANGE


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ('"plain"', b"plain"),
        (r'"a\"b\\c"', b'a"b\\c'),
        (r'"\x48\x4"', b"H\x04"),
        (r'"\110\0\377"', b"H\x00\xff"),
        (r'"\u00e9\U0001F600"', "é😀".encode()),
        (r'"\a\b\f\n\r\t\v\'"', b"\a\b\f\n\r\t\v'"),
        ('"é"', "é".encode()),
        ('"a\nb"', b"a\nb"),
        (r'r"\w\.\"x"', rb"\w\.\"x"),
        (r'R"\q"', rb"\q"),
        ("'a'", b"a"),
        (r"'\n'", b"\n"),
        (r"'\x61'", b"a"),
    ],
)
def test_strings_and_characters_hold_these_bytes(text: str, content: bytes) -> None:
    assert read_tokens(text)[0].content == content


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ('a == "b', 5, 'closing "'),
        ("a == 'b", 5, "closing '"),
        ("a[1", 1, "slice"),
        (r'"ab\q"', 3, r"\q is no escape"),
        (r'"\400"', 1, "larger than a byte"),
        (r'"\ud800"', 1, "no Unicode"),
        (r'"\UFFFFFFFF"', 1, "no Unicode"),
        (r'"\xzz"', 1, "no escape"),
        ("'ab'", 0, "one byte"),
        ("''", 0, "one byte"),
        ("a = 1", 2, "write =="),
        ("a | b", 2, "||"),
        ("a + 1", 2, "arithmetic"),
        ("a#1 == 1", 1, "layers"),
        ("${a}", 0, "references"),
        ("a ; b", 2, '";" has no meaning'),
        ("a == é", 5, "quotes"),
    ],
)
def test_what_is_no_token_is_pointed_at(text: str, place: int, word: str) -> None:
    with pytest.raises(FilterError) as caught:
        read_tokens(text)
    assert caught.value.span.start == place
    assert word in caught.value.problem


def test_bytes_of_the_command_line_that_are_no_utf8_survive() -> None:
    assert encode_text("\udcff") == b"\xff"
    assert read_tokens('"\udcff\ud800"')[0].content


def test_a_hundred_thousand_brackets_are_read_in_one_go() -> None:
    assert len(read_tokens("(" * 100_000)) == 100_001
