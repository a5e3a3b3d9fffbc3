"""fzctl as users start it: in this process where that is enough, in a shell or a terminal where not."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from fzctl.cli.main import main
from tests.records import assigned, goodbye, raw, status

ROOT = Path(__file__).parents[2]
_SETTINGS = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTHONUNBUFFERED")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in _SETTINGS},
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "error",
    "TERM": "xterm-256color",
    "FZCTL": f"{sys.executable} -m fzctl",
}


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Result]


@pytest.fixture
def fzctl(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """``fzctl("decode", "-", stdin="...")`` in this process."""

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        data = stdin.encode() if isinstance(stdin, str) else stdin or b""
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = main(list(arguments))
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def shell(tmp_path: Path) -> Run:
    """``shell("$FZCTL decode ... | head -1")``: bash, with pipefail, in a folder of its own."""

    def run(script: str, **environment: str) -> Result:
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail\n{script}"],
            cwd=tmp_path,
            env={**ENVIRONMENT, **environment},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode("utf-8", "backslashreplace"), done.stderr.decode())

    return run


@pytest.fixture
def terminal(tmp_path: Path) -> Run:
    """The same with a terminal for everything: ``out`` is what it shows, line ends as they come."""

    def run(script: str, *, rows: int = 24, columns: int = 100, **environment: str) -> Result:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**ENVIRONMENT, **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        shown = bytearray()
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux says that nobody holds the other end any more
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
        return Result(process.wait(60), shown.decode().replace("\r\n", "\n"), "")

    return run


@pytest.fixture
def hex_file(tmp_path: Path) -> Callable[..., str]:
    """``hex_file(packet, ...)``: the name of a file with these packets, a few of every sort by default."""

    def write(*packets: bytes, name: str = "packets.hex") -> str:
        some = packets or (
            assigned("gitlab.example.com"),
            status("gitlab.example.com"),
            goodbye(),
            raw(9, "x"),
            raw(0, "{"),
        )
        path = tmp_path / name
        path.write_text("".join(f"{packet.hex()}\n" for packet in some))
        return str(path)

    return write
