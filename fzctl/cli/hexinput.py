"""Lines of text from a file or from standard input, for ``--hex``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from fzctl.errors import CaptureError


@contextmanager
def open_lines(source: str) -> Iterator[Iterable[str]]:
    """The lines of ``source`` (``-`` is stdin), whatever bytes they hold. Raises CaptureError."""
    if source == "-":
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        yield sys.stdin
        return
    try:
        with open(source, encoding="utf-8", errors="replace") as lines:
            yield lines
    except OSError as error:
        raise CaptureError(source, f"cannot be read: {error.strerror}") from None
