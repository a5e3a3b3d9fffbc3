"""Where a capture is written to: a path, standard output or a file object, packed by name.

A file that is written is whole or absent: it gets its name when it is closed without an error.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import zlib
from typing import Any, BinaryIO, Final, Protocol

from fzctl.errors import CaptureError
from fzctl.pcap.compression import load_zstd

_SYSTEM: Final = 0
_EVERYBODY: Final = 0o666
_PRIVATE: Final = 0o600
_LONGEST_NAME: Final = 255  # bytes; what the usual file systems take
_MOST_ATTEMPTS: Final = 100
_MOST_LINKS: Final = 40  # as Linux follows

Target = str | os.PathLike[str] | BinaryIO

unfinished: Final[set[str]] = set()
"""Files that have not got their names yet: what an interrupt leaves in here is to be removed."""


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class Sink:
    """Bytes on their way into a target; ``name`` is what messages call it, ``size`` how many they are."""

    def __init__(self, name: str, file: Any, packer: _Packer | None = None) -> None:
        self.name = name
        self.size = 0
        self._file = file
        self._packer = packer

    def write(self, data: bytes) -> None:
        """Write ``data``. Raises CaptureError where the target takes no more."""
        try:
            if self._packer is None:
                self.size += len(data)
                self._file.write(data)
            else:
                # One step for the interpreter: an interrupt between packing and writing would tear the file.
                self.size += sum(map(self._file.write, map(self._packer.compress, (data,))))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CaptureError(self.name, f"cannot be written: {error.strerror or error}") from error

    def flush(self) -> None:
        """Hand on what was written so far, except what a packer still holds back."""
        try:
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CaptureError(self.name, f"cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Finish the target, once. Raises CaptureError where it cannot be finished."""
        if self._packer is not None:
            packer, self._packer = self._packer, None
            self.write(packer.flush())
        self.flush()

    def abandon(self) -> None:
        """Give up without finishing."""

    def salvage(self) -> None:
        """Give up, but keep what was written up to the last ``flush`` where that can be done."""
        self.abandon()


class _FileSink(Sink):
    """A file of ours, which has its name from the start (a pipe, a device)."""

    def close(self) -> None:
        if not self._file.closed:
            super().close()
            self._file.close()

    def abandon(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()


class _NewFileSink(_FileSink):
    """A regular file, written beside its final name and renamed when it is whole."""

    def __init__(
        self, name: str, file: Any, packer: _Packer | None, written: str, path: str, *, private: bool
    ) -> None:
        super().__init__(name, file, packer)
        self._is_packed = packer is not None
        self._written = written
        self._path = path
        self._private = private
        self._flushed = 0

    def flush(self) -> None:
        super().flush()
        self._flushed = self.size

    def close(self) -> None:
        super().close()
        if self._written in unfinished:
            self._give_name()

    def salvage(self) -> None:
        if self._is_packed or not self._flushed:
            self.abandon()
            return
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            os.truncate(self._written, self._flushed)
            self._give_name()

    def _give_name(self) -> None:
        try:
            if os.path.exists(self._path) and not self._private:
                os.chmod(self._written, stat.S_IMODE(os.stat(self._path).st_mode))
            try:
                os.replace(self._written, self._path)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                self._fill_in_place()
            unfinished.discard(self._written)
        except OSError as error:
            raise CaptureError(self.name, f"cannot be written: {error.strerror or error}") from error

    def _fill_in_place(self) -> None:
        """For a file that is mounted there, as containers have them: it cannot be another one."""
        from shutil import copyfile

        if self._private:
            os.chmod(self._path, _PRIVATE)
        copyfile(self._written, self._path)
        os.unlink(self._written)

    def abandon(self) -> None:
        super().abandon()
        with contextlib.suppress(OSError):
            os.unlink(self._written)
        unfinished.discard(self._written)


def open_sink(target: Target, *, private: bool = False) -> Sink:
    """Open a path, ``-`` (standard output) or a binary file object, which stays open.

    A path that ends in ``.gz`` or ``.zst`` is packed. A ``private`` file can be read by its owner
    alone, whatever was there before. Raises CaptureError where the target cannot be written or
    zstd is missing.
    """
    if not isinstance(target, (str, os.PathLike)):
        return Sink(str(getattr(target, "name", "stream")), target)
    name = os.fspath(target)
    if name == "-":
        return Sink("standard output", sys.stdout.buffer)
    packer = _packer_for(name)
    path = os.path.realpath(name)
    try:
        number = _descriptor_of(name)
        if number is not None:
            return _in_place(name, os.dup(number), packer)
        if is_planted(name):
            raise CaptureError(name, "is a link that somebody else made; name the file itself")
        if os.path.isdir(path):
            raise CaptureError(name, "is a directory, not a file to write")
        mode = _PRIVATE if private else _EVERYBODY
        if os.path.exists(path):
            if not os.path.isfile(path):
                return _in_place(name, path, packer)
            if not os.access(path, os.W_OK):
                # Its folder would let us replace it all the same.
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            mode &= os.stat(path).st_mode  # whoever may not read it may not while it is written, either
        file, written = _create(path, mode)
        return _NewFileSink(name, file, packer, written, path, private=private)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CaptureError(name, f"cannot be written: {reason}") from error


def write_whole(path: str, data: bytes) -> None:
    """Write a file whole or not at all; a device or a pipe as far as it goes. Raises CaptureError."""
    sink = open_sink(path)
    try:
        sink.write(data)
        sink.close()
    except BaseException:
        sink.abandon()
        raise


def is_planted(path: str) -> bool:
    """Is this a link that is neither ours nor the system's?

    In a folder that others write to, it would lead us to overwrite what they chose. The kernel looks
    after that where a file is opened (``fs.protected_symlinks``), but not where one is renamed.
    """
    return os.path.islink(path) and os.lstat(path).st_uid not in (_SYSTEM, os.geteuid())


def _in_place(name: str, what: str | int, packer: _Packer | None) -> Sink:
    file = open(what, "wb")  # noqa: SIM115 - the sink closes it
    if file.isatty():
        file.close()
        raise CaptureError(name, "is a terminal, which is no place for a file; name one, or a pipe")
    return _FileSink(name, file, packer)


def _descriptor_of(name: str) -> int | None:
    """The descriptor of ours that ``/dev/stdout``, ``/dev/fd/3`` and the like stand for, if it is one.

    What it is open for has no name, or is a file that others write to through it as well: that is
    gone on with where they are, as a shell does with ``>&3``.
    """
    folders = (f"/proc/{os.getpid()}/fd", "/dev/fd")
    for _ in range(_MOST_LINKS):
        folder, last = os.path.split(os.path.abspath(name))
        if last.isascii() and last.isdecimal() and len(last) < 9 and os.path.realpath(folder) in folders:
            return int(last)
        if not os.path.islink(name):
            return None
        name = os.path.join(folder, os.readlink(name))
    return None


def _create(path: str, mode: int) -> tuple[Any, str]:
    """A new file beside ``path``, and its name: what a killed process of our number left is passed by."""
    folder, last = os.path.split(path)
    for attempt in range(_MOST_ATTEMPTS):
        ending = f".{os.getpid()}-{attempt}.part" if attempt else f".{os.getpid()}.part"
        stem = os.fsdecode(os.fsencode(last)[: _LONGEST_NAME - len(ending)])
        written = os.path.join(folder, stem + ending)
        unfinished.add(written)  # first, for an interrupt may come between the two
        try:
            handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        except OSError as error:  # another's, or none
            unfinished.discard(written)
            if not isinstance(error, FileExistsError):
                raise
        else:
            return os.fdopen(handle, "wb"), written
    raise FileExistsError(errno.EEXIST, f"{_MOST_ATTEMPTS} unfinished files ({path}.*.part) stand there")


def _packer_for(name: str) -> _Packer | None:
    if name.endswith(".gz"):
        return zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    if name.endswith(".zst"):
        packer: _Packer = load_zstd(name).ZstdCompressor()
        return packer
    return None
