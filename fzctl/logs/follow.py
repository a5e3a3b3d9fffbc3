"""Logs that are still being written: they grow, are rotated, made anew, or the symlink moves on.

Nothing here waits: whoever follows calls :meth:`Followed.poll` as often as suits.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Final

from fzctl.errors import CaptureError
from fzctl.logs.event import BLANK, CONTINUATION, TEXT, Event
from fzctl.logs.lines import Splitter
from fzctl.logs.parse import Line, parse_line
from fzctl.logs.sources import Source

_PIECE: Final = 1 << 18
_TOO_MANY: Final = "too many files are open; follow fewer, or raise the limit (ulimit -n)"


class Tail:
    """One file by its name; ``poll`` gives what was added since. ``identity`` is what it reads now.

    The file that stands under the name may change: what the old one still got is read first.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: int | None = None
        self.identity: tuple[int, int] | None = None
        self._at = 0
        self._splitter = Splitter()
        self._goes_on = False
        self._failed: int | None = None

    def poll(self) -> Iterator[Event]:
        """The events that were added. A file that is not there, or not now, has none.

        Raises CaptureError where it cannot be opened or read, once for as long as the reason is the same.
        """
        identity = self._look()
        if self._file is not None and identity != self.identity:
            yield from self._read()
            yield from self._end()
        if self._file is None and identity is not None:
            self._open()
        if self._file is not None:
            if os.fstat(self._file).st_size < self._at:
                yield from self._end()
                self._open()
            yield from self._read()

    def close(self) -> Iterator[Event]:
        """Close it; what stands behind the last line end comes now."""
        yield from self._end()

    def _look(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path)
        except (OSError, ValueError):
            return None
        return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None

    def _open(self) -> None:
        try:
            self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            self._fail("opened", error)
            return
        status = os.fstat(self._file)
        if not stat.S_ISREG(status.st_mode):  # it was put there a moment ago, and may have no end
            os.close(self._file)
            self._file = None
            return
        self.identity = status.st_dev, status.st_ino
        self._at = 0
        self._splitter = Splitter()
        self._goes_on = False

    def _read(self) -> Iterator[Event]:
        while self._file is not None:
            try:
                data = os.read(self._file, _PIECE)
            except OSError as error:
                yield from self._end()
                self._fail("read", error)
                return
            self._failed = None
            if not data:
                return
            self._at += len(data)
            yield from self._events(self._splitter.feed(data))

    def _fail(self, what: str, error: OSError) -> None:
        """It is tried again at each poll, but told once; that a file is gone is what rotation does."""
        if error.errno in (self._failed, errno.ENOENT):
            return
        self._failed = error.errno
        problem = _TOO_MANY if error.errno in (errno.EMFILE, errno.ENFILE) else error.strerror
        raise CaptureError(self.path, f"cannot be {what}: {problem}") from None

    def _end(self) -> Iterator[Event]:
        yield from self._events(self._splitter.finish())
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _events(self, lines: Iterator[Line]) -> Iterator[Event]:
        for number, data, left_out in lines:
            for event in parse_line(data, self.path, number, goes_on=self._goes_on, left_out=left_out):
                shape = event.shape
                self._goes_on = shape in (TEXT, CONTINUATION) or (self._goes_on and shape == BLANK)
                yield event


class Followed:
    """Several files, which ``find`` names anew at each poll: folders get new ones.

    ``problems`` is what went wrong so far; the other files are still followed.
    """

    def __init__(self, find: Callable[[], Sequence[Source]]) -> None:
        self.problems: list[CaptureError] = []
        self._find = find
        self._tails: dict[str, Tail] = {}
        self._rotated: dict[str, tuple[int, int] | None] = {}

    def __len__(self) -> int:
        return len(self._tails)

    def poll(self) -> Iterator[Event]:
        """What was added since the last poll, by time."""
        # A tail holds its file open, so that no other can have the same identity meanwhile.
        read = {tail.identity for tail in self._tails.values()}
        for source in self._find():
            path, identity = source.path, source.identity
            if path is None or path in self._tails:
                continue
            if identity in read or self._rotated.get(path, 0) == identity:
                # It has been read under another name.
                self._rotated[path] = identity
                continue
            self._tails[path] = Tail(path)
        return self._by_time(Tail.poll)

    def close(self) -> Iterator[Event]:
        """Close all of them, and what was still to come."""
        return self._by_time(Tail.close)

    def _by_time(self, read: Callable[[Tail], Iterator[Event]]) -> Iterator[Event]:
        from fzctl.logs.merge import Lane, merge

        tails = list(self._tails.values())
        return merge([Lane(partial(self._events_of, tail, read), again=False) for tail in tails])

    def _events_of(self, tail: Tail, read: Callable[[Tail], Iterator[Event]]) -> Generator[Event]:
        try:
            yield from read(tail)
        except CaptureError as error:
            self.problems.append(error)
