"""The classic capture format, pcap (draft-ietf-opsawg-pcap), in both byte orders and resolutions."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from fzctl.pcap.engine import record_skimmer
from fzctl.pcap.frame import Candidate, Datagram, Frame
from fzctl.pcap.links import link_for, may_be_control
from fzctl.pcap.skim import RECORD_HEADER, TURN
from fzctl.pcap.window import Window

if TYPE_CHECKING:
    from fzctl.pcap.datagrams import DatagramFinder

# Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD: a longer record is taken for damage.
MAX_CAPTURED: Final = 262144

_NANOSECONDS: Final = 1_000_000_000
_FILE_HEADER: Final = 24
# Magic in file order: byte order, nanoseconds per tick.
_MAGICS: Final[dict[bytes, tuple[str, int]]] = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
MAGICS: Final = frozenset(_MAGICS)
# The buffer holds the longest record and not a byte more: a record that is too long always
# leaves it, and the fast scan need not look at lengths.
CAPACITY: Final = MAX_CAPTURED + RECORD_HEADER

# Half the price of the class itself, in a place that is passed for every message.
_new: Final = tuple.__new__


class ClassicReader:
    """The frames of a pcap stream; ``frame_count`` is how many were passed so far.

    ``order`` is the file's byte order as ``struct`` writes it.
    """

    format = "pcap"

    def __init__(self, window: Window, *, user0_is_ip: bool = False) -> None:
        """Read the file header. Raises CaptureError where it is cut short or unknown."""
        if not window.need(_FILE_HEADER):
            raise window.error(window.end, f"the file ends within its header of {_FILE_HEADER} bytes")
        self.order, self._tick = _MAGICS[bytes(window.view[:4])]
        major, minor, link = struct.unpack_from(self.order + "HH12xI", window.view, 4)
        if major != 2:
            raise window.error(4, f"version {major}.{minor} of the pcap format is unknown")
        # The upper bits tell the length of a frame check sequence.
        self.link_type: int = link & 0xFFFF
        self.frame_count = 0
        self.window = window
        self._begin = _FILE_HEADER
        self._link = link_for(self.link_type, user0_is_ip=user0_is_ip)

    @property
    def skipped_link_types(self) -> dict[int, int]:
        """Link types that we cannot read, each with its number of frames so far."""
        if self._link is not None or not self.frame_count:
            return {}
        return {self.link_type: self.frame_count}

    @property
    def secrets(self) -> list[tuple[int, bytes]]:
        """Always empty: pcap holds no secrets."""
        return []

    @property
    def names(self) -> dict[str, str]:
        """Always empty: pcap holds no names."""
        return {}

    def has_secrets(self) -> bool:
        """Never: pcap holds no secrets."""
        return False

    @property
    def state(self) -> None:
        """Nothing that a record is read by changes on the way."""

    def resume(self) -> None:
        """Have the next pass begin where the window ends, and pause no more."""
        self.window.limit = None
        self._begin = self.window.end

    def frames(self) -> Iterator[Frame]:
        """Every frame. Raises CaptureError at damage, after the frames before it."""
        window, tick, link_type = self.window, self._tick, self.link_type
        header = struct.Struct(self.order + "IIII").unpack_from
        position = self._begin
        while True:
            view, end = window.view, window.end
            while (body := position + RECORD_HEADER) <= end:
                seconds, ticks, captured, length = header(view, position)
                after = body + captured
                if after > end:
                    break
                self.frame_count += 1
                time = seconds * _NANOSECONDS + ticks * tick
                yield _new(Frame, (self.frame_count, time, link_type, view[body:after].tobytes(), length, ()))
                position = after
            if not self._read_on(position):
                return
            position = 0

    def candidates(self) -> Iterator[Candidate]:
        """The frames that may hold a control packet, found without looking at the others.

        Raises CaptureError at damage, after the frames before it.
        """
        if self._link is None:
            for _ in self.frames():
                pass
            return
        window, tick, link_type = self.window, self._tick, self.link_type
        locate, probe, _ = self._link
        header = struct.Struct(self.order + "IIII").unpack_from
        skim = record_skimmer(self.order, probe)
        position = self._begin
        while True:
            end = window.end
            view = window.view[:end]
            position, number = skim(view, position, self.frame_count)
            plain = 0
            while (body := position + RECORD_HEADER) <= end:
                seconds, ticks, captured, length = header(view, position)
                after = body + captured
                if after > end:
                    break
                number += 1
                position = after
                if captured > probe and not view[body + probe]:
                    data = view[body:after].tobytes()
                    found = locate(data)
                    if found is not None and may_be_control(data, found[0]):
                        offset, path = found
                        self.frame_count = number
                        time = seconds * _NANOSECONDS + ticks * tick
                        yield _new(Candidate, (number, time, link_type, data, length, offset, path))
                        plain = 0
                        continue
                plain += 1
                if plain == TURN:
                    position, number = skim(view, position, number)
                    plain = 0
            self.frame_count = number
            if not self._read_on(position):
                return
            position = 0

    def packets(self, finder: DatagramFinder) -> Iterator[Candidate | Datagram]:
        """The frames that may hold a control packet, and those that may hold WireGuard.

        Raises CaptureError at damage, after the frames before it.
        """
        from fzctl.pcap.sieve import record_shape, sieve_records

        if self._link is None:
            for _ in self.frames():
                pass
            return
        window, tick, link_type = self.window, self._tick, self.link_type
        locate = self._link.locate
        header = struct.Struct(self.order + "IIII").unpack_from
        shape = record_shape(self.order, self._link)
        position = self._begin
        while True:
            end = window.end
            view = window.view[:end]
            number = self.frame_count
            while True:
                position, number = sieve_records(view, position, number, shape, finder)
                body = position + RECORD_HEADER
                if body > end:
                    break
                seconds, ticks, captured, length = header(view, position)
                after = body + captured
                if after > end:
                    break
                position = after
                number += 1
                data = view[body:after].tobytes()
                located = locate(data)
                if located is None:
                    continue
                shape.meet(data, located[1])
                time = seconds * _NANOSECONDS + ticks * tick
                found: Candidate | Datagram | None
                if may_be_control(data, located[0]):
                    found = _new(Candidate, (number, time, link_type, data, length, *located))
                else:
                    found = finder.find(number, time, link_type, data, length, *located)
                if found is not None:
                    self.frame_count = number
                    yield found
            self.frame_count = number
            if not self._read_on(position):
                return
            position = 0

    def _read_on(self, position: int) -> bool:
        """Go on behind ``position``, where the window holds no whole record; false at the end."""
        window = self.window
        if window.pauses_at(position):
            return False
        rest = window.end - position
        if rest >= RECORD_HEADER:
            (captured,) = struct.unpack_from(self.order + "8xI", window.view, position)
            if captured > MAX_CAPTURED:
                raise window.error(
                    position, f"a record claims {captured} bytes; more than {MAX_CAPTURED} is damage"
                )
        if window.refill(position):
            return True
        if rest:
            raise window.error(0, f"the file ends within a record, of which {rest} bytes are there")
        return False
