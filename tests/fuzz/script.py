"""Any bytes read as a script: numbers and strings for as long as there are any, then zeros."""

from __future__ import annotations

_LONG = 0xFF


class Script:
    """Takes decisions out of bytes, front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Is anything left?"""
        return self._at < len(self._data)

    def byte(self) -> int:
        """The next byte."""
        return self.number(1)

    def number(self, size: int) -> int:
        """A whole number of so many bytes."""
        return int.from_bytes(self.take(size), "big")

    def choose(self, count: int) -> int:
        """One of ``count`` things."""
        return self.byte() % count

    def take(self, size: int) -> bytes:
        """So many bytes, or those that are left."""
        taken = self._data[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def blob(self) -> bytes:
        """A string: its length in one byte, or in the two behind 255; then its bytes."""
        size = self.byte()
        return self.take(self.number(2) if size == _LONG else size)

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))


def blob(data: bytes) -> bytes:
    """What :meth:`Script.blob` reads as ``data``."""
    size = bytes((len(data),)) if len(data) < _LONG else b"\xff" + len(data).to_bytes(2, "big")
    return size + data


def mutated(data: bytes, script: Script) -> bytes:
    """``data`` with up to three changes that the script names: a byte, a cut, something put in."""
    changed = bytearray(data)
    for _ in range(script.choose(4)):
        kind, at = script.choose(4), script.number(2) % (len(changed) + 1)
        if kind == 0 and at < len(changed):
            changed[at] ^= script.byte() or 1
        elif kind == 1:
            del changed[at:]
        elif kind == 2:
            changed[at:at] = script.blob()
        else:
            changed[at : at + script.byte()] = b""
    return bytes(changed)
