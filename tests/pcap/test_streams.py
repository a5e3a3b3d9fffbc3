"""Files, pipes and file objects, opened or refused in words."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.streams import Stream, open_stream
from tests.pcap import build


def drain(stream: Stream) -> bytes:
    target = memoryview(bytearray(10))
    out = b""
    while count := stream.readinto(target):
        out += target[:count]
    stream.close()
    return out


class OnlyReads:
    """The least that a file object can be."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._file.read(size)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 100])
def test_plain_bytes_pass_unchanged(tmp_path: Path, size: int) -> None:
    data = bytes(range(size))
    path = tmp_path / "file"
    path.write_bytes(data)
    sources: list[Any] = [str(path), path, io.BytesIO(data), OnlyReads(data), build.Pieces(data, [1])]
    for source in sources:
        assert drain(open_stream(source)) == data


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_compression_is_told_by_content_also_from_a_slow_pipe(size: int) -> None:
    source: Any = build.Pieces(gzip.compress(b"the text"), [size])
    assert drain(open_stream(source)) == b"the text"


def test_the_name_does_not_tell_compression(tmp_path: Path) -> None:
    path = tmp_path / "plain.gz"
    path.write_bytes(b"plain text")
    assert drain(open_stream(path)) == b"plain text"


def test_progress_counts_packed_bytes(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    packed = gzip.compress(bytes(100_000))
    path.write_bytes(packed)
    stream = open_stream(path)
    drain(stream)
    assert (stream.consumed, stream.total) == (len(packed), len(packed))


def test_a_pipe_has_no_size() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"some bytes")
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        assert open_stream(file).total is None


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"from standard input")
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        stream = open_stream("-")
        assert stream.name == "standard input"
        assert drain(stream) == b"from standard input"


def test_a_closed_standard_input_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CaptureError, match="standard input: is closed"):
        open_stream("-")


def test_a_file_object_stays_open_and_a_path_does_not(tmp_path: Path) -> None:
    source = io.BytesIO(b"data")
    open_stream(source).close()
    assert not source.closed
    path = tmp_path / "file"
    path.write_bytes(b"data")
    stream = open_stream(path)
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        drain(stream)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="is a directory, not a capture file"):
        open_stream(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"none\.pcap: cannot be opened: No such file"):
        open_stream(tmp_path / "none.pcap")


def test_a_name_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(CaptureError, match="cannot be opened"):
        open_stream("a\0b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.pcap"
    path.write_bytes(b"data")
    path.chmod(0)
    with pytest.raises(CaptureError, match=r"secret\.pcap: cannot be opened: Permission denied"):
        open_stream(path)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(CaptureError, match="the file is empty"):
        open_stream(io.BytesIO())


def test_a_failing_read_is_named() -> None:
    class Broken(io.RawIOBase):
        def readinto(self, target: Any) -> int:
            raise OSError(5, "Input/output error")

    broken: Any = Broken()
    with pytest.raises(CaptureError, match="cannot be read: Input/output error"):
        open_stream(broken)


def test_a_non_blocking_pipe_is_refused() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with os.fdopen(reader, "rb", buffering=0) as file, pytest.raises(CaptureError, match="non-blocking"):
        open_stream(file)
    os.close(writer)


def test_an_empty_log_is_no_damage() -> None:
    stream = open_stream(io.BytesIO(b""), may_be_empty=True)
    assert stream.readinto(memoryview(bytearray(8))) == 0
    with pytest.raises(CaptureError, match="is empty"):
        open_stream(io.BytesIO(b""))
