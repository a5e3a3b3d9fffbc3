"""What a peer of our own leaves behind: the key log, and its traffic as pcapng with the keys inside.

Both grow while the session lasts and can be read at any moment: each write is whole, and keys
come before the datagrams that need them.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Sequence
from typing import Any, Final, Protocol

from fzctl.carriers.outer import wrap
from fzctl.errors import CaptureError, CarrierError
from fzctl.pcap.blocks import WIREGUARD_KEYS
from fzctl.pcap.links import RAW
from fzctl.pcap.sinks import is_planted
from fzctl.pcap.writer import open_writer
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keylog import Entry, format_keylog, parse_keylog

_WRITE: Final = "write the capture"
_PRIVATE: Final = 0o600
_OTHERS: Final = 0o077
_FOREIGN: Final = "it exists and is no file of yours; name another one"
_MOST_BYTES: Final = 64 * 1024 * 1024


class KeySink(Protocol):
    """Takes lines of a key log as they come."""

    def write(self, entries: Sequence[Entry]) -> None: ...
    def close(self) -> None: ...


class KeyLogFile:
    """A key log that only its owner can read; an older one of ours is continued.

    Raises CarrierError where the file cannot be written, is not ours, is open to others or is no key log.
    """

    def __init__(self, path: str) -> None:
        self._path: Final = path
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        try:
            try:
                self._file = os.open(path, flags | os.O_CREAT | os.O_EXCL, _PRIVATE)
            except FileExistsError:
                self._file = os.open(path, flags | os.O_NOFOLLOW)
                self._continue()
        except OSError as error:
            raise self._trouble(error.strerror or str(error)) from None

    def write(self, entries: Sequence[Entry]) -> None:
        """Add lines, all at once. Raises CarrierError where the file takes no more."""
        self._put(format_keylog(entries))

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _put(self, text: str) -> None:
        before = os.fstat(self._file).st_size
        left = memoryview(text.encode("ascii"))
        try:
            while left:  # a disk that fills up takes a part before it refuses
                left = left[os.write(self._file, left) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, before)
            raise self._trouble(error.strerror or str(error)) from None

    def _continue(self) -> None:
        try:
            state = os.fstat(self._file)
            if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid():
                raise self._trouble(_FOREIGN)
            if state.st_mode & _OTHERS:
                raise self._trouble("others may open it, and keys go into it; chmod 600 takes that away")
            text = os.pread(self._file, _MOST_BYTES, 0)
            log = parse_keylog(text, self._path)
            if text.strip() and not log.entries:
                raise self._trouble("it exists and is no key log; name another file")
            if text and not text.endswith(b"\n"):
                self._put("\n")
        except BaseException:
            self.close()
            raise

    def _trouble(self, problem: str) -> CarrierError:
        return CarrierError("write the key log", self._path, problem)


class CaptureFile:
    """Outer datagrams as pcapng (link type raw IP) with the keys that open them.

    The file has its name from the start and only its owner can read it. ``-`` is standard output.
    Where the disk is full it is cut behind the last block that is whole.
    Raises CarrierError where it cannot be written, CaptureError where that happens later.
    """

    def __init__(self, path: str) -> None:
        if path.endswith((".pcap", ".gz", ".zst")):
            problem = "a capture that grows with its keys inside is pcapng and not packed; name it .pcapng"
            raise CarrierError(_WRITE, path, problem)
        self._file: Any = None
        try:
            target = sys.stdout.buffer if path == "-" else self._open(path)
        except OSError as error:
            raise CarrierError(_WRITE, path, error.strerror or str(error)) from None
        self._path: Final = path
        self._whole = 0
        self._writer: Final = open_writer(target, RAW, "pcapng")
        self._flush()

    def write_keys(self, entries: Sequence[Entry]) -> None:
        """Keys for the datagrams that follow."""
        self._writer.write_secrets(WIREGUARD_KEYS, format_keylog(entries).encode("ascii"))
        self._flush()

    def write(
        self, datagram: bytes, source: Endpoint, destination: Endpoint, time_ns: int, direction: str
    ) -> None:
        """One UDP datagram; ``direction`` is ``in`` or ``out``."""
        self._writer.write(wrap(datagram, source, destination), time_ns, direction=direction)
        self._flush()

    def close(self) -> None:
        if self._file is not None and not self._file.closed:
            try:
                self._writer.close()
            finally:
                with contextlib.suppress(OSError):
                    self._file.close()

    def _flush(self) -> None:
        try:
            self._writer.flush()
        except CaptureError as error:
            self._cut()
            raise CaptureError(self._path, error.problem) from None
        self._whole = self._writer.size

    def _cut(self) -> None:
        if self._file is None:
            return
        handle = self._file.fileno()
        with contextlib.suppress(OSError):
            os.ftruncate(handle, self._whole)
            if not self._whole:
                os.unlink(self._path)
        # What the buffer still holds is not to come after all.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, handle)
        os.close(nowhere)
        if not self._whole:
            self._file.close()

    def _open(self, path: str) -> Any:
        if is_planted(path):
            raise CarrierError(_WRITE, path, "it is a link that somebody else made; name the file itself")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        self._file = os.fdopen(handle, "wb")
        state = os.fstat(handle)
        if stat.S_ISREG(state.st_mode):
            if state.st_uid != os.geteuid():
                self._file.close()
                raise CarrierError(_WRITE, path, _FOREIGN)
            # An older file keeps its mode, and keys are about to go into it.
            os.fchmod(handle, _PRIVATE)
            os.ftruncate(handle, 0)
        return self._file
