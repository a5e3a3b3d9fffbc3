"""Captures that go on in file after file, as dumpcap's ring buffer: each whole, the oldest removed.

A file gets its name when it is whole. What readers need to understand what follows (interfaces,
keys, names, handshakes) stands again at the beginning of each.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from fzctl.pcap.writer import CaptureWriter, open_writer

_ENDINGS: Final = (".gz", ".zst", ".pcap", ".pcapng")
_MOST_LASTING: Final = 64
_MOST_NAMES: Final = 4096

_Frame = tuple[bytes, int | None, int, str | None, int, str | None]


class Limits(NamedTuple):
    """When the next file begins: after so many bytes, seconds or frames; ``files`` are kept."""

    size: int | None = None
    seconds: float | None = None
    frames: int | None = None
    files: int | None = None


class RotatingWriter(CaptureWriter):
    """A capture in files ``NAME_00001_20261122124301.pcapng`` and so on, numbered and dated.

    ``finished`` are those that are whole and still there.
    """

    def __init__(
        self,
        path: str,
        limits: Limits,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        *,
        private: bool = False,
    ) -> None:
        """``now`` is seconds since the Unix epoch, for names; ``clock`` never steps back.

        ``private`` files can be read by their owner alone.

        Raises CaptureError where the first file cannot be written.
        """
        self.finished: Final[deque[str]] = deque()
        self._path: Final = path
        self._limits: Final = limits
        self._private: Final = private
        self._now: Final = now
        self._clock: Final = clock
        self._link_types = []
        self._interfaces: Final[list[tuple[int, str | None]]] = []
        self._secrets: Final[list[tuple[int, bytes]]] = []
        self._names: Final[dict[str, str]] = {}
        self._lasting: Final[deque[_Frame]] = deque(maxlen=_MOST_LASTING)
        self._last: _Frame | None = None
        self._number = 0
        self._open()

    def add_interface(self, link_type: int, name: str | None = None) -> int:
        number = self._writer.add_interface(link_type, name)
        self._interfaces.append((link_type, name))
        self._link_types.append(link_type)
        return number

    def write_secrets(self, kind: int, data: bytes) -> None:
        self._writer.write_secrets(kind, data)
        if (kind, data) not in self._secrets:
            self._secrets.append((kind, data))

    def write_names(self, names: Mapping[str, str]) -> None:
        self._writer.write_names(names)
        self._names.update(names)
        while len(self._names) > _MOST_NAMES:
            del self._names[next(iter(self._names))]

    def repeat_last(self) -> None:
        """Have the frame that was written last stand at the beginning of the files to come, too."""
        if self._last is not None:
            self._lasting.append(self._last)

    def look_at_clock(self) -> None:
        """Begin the next file where it is time, though nothing is written."""
        if self._frames and self._is_over():
            self._rotate()

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
        if self._name not in self.finished:  # it is closed twice where the next one cannot be begun
            self.finished.append(self._name)

    def _write_frame(
        self,
        data: bytes,
        time_ns: int | None,
        length: int,
        comment: str | None,
        interface: int,
        direction: str | None,
    ) -> None:
        if self._frames and (self._is_full() or self._is_over()):
            self._rotate()
        self._last = data, time_ns, length, comment, interface, direction
        self._writer.write(*self._last)
        self._frames += 1

    def _is_full(self) -> bool:
        size, frames = self._limits.size, self._limits.frames
        return (size is not None and self._writer.size >= size) or (
            frames is not None and self._frames >= frames
        )

    def _is_over(self) -> bool:
        seconds = self._limits.seconds
        return seconds is not None and self._clock() - self._begun >= seconds

    def _rotate(self) -> None:
        self.close()
        self._open()
        files = self._limits.files
        while files is not None and len(self.finished) >= files:
            with contextlib.suppress(OSError):
                os.unlink(self.finished.popleft())
        for link_type, name in self._interfaces:
            self._writer.add_interface(link_type, name)
        for kind, data in self._secrets:
            self._writer.write_secrets(kind, data)
        if self._names:
            self._writer.write_names(self._names)
        for frame in self._lasting:
            self._writer.write(*frame)

    def _open(self) -> None:
        self._number += 1
        self._begun = self._clock()
        self._frames = 0
        name = name_of(self._path, self._number, self._now())
        self._writer: CaptureWriter = open_writer(name, link_type=None, private=self._private)
        self._name = name
        self.format = self._writer.format
        self._sink = self._writer._sink


def name_of(path: str, number: int, now: float) -> str:
    """The name of the file with that number, as dumpcap makes it of the path that was given."""
    folder, name = os.path.split(path)
    ending = ""
    for each in _ENDINGS:  # what packs comes last in the name
        if name.endswith(each) and name != each:
            name, ending = name.removesuffix(each), each + ending
    stamp = time.strftime("%Y%m%d%H%M%S", time.localtime(now))
    return os.path.join(folder, f"{name}_{number:05}_{stamp}{ending}")


def parse_limits(texts: list[str]) -> Limits:
    """The limits in dumpcap's words: ``filesize:KB``, ``duration:S``, ``packets:N``, ``files:N``.

    Raises ValueError with a sentence for people.
    """
    found: dict[str, int] = {}
    for text in texts:
        word, _, value = text.partition(":")
        if word not in ("filesize", "duration", "packets", "files"):
            raise ValueError(f"{text!a}: there are filesize:KB, duration:SECONDS, packets:N and files:N")
        if not (value.isascii() and value.isdigit() and int(value[:10]) > 0 and len(value) <= 10):
            raise ValueError(f"{text!a}: {value!a} is no whole number above 0")
        found[word] = int(value)
    if found and found.keys() <= {"files"}:
        raise ValueError("files:N needs filesize:KB, duration:SECONDS or packets:N beside it")
    size = found["filesize"] * 1000 if "filesize" in found else None  # dumpcap's kB
    return Limits(size, found.get("duration"), found.get("packets"), found.get("files"))
