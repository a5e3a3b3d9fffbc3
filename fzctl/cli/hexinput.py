"""Lines of text from a file or from standard input, for ``--hex``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from fzctl.errors import CaptureError

_LONGEST: Final = 1 << 20
"""Characters in a line; the longest packet has an eighth of them, and a device may have no end."""


@contextmanager
def open_lines(source: str) -> Iterator[Iterator[str]]:
    """The lines of ``source`` (``-`` is stdin), whatever bytes they hold; both raise CaptureError."""
    if source == "-":
        if sys.stdin is None:
            raise CaptureError("standard input", "is closed")
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")  # type: ignore[union-attr]
        yield _lines(sys.stdin, "standard input")
        return
    try:
        lines = open(source, encoding="utf-8-sig", errors="replace")  # noqa: SIM115
    except OSError as error:
        raise _unreadable(source, error) from None
    with lines:
        yield _lines(lines, source)


def _lines(file: TextIO, name: str) -> Iterator[str]:
    number = 0
    while True:
        try:
            line = file.readline(_LONGEST)
        except OSError as error:
            raise _unreadable(name, error) from None
        if not line:
            return
        number += 1
        if len(line) == _LONGEST:
            raise CaptureError(name, f"line {number} is far too long for a packet in hex")
        yield line


def _unreadable(name: str, error: OSError) -> CaptureError:
    return CaptureError(name, f"cannot be read: {error.strerror or error}")
