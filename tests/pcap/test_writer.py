"""Captures out: what is written is read back, by us and by others."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import CaptureError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.frame import Frame
from fzctl.pcap.writer import open_writer
from tests.pcap import build

TIME = 1_700_000_000_123_456_789
both_formats = pytest.mark.parametrize("form", ["pcap", "pcapng"])


def read(data: bytes) -> list[Frame]:
    return list(open_capture(io.BytesIO(data)).frames())


@both_formats
@given(
    frames=st.lists(
        st.tuples(st.binary(max_size=40), st.integers(0, (1 << 32) * 10**9 - 1), st.integers(0, 9))
    ),
    link_type=st.sampled_from((1, 101, 229)),
)
def test_what_is_written_is_read_back(
    form: str, frames: list[tuple[bytes, int, int]], link_type: int
) -> None:
    target = io.BytesIO()
    with open_writer(target, link_type, form) as writer:
        for data, time, more in frames:
            writer.write(data, time, len(data) + more)
    expected = [
        (number, time, link_type, data, len(data) + more, ())
        for number, (data, time, more) in enumerate(frames, 1)
    ]
    assert read(target.getvalue()) == expected


def test_pcapng_keeps_comments_and_missing_times() -> None:
    target = io.BytesIO()
    with open_writer(target) as writer:
        writer.write(b"abcde", TIME, comment="für später")
        writer.write(b"abcde", None)
    first, second = read(target.getvalue())
    assert (first.time, first.comments) == (TIME, ("für später",))
    assert (second.time, second.comments) == (None, ())


def test_pcap_has_no_place_for_comments() -> None:
    target = io.BytesIO()
    with open_writer(target, format="pcap") as writer:
        writer.write(b"abcde", TIME, comment="lost")
    assert read(target.getvalue()) == [(1, TIME, 101, b"abcde", 5, ())]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.pcap", "pcap"),
        ("a.pcap.gz", "pcap"),
        ("a.pcapng", "pcapng"),
        ("a.pcapng.gz", "pcapng"),
        ("a", "pcapng"),
    ],
)
def test_the_name_tells_the_format(tmp_path: Path, name: str, form: str) -> None:
    with open_writer(tmp_path / name) as writer:
        writer.write(build.control(), TIME)
    with open_capture(tmp_path / name) as capture:
        assert capture.format == form
        assert [found.time for found in capture.candidates()] == [TIME]


def test_an_error_leaves_no_file_behind(tmp_path: Path) -> None:
    def write_and_fail() -> None:
        with open_writer(tmp_path / "out.pcap") as writer:
            writer.write(b"abc", TIME)
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    assert os.listdir(tmp_path) == []


@both_formats
@pytest.mark.parametrize("time", [-1, 1 << 90])
def test_a_time_that_does_not_fit_is_refused(form: str, time: int) -> None:
    with pytest.raises(CaptureError, match="does not fit"):
        open_writer(io.BytesIO(), format=form).write(b"abc", time)


@both_formats
def test_a_frame_that_no_reader_takes_is_refused(form: str) -> None:
    with pytest.raises(CaptureError, match="262145 bytes is too long"):
        open_writer(io.BytesIO(), format=form).write(bytes(262145), TIME)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="'snoop' is no capture format"):
        open_writer(io.BytesIO(), format="snoop")


def test_a_comment_that_is_too_long_is_cut_between_characters() -> None:
    target = io.BytesIO()
    with open_writer(target) as writer:
        writer.write(b"abc", TIME, comment="ü" * 40_000)
    (frame,) = read(target.getvalue())
    assert set(frame.comments[0]) == {"ü"}


@pytest.mark.peer("tshark")
@pytest.mark.parametrize("name", ["a.pcap", "a.pcapng", "a.pcapng.gz"])
def test_wireshark_reads_what_is_written(
    require_peer: Callable[[str], str], tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    packet = build.ipv6(b"payload")
    with open_writer(path) as writer:
        writer.write(packet, TIME, comment="a comment")
        writer.write(packet[:45], TIME + 1, len(packet))
    fields = ["frame.time_epoch", "frame.cap_len", "frame.len", "frame.protocols", "frame.comment"]
    command = [require_peer("tshark"), "-n", "-r", str(path), "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    first, second = (line.split("\t") for line in result.stdout.splitlines())
    assert first[:3] == ["1700000000.123456789", "47", "47"]
    assert second[:3] == ["1700000000.123456790", "45", "47"]
    assert first[3].startswith("raw:ipv6")
    assert first[4] == ("" if name == "a.pcap" else "a comment")
