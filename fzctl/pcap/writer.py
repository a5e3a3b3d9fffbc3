"""Capture files out: pcap and pcapng, both with nanoseconds."""

from __future__ import annotations

import os
import struct
from types import TracebackType
from typing import Final

from fzctl.errors import CaptureError
from fzctl.pcap import blocks
from fzctl.pcap.classic import MAX_CAPTURED
from fzctl.pcap.links import RAW
from fzctl.pcap.sinks import Sink, Target, open_sink

_NANOSECOND_MAGIC: Final = 0xA1B23C4D
_NANOSECONDS: Final = 1_000_000_000
_PACKED_ENDINGS: Final = (".gz", ".zst")
_MAX_OPTION: Final = 0xFFFF

_RECORD: Final = struct.Struct("<IIII")


class CaptureWriter:
    """A capture that is being written, frame after frame; a context manager.

    Leaving it by an error leaves no file behind.
    """

    def __init__(self, sink: Sink, link_type: int) -> None:
        self._sink = sink
        self._write_header(link_type)

    def write(
        self, data: bytes, time_ns: int | None, length: int | None = None, comment: str | None = None
    ) -> None:
        """Write one frame.

        ``time_ns`` is nanoseconds since the Unix epoch in UTC, ``None`` where unknown; ``length``
        the length on the wire, by default that of ``data``. Raises CaptureError where the frame
        does not fit the format or the target takes no more.
        """
        if len(data) > MAX_CAPTURED:
            raise CaptureError(
                self._sink.name, f"a frame of {len(data)} bytes is too long; {MAX_CAPTURED} is the most"
            )
        self._write_frame(data, time_ns, len(data) if length is None else length, comment)

    def flush(self) -> None:
        """Hand on what was written so far, for a reader that follows along."""
        self._sink.flush()

    def close(self) -> None:
        """Finish the file and give it its name. Raises CaptureError where that fails."""
        self._sink.close()

    def __enter__(self) -> CaptureWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._sink.abandon()
            return
        try:
            self.close()
        except BaseException:
            self._sink.abandon()
            raise

    def _write_header(self, link_type: int) -> None:
        raise NotImplementedError

    def _write_frame(self, data: bytes, time_ns: int | None, length: int, comment: str | None) -> None:
        raise NotImplementedError

    def _refuse_time(self, time_ns: int) -> CaptureError:
        return CaptureError(self._sink.name, f"a time of {time_ns} ns does not fit the format")


class PcapWriter(CaptureWriter):
    """Classic pcap with nanoseconds (draft-ietf-opsawg-pcap); it has no place for comments."""

    def _write_header(self, link_type: int) -> None:
        self._sink.write(struct.pack("<IHHIIII", _NANOSECOND_MAGIC, 2, 4, 0, 0, MAX_CAPTURED, link_type))

    def _write_frame(self, data: bytes, time_ns: int | None, length: int, comment: str | None) -> None:
        seconds, nanoseconds = divmod(time_ns or 0, _NANOSECONDS)
        try:
            header = _RECORD.pack(seconds, nanoseconds, len(data), length)
        except struct.error:
            raise self._refuse_time(time_ns or 0) from None
        self._sink.write(header + data)


class PcapngWriter(CaptureWriter):
    """pcapng with one section and one interface (draft-ietf-opsawg-pcapng)."""

    def _write_header(self, link_type: int) -> None:
        section = struct.pack("<IHHq", blocks.BYTE_ORDER_MAGIC, 1, 0, -1)
        nanoseconds = _option(blocks.TIME_RESOLUTION, b"\x09") + _option(blocks.END_OF_OPTIONS, b"")
        interface = struct.pack("<HHI", link_type, 0, 0) + nanoseconds
        self._write_block(blocks.SECTION, section)
        self._write_block(blocks.INTERFACE, interface)

    def _write_frame(self, data: bytes, time_ns: int | None, length: int, comment: str | None) -> None:
        padded = data + bytes(-len(data) % 4)
        if time_ns is None and comment is None and length == len(data):
            self._write_block(blocks.SIMPLE_PACKET, struct.pack("<I", length) + padded)
            return
        try:
            # The upper half of the time comes first in either byte order (section 4.3).
            high, low = divmod(time_ns or 0, 1 << 32)
            head = struct.pack("<IIIII", 0, high, low, len(data), length)
        except struct.error:
            raise self._refuse_time(time_ns or 0) from None
        self._write_block(blocks.ENHANCED_PACKET, head + padded + _comment(comment))

    def _write_block(self, kind: int, body: bytes) -> None:
        size = struct.pack("<I", blocks.FRAMING + len(body))
        self._sink.write(struct.pack("<I", kind) + size + body + size)


def open_writer(
    target: Target,
    link_type: int = RAW,
    format: str | None = None,  # noqa: A002 - the word that callers look for
) -> CaptureWriter:
    """Open a capture for writing: a path, ``-`` (standard output) or a binary file object.

    ``format`` is ``pcap`` or ``pcapng``; without it a path that ends in ``.pcap`` (before
    ``.gz`` or ``.zst``, which pack) is pcap and all else pcapng. Raises CaptureError where the
    target cannot be written, ValueError for another format.
    """
    kind = format or _format_of(target)
    if kind not in _WRITERS:
        raise ValueError(f"{kind!r} is no capture format")
    sink = open_sink(target)
    try:
        return _WRITERS[kind](sink, link_type)
    except BaseException:
        sink.abandon()
        raise


_WRITERS: Final[dict[str, type[CaptureWriter]]] = {"pcap": PcapWriter, "pcapng": PcapngWriter}


def _format_of(target: Target) -> str:
    if not isinstance(target, (str, os.PathLike)):
        return "pcapng"
    name = os.fspath(target)
    for ending in _PACKED_ENDINGS:
        name = name.removesuffix(ending)
    return "pcap" if name.endswith(".pcap") else "pcapng"


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _comment(text: str | None) -> bytes:
    if text is None:
        return b""
    value = text.encode("utf-8", "replace")
    if len(value) > _MAX_OPTION:
        # Cut between characters: half a one would make the whole comment unreadable to others.
        value = value[:_MAX_OPTION].decode("utf-8", "ignore").encode()
    return _option(blocks.COMMENT, value) + _option(blocks.END_OF_OPTIONS, b"")
