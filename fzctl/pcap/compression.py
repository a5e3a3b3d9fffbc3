"""Gzip and zstd streams, unpacked piece by piece into a buffer that the caller owns.

What one call returns is bounded by the caller's buffer, so a bomb costs time but no memory.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Final

from fzctl.errors import CaptureError

_GZIP_MAGIC: Final = b"\x1f\x8b"  # RFC 1952 section 2.3.1
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"  # RFC 8878 section 3.1.1
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"  # RFC 8878 section 3.1.2, after a byte 0x50 to 0x5f

# zlib returns what it did not consume as a copy, so large pieces would cost quadratic time.
_PIECE: Final = 32 * 1024
# What is unpacked at a time: larger objects are given back to the system each time, and cost page
# faults each time.
_UNPACKED: Final = 64 * 1024
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
# What libzstd says of a frame whose window is beyond its limit for streams.
_TOO_LARGE: Final = "too much memory"

ReadInto = Callable[[memoryview], int]


def unpacker_for(magic: bytes, read: ReadInto, name: str) -> ReadInto | None:
    """What unpacks a stream that begins with ``magic`` (4 bytes); ``None`` where it is plain.

    ``read`` delivers the compressed bytes, 0 at the end; the result does the same with the
    unpacked ones. It raises CaptureError on damage, after everything before it was delivered.
    Raises CaptureError where the stream is zstd and no module reads it; ``name`` is the source.
    """
    if magic.startswith(_GZIP_MAGIC):
        return _Unpacker(read, name, "gzip", _GZIP_MAGIC, _inflate, zlib.error).readinto
    if magic == _ZSTD_MAGIC or (magic[:1].hex().startswith("5") and magic[1:] == _ZSTD_SKIPPABLE):
        zstd = load_zstd(name)
        return _Unpacker(read, name, "zstd", b"", zstd.ZstdDecompressor, zstd.ZstdError).readinto
    return None


def load_zstd(name: str) -> Any:
    """The module with zstd: ``compression.zstd`` (Python 3.14) or ``backports.zstd``.

    Raises CaptureError, which says how to install it, where there is none; ``name`` is the file
    that needs it.
    """
    for module in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(module)
        except ImportError:
            continue
    raise CaptureError(
        name, "zstd needs Python 3.14 or the package backports.zstd (pip install backports.zstd)"
    )


def _inflate() -> Any:
    return zlib.decompressobj(_GZIP_FORMAT)


class _Unpacker:
    """Members (gzip, RFC 1952 section 2.2) or frames (zstd, RFC 8878 section 3.1) in a row."""

    def __init__(
        self,
        read: ReadInto,
        name: str,
        format_name: str,
        magic: bytes,
        new_member: Callable[[], Any],
        error: type[Exception],
    ) -> None:
        self._read = read
        self._name = name
        self._format = format_name
        self._magic = magic
        self._new_member = new_member
        self._error = error
        self._member: Any = None
        self._piece = memoryview(bytearray(_PIECE))
        self._rest = b""
        self._has_more = False
        self._begun = False
        self._produced = 0
        self._problem: str | None = None

    def readinto(self, target: memoryview) -> int:
        filled = 0
        while self._problem is None and filled < len(target):
            if not self._rest and not self._has_more:
                if filled:
                    return filled  # a pipe is not waited for
                count = self._read(self._piece)
                self._rest = bytes(self._piece[:count])
                if not count:
                    if self._member is None:
                        return 0
                    self._problem = f"the {self._format} data ends too early"
                    break
            if self._member is None and not self._begin_member():
                continue
            data = self._unpack(min(len(target) - filled, _UNPACKED))
            target[filled : filled + len(data)] = data
            filled += len(data)
            self._produced += len(data)
        if self._problem is not None and not filled:
            raise CaptureError(self._name, self._problem, self._produced)
        return filled

    def _begin_member(self) -> bool:
        if self._begun and self._magic:
            # Tapes and block devices pad with zeros, and gzip itself ignores them.
            self._rest = self._rest.lstrip(b"\0")
            if not self._rest:
                return False
            if not self._magic.startswith(self._rest[: len(self._magic)]):
                self._problem = f"something that is not {self._format} follows the compressed data"
                return False
        self._member = self._new_member()
        self._begun = True
        return True

    def _unpack(self, limit: int) -> bytes:
        member = self._member
        before = member.copy() if hasattr(member, "copy") else None
        try:
            data: bytes = member.decompress(self._rest, limit)
        except self._error as error:
            self._problem = f"the {self._format} data is damaged"
            if _TOO_LARGE in str(error):
                self._problem += " or needs more than 128 MB of memory, which zstd -d --long=31 takes"
            return b"" if before is None else _rescue(before, self._rest, limit, self._error)
        if member.eof:
            self._rest = member.unused_data
            self._member = None
            self._has_more = False
        else:
            self._rest = getattr(member, "unconsumed_tail", b"")
            # A full target may leave more inside the member, though all input was taken.
            self._has_more = len(data) == limit
        return data


def _rescue(member: Any, data: bytes, limit: int, error: type[Exception]) -> bytes:
    # zlib drops the output of the call that meets the damage; single bytes bring it out.
    out = bytearray()
    try:
        for position in range(len(data)):
            if len(out) == limit:
                break
            out += member.decompress(data[position : position + 1], limit - len(out))
    except error:
        pass
    return bytes(out)
