"""The three standard streams, made safe for whatever a shell did to them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from io import TextIOBase, TextIOWrapper
from typing import TextIO, cast

from fzctl.errors import CaptureError

STDOUT = "standard output"

_concealed: dict[str, str] = {}


class _Closed(TextIOBase):
    """Stands for a stdout that the shell closed (``>&-``): what needs none still runs."""

    def write(self, text: str) -> int:
        if text:
            raise CaptureError(STDOUT, "is closed")
        return 0


def prepare() -> None:
    """After this both outputs exist, and take every character, whatever their encoding."""
    _concealed.clear()
    if sys.stderr is None:  # by ``2>&-``; print() would take stdout instead
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = cast(TextIO, _Closed())
    elif isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def abandon() -> None:
    """Give up what stdout and stderr still hold, so that the end of the interpreter does not try again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):  # where no file can be opened any more
                _lead_nowhere(stream.fileno())


def let_go() -> bool:
    """Wait no longer for who reads nothing: an output that has no room now leads nowhere from here on.

    The value is whether there was such an output. A write that a signal's handler interrupts by this
    goes on, and ends at once.
    """
    from select import select

    found = False
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            number = stream.fileno()
            if not select([], [number], [], 0)[1]:
                _lead_nowhere(number)
                found = True
    return found


def conceal(names: Mapping[str, str]) -> None:
    """From here on stderr gets these names' values in their place."""
    _concealed.update(names)


def say(text: str) -> None:
    """A line on stderr; a stderr that takes nothing stops nobody."""
    if _concealed:
        import re

        names = "|".join(map(re.escape, sorted(_concealed, key=len, reverse=True)))
        text = re.sub(rf"(?<!\w)(?:{names})(?!\w)", lambda found: _concealed[found[0]], text)
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        pass


def say_traceback() -> None:
    """Where the error that is being handled came from, on stderr; its own words are harmless there."""
    from traceback import format_exc

    from fzctl.render.escape import escape

    say("\n".join(map(escape, format_exc().rstrip("\n").split("\n"))))


def _lead_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
