"""Capture files from front to back: what is in them, and the few frames that matter to us."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final

from fzctl.pcap.classic import CAPACITY, MAGICS, ClassicReader
from fzctl.pcap.frame import Candidate, Datagram, Frame
from fzctl.pcap.streams import Source, Stream, open_stream
from fzctl.pcap.window import Window

if TYPE_CHECKING:
    from fzctl.pcap.datagrams import Skip
    from fzctl.pcap.halves import Halves
    from fzctl.pcap.ng import NgReader

# A fork and a second process cost as much as reading so many bytes saves.
LEAST_SHARED: Final = 32 * 1024 * 1024

_NG_MAGIC = b"\x0a\x0d\x0d\x0a"


class Capture:
    """A capture that is being read, once and in order; a context manager that closes it.

    Take ``frames``, ``candidates`` or ``packets``. Memory does not grow with the capture.
    """

    def __init__(self, stream: Stream, *, user0_is_ip: bool = False) -> None:
        """Read what tells the format. Raises CaptureError where it is no capture."""
        self._stream = stream
        window = Window(stream, CAPACITY)
        window.need(4)
        magic = bytes(window.view[: min(4, window.end)])
        self._reader: ClassicReader | NgReader
        if magic in MAGICS:
            self._reader = ClassicReader(window, user0_is_ip=user0_is_ip)
        elif magic == _NG_MAGIC:
            # Loading it takes longer than reading a small pcap.
            from fzctl.pcap.ng import NgReader

            self._reader = NgReader(window, user0_is_ip=user0_is_ip)
        else:
            raise window.error(0, "this is no capture file: it begins like neither pcap nor pcapng")
        self._taken = False
        self._halves: Halves | None = None

    @property
    def source(self) -> str:
        """What messages call the capture: its path or ``standard input``."""
        return self._stream.name

    @property
    def format(self) -> str:
        """``pcap`` or ``pcapng``."""
        return self._reader.format

    @property
    def frame_count(self) -> int:
        """The frames passed so far, as Wireshark counts, whether they were yielded or not."""
        return self._reader.frame_count

    @property
    def skipped_link_types(self) -> dict[int, int]:
        """Link types that we cannot read, each with its number of frames so far."""
        return self._reader.skipped_link_types

    @property
    def secrets(self) -> list[tuple[int, bytes]]:
        """Type and bytes of the decryption secrets blocks passed so far (pcapng only)."""
        return self._reader.secrets

    @property
    def names(self) -> dict[str, str]:
        """Names of addresses in the name resolution blocks passed so far (pcapng only)."""
        return self._reader.names

    def has_secrets(self) -> bool:
        """Whether decryption secrets stand before the first packet; to be asked before a pass."""
        return self._reader.has_secrets()

    def share(self, least: int = LEAST_SHARED) -> bool:
        """Have a second process scan half of it for ``candidates``; whether one does.

        Only a plain file of at least ``least`` bytes can be shared. It is a fork: call it before a
        thread is started, after ``has_secrets``. What ``candidates`` yields is the same; the other
        passes are made alone.
        """
        stream, reader = self._stream, self._reader
        if stream.descriptor < 0 or (stream.total or 0) < least or not hasattr(os, "preadv"):
            return False
        from fzctl.pcap.halves import Halves, find_boundary

        boundary = find_boundary(reader, stream.descriptor, stream.total or 0)
        if boundary is None:
            return False
        try:
            self._halves = Halves(reader, stream, boundary)
        except OSError:  # a limit of processes, of memory or of open files: one process reads it, too
            return False
        return True

    def frames(self) -> Iterator[Frame]:
        """Every frame, whatever its link type.

        Raises CaptureError at damage, after every frame before it was yielded, and RuntimeError
        on the second pass.
        """
        self._take()
        self._read_alone()
        return self._reader.frames()

    def candidates(self) -> Iterator[Candidate]:
        """The frames that may hold a control packet; none is missed, a few are not one.

        A frame whose addresses the snap length cut off cannot be told and is left out. Raises
        as ``frames`` does.
        """
        self._take()
        return self._reader.candidates() if self._halves is None else self._halves.candidates()

    def packets(self, skip: Skip | None = None) -> Iterator[Candidate | Datagram]:
        """What ``candidates`` yields, and the UDP datagrams that may be WireGuard or carry it.

        ``skip`` is asked about transport data that the capture holds whole, with a buffer and where
        in it they begin and end: true, and they are passed over. It may be asked about the same ones
        twice. Secrets are there before what follows them in the file is asked about. Raises as
        ``frames`` does.
        """
        from fzctl.pcap.datagrams import DatagramFinder

        self._take()
        self._read_alone()
        return self._reader.packets(DatagramFinder(skip))

    def progress(self) -> tuple[int, int | None]:
        """Bytes read of the file, packed as it is, and its size (``None`` for a pipe)."""
        read, total = self._stream.consumed, self._stream.total
        return (read if self._halves is None else 2 * read), total

    def close(self) -> None:
        """Close the file, if a path was given."""
        if self._halves is not None:
            self._halves.close()
        self._stream.close()

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_alone(self) -> None:
        """The helper finds candidates and nothing else."""
        if self._halves is not None:
            self._halves.part()
            self._halves = None

    def _take(self) -> None:
        if self._taken:
            raise RuntimeError("a capture is read once: open it again for another pass")
        self._taken = True


def open_capture(source: Source, *, user0_is_ip: bool = False) -> Capture:
    """Open a capture: a path, ``-`` for standard input, or a binary file object.

    pcap and pcapng, plain, gzip or zstd, told apart by content. ``user0_is_ip`` reads link type
    147 as raw IP. Raises CaptureError where it cannot be opened or is no capture.
    """
    stream = open_stream(source)
    try:
        return Capture(stream, user0_is_ip=user0_is_ip)
    except BaseException:
        stream.close()
        raise
