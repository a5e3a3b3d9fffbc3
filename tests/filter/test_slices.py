"""The slice operator, with the answers that tshark gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.filter.slices import Slice, cut, read_slice


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[0:4]", b"abcd"),
        ("[1-3]", b"bcd"),
        ("[2-2]", b"c"),
        ("[2]", b"c"),
        ("[:3]", b"abc"),
        ("[4:]", b"ef"),
        ("[:]", b"abcdef"),
        ("[-1]", b"f"),
        ("[-3:]", b"def"),
        ("[-3:2]", b"de"),
        ("[-3--2]", b"de"),
        ("[0,2-3,5:]", b"acdf"),
        ("[ 1 : 2 ]", b"bc"),
        ("[6:]", b""),
        ("[6]", b""),
        ("[4:9]", b""),
        ("[-9:]", b""),
        ("[-1:2]", b""),
        ("[0,9]", b"a"),
        ("[0,9,1]", b"a"),
    ],
)
def test_slices_cut_as_wireshark_does(text: str, expected: bytes) -> None:
    assert cut(b"abcdef", read_slice(text)) == expected


@pytest.mark.parametrize(
    "text", ["[]", "[a]", "[0:0]", "[3-1]", "[0--1]", "[-1-3]", "[1:2:3]", "[1,]", "[9999999999]"]
)
def test_what_is_no_slice_says_why(text: str) -> None:
    with pytest.raises(ValueError, match=r"slice|ends|length"):
        read_slice(text)


@given(st.binary(max_size=20), st.integers(0, 20), st.integers(1, 20))
def test_a_slice_that_fits_is_pythons(value: bytes, start: int, length: int) -> None:
    expected = value[start : start + length] if start + length <= len(value) else b""
    assert cut(value, (Slice(start, length),)) == expected
