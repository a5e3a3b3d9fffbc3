r"""Lines: split on \n only, bounded, the same however the pieces fall."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import CaptureError
from fzctl.logs import lines
from fzctl.logs.lines import Splitter, read_lines
from fzctl.logs.parse import Line
from fzctl.pcap.streams import open_stream


@given(st.lists(st.binary() | st.just(b"\n") | st.just("\u2028\x85\x0b\r".encode())))
def test_lines_do_not_depend_on_the_pieces(pieces: list[bytes]) -> None:
    splitter = Splitter()
    found = [line for piece in pieces for line in splitter.feed(piece)] + list(splitter.finish())
    expected = b"".join(pieces).split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert found == [Line(number, data) for number, data in enumerate(expected, start=1)]


def test_a_huge_line_is_bounded_and_the_next_one_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 10)
    splitter = Splitter()
    found = [*splitter.feed(b"a" * 8), *splitter.feed(b"a" * 8), *splitter.feed(b"a\nb\n" + b"c" * 12)]
    assert found + list(splitter.finish()) == [Line(1, b"a" * 10, 7), Line(2, b"b"), Line(3, b"c" * 10, 2)]


def test_what_stands_before_damage_is_given_first() -> None:
    import gzip

    packed = gzip.compress(b"one\ntwo\nthr" + b"ee")
    stream = open_stream(io.BytesIO(packed[:-9]))
    lines_read = read_lines(stream)
    assert [next(lines_read).data for _ in range(2)] == [b"one", b"two"]
    assert next(lines_read).data.startswith(b"thr")
    with pytest.raises(CaptureError, match="ends too early"):
        list(lines_read)
