"""Lines of text for ``--hex``."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from fzctl.cli.hexinput import open_lines
from fzctl.errors import CaptureError


def lines_of(source: str) -> list[str]:
    with open_lines(source) as lines:
        return list(lines)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"60\r\n45", ["60\n", "45"]),
        (b"\xef\xbb\xbf60\n", ["60\n"]),
        (b"\xff\x00\n", ["\ufffd\0\n"]),
    ],
)
def test_lines_come_from_a_file_and_from_stdin(
    data: bytes, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.hex"
    path.write_bytes(data)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert lines_of(str(path)) == lines_of("-") == lines


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("/nosuch", "/nosuch: cannot be read: No such file or directory"),
        ("/", "/: cannot be read: Is a directory"),
        ("/dev/zero", "/dev/zero: line 1 is far too long for a packet in hex"),
        ("/proc/self/mem", "/proc/self/mem: cannot be read: Input/output error"),
    ],
)
def test_what_cannot_be_read_says_why(source: str, sentence: str) -> None:
    with pytest.raises(CaptureError) as caught:
        lines_of(source)
    assert str(caught.value) == sentence


def test_a_closed_stdin_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CaptureError, match="standard input: is closed"):
        lines_of("-")
