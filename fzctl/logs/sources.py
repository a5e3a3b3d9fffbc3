"""Where logs are: files, folders, patterns, exported zips; copies of one another are found out."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple

from fzctl.errors import CaptureError
from fzctl.logs.lines import PIECE, read_lines
from fzctl.logs.parse import Line
from fzctl.pcap.streams import Source as Openable
from fzctl.pcap.streams import open_stream

HEAD: Final = 4096
"""Bytes at the beginning that tell what a file is, and whether two are the same."""

# Logs that tell of the same time are open together: so many bytes of all of them, or these of each.
_MOST_HELD: Final = 1 << 24
_LEAST_PIECE: Final = 1 << 12

_ZIP_MAGIC: Final = b"PK\x03\x04"
_PACKED_MAGIC: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_ZEROS: Final = 10
_BINARY: Final = "is no log but binary data (UTF-16 is to be made UTF-8 first)"
_LATEST: Final = "latest"
_TWIN: Final = re.compile(r"(.*/)?(connlib\.[0-9]{4}(?:-[0-9]{2}){5})\.log")
"""What clients up to 1.4.0 wrote as text, beside the same as JSON."""


class Source(NamedTuple):
    """One log: ``name`` is what messages call it, ``open`` its bytes from the start.

    ``path`` is set for plain files, which can be followed. ``again`` tells that it can be opened
    more than once. ``identity`` is equal for what is certainly the same, ``head`` its beginning.
    ``piece`` is how many bytes are read at a time.
    """

    name: str
    open: Callable[[], Openable]
    size: int | None = None
    path: str | None = None
    again: bool = True
    identity: tuple[int, int] | None = None
    head: bytes = b""
    piece: int = PIECE

    @property
    def is_packed(self) -> bool:
        """Is it gzip or zstd?"""
        return self.head.startswith(_PACKED_MAGIC)

    def lines(self) -> Iterator[Line]:
        """The lines, unpacked. Raises CaptureError."""
        opened = self.open()
        try:
            stream = open_stream(opened, may_be_empty=True)
            try:
                yield from read_lines(stream, self._check, self.piece)
            finally:
                stream.close()
        finally:
            if not isinstance(opened, (str, os.PathLike)) and hasattr(opened, "close"):
                opened.close()

    def _check(self, beginning: bytes) -> None:
        if is_zip(beginning):
            raise CaptureError(self.name, "is a zip file, which is read by its name only")
        if is_binary(beginning[:HEAD]):
            raise CaptureError(self.name, _BINARY)


class Found(NamedTuple):
    """The logs, the names of what was left out (copies of logs, other files), and what went wrong."""

    sources: list[Source]
    copies: list[str]
    others: list[str]
    problems: list[CaptureError]


def find_sources(paths: Sequence[str], stack: ExitStack) -> Found:
    """The logs behind files, folders, patterns and zips; what is opened closes with ``stack``."""
    found = Found([], [], [], [])
    for path in paths:
        for each in _expand(path):
            try:
                _add(each, found, stack, chosen=True)
            except CaptureError as error:
                found.problems.append(error)
    sources, copies = without_copies(found.sources)
    piece = max(_LEAST_PIECE, min(PIECE, _MOST_HELD // max(1, len(sources))))
    sources = [each._replace(piece=piece) for each in sources]
    return found._replace(sources=sources, copies=found.copies + copies)


def without_copies(sources: Sequence[Source]) -> tuple[list[Source], list[str]]:
    """The logs without those that say the same as another, and the names of these.

    An export turns the symlink ``latest`` into a second copy, which may have been taken a moment
    before or after the first; clients up to 1.4.0 wrote each log twice, as text and as JSON.
    """
    kept: list[Source] = []
    copies: list[str] = []
    seen: set[tuple[int, int]] = set()
    beginnings: dict[tuple[str, bytes], Source] = {}
    names = {each.name for each in sources}
    # Real names first, so that the copy is what goes.
    for source in sorted(sources, key=lambda each: _is_latest(each.name)):
        folder = os.path.dirname(source.name)
        twin = _TWIN.fullmatch(source.name)
        other = beginnings.get((folder, source.head)) if _is_latest(source.name) and source.head else None
        if other is not None and (source.size or 0) > (other.size or 0):
            kept.remove(other)
            copies.append(other.name)
        elif (
            other is not None
            or (source.identity is not None and source.identity in seen)
            or (twin is not None and f"{twin[1] or ''}{twin[2]}.jsonl" in names)
        ):
            copies.append(source.name)
            continue
        if source.identity is not None:
            seen.add(source.identity)
        beginnings[folder, source.head] = source
        kept.append(source)
    places = {id(each): number for number, each in enumerate(sources)}
    return sorted(kept, key=lambda each: places[id(each)]), copies


def is_no_log(name: str, head: bytes) -> bool:
    """Is this, by its name or beginning, something else that stands beside logs: settings, a database?"""
    return name.endswith(".json") or is_binary(head)


def is_binary(head: bytes) -> bool:
    """Is too much of it zeros for a log? Where a machine lost power, some may be."""
    return head.count(0) * _ZEROS > len(head) and not head.startswith(_PACKED_MAGIC)


def is_zip(head: bytes) -> bool:
    """Is this the beginning of a zip file?"""
    return head.startswith(_ZIP_MAGIC)


def _expand(path: str) -> list[str]:
    """A pattern that the shell did not expand, in order; anything else as it is."""
    if path != "-" and not os.path.lexists(path) and any(each in path for each in "*?["):
        from glob import glob

        return sorted(glob(path, recursive=True)) or [path]
    return [path]


def _add(path: str, found: Found, stack: ExitStack, *, chosen: bool) -> None:
    """Add what stands at ``path``; of a folder's files only those that look like logs."""
    if path == "-":
        found.sources.append(Source("standard input", lambda: "-", again=False))
        return
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            _add_folder(path, found, stack)
            return
        regular = stat.S_ISREG(status.st_mode)
        head = _head_of(path) if regular else b""
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise CaptureError(path, f"cannot be opened: {problem}") from None
    if is_zip(head):
        from fzctl.logs.archive import open_archive

        open_archive(path, found, stack)
    elif not chosen and is_no_log(path, head):
        found.others.append(path)
    elif is_binary(head):
        raise CaptureError(path, _BINARY)
    else:
        identity = (status.st_dev, status.st_ino) if regular else None
        size = status.st_size if regular else None
        found.sources.append(Source(path, lambda: path, size, path, regular, identity, head))


def _add_folder(path: str, found: Found, stack: ExitStack) -> None:
    for name in sorted(os.listdir(path)):
        inner = os.path.join(path, name)
        if os.path.isdir(inner) and os.path.islink(inner):
            continue  # might lead back up
        if not (os.path.isdir(inner) or os.path.isfile(inner)):
            continue  # a pipe or a dangling link is no log
        try:
            _add(inner, found, stack, chosen=False)
        except CaptureError as error:
            found.problems.append(error)


def _head_of(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(HEAD)


def _is_latest(name: str) -> bool:
    base = os.path.basename(name)
    return base == _LATEST or base.endswith("." + _LATEST)
