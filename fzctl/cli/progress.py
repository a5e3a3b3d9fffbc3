"""A line on the terminal that tells how far a long input has been read."""

from __future__ import annotations

import sys
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from fzctl.pcap.capture import Capture
    from fzctl.records import Record

_FIRST_AFTER: Final = 0.5
_EVERY: Final = 0.2


class Progress:
    """Shows the progress of ``capture`` on stderr while the context lasts.

    It looks at the capture from a thread of its own, so that reading costs nothing more. What
    goes to the same terminal meanwhile is shown through ``aside``.
    """

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._done = Event()
        self._lock = Lock()
        self._line = ""
        self._thread = Thread(target=self._show, daemon=True)

    def __enter__(self) -> Progress:
        with suppress(RuntimeError):  # no thread can be started: it is read all the same
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread.ident is not None:
            self._thread.join()

    def aside(self, show: Callable[[Record], None], record: Record) -> None:
        """Show the record where the progress line stood; the next one comes below it."""
        with self._lock:
            self._draw("")
            show(record)

    def _show(self) -> None:
        wait = _FIRST_AFTER
        while not self._done.wait(wait):
            wait = _EVERY
            with self._lock:
                self._draw(progress_text(*self._capture.progress(), self._capture.frame_count))
        self._draw("")

    def _draw(self, line: str) -> None:
        if line == self._line:
            return
        self._line = line
        try:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        except OSError:  # a terminal that went away stops nobody
            pass


def progress_text(done: int, total: int | None, frames: int) -> str:
    """``reading: 42 %, 512 MB, 1,000,000 frames``; without the share where no size is known."""
    share = f"{min(100, done * 100 // total)} %, " if total else ""
    return f"reading: {share}{done / 1e6:.0f} MB, {frames:,} frames"
