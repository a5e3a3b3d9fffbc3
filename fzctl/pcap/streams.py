"""Byte streams out of files, pipes and file objects: plain, gzip and zstd, told apart by content.

The first bytes decide, never the name and never a seek, so that a pipe works like a file.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from typing import Any, Final, Protocol

from fzctl.errors import CaptureError

ReadInto = Callable[[memoryview], int]

_MAGIC_LENGTH: Final = 4
# What gzip, zstd and its skippable frames begin with; no capture format does.
_PACKED: Final = b"\x1f\x28" + bytes(range(0x50, 0x60))


class Readable(Protocol):
    """The least that a file object can do; ``readinto`` is used where it has one."""

    def read(self, size: int, /) -> bytes | None: ...


Source = str | os.PathLike[str] | Readable


class Stream:
    """Unpacked bytes, read once from front to end.

    ``name`` is what messages call the source; ``total`` the source's size in bytes, ``None``
    where it has none (a pipe); ``consumed`` the source's bytes read so far, packed as they are.
    ``descriptor`` is that of a regular file read from its start as it is, else -1.
    """

    def __init__(
        self,
        name: str,
        read_into: Callable[[memoryview], int | None],
        total: int | None,
        close: Callable[[], None],
    ) -> None:
        self.name = name
        self.total = total
        self.consumed = 0
        self.descriptor = -1
        self._read_into = read_into
        self._close = close
        self._head = b""
        self._deliver: ReadInto = self._read

    def readinto(self, target: memoryview) -> int:
        """Fill the front of ``target`` with what is there; return the count, 0 at the end.

        Raises CaptureError where the source cannot be read or its compression is damaged.
        """
        return self._deliver(target)

    def close(self) -> None:
        """Close the file that open_stream opened; a file object handed in stays open."""
        self._close()

    def detect(self, *, may_be_empty: bool = False) -> None:
        """Look at the first bytes and unpack from here on. Raises CaptureError where empty."""
        head = memoryview(bytearray(_MAGIC_LENGTH))
        filled = 0
        while filled < _MAGIC_LENGTH and (count := self._read(head[filled:])):
            filled += count
        if not filled and not may_be_empty:
            raise CaptureError(self.name, "the file is empty")
        self._head = bytes(head[:filled])
        if filled and self._head[0] in _PACKED:
            from fzctl.pcap.compression import unpacker_for

            unpacker = unpacker_for(self._head, self._read, self.name, is_live=self.total is None)
            if unpacker is not None:
                self._deliver = unpacker
                self.descriptor = -1

    def _read(self, target: memoryview) -> int:
        if self._head:
            count = min(len(self._head), len(target))
            target[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        try:
            delivered = self._read_into(target)
        except OSError as error:
            raise CaptureError(self.name, f"cannot be read: {_reason(error)}") from error
        if delivered is None:
            raise CaptureError(self.name, "cannot be read: it is in non-blocking mode")
        self.consumed += delivered
        return delivered


def open_stream(source: Source, *, may_be_empty: bool = False) -> Stream:
    """Open a path, ``-`` (standard input) or a binary file object.

    Raises CaptureError where it is missing, a directory, not permitted, zstd without a module
    to read it, or empty (unless it ``may_be_empty``, as a log may).
    """
    if not isinstance(source, (str, os.PathLike)):
        stream = _open_object(source, str(getattr(source, "name", "stream")))
    elif source == "-":
        stream = _open_standard_input()
    else:
        stream = _open_path(os.fspath(source))
    try:
        stream.detect(may_be_empty=may_be_empty)
    except BaseException:
        stream.close()
        raise
    return stream


def _open_path(path: str) -> Stream:
    try:
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - the Stream closes it
    except IsADirectoryError as error:
        raise CaptureError(path, "is a directory, not a capture file") from error
    except (OSError, ValueError) as error:
        raise CaptureError(path, f"cannot be opened: {_reason(error)}") from error
    stream = Stream(path, file.readinto, _size_of(file), file.close)
    if stream.total is not None:
        stream.descriptor = file.fileno()
    return stream


def _open_standard_input() -> Stream:
    if sys.stdin is None:
        raise CaptureError("standard input", "is closed")
    # The raw file below the buffer returns what a live pipe has; the buffer waits for more.
    file = sys.stdin.buffer
    return _open_object(getattr(file, "raw", file), "standard input")


def _open_object(file: Any, name: str) -> Stream:
    # A buffered reader's readinto, and readinto1 as well, wait for more than a live pipe has.
    read = getattr(file, "read1", None)
    if read is None and hasattr(file, "readinto"):
        return Stream(name, file.readinto, _size_of(file), _leave_open)
    return Stream(name, _reader_of(read or file.read), _size_of(file), _leave_open)


def _reader_of(read: Callable[[int], bytes | None]) -> Callable[[memoryview], int | None]:
    def read_into(target: memoryview) -> int | None:
        data = read(len(target))
        if data is None:
            return None
        target[: len(data)] = data
        return len(data)

    return read_into


def _leave_open() -> None:
    pass


def _size_of(file: Any) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
