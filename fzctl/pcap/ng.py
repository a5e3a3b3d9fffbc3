"""The next generation capture format, pcapng (draft-ietf-opsawg-pcapng): its frames in three passes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from fzctl.errors import CaptureError
from fzctl.pcap import blocks
from fzctl.pcap.frame import Candidate, Datagram, Frame
from fzctl.pcap.links import may_be_control
from fzctl.pcap.skim import TRAILER, TURN
from fzctl.pcap.walk import BlockWalk

if TYPE_CHECKING:
    from fzctl.pcap.datagrams import DatagramFinder

_HOLD_PACKETS: Final = frozenset((blocks.ENHANCED_PACKET, blocks.SIMPLE_PACKET, blocks.OBSOLETE_PACKET))

# Half the price of the class itself, in a place that is passed for every message.
_new: Final = tuple.__new__


class NgReader(BlockWalk):
    """The frames of a pcapng stream, all of them or the few that matter."""

    format = "pcapng"

    def has_secrets(self) -> bool:
        """Whether secrets stand before the first packet. Reads up to there, and ``frames`` goes on."""
        window = self.window
        while not self.secrets:
            view, position = window.view, self._begin
            if position + 8 <= window.end and self._head(view, position)[0] in _HOLD_PACKETS:
                break
            try:
                size, _ = self._take(position)
            except CaptureError:
                break  # the pass that follows meets it again
            if size:
                self._begin += size
                continue
            kept = min(position, TRAILER)
            self._begin = kept
            if not window.refill(position - kept):
                break
        return bool(self.secrets)

    def frames(self) -> Iterator[Frame]:
        """Every frame that holds a packet. Raises CaptureError at damage, after those before it.

        Blocks that take a number but hold no packet are counted, not yielded.
        """
        window = self.window
        position = self._begin
        while True:
            while True:
                size, packet = self._take(position)
                if not size:
                    break
                if packet is not None:
                    number, time, interface, start, after, length = packet
                    yield Frame(
                        number,
                        time,
                        interface.link_type,
                        bytes(window.view[start:after]),
                        length,
                        self._comments(position, size, after),
                    )
                position += size
            if not self._read_on(position):
                return
            position = min(position, TRAILER)

    def candidates(self) -> Iterator[Candidate]:
        """The frames that may hold a control packet, found without looking at the others.

        Raises CaptureError at damage, after the frames before it.
        """
        window = self.window
        position = self._begin
        while True:
            position = self._pass_over(position)
            plain = 0
            while True:
                size, packet = self._take(position)
                if not size:
                    break
                position += size
                plain += 1
                if packet is not None:
                    number, time, interface, start, after, length = packet
                    link = interface.link
                    if link is not None and after - start > link.probe:
                        if not window.view[start + link.probe]:
                            data = window.view[start:after].tobytes()
                            found = link.locate(data)
                            if found is not None and may_be_control(data, found[0]):
                                link_type = interface.link_type
                                yield _new(Candidate, (number, time, link_type, data, length, *found))
                                plain = 0
                                continue
                        elif interface.link_type != self._aim:
                            self._aim_at(interface.link_type)
                if plain >= TURN:
                    position = self._pass_over(position)
                    plain = 0
            if not self._read_on(position):
                return
            position = min(position, TRAILER)

    def packets(self, finder: DatagramFinder) -> Iterator[Candidate | Datagram]:
        """The frames that may hold a control packet, and those that may hold WireGuard.

        Raises CaptureError at damage, after the frames before it.
        """
        window = self.window
        position = self._begin
        while True:
            while True:
                position = self._sieve(position, finder)
                size, packet = self._take(position)
                if not size:
                    break
                position += size
                if packet is None:
                    continue
                number, time, interface, start, after, length = packet
                link_type, link = interface.link_type, interface.link
                if link is None:
                    continue
                data = window.view[start:after].tobytes()
                located = link.locate(data)
                if located is not None:
                    found: Candidate | Datagram | None
                    if may_be_control(data, located[0]):
                        found = _new(Candidate, (number, time, link_type, data, length, *located))
                    else:
                        found = finder.find(number, time, link_type, data, length, *located)
                    if found is not None:
                        yield found
                    if link_type == self._aim and self._shape is not None:
                        self._shape.meet(data, located[1])
                if link_type != self._aim:
                    self._aim_at(link_type)
            if not self._read_on(position):
                return
            position = min(position, TRAILER)

    def _sieve(self, position: int, finder: DatagramFinder) -> int:
        """Pass over what is nothing for us, on the interfaces aimed at; where that ends."""
        from fzctl.pcap.sieve import block_shape, sieve_blocks

        link = self._link
        if link is None or not position:
            return position
        if self._shape is None:
            shape = self._shapes.get(self._aim)
            if shape is None:
                shape = self._shapes[self._aim] = block_shape(self.order, link)
            self._shape = shape
        view = self.window.view[: self.window.end]
        position, self.frame_count = sieve_blocks(
            view, position, self.frame_count, self._word, self._shape, self._group, finder
        )
        return position

    def _pass_over(self, position: int) -> int:
        """Pass over plain traffic of the interfaces aimed at; where that ends."""
        skim = self._skim
        if skim is None or not position:
            return position
        view = self.window.view[: self.window.end]
        position, self.frame_count = skim(view, position, self.frame_count)
        return position
