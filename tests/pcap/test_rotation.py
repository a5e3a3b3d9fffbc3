"""Captures in file after file: when the next begins, what it begins with, which are kept."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.rotation import Limits, RotatingWriter, name_of, parse_limits
from tests.records import TIME, assigned, goodbye

NOON = 1_795_351_381.0


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def packets(path: str | Path) -> list[bytes]:
    with open_capture(path) as capture:
        return [frame.data for frame in capture.frames()]


def write(folder: Path, limits: Limits, count: int, name: str = "out.pcapng") -> list[Path]:
    with RotatingWriter(str(folder / name), limits) as writer:
        writer.add_interface(101)
        for number in range(count):
            writer.write(assigned(f"{number}.example"), TIME)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("name", ["out.pcapng", "out.pcap", "out.pcapng.gz", "out"])
def test_every_file_is_whole_and_none_is_lost(name: str, tmp_path: Path) -> None:
    files = write(tmp_path, Limits(frames=3), 10, name)
    assert [len(packets(path)) for path in files] == [3, 3, 3, 1]
    assert [packet for path in files for packet in packets(path)] == [
        assigned(f"{number}.example") for number in range(10)
    ]
    endings = {path.name.partition(".")[1] + path.name.partition(".")[2] for path in files}
    assert endings == {"." + name.partition(".")[2] if "." in name else ""}


def test_the_oldest_are_removed(tmp_path: Path) -> None:
    files = write(tmp_path, Limits(frames=2, files=2), 10)
    assert [path.name[:9] for path in files] == ["out_00004", "out_00005"]


@pytest.mark.parametrize("name", ["out.pcapng", "out.pcap", "out.pcapng.gz"])
def test_where_the_next_file_cannot_be_begun_those_before_it_are_whole(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RotatingWriter(str(tmp_path / name), Limits(frames=2))
    writer.add_interface(101)
    writer.write(goodbye(), TIME)
    writer.write(goodbye(), TIME)
    before = os.open

    def refused(path: str, *arguments: int) -> int:
        if path.endswith(".part"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return before(path, *arguments)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(CaptureError, match=r"out_00002_.*: cannot be written: Too many open files"):
        writer.write(goodbye(), TIME)
    writer.close()  # as who saves a live capture does, whatever ended it
    [path] = tmp_path.iterdir()
    assert list(writer.finished) == [str(path)]
    assert packets(path) == [goodbye(), goodbye()]


def test_private_files_are_their_owners_alone(tmp_path: Path) -> None:
    with RotatingWriter(str(tmp_path / "out.pcapng"), Limits(frames=1), private=True) as writer:
        writer.add_interface(101)
        for _ in range(3):
            writer.write(goodbye(), TIME)
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600] * 3


def test_one_file_may_be_kept(tmp_path: Path) -> None:
    assert [path.name[:9] for path in write(tmp_path, Limits(frames=2, files=1), 10)] == ["out_00005"]


def test_a_file_is_as_large_as_it_may_be_and_a_frame_more(tmp_path: Path) -> None:
    files = write(tmp_path, Limits(size=2000), 50)
    assert len(files) > 4
    assert all(2000 <= path.stat().st_size < 2400 for path in files[:-1])


def test_time_ends_a_file_with_the_next_frame_or_by_a_look_at_the_clock(tmp_path: Path) -> None:
    clock = Clock()
    with RotatingWriter(str(tmp_path / "out.pcapng"), Limits(seconds=60), clock=clock) as writer:
        writer.add_interface(101)
        clock.now += 61
        writer.look_at_clock()
        assert not writer.finished  # nothing stands in it
        writer.write(goodbye(), TIME)
        writer.look_at_clock()
        assert len(writer.finished) == 1
        clock.now += 30
        writer.write(goodbye(), TIME)
        writer.look_at_clock()
        clock.now += 30
        writer.write(goodbye(), TIME)
        assert len(writer.finished) == 2
    assert [len(packets(path)) for path in writer.finished] == [1, 1, 1]


def test_what_readers_need_stands_in_every_file(tmp_path: Path) -> None:
    with RotatingWriter(str(tmp_path / "out.pcapng"), Limits(frames=3)) as writer:
        writer.add_interface(101)
        writer.add_interface(1, "eth0")
        writer.write_secrets(0x57474B4C, b"keys")
        writer.write(b"handshake", TIME, interface=1)
        writer.repeat_last()
        for number in range(8):
            writer.write_names({f"100.96.0.{number}": f"{number}.example"})
            writer.write(b"data", TIME, interface=1)
    for number, path in enumerate(writer.finished):
        with open_capture(path) as capture:
            frames = list(capture.frames())
            assert capture.secrets == [(0x57474B4C, b"keys")]
            assert "100.96.0.0" in capture.names
        assert frames[0].data == b"handshake"
        assert {frame.link_type for frame in frames} == {1}
        assert len(capture.names) > number


def test_the_file_that_is_written_has_no_name_yet_and_an_error_takes_it_back(tmp_path: Path) -> None:
    writer = RotatingWriter(str(tmp_path / "out.pcapng"), Limits(frames=1))
    writer.add_interface(101)
    writer.write(goodbye(), TIME)
    writer.write(goodbye(), TIME)
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".pcapng", ".part"]
    writer.__exit__(RuntimeError, RuntimeError(), None)
    assert [path.suffix for path in tmp_path.iterdir()] == [".pcapng"]


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be written"):
        RotatingWriter(str(tmp_path / "no" / "out.pcapng"), Limits(frames=1))


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("a/cap.pcapng", r"a/cap_00007_\d{14}\.pcapng"),
        ("cap.pcap.zst", r"cap_00007_\d{14}\.pcap\.zst"),
        ("v1.2", r"v1\.2_00007_\d{14}"),
        (".pcap", r"\.pcap_00007_\d{14}"),
    ],
)
def test_names_are_those_of_dumpcap(path: str, pattern: str) -> None:
    assert re.fullmatch(pattern, name_of(path, 7, NOON))


def test_limits_are_read_in_dumpcaps_words() -> None:
    assert parse_limits([]) == Limits()
    assert parse_limits(["filesize:10", "files:3"]) == Limits(size=10_000, files=3)
    assert parse_limits(["duration:60", "packets:5"]) == Limits(seconds=60, frames=5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("files:3", "needs filesize"),
        ("filesize", "no whole number above 0"),
        ("filesize:0", "no whole number above 0"),
        ("filesize:-1", "no whole number above 0"),
        ("duration:1.5", "no whole number above 0"),
        ("packets:²", "no whole number above 0"),
        ("packets:" + "9" * 5000, "no whole number above 0"),
        ("interval:5", "there are filesize:KB"),
        ("", "there are filesize:KB"),
    ],
)
def test_other_words_are_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_limits([text])
