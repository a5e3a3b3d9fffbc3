"""A capture file read by two processes: the second half is scanned while the first one is.

The helper begins where a record seems to begin, and counts from there. Its findings are taken only
when the walk from the front has come to that very byte, in the state that the helper assumed. In
every other case, damage included, the walk goes on by itself, so that what comes out is what one
process would have found, frame numbers and errors too.
"""

from __future__ import annotations

import marshal
import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

from fzctl.errors import CaptureError
from fzctl.pcap.boundary import find_block, find_record
from fzctl.pcap.classic import CAPACITY
from fzctl.pcap.frame import Candidate
from fzctl.pcap.streams import Stream
from fzctl.pcap.window import Window

if TYPE_CHECKING:
    from fzctl.pcap.classic import ClassicReader
    from fzctl.pcap.ng import NgReader

# Bytes that are looked through for a record's beginning: several of the longest.
_SEARCHED: Final = 1 << 20
# Bytes of candidates that go over at a time, and that the helper keeps before it waits for the walk.
_BATCH: Final = 64 * 1024
_MOST_KEPT: Final = 4 * 1024 * 1024
# Where more of the file than one byte in so many is for us, handing it over costs more than finding it.
_SPARSE: Final = 32

_new: Final = tuple.__new__


class Halves:
    """Both halves of a capture file. Close it, whatever came of it."""

    def __init__(self, reader: ClassicReader | NgReader, stream: Stream, boundary: int) -> None:
        """Start the helper: a fork, so no other thread may run. ``stream`` must have a descriptor.

        Raises OSError where there is no other process to be had; the reader is as before then.
        """
        self._reader = reader
        self._assumed = reader.state
        receiver, sender = os.pipe()
        parent = os.getpid()
        try:
            self._pid = os.fork()
        except OSError:
            os.close(receiver)
            os.close(sender)
            raise
        if not self._pid:
            _be_helper(reader, stream, boundary, sender, parent)
        os.close(sender)
        reader.window.limit = boundary
        self._pipe: BinaryIO | None = open(receiver, "rb", buffering=_BATCH)  # noqa: SIM115

    def candidates(self) -> Iterator[Candidate]:
        """As the reader's own, of the whole file."""
        reader = self._reader
        yield from reader.candidates()
        if not reader.window.pauses_at(reader.window.end):
            return  # no record began at the boundary, or the file became shorter than that meanwhile
        before = reader.frame_count
        taken = 0
        if reader.state == self._assumed:
            for found in self._received():
                if isinstance(found, int):
                    reader.frame_count = before + found
                    return
                for number, *rest in found:
                    reader.frame_count = before + number
                    taken += 1
                    yield _new(Candidate, (reader.frame_count, *rest))
        # Again from the boundary, to say of the rest what the helper could not.
        reader.frame_count = before
        reader.resume()
        yield from islice(reader.candidates(), taken, None)

    def part(self) -> None:
        """End the helper before anything came of it: the reader has the whole file to itself again."""
        self.close()
        self._reader.window.limit = None

    def close(self) -> None:
        """End the helper."""
        if self._pipe is None:
            return
        self._pipe.close()
        self._pipe = None
        with suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)
        with suppress(OSError):
            os.waitpid(self._pid, 0)

    def _received(self) -> Iterator[Any]:
        assert self._pipe is not None
        with suppress(EOFError):
            while True:
                yield marshal.load(self._pipe)


def find_boundary(reader: ClassicReader | NgReader, descriptor: int, size: int) -> int | None:
    """Where the second half of the file begins, behind all that was read of it so far."""
    middle = size // 2 & ~3
    if middle <= reader.window.base + reader.window.end:
        return None
    data = os.pread(descriptor, _SEARCHED, middle)
    found = find_record(data, reader.order) if reader.format == "pcap" else find_block(data, reader.order)
    return None if found is None else middle + found


def _be_helper(
    reader: ClassicReader | NgReader, stream: Stream, boundary: int, sender: int, parent: int
) -> NoReturn:
    code = 1
    try:
        for standard in range(3):
            os.close(standard)
        with open(sender, "wb", buffering=0) as pipe:
            _scan(reader, _part(stream, boundary, parent), boundary, _Sender(pipe.fileno()))
        code = 0
    finally:
        # Whatever happened, the walk reads what this process could not, and says what is wrong.
        os._exit(code)


def _scan(reader: ClassicReader | NgReader, part: Stream, boundary: int, sender: _Sender) -> None:
    window = Window(part, CAPACITY)
    window.base = boundary
    reader.window = window
    reader.frame_count = 0
    reader.resume()
    learnt = _learnt(reader)
    batch: list[tuple[Any, ...]] = []
    size = sent = 0
    with suppress(CaptureError):
        for candidate in reader.candidates():
            batch.append(tuple(candidate))
            size += len(candidate.data)
            if size >= _BATCH:
                sent += size
                if window.base - boundary < _SPARSE * sent:
                    return
                sender.send(batch)
                batch, size = [], 0
        if _learnt(reader) == learnt:
            sender.send(batch)
            sender.send(reader.frame_count)
    sender.flush()


def _learnt(reader: ClassicReader | NgReader) -> tuple[int, int, dict[int, int]]:
    """What the walk has to find out by itself, for it is asked for besides frames."""
    return len(reader.secrets), len(reader.names), dict(reader.skipped_link_types)


def _part(stream: Stream, start: int, parent: int) -> Stream:
    """The file from ``start`` on, without moving the place where the parent reads."""
    position = start
    descriptor = stream.descriptor

    def read_into(target: memoryview) -> int:
        nonlocal position
        if os.getppid() != parent:
            os._exit(1)
        count = os.preadv(descriptor, [target], position)
        position += count
        return count

    return Stream(stream.name, read_into, None, lambda: None)


class _Sender:
    """The helper's end: keeps a few batches rather than wait."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept: deque[bytes] = deque()
        self._size = 0

    def send(self, thing: list[tuple[Any, ...]] | int) -> None:
        data = marshal.dumps(thing)
        self._kept.append(data)
        self._size += len(data)
        while self._size > _MOST_KEPT:
            self._write()

    def flush(self) -> None:
        while self._kept:
            self._write()

    def _write(self) -> None:
        data = self._kept.popleft()
        self._size -= len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
