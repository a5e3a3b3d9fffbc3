"""How a live verb ends: Ctrl-C and its like stop it once, and leave it its end in peace."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fzctl.cli.streams import let_go

_before: dict[int, Any] = {}


class Ending:
    """How a block ended: ``was_interrupted`` or by itself."""

    was_interrupted = False


@contextmanager
def interruptible() -> Iterator[Ending]:
    """SIGINT, SIGTERM and SIGHUP end the block, whatever it is doing, and the program goes on behind it.

    The block sees KeyboardInterrupt, once: while it finishes its files a second signal does nothing
    but to free it from a reader that reads nothing.
    """
    ending = Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending  # signals are no business of other threads
        return
    numbers = ending_signals()
    _before.update({number: signal.getsignal(number) for number in numbers})
    try:
        for number in numbers:
            signal.signal(number, _interrupt)  # may be heard at once, before the block
        try:
            yield ending
        except KeyboardInterrupt:
            ending.was_interrupted = True
    finally:
        finish_in_peace()
        for number, handler in _before.items():
            signal.signal(number, handler)
        _before.clear()


def ending_signals() -> list[int]:
    """The signals that end a live verb. nohup wants SIGHUP not to be heard.

    A shell that starts us in the background has SIGINT ignored, which ends us all the same.
    """
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hangs_up else [])]


def finish_in_peace() -> None:
    """Within an interruptible block: what follows is not disturbed any more."""
    for number in _before:
        # Not SIG_IGN: Python would complain of a signal that has come and is not yet handled.
        signal.signal(number, _hurry)


def _hurry(*_: object) -> None:
    let_go()


def _interrupt(*_: object) -> None:
    finish_in_peace()
    raise KeyboardInterrupt
