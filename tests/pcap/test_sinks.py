"""Targets: whole or absent, packed by name."""

from __future__ import annotations

import errno
import gzip
import io
import os
import pty
import signal
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.sinks import open_sink
from fzctl.pcap.streams import open_stream


def unpacked(path: Path) -> bytes:
    stream = open_stream(path)
    target = memoryview(bytearray(1000))
    out = b""
    while count := stream.readinto(target):
        out += target[:count]
    stream.close()
    return out


def test_a_file_has_its_name_only_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    sink = open_sink(path)
    sink.write(b"data")
    sink.flush()
    assert not path.exists()
    sink.close()
    assert path.read_bytes() == b"data"
    assert os.listdir(tmp_path) == ["out.pcapng"]


@pytest.mark.parametrize("name", ["a.pcap", "a.pcap.gz"])
def test_what_is_finished_is_finished_once(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    sink = open_sink(path)
    sink.write(b"data")
    sink.close()
    path.rename(tmp_path / "moved")
    sink.close()
    sink.abandon()
    assert os.listdir(tmp_path) == ["moved"]


def test_an_abandoned_file_leaves_nothing_and_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    path.write_bytes(b"before")
    sink = open_sink(str(path))
    sink.write(b"data")
    sink.abandon()
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["out.pcapng"]


def modes_of(path: Path, before: int | None, *, private: bool) -> tuple[int, int]:
    """Who may do what with a file while it is written and after, where the umask takes nothing away.

    ``before`` is the mode of what stands there already, if anything does.
    """
    if before is not None:
        path.touch()
        path.chmod(before)
    mask = os.umask(0)
    try:
        sink = open_sink(path, private=private)
        [written] = [each for each in path.parent.iterdir() if each != path]
        meanwhile = written.stat().st_mode & 0o777
        sink.close()
    finally:
        os.umask(mask)
    return meanwhile, path.stat().st_mode & 0o777


@pytest.mark.parametrize("before", [None, 0o666, 0o600])
def test_a_private_file_is_its_owners_alone(before: int | None, tmp_path: Path) -> None:
    assert modes_of(tmp_path / "keys.pcapng", before, private=True) == (0o600, 0o600)


def test_what_others_could_not_read_they_cannot_while_it_is_written_anew(tmp_path: Path) -> None:
    assert modes_of(tmp_path / "out.pcapng", 0o640, private=False) == (0o640, 0o640)


def test_a_link_that_somebody_else_made_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, link = tmp_path / "precious", tmp_path / "out.pcapng"
    target.write_text("before")
    link.symlink_to(target)
    monkeypatch.setattr(os, "geteuid", lambda: link.lstat().st_uid + 1)
    monkeypatch.setattr("fzctl.pcap.sinks._SYSTEM", -1)
    with pytest.raises(CaptureError, match=r"out\.pcapng: is a link that somebody else made"):
        open_sink(link)
    assert target.read_text() == "before"
    assert sorted(os.listdir(tmp_path)) == ["out.pcapng", "precious"]


def test_a_replaced_file_keeps_its_mode_and_a_link_its_target(tmp_path: Path) -> None:
    path = tmp_path / "real.pcapng"
    path.write_bytes(b"before")
    path.chmod(0o600)
    link = tmp_path / "link.pcapng"
    link.symlink_to(path)
    sink = open_sink(link)
    sink.write(b"after")
    sink.close()
    assert link.is_symlink()
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600


def test_gz_is_gzip(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap.gz"
    sink = open_sink(path)
    sink.write(b"some ")
    sink.write(b"data")
    sink.close()
    assert gzip.decompress(path.read_bytes()) == b"some data"


def test_zst_is_zstd(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap.zst"
    try:
        sink = open_sink(path)
    except CaptureError as error:
        pytest.skip(str(error))
    sink.write(b"some data")
    sink.close()
    assert path.read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
    assert unpacked(path) == b"some data"


def test_a_dash_is_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    out = io.TextIOWrapper(buffer)
    monkeypatch.setattr(sys, "stdout", out)
    sink = open_sink("-")
    sink.write(b"data")
    sink.close()
    assert buffer.getvalue() == b"data"


def test_a_file_object_stays_open() -> None:
    target = io.BytesIO()
    sink = open_sink(target)
    sink.write(b"data")
    sink.close()
    assert target.getvalue() == b"data"


def test_a_device_is_written_in_place() -> None:
    sink = open_sink("/dev/null")
    sink.write(b"data")
    sink.close()
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("form", ["/dev/fd/{}", "/proc/self/fd/{}", "link"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_a_descriptor_by_name_is_gone_on_with_where_it_is(kind: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    reader, writer = os.pipe() if kind == "pipe" else (-1, os.open(path, os.O_WRONLY | os.O_CREAT))
    (tmp_path / "link").symlink_to(f"/dev/fd/{writer}")
    os.write(writer, b"before ")
    sink = open_sink(tmp_path / form.format(writer))
    sink.write(b"data")
    sink.close()
    os.write(writer, b" after")
    os.close(writer)
    if kind == "pipe":
        os.set_blocking(reader, False)
        assert os.read(reader, 100) == b"before data after"
        os.close(reader)
    else:
        assert path.read_bytes() == b"before data after"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("number", ["900", "9" * 30, "\u0663"])
def test_a_descriptor_that_is_none_is_named(number: str) -> None:
    with pytest.raises(CaptureError, match=f"/dev/fd/{number}: cannot be written"):
        open_sink(f"/dev/fd/{number}")


def test_a_terminal_gets_no_file() -> None:
    leader, terminal = pty.openpty()
    try:
        for name in (os.ttyname(terminal), f"/dev/fd/{terminal}"):
            with pytest.raises(CaptureError, match="is a terminal"):
                open_sink(name)
    finally:
        os.close(leader)
        os.close(terminal)


def test_what_a_killed_process_left_stands_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    left = tmp_path / f"out.pcap.{os.getpid()}.part"
    left.write_bytes(b"left")
    sink = open_sink(path)
    sink.write(b"data")
    sink.close()
    assert (path.read_bytes(), left.read_bytes()) == (b"data", b"left")
    assert len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize("name", ["n" * 255, "\u00e9" * 127])
def test_the_longest_name_is_no_longer_while_it_is_written(name: str, tmp_path: Path) -> None:
    open_sink(tmp_path / name).close()
    assert os.listdir(tmp_path) == [name]


def test_a_file_that_is_protected_from_writing_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.pcap"
    path.write_bytes(b"before")
    # As it is for all but root.
    monkeypatch.setattr(os, "access", lambda name, mode: (name, mode) != (str(path), os.W_OK))
    with pytest.raises(CaptureError, match=r"out\.pcap: cannot be written: Permission denied"):
        open_sink(path)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["out.pcap"]


@pytest.mark.parametrize("private", [False, True])
def test_a_file_that_is_mounted_there_is_filled(
    private: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.pcap"
    path.write_bytes(b"what was there before")
    path.chmod(0o644)
    number = path.stat().st_ino

    def busy(*_: object) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", busy)
    sink = open_sink(path, private=private)
    sink.write(b"data")
    sink.close()
    assert (path.read_bytes(), path.stat().st_ino) == (b"data", number)
    assert path.stat().st_mode & 0o777 == (0o600 if private else 0o644)
    assert os.listdir(tmp_path) == ["out.pcap"]


@pytest.mark.parametrize("name", ["", "none/out.pcap"])
def test_what_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(CaptureError, match=r"is a directory|cannot be written: No such file"):
        open_sink(tmp_path / name)


def test_a_full_disk_is_named() -> None:
    class Full(io.RawIOBase):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            """The base class would flush, long after the test."""

    full: Any = Full()
    sink = open_sink(full)
    with pytest.raises(CaptureError, match="cannot be written: No space left"):
        sink.write(b"data")
    with pytest.raises(CaptureError, match="cannot be written: No space left"):
        sink.close()


def test_a_reader_that_went_away_is_no_capture_error() -> None:
    class Gone(io.RawIOBase):
        def write(self, data: Any) -> int:
            raise BrokenPipeError

    gone: Any = Gone()
    with pytest.raises(BrokenPipeError):
        open_sink(gone).write(b"data")


@pytest.mark.parametrize("name", ["a.pcap", "a.pcap.gz", "a.pcap.zst"])
def test_the_size_is_that_of_the_file(name: str, tmp_path: Path) -> None:
    sink = open_sink(tmp_path / name)
    for _ in range(10):
        sink.write(bytes(100_000))
    sink.close()
    assert sink.size == (tmp_path / name).stat().st_size


@pytest.mark.parametrize(("name", "kept"), [("a.pcap", b"whole"), ("a.pcap.gz", None)])
def test_what_was_flushed_can_be_salvaged(name: str, kept: bytes | None, tmp_path: Path) -> None:
    sink = open_sink(tmp_path / name)
    sink.write(b"whole")
    sink.flush()
    sink.write(b"half")
    sink.salvage()
    sink.abandon()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if kept is None else [kept])


def test_of_what_was_never_flushed_nothing_is_salvaged(tmp_path: Path) -> None:
    sink = open_sink(tmp_path / "a.pcap")
    sink.write(b"half")
    sink.salvage()
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_it_packs_does_not_tear_what_is_packed(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)  # packing it takes much longer than the alarm
    sink = open_sink(tmp_path / "a.pcap.gz")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)

    def write_until_the_alarm() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        sink.write(data)
        signal.pause()

    try:
        with pytest.raises(KeyboardInterrupt):
            write_until_the_alarm()
    finally:
        signal.signal(signal.SIGALRM, before)
    sink.close()
    packed = (tmp_path / "a.pcap.gz").read_bytes()
    # Nothing of it, where the alarm came before it began.
    assert zlib.decompress(packed, 16 + zlib.MAX_WBITS) in (data, b"")
