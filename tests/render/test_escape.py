"""Text out of packets made harmless."""

from __future__ import annotations

import os
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.render.escape import escape, escape_bytes, quote_for_shell
from tests.records import HOSTILE, harmful


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("example.com", "example.com"),
        ("münchen.例え", "münchen.例え"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\r\nb\t", "a\\x0d\\x0ab\\x09"),
        ("\u202egnp", "\\u202egnp"),
        ("\u2066\u2028\ufeff", "\\u2066\\u2028\\ufeff"),
        ("\udc80", "\\udc80"),
        ("\ufe0f\u3164\u034f\u2800", "\\ufe0f\\u3164\\u034f\\u2800"),
        ("e\u0301", "e\u0301"),
        ("\u0301e", "\\u0301e"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "\\u0301" * 2),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_could_harm_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text(st.characters()))
def test_nothing_that_moves_the_cursor_or_hides_is_left(text: str) -> None:
    shown = escape(text)
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not harmful(shown)
    assert escape(shown) == shown
    shown.encode()


@given(st.text(st.characters(codec="ascii", min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_stays(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"{}", "{}"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("é".encode(), "é"),
        (b"\x1b\x00", "\\x1b\\x00"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
    ],
)
def test_bytes_that_are_not_utf8_are_shown_in_hex(data: bytes, shown: str) -> None:
    assert escape_bytes(data) == shown


NAMES = [text.replace("\0", "") for text in HOSTILE if "\ud800" not in text]


@pytest.mark.parametrize("word", ["a b", "it's", "\x1b[31m'\\\n", "x\udcff", *NAMES])
def test_a_word_for_a_shell_shows_no_harm_and_is_the_same_word_there(word: str) -> None:
    quoted = quote_for_shell(word)
    assert not harmful(quoted)
    assert "\n" not in quoted
    done = subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(word)
