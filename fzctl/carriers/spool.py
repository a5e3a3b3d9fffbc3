"""Takes blocks off a ring in a thread of its own, so that slow output never stalls the capture.

The thread does nothing but copy, which a hundred thousand packets a second hardly make felt.
What reads the blocks may fall behind by as much as there is room for.
"""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, Protocol

from fzctl.errors import CarrierError

ROOM: Final = 256 * 1024 * 1024
"""Bytes that may wait; beyond that it is for the kernel to hold packets, and to count those it drops."""

_LOOK: Final = 0.1
# What the kernel holds when we stop is handed over within its time for a block, and a bit.
_LAST_LOOK: Final = 0.05
_PAUSE: Final = 0.01


class Blocks(Protocol):
    """A ring, as far as it is used here."""

    dropped: int

    def wait(self, seconds: float) -> None: ...
    def take(self) -> bytes | None: ...
    def close(self) -> None: ...


class Spool:
    """Blocks in the order in which they came, up to the end."""

    def __init__(self, ring: Blocks, room: int = ROOM) -> None:
        self._ring: Final = ring
        self._room: Final = room
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._is_stopping = False
        # Each is written by one thread alone.
        self._put = 0
        self._got = 0
        self._has_ended = False
        self._error: CarrierError | None = None
        self._thread: Final = Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self, seconds: float) -> bytes | None:
        """The next block, ``None`` where none came in time; EOFError behind the last one.

        Raises CarrierError there, where the ring failed.
        """
        if self._has_ended:
            raise EOFError
        try:
            block = self._queue.get(timeout=seconds)
        except Empty:
            return None
        if block is None:
            self._has_ended = True
            if self._error is not None:
                raise self._error
            raise EOFError
        self._got += len(block)
        return block

    def stop(self) -> None:
        """Take what the kernel holds at this moment, then end. May be called by a signal's handler."""
        self._is_stopping = True

    def close(self) -> None:
        """End, and close the ring."""
        self.stop()
        self._thread.join()
        self._ring.close()

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                self._drain()
                self._ring.wait(_LOOK)
        except CarrierError as error:
            self._error = error
        time.sleep(_LAST_LOOK)
        self._drain()
        self._ring.close()  # what comes while the last blocks are read is not missing
        self._queue.put(None)

    def _drain(self) -> None:
        while True:
            while self._put - self._got > self._room and not self._is_stopping:
                time.sleep(_PAUSE)
            block = self._ring.take()
            if block is None:
                return
            self._put += len(block)
            self._queue.put(block)
