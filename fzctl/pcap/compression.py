"""Gzip and zstd streams, unpacked piece by piece into a buffer that the caller owns.

What one call returns is bounded by the caller's buffer, so a bomb costs time but no memory.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from fzctl.errors import CaptureError

_GZIP_MAGIC: Final = b"\x1f\x8b"  # RFC 1952 section 2.3.1
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"  # RFC 8878 section 3.1.1
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"  # RFC 8878 section 3.1.2, after a byte 0x50 to 0x5f

# What is taken in at a time. zlib returns what it did not consume as a copy, so that large pieces
# would cost quadratic time; libzstd keeps it.
_GZIP_PIECE: Final = 32 * 1024
_ZSTD_PIECE: Final = 64 * 1024
# What is unpacked at a time: both libraries begin with a block of so many bytes, and copy all of
# them together where that is not enough.
_UNPACKED: Final = 32 * 1024
# So much of a zstd frame, packed, is kept in case it turns out to be damaged.
_MOST_KEPT: Final = 1 << 20
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
# What libzstd says of a frame whose window is beyond its limit for streams, and of one that was packed
# with a dictionary; both may as well be sound.
_PERHAPS: Final = {
    "too much memory": "needs more than 128 MB of memory, which zstd -d --long=31 takes",
    "Dictionary mismatch": "needs a dictionary, which zstd -d -D takes",
}

ReadInto = Callable[[memoryview], int]


def unpacker_for(magic: bytes, read: ReadInto, name: str, *, is_live: bool) -> ReadInto | None:
    """What unpacks a stream that begins with ``magic`` (4 bytes); ``None`` where it is plain.

    ``read`` delivers the compressed bytes, 0 at the end; the result does the same with the
    unpacked ones. Where the source ``is_live``, what is there is not held back until more comes.
    It raises CaptureError on damage, after everything before it was delivered.
    Raises CaptureError where the stream is zstd and no module reads it; ``name`` is the source.
    """
    if magic.startswith(_GZIP_MAGIC):
        return _Unpacker(read, name, _GZIP, is_live=is_live).readinto
    if magic == _ZSTD_MAGIC or (magic[:1].hex().startswith("5") and magic[1:] == _ZSTD_SKIPPABLE):
        zstd = load_zstd(name)
        packing = _Packing("zstd", b"", _ZSTD_PIECE, zstd.ZstdDecompressor, zstd.ZstdError)
        return _Unpacker(read, name, packing, is_live=is_live).readinto
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


class _Packing(NamedTuple):
    """How a format is unpacked. ``piece`` is how many bytes are taken in at a time, ``magic`` what
    a further member has to begin with, where anything else is an error."""

    name: str
    magic: bytes
    piece: int
    new_member: Callable[[], Any]
    error: type[Exception]


_GZIP: Final = _Packing("gzip", _GZIP_MAGIC, _GZIP_PIECE, _inflate, zlib.error)


class _Unpacker:
    """Members (gzip, RFC 1952 section 2.2) or frames (zstd, RFC 8878 section 3.1) in a row."""

    def __init__(self, read: ReadInto, name: str, packing: _Packing, *, is_live: bool) -> None:
        self._read = read
        self._name = name
        self._is_live = is_live
        self._packing = packing
        self._member: Any = None
        self._copy: Callable[[], Any] | None = None
        self._piece = memoryview(bytearray(packing.piece))
        self._rest: bytes | memoryview = b""
        self._has_more = False
        self._begun = False
        self._produced = 0
        # What came out before the member, and what it begins with; None where that is too much to keep.
        self._before_member = 0
        self._kept: bytearray | None = None
        # Raised when all that was unpacked before it is delivered.
        self._failure: CaptureError | None = None

    def readinto(self, target: memoryview) -> int:
        filled, size = 0, len(target)
        while self._failure is None and filled < size:
            if not self._rest and not self._has_more and not self._take_in(may_wait=not filled):
                break
            if self._member is None and not self._begin_member():
                continue
            data = self._unpack(min(size - filled, _UNPACKED))
            target[filled : filled + len(data)] = data
            filled += len(data)
            self._produced += len(data)
        if self._failure is not None and not filled:
            raise self._failure
        return filled

    def _take_in(self, *, may_wait: bool) -> bool:
        if self._is_live and not may_wait:
            return False
        try:
            count = self._read(self._piece)
        except CaptureError as error:
            self._failure = error
            return False
        self._rest = self._piece[:count]
        if not count and self._member is not None:
            self._fail(f"the {self._packing.name} data ends too early")
        return count > 0

    def _fail(self, problem: str, behind: int = 0) -> None:
        self._failure = CaptureError(self._name, problem, self._produced + behind)

    def _begin_member(self) -> bool:
        packing = self._packing
        if self._begun and packing.magic:
            # Tapes and block devices pad with zeros, and gzip itself ignores them.
            rest = bytes(self._rest).lstrip(b"\0")
            self._rest = rest
            if not rest:
                return False
            if not packing.magic.startswith(rest[: len(packing.magic)]):
                self._fail(f"something that is not {packing.name} follows the compressed data")
                return False
        self._member = packing.new_member()
        self._copy = getattr(self._member, "copy", None)
        self._kept = bytearray() if self._copy is None else None
        self._before_member = self._produced
        self._begun = True
        return True

    def _unpack(self, limit: int) -> bytes:
        member = self._member
        before = self._copy() if self._copy is not None else None
        if self._kept is not None:
            self._kept += self._rest
            if len(self._kept) > _MOST_KEPT:
                self._kept = None
        try:
            data: bytes = member.decompress(self._rest, limit)
        except self._packing.error as error:
            rescued = self._rescue(before, limit)
            problem = f"the {self._packing.name} data is damaged"
            problem += "".join(f" or {need}" for words, need in _PERHAPS.items() if words in str(error))
            self._fail(problem, len(rescued))
            return rescued
        if member.eof:
            self._rest = member.unused_data
            self._member = None
            self._has_more = False
        else:
            self._rest = b"" if before is None else member.unconsumed_tail
            # A full target may leave more inside the member, though all input was taken.
            self._has_more = len(data) == limit
        return data

    def _rescue(self, before: Any, limit: int) -> bytes:
        """What the call that met the damage had unpacked before, and dropped."""
        error = self._packing.error
        if before is not None:
            return _bring_out(before, self._rest, 0, limit, error)
        if self._kept is None:
            return b""
        skip = self._produced - self._before_member
        return _bring_out(self._packing.new_member(), self._kept, skip, limit, error)


def _bring_out(
    member: Any, data: bytes | bytearray | memoryview, skip: int, limit: int, error: type[Exception]
) -> bytes:
    # Single bytes bring out all that stands before the damage.
    out = bytearray()
    try:
        for position in range(len(data)):
            # libzstd may find in one call damage that it does not find in several.
            if len(out) == limit or member.eof:
                break
            found = member.decompress(data[position : position + 1], skip + limit - len(out))
            out += found[skip:]
            skip -= min(skip, len(found))
    except error:
        pass
    return bytes(out)
