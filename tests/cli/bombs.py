"""Small inputs that would take all memory or all time: the program on one of them, measured and limited."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.cli.conftest import ENVIRONMENT
from tests.pcap import build
from tests.records import goodbye

MEGABYTE = 1 << 20
ROOM = 64
"""Megabytes that a bomb may take, where nothing else is said."""
MOST_ADDRESSES = 1 << 30
PATIENCE = 60
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
CONFIG = f"[Interface]\nPrivateKey = {KEY}\n"
PEER = f"[Peer]\nPublicKey = {'A' * 42}E=\nAllowedIPs = ::/128\n"
STATIC = f"REMOTE_STATIC_PUBLIC_KEY = {KEY}\n".encode()
START = build.pcap([goodbye()])
LINE = b"2026-08-22T00:53:24.158Z  INFO a::b: hi\n"

# A process that began as a copy of the tests' would have their size: this one is small.
_MEASURED = """
import os, resource, sys
child = os.fork()
if not child:
    most = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    os.execv(sys.executable, [sys.executable, "-m", "fzctl", *sys.argv[3:]])
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as told:
    told.write(str(usage.ru_maxrss))
os._exit(os.waitstatus_to_exitcode(status) & 255)
"""
_BESIDE = {"small": START, "conf": (CONFIG + PEER).encode(), "keys": STATIC}


class Outcome(NamedTuple):
    code: int
    out: bytes
    err: str
    megabytes: float


class Bomb(NamedTuple):
    """``data`` is written to ``name``, which the command has as ``{}``, beside small sound files.

    ``says`` stands in exactly one line on stderr, ``shows`` on stdout. It takes no more than ``room``
    megabytes above the same verb with something small.
    """

    command: str
    name: str
    data: Callable[[], bytes]
    code: int = 3
    says: str = ""
    shows: str = ""
    room: int = ROOM

    def explode(self, folder: Path) -> None:
        """Run it, and see that nothing happens."""
        data = self.data()
        names = [self.name, f"{self.name}.2"] if ".2" in self.command else [self.name]
        files: Mapping[str, bytes] = {**dict.fromkeys(names, data), **_BESIDE}
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
        words = self.command.format(self.name).split()
        found = run(folder, *words)
        assert found.code == self.code, found.err[-1000:]
        assert self.shows.encode() in found.out
        assert "a bug in fzctl" not in found.err
        assert not self.says or [self.says in line for line in found.err.splitlines()].count(True) == 1
        assert {each.name for each in folder.iterdir()} == {*files, "told"}
        assert found.megabytes < usual(words[0]) + self.room


def run(folder: Path, *arguments: str) -> Outcome:
    """``fzctl`` in that folder, in a process of its own with an end to its memory and its time."""
    told = folder / "told"
    done = subprocess.run(
        [sys.executable, "-IS", "-c", _MEASURED, str(told), str(MOST_ADDRESSES), *arguments],
        cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    size = int(told.read_text()) / 1024
    return Outcome(done.returncode, done.stdout, done.stderr.decode("utf-8", "backslashreplace"), size)


@cache
def usual(verb: str) -> float:
    """Megabytes that the verb takes for something small."""
    more = {"replay": "-i lo --dry-run small", "logs": "line", "inject": "--help", "respond": "--help"}
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "small").write_bytes(START)
        (folder / "line").write_bytes(LINE)
        return run(folder, verb, *more.get(verb, "small").split()).megabytes
