"""A device as a capture that does not end: what its blocks hold, for the pipeline that reads files."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from typing import Final

from fzctl.carriers import bpf
from fzctl.carriers.base import IN, OUT
from fzctl.carriers.devices import LOOPBACK, find_device
from fzctl.carriers.ring import Ring
from fzctl.carriers.spool import Blocks, Spool
from fzctl.errors import CarrierError
from fzctl.pcap.datagrams import EXTENSIONS, UDP, DatagramFinder, Skip
from fzctl.pcap.frame import Candidate, Datagram
from fzctl.pcap.links import ETHERNET, RAW, Link, link_for, may_be_control
from fzctl.pcap.sieve import Shape

COOKED: Final = 276
"""LINKTYPE_LINUX_SLL2: where frames of several devices, whose links differ, come together."""

TICK: Final = 0.1
"""Seconds between two looks at the clock where nothing comes."""

NO_THREAD: Final = "no thread can be started, for too many run; end some programs, or see ulimit -u"

_NANOSECONDS: Final = 1_000_000_000
_PLAIN_IPV4: Final = 0x45
# An IPv6 header, a UDP header, and what tells WireGuard and TURN.
_LOOKED_AT: Final = 56

# struct tpacket_block_desc: packets, where the first begins.
_BLOCK: Final = struct.Struct("=12xII")
# struct tpacket3_hdr, then struct sockaddr_ll: next, second, nanosecond, bytes there, length, status,
# where the frame begins; VLAN tag and its type; protocol, device, its hardware type, the way.
_PACKET: Final = struct.Struct("=IIIIIIH6xIH10x2x2siHB")
_ADDRESS_AT: Final = 59  # its length and the address, behind the way
_COOKED: Final = struct.Struct("!2sHIHB9s")
_OUTGOING: Final = 4  # PACKET_OUTGOING
_HAS_TAG: Final = 1 << 4  # TP_STATUS_VLAN_VALID
_HAS_TAG_TYPE: Final = 1 << 6  # TP_STATUS_VLAN_TPID_VALID
_VLAN: Final = 0x8100
_MACS: Final = 12


class LiveCapture:
    """What goes by on a device: frames that may hold a control packet, and with ``packets`` WireGuard.

    ``frame_count`` counts those that the kernel's filter has let through, ``direction`` is the way
    of the frame that was yielded last, ``in`` or ``out``. ``tick`` is called now and then, and before
    what has come is looked at; ``until`` is when to stop (``time.monotonic``).
    """

    def __init__(self, name: str, blocks: Blocks, link_type: int, *, loopback: int = 0) -> None:
        """``loopback`` is the number of that device, on which every packet goes by twice.

        Raises CarrierError where no thread can be started.
        """
        self.source: Final = name
        self.link_type: Final = link_type
        self.secrets: Final[list[tuple[int, bytes]]] = []
        self.frame_count = 0
        self.direction: str | None = None
        self.until: float | None = None
        link = link_for(link_type)
        assert link is not None
        self._link: Final[Link] = link
        self._loopback: Final = loopback
        self.tick: Callable[[], None] | None = None
        self._ring: Final = blocks
        try:
            self._spool: Final = Spool(blocks)
        except RuntimeError:
            blocks.close()
            raise CarrierError("watch", name, NO_THREAD) from None

    @property
    def dropped(self) -> int:
        """After ``close``: how many packets the kernel had no room for."""
        return self._ring.dropped

    def candidates(self) -> Iterator[Candidate]:
        """The frames that may hold a control packet. Raises CarrierError where the device is gone."""
        for packet in self.packets():
            if isinstance(packet, Candidate):
                yield packet

    def packets(self, skip: Skip | None = None) -> Iterator[Candidate | Datagram]:
        """Those, and the UDP datagrams that may be WireGuard or carry it.

        ``skip`` is that of ``fzctl.pcap.capture.Capture.packets``. Ends after ``stop``, with what
        had come until then. Raises CarrierError where the device is gone.
        """
        finder = DatagramFinder(skip)
        for block in self._blocks():
            yield from self._read(block, finder)

    def stop(self) -> None:
        """End with what has come until now. May be called by a signal's handler."""
        self._spool.stop()

    def close(self) -> None:
        """Stop capturing."""
        self._spool.close()

    def _blocks(self) -> Iterator[bytes]:
        while True:
            if self.until is not None and time.monotonic() >= self.until:
                self._spool.stop()
            try:
                block = self._spool.take(TICK)
            except EOFError:
                return
            if self.tick is not None:
                self.tick()
            if block is not None:
                yield block

    def _read(self, block: bytes, finder: DatagramFinder) -> Iterator[Candidate | Datagram]:
        """The frames of a block. Most are passed over after a look at fixed places, as in a file."""
        view = memoryview(block)
        count, at = _BLOCK.unpack_from(block)
        link_type, locate = self.link_type, self._link.locate
        # What is cooked gets its header only where it is kept.
        is_cooked = link_type == COOKED
        shape = Shape(_PLAIN if is_cooked else self._link, "!")
        header = shape.usual.header
        look, four, six = shape.unpack, shape.usual.ipv4, shape.usual.ipv6
        passes_4, passes_6 = finder.passes_4, finder.passes_6
        read = _PACKET.unpack_from
        for _ in range(count):
            packet = read(block, at)
            begin, end = at + packet[6], at + packet[6] + packet[3]
            here, at = at, at + packet[0]
            way, device = packet[12], packet[10]
            if way == _OUTGOING and device == self._loopback:
                continue
            self.frame_count += 1
            if end - begin >= header + _LOOKED_AT:
                _, kind, version, following, protocol, probe = look(block, begin)
                if probe:
                    inner = begin + header
                    if version == _PLAIN_IPV4 and kind == four:
                        if protocol != UDP or passes_4(view, inner, end):
                            continue
                    elif version >> 4 == 6 and kind == six:
                        if following == UDP:
                            if passes_6(view, inner, end):
                                continue
                        elif following not in EXTENSIONS:
                            continue
            data, length = block[begin:end], packet[4]
            if is_cooked:
                data, length = _cook(block, here, packet) + data, length + _COOKED.size
            elif packet[5] & _HAS_TAG and link_type == ETHERNET:
                data, length = _with_tag(data, packet), length + 4
            located = locate(data)
            if located is None:
                continue
            time_ns = packet[1] * _NANOSECONDS + packet[2]
            self.direction = OUT if way == _OUTGOING else IN
            if may_be_control(data, located[0]):
                yield Candidate(self.frame_count, time_ns, link_type, data, length, *located)
                continue
            found = finder.find(self.frame_count, time_ns, link_type, data, length, *located)
            if found is not None:
                yield found


def open_device(name: str, *, tunnel: bool, promiscuous: bool = True) -> LiveCapture:
    """Begin to capture on a device, or on ``any``; with ``tunnel`` also what may be WireGuard.

    Raises CarrierError where there is no such device, it is down, or we may not.
    """
    device = find_device(name, "watch")
    program = bpf.tunnel_program if tunnel else bpf.control_program
    header = bpf.ETHERNET_HEADER if device.is_ethernet else 0
    ring = Ring(device, program(header), promiscuous=promiscuous)
    link_type = ETHERNET if device.is_ethernet else RAW if device.number else COOKED
    loopback = device.number if device.hardware == LOOPBACK else 0 if device.number else 1
    return LiveCapture(name, ring, link_type, loopback=loopback)


_raw = link_for(RAW)
assert _raw is not None
_PLAIN: Final[Link] = _raw


def _cook(block: bytes, here: int, packet: tuple[int, ...]) -> bytes:
    """The header of LINKTYPE_LINUX_SLL2, https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html."""
    address = block[here + _ADDRESS_AT : here + _ADDRESS_AT + 9]
    return _COOKED.pack(packet[9], 0, packet[10], packet[11], packet[12], address)


def _with_tag(frame: bytes, packet: tuple[int, ...]) -> bytes:
    """The frame as it was before the kernel took its VLAN tag off."""
    kind = packet[8] if packet[5] & _HAS_TAG_TYPE else _VLAN
    return frame[:_MACS] + struct.pack("!HH", kind, packet[7] & 0xFFFF) + frame[_MACS:]
