"""A window onto a stream: one buffer, filled again and again, however long the stream."""

from __future__ import annotations

from fzctl.errors import CaptureError
from fzctl.pcap.streams import Stream


class Window:
    """The part of a stream that is in memory.

    ``view`` is the buffer, of which the first ``end`` bytes are filled; ``base`` is the offset
    in the stream of its first byte. Only ``refill`` moves bytes, so positions stay valid
    between two calls of it. ``limit`` is an offset in the stream, not passed so far, at which a
    walk pauses if a record begins there; ``None``, and there is no such place.
    """

    def __init__(self, stream: Stream, capacity: int) -> None:
        self.view = memoryview(bytearray(capacity))
        self.end = 0
        self.base = 0
        self.limit: int | None = None
        self._stream = stream

    @property
    def name(self) -> str:
        """What messages call the stream."""
        return self._stream.name

    def refill(self, keep: int) -> bool:
        """Drop what stands before position ``keep``, which becomes 0, and read what there is.

        Returns false at the end of the stream, where nothing was read. The buffer grows where
        it is full and nothing is to be dropped. Raises CaptureError as the stream does.
        """
        rest = self.end - keep
        self.base += keep
        if rest == len(self.view):
            grown = memoryview(bytearray(2 * rest))
            grown[:rest] = self.view
            self.view = grown
        elif keep:
            self.view[:rest] = self.view[keep : self.end]
        self.end = rest
        target = self.view[rest:]
        if self.limit is not None:
            left = self.limit - self.base - rest
            if left > 0:
                target = target[:left]
            else:
                self.limit = None
        count = self._stream.readinto(target)
        self.end += count
        return count > 0

    def pauses_at(self, position: int) -> bool:
        """Does the limit stand at ``position``? If it is no boundary, ``refill`` passes over it."""
        return self.base + position == self.limit

    def need(self, count: int) -> bool:
        """Have ``count`` bytes from the window's front; false where the stream ends before."""
        while self.end < count:
            if not self.refill(0):
                return False
        return True

    def error(self, position: int, problem: str) -> CaptureError:
        """The error that says that ``problem`` stands at ``position`` of the window."""
        return CaptureError(self.name, problem, self.base + position)
