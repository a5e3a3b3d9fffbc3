"""A tshark, wherever it is, with our dissector: what it shows, and what it complains about."""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

DISSECTOR: Final = Path(__file__).parents[2] / "dissectors" / "fzctl.lua"
SECONDS: Final = 120

_SAID: Final = re.compile(rb"lua|error", re.IGNORECASE)
# Where the dissector raises an error, Wireshark writes it into the packet's tree; where it reads
# past the end, it calls the packet malformed in the name of the protocol.
_SHOWN: Final = re.compile(rb"Lua Error|\[(Malformed Packet:|Dissector bug, protocol) fzp2p", re.IGNORECASE)
_NUMBER: Final = itertools.count(1)


class Tshark(NamedTuple):
    """A way to start tshark, and the folder that it shares with us: here ``folder``, to it ``inside``."""

    command: tuple[str, ...]
    folder: Path
    inside: str

    def place(self, path: Path) -> str:
        """Put a copy of the file where tshark can read it; its name over there."""
        name = f"{next(_NUMBER)}-{path.name}"
        copy = self.folder / name
        shutil.copyfile(path, copy)
        copy.chmod(0o644)
        return f"{self.inside}/{name}"

    @contextlib.contextmanager
    def placed(self, path: Path) -> Iterator[str]:
        """The same for a while."""
        inside = self.place(path)
        try:
            yield inside
        finally:
            (self.folder / Path(inside).name).unlink()

    def run(self, *arguments: str, seconds: float = SECONDS) -> subprocess.CompletedProcess[bytes]:
        """Run it with these arguments. Raises TimeoutExpired."""
        return self.call("tshark", *arguments, seconds=seconds)

    def call(self, *command: str, seconds: float = SECONDS) -> subprocess.CompletedProcess[bytes]:
        """Run another program in tshark's place. Raises TimeoutExpired."""
        return subprocess.run(
            [*self.command[:-1], *command],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False,
        )  # fmt: skip


class Reader:
    """One tshark that reads captures with our dissector."""

    def __init__(self, tshark: Tshark, dissector: Path = DISSECTOR) -> None:
        self.tshark = tshark
        self._script = f"lua_script:{tshark.place(dissector)}"

    def read(
        self, capture: Path, *options: str, keys: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Read the capture; ``options`` go to tshark."""
        with contextlib.ExitStack() as stack:
            inside = stack.enter_context(self.tshark.placed(capture))
            more: list[str] = []
            if keys is not None:
                more += ["-o", f"wg.keylog_file:{stack.enter_context(self.tshark.placed(keys))}"]
            return self.tshark.run("-n", "-X", self._script, *more, "-r", inside, *options)

    def read_without_dissector(self, capture: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
        """The same as if we were not there."""
        with self.tshark.placed(capture) as inside:
            return self.tshark.run("-n", "-r", inside, *options)

    def complaints(self, capture: Path, *options: str, keys: Path | None = None) -> list[str]:
        """Everything that must not happen when the capture is read in full."""
        try:
            done = self.read(capture, "-V", *options, keys=keys)
        except subprocess.TimeoutExpired as error:
            return [f"not ready after {error.timeout:.0f} seconds"]
        return complaints(done)

    def messages(
        self, capture: Path, *options: str, keys: Path | None = None
    ) -> tuple[list[tuple[int, dict[str, list[str]]]], list[str]]:
        """Frame and shown fields of each message, and everything that must not happen meanwhile."""
        try:
            done = self.read(capture, "-Y", "fzp2p", "-T", "pdml", *options, keys=keys)
        except subprocess.TimeoutExpired as error:
            return [], [f"not ready after {error.timeout:.0f} seconds"]
        found = complaints(done)
        try:
            return list(_messages(done.stdout)), found
        except ET.ParseError as error:
            return [], [*found, f"what it prints cannot be read: {error}"]


def complaints(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """What one run has to answer for: exit code, words about Lua or errors, what stands in the packets."""
    found = [] if done.returncode == 0 else [f"exit code {done.returncode}"]
    found += [line.decode("utf-8", "replace") for line in done.stderr.splitlines() if _SAID.search(line)]
    shown = [line.strip() for line in done.stdout.splitlines() if _SHOWN.search(line)]
    found += [line.decode("utf-8", "replace") for line in dict.fromkeys(shown)]
    return found


def _messages(pdml: bytes) -> Iterator[tuple[int, dict[str, list[str]]]]:
    for packet in ET.fromstring(pdml).iter("packet"):
        number = packet.find("proto[@name='geninfo']/field[@name='num']")
        assert number is not None
        for layer in packet.findall("proto[@name='fzp2p']"):
            shown: dict[str, list[str]] = {}
            for field in layer.iter("field"):
                shown.setdefault(field.get("name", ""), []).append(field.get("show", ""))
            yield int(number.get("show", "0")), shown
