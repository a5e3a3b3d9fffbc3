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


KEYS = b"LOCAL_STATIC_PRIVATE_KEY = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
WIREGUARD = 0x57474B4C


def write_everything(path: Path) -> None:
    """Three interfaces, keys, names twice, comments and directions, hostile texts among them."""
    with open_writer(path, None) as writer:
        writer.write_secrets(WIREGUARD, KEYS)
        writer.write_names({"198.51.100.2": "gitlab.example.com", "2001:db8::2": "six.example.com"})
        assert writer.add_interface(101, "the tunnel \x1b[31m") == 0
        assert writer.add_interface(1) == 1
        packet = build.ipv6(b"payload", addresses=bytes.fromhex("20010db8" + "00" * 11 + "02") * 2)
        writer.write(packet, TIME, comment="a\0b\x07c\nd", direction="in")
        assert writer.add_interface(113) == 2
        writer.write(build.ethernet(build.ipv4()), TIME + 1, interface=1, direction="out")
        writer.write_names({"198.51.100.3": "late \0\x1b]0;x\x07\n"})
        writer.write(build.cooked(build.ipv4()), TIME + 2, interface=2)
        writer.write(packet, None)


def test_several_interfaces_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    write_everything(path)
    with open_capture(path) as capture:
        assert capture.has_secrets()
        frames = list(capture.frames())
        assert [frame.link_type for frame in frames] == [101, 1, 113, 101]
        assert [frame.time for frame in frames] == [TIME, TIME + 1, TIME + 2, None]
        assert [frame.comments for frame in frames] == [("a\\x00b\\x07c\nd",), (), (), ()]
        assert capture.secrets == [(WIREGUARD, KEYS)]
        assert capture.names == {
            "198.51.100.2": "gitlab.example.com",
            "2001:db8::2": "six.example.com",
            "198.51.100.3": "late \\x00\\x1b]0;x\\x07 ",
        }


def test_what_comes_before_the_first_interface_waits_for_it() -> None:
    target = io.BytesIO()
    with open_writer(target, None) as writer:
        writer.write_secrets(WIREGUARD, KEYS)
        with pytest.raises(ValueError, match="no interface 0"):
            writer.write(b"abc", TIME)
    kinds, at = [], 0
    data = target.getvalue()
    while at < len(data):
        kinds.append(int.from_bytes(data[at : at + 4], "little"))
        at += int.from_bytes(data[at + 4 : at + 8], "little")
    assert kinds == [0x0A0D0D0A, 1, 10]


def test_an_interface_or_direction_that_is_none_is_refused() -> None:
    writer = open_writer(io.BytesIO())
    with pytest.raises(ValueError, match="no interface 1"):
        writer.write(b"abc", TIME, interface=1)
    with pytest.raises(ValueError, match="'up' is no direction"):
        writer.write(b"abc", TIME, direction="up")


def test_keys_that_no_reader_takes_are_refused() -> None:
    with pytest.raises(CaptureError, match="keys of 9000000 bytes are too long"):
        open_writer(io.BytesIO()).write_secrets(WIREGUARD, bytes(9_000_000))


def test_pcap_says_what_it_cannot_hold() -> None:
    writer = open_writer(io.BytesIO(), 1, "pcap")
    with pytest.raises(CaptureError, match=r"pcap cannot hold keys: name the file \.pcapng"):
        writer.write_secrets(WIREGUARD, KEYS)
    with pytest.raises(CaptureError, match=r"pcap cannot hold names: name the file \.pcapng"):
        writer.write_names({"192.0.2.1": "name"})
    with pytest.raises(CaptureError, match="several link types"):
        writer.add_interface(101)


def test_pcap_takes_several_interfaces_of_one_link_type() -> None:
    target = io.BytesIO()
    with open_writer(target, None, "pcap") as writer:
        assert [writer.add_interface(1), writer.add_interface(1)] == [0, 1]
        writer.write(b"abc", TIME, interface=1, direction="in")
    assert read(target.getvalue()) == [(1, TIME, 1, b"abc", 3, ())]


@both_formats
def test_a_capture_without_a_frame_is_whole(form: str) -> None:
    target = io.BytesIO()
    with open_writer(target, None, form):
        pass
    assert read(target.getvalue()) == []


@pytest.mark.peer("tshark")
def test_wireshark_and_its_tools_read_keys_names_and_directions(
    require_peer: Callable[[str], str], tmp_path: Path
) -> None:
    path, out = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    write_everything(path)

    def run(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    fields = ["frame.packet_flags_direction", "frame.interface_id", "ip.dst_host", "ipv6.dst_host"]
    names = ["-N", "nN", "-r", str(path), "-T", "fields"]
    lines = run(require_peer("tshark"), *names, *(part for name in fields for part in ("-e", name)))
    rows = [line.split("\t") for line in lines.splitlines()]
    assert [int(row[0] or "0", 0) for row in rows] == [1, 2, 0, 0]
    assert [row[1] for row in rows] == ["0", "1", "2", "0"]
    assert rows[0][3] == "six.example.com"
    assert "a\\x00b" in run(require_peer("tshark"), "-r", str(path), "-T", "fields", "-e", "frame.comment")
    assert "Number of packets:   4" in run(require_peer("capinfos"), "-c", "-M", str(path))
    if "--extract-secrets" in run(require_peer("editcap"), "--help"):
        run(require_peer("editcap"), "--extract-secrets", str(path), str(tmp_path / "extracted"))
        assert (tmp_path / "extracted").read_bytes() == KEYS
    # Through editcap and back, and the keys as it writes them beside ours.
    run(require_peer("editcap"), str(path), str(out))
    with open_capture(out) as capture:
        assert len(list(capture.frames())) == 4
        assert capture.secrets == [(WIREGUARD, KEYS)]
    keys = tmp_path / "keys"
    keys.write_bytes(KEYS)
    bare = tmp_path / "bare.pcapng"
    run(require_peer("editcap"), "--discard-all-secrets", str(path), str(bare))
    run(require_peer("editcap"), "--inject-secrets", f"wg,{keys}", str(bare), str(out))
    with open_capture(out) as capture:
        assert capture.has_secrets()
        assert capture.secrets == [(WIREGUARD, KEYS)]
