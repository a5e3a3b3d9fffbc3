"""The buffer that a stream goes through."""

from __future__ import annotations

import io

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.streams import open_stream
from fzctl.pcap.window import Window
from tests.pcap import build


def window_on(data: bytes, capacity: int = 8) -> Window:
    return Window(open_stream(io.BytesIO(data)), capacity)


def test_what_is_kept_moves_to_the_front() -> None:
    window = window_on(b"abcdefghijkl")
    assert window.need(8)
    assert window.refill(6)
    assert bytes(window.view[: window.end]) == b"ghijkl"
    assert window.base == 6


def test_the_buffer_grows_only_where_nothing_can_be_dropped() -> None:
    window = window_on(bytes(range(30)))
    assert window.need(8)
    assert window.refill(4)
    assert len(window.view) == 8
    assert window.need(20)
    assert len(window.view) == 32
    assert bytes(window.view[:4]) == bytes((4, 5, 6, 7))


def test_the_end_of_the_stream_is_false() -> None:
    window = window_on(b"abcdef")
    assert window.need(6)
    assert not window.refill(2)
    assert window.end == 4
    assert not window.need(5)


def test_a_pipe_is_not_waited_for_once_there_is_enough() -> None:
    window = Window(open_stream(build.Pieces(b"abcdefgh", [4])), 8)
    assert window.need(4)
    assert window.end == 4


def test_an_error_counts_from_the_front_of_the_stream() -> None:
    window = window_on(b"abcdefghijkl")
    window.need(8)
    window.refill(6)
    with pytest.raises(CaptureError) as caught:
        raise window.error(2, "words")
    assert caught.value.offset == 8
    assert caught.value.source == window.name == "stream"
