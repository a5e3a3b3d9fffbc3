r"""Lines out of byte streams, split on ``\n`` only and never longer than a bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from fzctl.errors import CaptureError
from fzctl.logs.parse import Line
from fzctl.pcap.streams import Stream

LONGEST: Final = 1 << 20
"""Bytes of a line that are kept; Firezone's longest hold one JSON document of the portal."""

PIECE: Final = 1 << 18
"""Bytes that are read at a time, and held, of one log."""


class Splitter:
    """Pieces in, lines out; what follows the last line end is held until :meth:`finish`."""

    def __init__(self) -> None:
        self._number = 0
        self._rest = b""
        self._left_out = 0

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that end in this piece."""
        first, *others = data.split(b"\n")
        self._keep(first)
        for each in others:
            yield self._take()
            self._keep(each)

    def finish(self) -> Iterator[Line]:
        """The last line, where it has no end."""
        if self._rest or self._left_out:
            yield self._take()

    def _keep(self, piece: bytes) -> None:
        room = LONGEST - len(self._rest)
        self._rest += piece[:room]
        self._left_out += max(0, len(piece) - room)

    def _take(self) -> Line:
        self._number += 1
        line = Line(self._number, self._rest, self._left_out)
        self._rest, self._left_out = b"", 0
        return line


def read_lines(
    stream: Stream, check: Callable[[bytes], None] | None = None, piece: int = PIECE
) -> Iterator[Line]:
    """A stream's lines. Raises CaptureError where it breaks, after everything before that was given.

    ``check`` is called with the first bytes, and may raise what it likes. ``piece`` is how many are read
    at a time.
    """
    splitter = Splitter()
    target = memoryview(bytearray(piece))
    while True:
        try:
            count = stream.readinto(target)
        except CaptureError:
            yield from splitter.finish()
            raise
        if not count:
            break
        if check is not None:
            check(bytes(target[:count]))
            check = None
        yield from splitter.feed(bytes(target[:count]))
    yield from splitter.finish()
