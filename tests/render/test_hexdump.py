"""Hex dumps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fzctl.render.hexdump import hexdump

TEXT = """\
  0000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................
  0010  41 7e 7f                                          A~."""


def test_a_dump_shows_offset_hex_and_printable_ascii() -> None:
    assert hexdump(bytes(range(16)) + b"A~\x7f", "  ") == TEXT


def test_no_bytes_have_no_dump() -> None:
    assert hexdump(b"") == ""


@given(st.binary(max_size=100))
def test_the_bytes_can_be_read_back(data: bytes) -> None:
    assert b"".join(bytes.fromhex(line[6:54]) for line in hexdump(data).splitlines()) == data
