"""The bounds of one input: processor time and memory.

Time is the process's own, so that a machine which is busy, or a process that was stopped, breaks no bound.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SECONDS = 2.0
MEBIBYTES = 96
"""How far one input may raise the process's peak: six times the longest block of a pcapng."""

_AGAIN = 0.25


class TooSlowError(BaseException):
    """Out of time. No error of the program's, so that nothing in it catches it."""


class TooLargeError(AssertionError):
    """The peak of memory went up by more than is allowed."""


@contextmanager
def bounds(seconds: float = SECONDS, mebibytes: int = MEBIBYTES) -> Iterator[None]:
    """Raises TooSlowError or TooLargeError where what stands inside breaks a bound."""
    before = _peak()
    handler = signal.signal(signal.SIGPROF, _out_of_time)
    # Again and again, because an exception out of a destructor is lost.
    signal.setitimer(signal.ITIMER_PROF, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
    grown = (_peak() - before) // 1024
    if grown > mebibytes:
        raise TooLargeError(f"the peak of memory rose by {grown} MiB, more than {mebibytes}")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _out_of_time(number: int, frame: FrameType | None) -> None:
    raise TooSlowError("the time is up")
