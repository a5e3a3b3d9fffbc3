"""What came through a tunnel and waits to be fetched, bounded in number and in bytes."""

from __future__ import annotations

from collections import deque
from typing import Final

from fzctl.carriers.base import Received

MOST_WAITING: Final = 65536
MOST_BYTES: Final = 1 << 26


class Inbox:
    """First in, first out; where there is no room the oldest give way, which ``dropped`` counts."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: Final[deque[Received]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, received: Received) -> None:
        """The newest."""
        self._waiting.append(received)
        self._bytes += len(received.packet)
        while len(self._waiting) > MOST_WAITING or self._bytes > MOST_BYTES:
            self.take()
            self.dropped += 1

    def take(self) -> Received | None:
        """The oldest; None where there is none."""
        if not self._waiting:
            return None
        received = self._waiting.popleft()
        self._bytes -= len(received.packet)
        return received
