"""How the process ends where it is told to: in order, as by Ctrl-C, and with the signal's exit code.

Without this SIGTERM would leave behind what is half written.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fzctl.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    import signal
else:
    try:
        import _signal as signal  # without its enumerations, half a millisecond of a short run
    except ImportError:  # another Python than CPython
        import signal

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
_BY_SIGNAL: Final = 128

_heard = 0


def heed() -> None:
    """From here on SIGTERM and SIGHUP interrupt as Ctrl-C does. What is ignored (nohup) stays so."""
    for number in _ENDING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)


def unheed() -> None:
    """From here on SIGTERM and SIGHUP end the process at once: for what would not let an interrupt end it."""
    for number in _ENDING:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_DFL)


def ended(code: int) -> int:
    """The exit code of a process whose verb ended with ``code``; removes what it left half written."""
    sinks = sys.modules.get("fzctl.pcap.sinks")
    for path in () if sinks is None else sinks.unfinished:
        with suppress(OSError):
            os.unlink(path)
    return _BY_SIGNAL + _heard if _heard and code == EXIT_INTERRUPTED else code


def _interrupt(number: int, _: object) -> None:
    global _heard
    if not _heard:
        _heard = number
        raise KeyboardInterrupt
    # A second one does not disturb the end, but frees it from a reader that reads nothing.
    from fzctl.cli.streams import let_go

    let_go()
