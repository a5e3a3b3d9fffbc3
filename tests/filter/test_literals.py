"""The same text means another value for another type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.filter.addresses import Network
from fzctl.filter.fields import FieldType
from fzctl.filter.lexer import read_tokens
from fzctl.filter.literals import read_literal

GUID = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldType.UINT, "10", 10),
        (FieldType.UINT, "0", 0),
        (FieldType.UINT, "010", 8),
        (FieldType.UINT, "0x1F", 31),
        (FieldType.UINT, "0b101", 5),
        (FieldType.UINT, "'a'", 97),
        (FieldType.UINT, "18446744073709551615", 2**64 - 1),
        (FieldType.FRAMENUM, "7", 7),
        (FieldType.BYTES, "7b:22:72", b'{"r'),
        (FieldType.BYTES, "7B.22.72", b'{"r'),
        (FieldType.BYTES, "7b-22-72", b'{"r'),
        (FieldType.BYTES, "7b2272", b'{"r'),
        (FieldType.BYTES, ":22", b'"'),
        (FieldType.BYTES, "0.1.0.d", b"\x00\x01\x00\x0d"),
        (FieldType.BYTES, "00.0001", b"\x00\x00\x01"),
        (FieldType.BYTES, "7", b"\x07"),
        (FieldType.BYTES, "0x7b", b"{"),
        (FieldType.BYTES, r'"{\xff"', b"{\xff"),
        (FieldType.BYTES, "'{'", b"{"),
        (FieldType.STRING, "Active", "Active"),
        (FieldType.STRING, '"é"', "é"),
        (FieldType.STRING, "'a'", "a"),
        (FieldType.STRING, "61", "61"),
        (FieldType.STRING, r'"\xff"', b"\xff"),
        (FieldType.GUID, GUID.upper(), GUID),
        (FieldType.GUID, f'"{GUID}"', GUID),
        (FieldType.IPV4, "100.96.0.1", 0x64600001),
        (FieldType.IPV4, "100.96.0.1/11", Network(0x64600000, 0xFFE00000)),
        (FieldType.IPV6, "::1", 1),
        (FieldType.BOOLEAN, "true", True),
        (FieldType.BOOLEAN, "False", False),
        (FieldType.BOOLEAN, "1", True),
        (FieldType.BOOLEAN, "0", False),
        (FieldType.BOOLEAN, "2", True),
        (FieldType.BOOLEAN, '"TRUE"', True),
        (FieldType.TIME, "1", 10**9),
        (FieldType.TIME, "0.000000001", 1),
        (FieldType.TIME, "-1.5", -1_500_000_000),
    ],
)
def test_a_value_is_read_as_its_field_wants_it(kind: FieldType, text: str, value: object) -> None:
    read = read_literal(read_tokens(text)[0], kind)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FieldType.UINT, "abc"),
        (FieldType.UINT, '"1"'),
        (FieldType.UINT, "08"),
        (FieldType.UINT, "0x"),
        (FieldType.UINT, "1a"),
        (FieldType.UINT, "1.0"),
        (FieldType.UINT, "-1"),
        (FieldType.UINT, "18446744073709551616"),
        (FieldType.UINT, "9" * 10_000),
        (FieldType.FRAMENUM, '"8"'),
        (FieldType.BYTES, "xyz"),
        (FieldType.BYTES, "0x7b22"),
        (FieldType.BYTES, "7b2"),
        (FieldType.BYTES, "7b:22-72"),
        (FieldType.BYTES, "7b:"),
        (FieldType.GUID, "6b7188f5"),
        (FieldType.GUID, "6b7188f500ac41dc9ddd57e2384f31ef"),
        (FieldType.GUID, r'"\xff"'),
        (FieldType.IPV4, '"1.2.3.4"'),
        (FieldType.IPV4, "1"),
        (FieldType.IPV4, "1.2.3.4/40"),
        (FieldType.IPV6, "1.2.3.4"),
        (FieldType.BOOLEAN, "yes"),
        (FieldType.BOOLEAN, '"1"'),
        (FieldType.TIME, '"1"'),
        (FieldType.TIME, "1e0"),
        (FieldType.TIME, "1.0000000001"),
        (FieldType.TIME, "abc"),
    ],
)
def test_what_a_field_cannot_hold_is_refused(kind: FieldType, text: str) -> None:
    with pytest.raises(ValueError, match=r"write|never|two|prefix"):
        read_literal(read_tokens(text)[0], kind)


@given(st.integers(0, 2**64 - 1))
def test_every_number_is_read_in_every_base(number: int) -> None:
    for text in (str(number), hex(number), f"0{number:o}", bin(number)):
        assert read_literal(read_tokens(text)[0], FieldType.UINT) == number


@given(st.binary(min_size=1, max_size=40), st.sampled_from([":", ".", "-", ""]))
def test_bytes_come_back_with_every_sign_between(content: bytes, sign: str) -> None:
    text = content.hex(sign) if sign else content.hex()
    assert read_literal(read_tokens(text)[0], FieldType.BYTES) == content
