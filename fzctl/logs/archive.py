"""Exported zips, read in place: nothing is written to disk, and no name in them is a path to us.

An iOS, Android or desktop export is one zip; macOS puts ``app.zip`` and ``tunnel.zip`` into one.
"""

from __future__ import annotations

import io
import os
import stat
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import IO, Any, Final
from zipfile import BadZipFile, ZipFile, ZipInfo

try:
    from lzma import LZMAError
except ImportError:  # a Python without it, whose zipfile says so of each member

    class LZMAError(Exception):  # type: ignore[no-redef]
        """Never raised."""


from fzctl.errors import CaptureError
from fzctl.logs.sources import HEAD, Found, Source, is_no_log, is_zip

MOST_BYTES: Final = 1 << 30
MOST_NESTED_BYTES: Final = 1 << 27
MOST_MEMBERS: Final = 10_000
DEEPEST: Final = 3

_UNPACK: Final = "unpack it and give fzctl the folder"
_END: Final = b"PK\x05\x06"
_END_LENGTH: Final = 22
_LOCATOR_64: Final = b"PK\x06\x07"
_LOCATOR_64_LENGTH: Final = 20
_MOST_DIRECTORY: Final = MOST_MEMBERS * 1024
_ENTRY: Final = b"PK\x01\x02"
_ENCRYPTED: Final = 1
_BROKEN: Final = (
    *(BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error),
    LZMAError,
)


def open_archive(path: str, found: Found, stack: ExitStack) -> None:
    """Add a zip file's logs to ``found``. Raises CaptureError where it cannot be read."""
    try:
        file = stack.enter_context(open(path, "rb"))  # noqa: SIM115
    except OSError as error:
        raise CaptureError(path, f"cannot be opened: {error.strerror}") from None
    _add_members(path, file, found, stack, _Budget(path), 1)


class _Budget:
    """What one archive may still cost, all that is nested in it included."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.members = MOST_MEMBERS
        self.bytes = MOST_BYTES
        self.nested = MOST_NESTED_BYTES

    def take(self, members: list[ZipInfo]) -> None:
        self.members -= len(members)
        if self.members < 0:
            raise CaptureError(self.path, f"holds more than {MOST_MEMBERS} files; {_UNPACK}")
        # zipfile gives no more of a member than this, whatever the data would unpack to.
        self.bytes -= sum(each.file_size for each in members)
        if self.bytes < 0:
            raise CaptureError(self.path, f"unpacks to more than {MOST_BYTES} bytes; {_UNPACK}")


class _Member:
    """A member's bytes as a file object, which ends in a sentence where they are too many."""

    def __init__(self, name: str, path: str, file: IO[bytes], most: int) -> None:
        self.name = name
        self._path = path
        self._file = file
        self._most = self._left = most

    def read1(self, size: int) -> bytes:
        return self._read(size)

    def read(self, size: int, /) -> bytes:
        return self._read(size)

    def close(self) -> None:
        self._file.close()

    def _read(self, size: int) -> bytes:
        try:
            data = self._file.read(size)
        except _BROKEN as error:
            raise CaptureError(self.name, f"is damaged: {_words(error)}") from None
        self._left -= len(data)
        if self._left < 0:
            problem = (
                f"{os.path.basename(self.name)} in it unpacks to more than {self._most} bytes; {_UNPACK}"
            )
            raise CaptureError(self._path, problem)
        return data


def _add_members(
    name: str, file: IO[bytes], found: Found, stack: ExitStack, budget: _Budget, depth: int
) -> None:
    if depth > DEEPEST:
        raise CaptureError(name, f"is a zip {DEEPEST + 1} deep in others; {_UNPACK}")
    _check_directory(name, file)
    try:
        archive = stack.enter_context(ZipFile(file))
    except _BROKEN as error:
        raise CaptureError(name, f"is no sound zip file: {_words(error)}") from None
    members = [each for each in archive.infolist() if not each.filename.endswith("/")]
    budget.take(members)
    for member in members:
        try:
            _add_member(f"{name}/{member.filename}", archive, member, found, stack, budget, depth)
        except CaptureError as error:
            found.problems.append(error)


def _add_member(
    name: str, archive: ZipFile, member: ZipInfo, found: Found, stack: ExitStack, budget: _Budget, depth: int
) -> None:
    if stat.S_ISLNK(member.external_attr >> 16):
        found.copies.append(name)
        return
    opener = _opener(name, archive, member, budget, member.file_size)
    opened = opener()
    try:
        head = opened.read(HEAD)
    finally:
        opened.close()
    if is_zip(head):
        inner = _opener(name, archive, member, budget, budget.nested)()
        nested = io.BytesIO()
        try:
            while data := inner.read(1 << 20):
                nested.write(data)
                budget.nested -= len(data)
        finally:
            inner.close()
        _add_members(name, nested, found, stack, budget, depth + 1)
    elif is_no_log(name, head):
        found.others.append(name)
    else:
        identity = (member.CRC, member.file_size)
        found.sources.append(Source(name, opener, member.file_size, None, True, identity, head))


def _opener(
    name: str, archive: ZipFile, member: ZipInfo, budget: _Budget, most: int
) -> Callable[[], _Member]:
    def opened() -> _Member:
        if member.flag_bits & _ENCRYPTED:
            raise CaptureError(name, f"is encrypted; {_UNPACK}")
        try:
            return _Member(name, budget.path, archive.open(member), most)
        except _BROKEN as error:
            raise CaptureError(name, f"cannot be unpacked: {_words(error)}") from None

    return opened


def _check_directory(name: str, file: IO[bytes]) -> None:
    """Refuse a directory of members that would not fit in memory, before zipfile reads it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_LENGTH - 0xFFFF - _LOCATOR_64_LENGTH))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_LENGTH:
        raise CaptureError(name, "is a zip file without an end: it was not copied whole")
    count = int.from_bytes(tail[at + 10 : at + 12], "little")
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    is_64 = tail[max(0, at - _LOCATOR_64_LENGTH) : at].startswith(_LOCATOR_64)
    is_large = count > MOST_MEMBERS or length > _MOST_DIRECTORY or is_64
    if not is_large:
        # Where the directory begins by zipfile's own reckoning; the count beside its length may lie.
        file.seek(max(0, size - len(tail) + at - length))
        is_large = file.read(length).count(_ENTRY) > MOST_MEMBERS
        file.seek(0)
    if is_large:
        raise CaptureError(name, f"holds more than {MOST_MEMBERS} files or 4 GB; {_UNPACK}")


def _words(error: Any) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
