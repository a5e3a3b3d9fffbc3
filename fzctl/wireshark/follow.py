"""Captures that are still being made: a file that grows, and a program that captures.

Each is a file object whose ``read1`` waits for more, until it is told to stop or nobody reads
what is made of it any more.
"""

from __future__ import annotations

import math
import os
import select
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from typing import Final

from fzctl.errors import CaptureError, CarrierError, ToolError

POLL_SECONDS: Final = 0.1
PARENT_SECONDS: Final = 1.0
_END_SECONDS: Final = 3
_MOST_WORDS: Final = 2000
_SMALL_TALK: Final = ("Capturing on", "File:", "Packets", "tcpdump: listening")


class Waiter:
    """Waits for data, and for what ends it: a word, the reader of ``reader`` (a pipe) or our parent gone.

    A Wireshark that is killed leaves its dumpcap behind, which reads the pipe until it ends.
    """

    def __init__(self, reader: int | None = None) -> None:
        self._poll = select.poll()
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._poll.register(self._woken, select.POLLIN)
        if reader is not None:
            self._poll.register(reader, 0)  # of errors poll tells in any case
        self._parent = os.getppid()
        self.stopped = False

    def stop(self, *_: object) -> None:
        """End every wait; may be called by a signal's handler."""
        self.stopped = True
        try:
            os.write(self._waker, b"\0")
        except OSError:  # it is full of such words, or closed
            pass

    def wait(self, source: int | None = None, seconds: float | None = None) -> bool:
        """Wait for data from ``source``, at most so long; false where it is time to stop."""
        if source is not None:
            self._poll.register(source, select.POLLIN)
        found: list[tuple[int, int]] = []
        left = math.inf if seconds is None else seconds
        while not self.stopped and not found and left > 0:
            found = self._poll.poll(min(left, PARENT_SECONDS) * 1000)
            left -= PARENT_SECONDS
            if os.getppid() != self._parent or any(each != source for each, _ in found):
                self.stopped = True
        if source is not None:
            self._poll.unregister(source)
        return not self.stopped

    def close(self) -> None:
        """Close what it waits with."""
        os.close(self._woken)
        os.close(self._waker)


class Followed:
    """A capture file read to its end and beyond; ``before`` is called before data is handed on."""

    def __init__(self, path: str, waiter: Waiter, before: Callable[[], None]) -> None:
        """Open it. Raises CaptureError where that fails."""
        self.name = path
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise CaptureError(path, f"cannot be opened: {getattr(error, 'strerror', error)}") from None
        mode = os.fstat(self._file).st_mode
        if stat.S_ISDIR(mode):
            os.close(self._file)
            raise CaptureError(path, "is a directory, not a capture file")
        self._grows = stat.S_ISREG(mode)
        self._waiter = waiter
        self._before = before
        self._at = 0

    def read1(self, size: int) -> bytes:
        """What there is, or what comes next; nothing when it is time to stop."""
        while not self._waiter.stopped:
            if not self._grows and not self._waiter.wait(self._file):
                break
            data = os.read(self._file, size)
            if data or not self._grows:
                self._at += len(data)
                self._before()
                return data
            if os.fstat(self._file).st_size < self._at:
                raise CaptureError(self.name, "was cut short while it was followed", self._at)
            self._waiter.wait(None, POLL_SECONDS)
        return b""

    read = read1

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class Captured:
    """What dumpcap or tcpdump captures on an interface; ``before`` as above."""

    def __init__(self, interface: str, waiter: Waiter, before: Callable[[], None]) -> None:
        """Start the program. Raises ToolError where there is none or it cannot be started."""
        self.name = interface
        self._waiter = waiter
        self._before = before
        command = capture_command(interface, shutil.which)
        try:
            self._said = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._said
                )
            except BaseException:
                self._said.close()
                raise
        except OSError as error:
            raise ToolError(f"{command[0]} cannot be started: {error.strerror or error}") from None
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()

    def read1(self, size: int) -> bytes:
        """What comes next; nothing when it is time to stop.

        Raises CarrierError where the program ends by itself.
        """
        if not self._waiter.wait(self._output):
            return b""
        data = os.read(self._output, size)
        if not data and not self._waiter.stopped:
            self._process.wait(_END_SECONDS)
            raise CarrierError("capture on", self.name, self._last_words())
        self._before()
        return data

    read = read1

    def close(self) -> None:
        """End the program."""
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()

    def _last_words(self) -> str:
        self._said.seek(0)
        said = self._said.read(_MOST_WORDS).decode("utf-8", "replace").splitlines()
        lines = [line.strip() for line in said if line.strip() and not line.startswith(_SMALL_TALK)]
        return " ".join(lines) or f"it ended with code {self._process.returncode}"


def capture_command(interface: str, which: Callable[[str], str | None]) -> list[str]:
    """The program that captures, and its arguments. Raises ToolError where there is none.

    Wireshark's own comes first: where Wireshark may capture, it may.
    """
    dumpcap = which("dumpcap")
    if dumpcap is not None:
        return [dumpcap, "-q", "-P", "-i", interface, "-w", "-"]
    tcpdump = which("tcpdump")
    if tcpdump is not None:
        return [tcpdump, "-U", "-n", "-i", interface, "-w", "-"]
    raise ToolError("neither dumpcap nor tcpdump is installed: apt install wireshark-common")
