"""JSON numbers: which are whole, which are doubles, which are refused and where."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.protocol.numbers import scan_number, skip_number
from fzctl.protocol.reasons import Refusal

GRAMMAR = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"0", 0),
        (b"1", 1),
        (b"65536", 65536),
        (b"18446744073709551615", 2**64 - 1),
        (b"-1", -1),
        (b"-9223372036854775808", -(2**63)),
    ],
)
def test_what_64_bits_hold_is_whole(text: bytes, number: int) -> None:
    value, end = scan_number(text + b",", 0)
    assert (type(value), value, end) == (int, number, len(text))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"-0", -0.0),
        (b"0.0", 0.0),
        (b"-0.0", -0.0),
        (b"443.0", 443.0),
        (b"1e2", 100.0),
        (b"1E+2", 100.0),
        (b"25e-2", 0.25),
        (b"18446744073709551616", 2.0**64),
        (b"-9223372036854775809", -(2.0**63)),
        (b"-18446744073709551616", -(2.0**64)),
        (b"1" + b"0" * 30, 1e30),
        (b"1" + b"0" * 30 + b".5", 1e30),
        (b"1" + b"0" * 30 + b"e-30", 1.0),
        # One digit was too much for 64 bits, the next one, behind the point, fits again.
        (b"18446744073709551619.5", 2.0**64),
        (b"0." + b"0" * 400 + b"1", 0.0),
        (b"0." + b"1" * 30, 0.1111111111111111),
        (b"1e308", 1e308),
        (b"1e-308", 1e-308),
        (b"12345678901234567890e-320", 12345678901234567890 / 1e308 / 1e12),
        (b"5e5", 500000.0),
        (b"0e999", 0.0),
        (b"0e99999999999", 0.0),
        (b"-0e99999999999", -0.0),
        (b"1e-99999999999", 0.0),
        (b"1e-2147483647", 0.0),
        (b"0.000e2147483647", 0.0),
        (b"1e00000000000000000002", 100.0),
        (b"100e306", 1e308),
        (b"0.001e310", 1e307),
    ],
)
def test_the_others_are_doubles(text: bytes, number: float) -> None:
    value, end = scan_number(text, 0)
    assert isinstance(value, float)
    assert value == number
    assert math.copysign(1, value) == math.copysign(1, number)
    assert end == len(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"1e309", 5),
        (b"-1e309", 6),
        (b"18e307", 6),
        (b"1.5e400", 7),
        (b"1" + b"0" * 309, 310),
        # An exponent beyond 31 bits is refused behind the digit that is too much.
        (b"1e2147483647", 12),
        (b"1e2147483648", 12),
        (b"1e21474836470", 13),
        (b"1e21474836480", 12),
        (b"1e21474836479999", 13),
        (b"1e99999999999999999999", 12),
        (b"1e+00099999999999999999", 16),
    ],
)
def test_what_no_double_holds_is_refused_where_it_shows(text: bytes, place: int) -> None:
    with pytest.raises(Refusal) as caught:
        scan_number(text + b" ", 0)
    assert (caught.value.reason, caught.value.offset) == ("bad_json", place)
    assert caught.value.problem == "a number is out of range"
    assert skip_number(text, 0) == len(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"-", 1),
        (b"-x", 2),
        (b"--1", 2),
        (b"+1", 1),
        (b".5", 1),
        (b"00", 2),
        (b"-01", 3),
        (b"1.", 2),
        (b"1.}", 3),
        (b"1.e5", 3),
        (b"1e", 2),
        (b"1e}", 3),
        (b"1E", 2),
        (b"1E}", 3),
        (b"1e+", 3),
        (b"1e+}", 4),
        (b"1e--1", 4),
        (b"1.5e", 4),
        (b"1.5ex", 5),
        (b"99999999999999999999.", 21),
        (b"99999999999999999999.e1", 22),
    ],
)
def test_bad_syntax_is_refused_behind_the_byte_that_is_wrong(text: bytes, place: int) -> None:
    for read in (scan_number, skip_number):
        with pytest.raises(Refusal) as caught:
            read(b"[" + text, 1)
        assert (caught.value.reason, caught.value.offset) == ("bad_json", place + 1)
        assert caught.value.problem == "a number is not valid JSON"


@pytest.mark.parametrize("tail", [b"", b" ", b",", b"]", b"}", b"x", b"-", b"+1", b"\x00", b"\xff"])
def test_a_number_ends_before_what_cannot_belong_to_it(tail: bytes) -> None:
    for text in (b"0", b"-7", b"1.5", b"1e5", b"1.5E-5"):
        assert skip_number(b"[" + text + tail, 1) == 1 + len(text)
        assert scan_number(b"[" + text + tail, 1)[1] == 1 + len(text)


def test_a_second_fraction_or_exponent_does_not_belong_to_the_number() -> None:
    assert skip_number(b"1.5.5", 0) == 3
    assert skip_number(b"1e5e5", 0) == 3
    assert skip_number(b"1e5.5", 0) == 3


@given(st.integers(-(2**70), 2**70))
def test_any_integer_is_whole_exactly_where_it_fits(number: int) -> None:
    value, _ = scan_number(str(number).encode(), 0)
    assert value == pytest.approx(number, rel=1e-15)
    assert isinstance(value, int) == (-(2**63) <= number < 2**64)
    if isinstance(value, int):
        assert value == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_double_is_read_back(number: float) -> None:
    text = repr(number)
    value, end = scan_number(text.encode(), 0)
    assert end == len(text)
    # Step by step, as serde_json does it without its feature float_roundtrip: the last bits may differ.
    assert value == pytest.approx(number, rel=1e-14, abs=1e-307)


@given(st.text("0123456789.eE+-", max_size=30).map(str.encode))
def test_what_is_taken_is_the_longest_number_of_the_grammar(text: bytes) -> None:
    try:
        end = skip_number(text, 0)
    except Refusal:
        return
    found = GRAMMAR.match(text)
    assert found is not None
    assert found.end() == end
    assert text[end : end + 1] not in tuple(b"%d" % digit for digit in range(10))


@pytest.mark.parametrize(
    "text",
    [
        b"9" * 1_000_000,
        b"0." + b"0" * 1_000_000 + b"1",
        b"0." + b"9" * 1_000_000,
        b"1e" + b"9" * 1_000_000,
        b"1e-" + b"9" * 1_000_000,
        b"1e" + b"0" * 1_000_000 + b"1",
        b"9" * 500_000 + b"." + b"9" * 500_000,
    ],
    ids=lambda text: f"{text[:4]!r}...",
)
def test_a_megabyte_of_digits_is_read_or_refused(text: bytes) -> None:
    assert skip_number(text, 0) == len(text)
    try:
        value, end = scan_number(text, 0)
    except Refusal:
        value, end = math.inf, len(text)
    assert isinstance(value, float)
    assert (value == math.inf) == (text[:1] == b"9" or text[:5] == b"1e999")
    assert end == len(text)
