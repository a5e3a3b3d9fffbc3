"""Capture files out: pcap and pcapng, both with nanoseconds."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from fzctl.errors import CaptureError
from fzctl.pcap import blocks
from fzctl.pcap.classic import MAX_CAPTURED
from fzctl.pcap.links import RAW
from fzctl.pcap.names import pack_names
from fzctl.pcap.sinks import Sink, Target, open_sink

_NANOSECOND_MAGIC: Final = 0xA1B23C4D
_NANOSECONDS: Final = 1_000_000_000
_PACKED_ENDINGS: Final = (".gz", ".zst")
_NO_MORE_OPTIONS: Final = blocks.pack_option(blocks.END_OF_OPTIONS, b"")
_MAX_SECRETS: Final = 8 * 1024 * 1024

_RECORD: Final = struct.Struct("<IIII")


class CaptureWriter:
    """A capture that is being written, frame after frame; a context manager.

    Leaving it by an error leaves no file behind.
    """

    format: str

    def __init__(self, sink: Sink, link_type: int | None) -> None:
        self._sink = sink
        self._link_types: list[int] = []
        if link_type is not None:
            self.add_interface(link_type)

    def add_interface(self, link_type: int, name: str | None = None) -> int:
        """Declare an interface and return its number, which ``write`` takes; the first is 0.

        Raises CaptureError where the format holds one link type and this is another.
        """
        raise NotImplementedError

    def write(
        self,
        data: bytes,
        time_ns: int | None,
        length: int | None = None,
        comment: str | None = None,
        interface: int = 0,
        direction: str | None = None,
    ) -> None:
        """Write one frame.

        ``time_ns`` is nanoseconds since the Unix epoch in UTC, ``None`` where unknown; ``length``
        the length on the wire, by default that of ``data``; ``direction`` is ``in`` or ``out``. A
        comment and a direction are left out where the format has no place for them. Raises
        CaptureError where the frame does not fit the format or the target takes no more.
        """
        if len(data) > MAX_CAPTURED:
            raise CaptureError(
                self._sink.name, f"a frame of {len(data)} bytes is too long; {MAX_CAPTURED} is the most"
            )
        if interface >= len(self._link_types):
            raise ValueError(f"there is no interface {interface}")
        if direction is not None and direction not in blocks.DIRECTIONS:
            raise ValueError(f"{direction!r} is no direction")
        self._write_frame(
            data, time_ns, len(data) if length is None else length, comment, interface, direction
        )

    def write_secrets(self, kind: int, data: bytes) -> None:
        """Write keys into the file, for what follows; ``kind`` as in ``blocks.WIREGUARD_KEYS``.

        Raises CaptureError where the format holds none.
        """
        raise CaptureError(self._sink.name, "pcap cannot hold keys: name the file .pcapng")

    def write_names(self, names: Mapping[str, str]) -> None:
        """Write names of IP addresses, for what follows.

        Raises CaptureError where the format holds none, ValueError for what is no address.
        """
        raise CaptureError(self._sink.name, "pcap cannot hold names: name the file .pcapng")

    @property
    def size(self) -> int:
        """The bytes written so far, packed as they are."""
        return self._sink.size

    def flush(self) -> None:
        """Hand on what was written so far, for a reader that follows along."""
        self._sink.flush()

    def close(self) -> None:
        """Finish the file and give it its name. Raises CaptureError where that fails."""
        if not self._link_types:
            self.add_interface(RAW)
        self._sink.close()

    def salvage(self) -> None:
        """Give up, but keep the frames up to the last ``flush`` where that can be done."""
        self._sink.salvage()

    def __enter__(self) -> Self:
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

    def _write_frame(
        self,
        data: bytes,
        time_ns: int | None,
        length: int,
        comment: str | None,
        interface: int,
        direction: str | None,
    ) -> None:
        raise NotImplementedError

    def _refuse_time(self, time_ns: int) -> CaptureError:
        return CaptureError(self._sink.name, f"a time of {time_ns} ns does not fit the format")


class PcapWriter(CaptureWriter):
    """Classic pcap with nanoseconds (draft-ietf-opsawg-pcap); it has no place for comments."""

    format = "pcap"

    def add_interface(self, link_type: int, name: str | None = None) -> int:
        if not self._link_types:
            header = struct.pack("<IHHIIII", _NANOSECOND_MAGIC, 2, 4, 0, 0, MAX_CAPTURED, link_type)
            self._sink.write(header)
        elif self._link_types[0] != link_type:
            raise CaptureError(
                self._sink.name, "pcap cannot hold frames of several link types: name the file .pcapng"
            )
        self._link_types.append(link_type)
        return len(self._link_types) - 1

    def _write_frame(
        self,
        data: bytes,
        time_ns: int | None,
        length: int,
        comment: str | None,
        interface: int,
        direction: str | None,
    ) -> None:
        seconds, nanoseconds = divmod(time_ns or 0, _NANOSECONDS)
        try:
            header = _RECORD.pack(seconds, nanoseconds, len(data), length)
        except struct.error:
            raise self._refuse_time(time_ns or 0) from None
        self._sink.write(header + data)


class PcapngWriter(CaptureWriter):
    """pcapng with one section (draft-ietf-opsawg-pcapng)."""

    format = "pcapng"

    def __init__(self, sink: Sink, link_type: int | None) -> None:
        # Blocks that wait for the first interface: editcap refuses secrets before one.
        self._waiting: list[tuple[int, bytes]] = []
        section = struct.pack("<IHHq", blocks.BYTE_ORDER_MAGIC, 1, 0, -1)
        sink.write(_pack_block(blocks.SECTION, section))
        super().__init__(sink, link_type)

    def add_interface(self, link_type: int, name: str | None = None) -> int:
        options = blocks.pack_text(blocks.INTERFACE_NAME, name) if name else b""
        options += blocks.pack_option(blocks.TIME_RESOLUTION, b"\x09") + _NO_MORE_OPTIONS
        self._link_types.append(link_type)
        self._write_block(blocks.INTERFACE, struct.pack("<HHI", link_type, 0, 0) + options)
        waiting, self._waiting = self._waiting, []
        for kind, body in waiting:
            self._write_block(kind, body)
        return len(self._link_types) - 1

    def write_secrets(self, kind: int, data: bytes) -> None:
        body = struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 4)
        if len(body) > _MAX_SECRETS:
            raise CaptureError(self._sink.name, f"keys of {len(data)} bytes are too long")
        self._write_block(blocks.SECRETS, body)

    def write_names(self, names: Mapping[str, str]) -> None:
        for body in pack_names(names):
            self._write_block(blocks.NAMES, body)

    def _write_frame(
        self,
        data: bytes,
        time_ns: int | None,
        length: int,
        comment: str | None,
        interface: int,
        direction: str | None,
    ) -> None:
        padded = data + bytes(-len(data) % 4)
        options = b"" if comment is None else blocks.pack_text(blocks.COMMENT, comment)
        if direction is not None:
            flags = struct.pack("<I", blocks.DIRECTIONS[direction])
            options += blocks.pack_option(blocks.PACKET_FLAGS, flags)
        if time_ns is None and not options and not interface and length == len(data):
            self._write_block(blocks.SIMPLE_PACKET, struct.pack("<I", length) + padded)
            return
        try:
            # The upper half of the time comes first in either byte order (section 4.3).
            high, low = divmod(time_ns or 0, 1 << 32)
            head = struct.pack("<IIIII", interface, high, low, len(data), length)
        except struct.error:
            raise self._refuse_time(time_ns or 0) from None
        self._write_block(blocks.ENHANCED_PACKET, head + padded + (options and options + _NO_MORE_OPTIONS))

    def _write_block(self, kind: int, body: bytes) -> None:
        if self._link_types:
            self._sink.write(_pack_block(kind, body))
        else:
            self._waiting.append((kind, body))


def _pack_block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", blocks.FRAMING + len(body))
    return struct.pack("<I", kind) + size + body + size


def open_writer(
    target: Target,
    link_type: int | None = RAW,
    format: str | None = None,  # noqa: A002 - the word that callers look for
    *,
    private: bool = False,
) -> CaptureWriter:
    """Open a capture for writing: a path, ``-`` (standard output) or a binary file object.

    ``link_type`` is that of interface 0; with ``None`` ``add_interface`` comes first. ``format`` is
    ``pcap`` or ``pcapng``; without it a path that ends in ``.pcap`` (before ``.gz`` or ``.zst``, which
    pack) is pcap and all else pcapng. A ``private`` file can be read by its owner alone. Raises
    CaptureError where the target cannot be written, ValueError for another format.
    """
    kind = format or _format_of(target)
    if kind not in _WRITERS:
        raise ValueError(f"{kind!r} is no capture format")
    sink = open_sink(target, private=private)
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
