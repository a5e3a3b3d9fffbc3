"""The blocks of a pcapng stream (draft-ietf-opsawg-pcapng), one after the other."""

from __future__ import annotations

import struct
from collections.abc import Set
from typing import TYPE_CHECKING, Final

from fzctl.pcap import blocks
from fzctl.pcap.blocks import Interface
from fzctl.pcap.engine import block_skimmer
from fzctl.pcap.links import Link
from fzctl.pcap.names import parse_names
from fzctl.pcap.skim import TRAILER, Skimmer
from fzctl.pcap.window import Window

if TYPE_CHECKING:
    from fzctl.pcap.sieve import Shape

# Longer than any packet, key log or name table; beyond it a length is taken for damage.
MAX_BLOCK: Final = 16 * 1024 * 1024
# Names that are kept; a capture's own are a few.
MAX_NAMES: Final = 16384
# Interfaces of a section; a machine has a few, and a capture merged of many has no more.
MAX_INTERFACES: Final = 65536
# Bytes of the blocks that hold keys, all together; a block counts as so many at least.
MAX_SECRETS: Final = 8 * 1024 * 1024
_LEAST_SECRETS: Final = 256

# Interface, time stamp, captured length and length precede the data of a packet block.
_PACKET_DATA: Final = 28
_SIMPLE_DATA: Final = 12
_LEAST_PACKET: Final = blocks.LEAST_LENGTH[blocks.ENHANCED_PACKET]

# Number, time, interface, where the data starts and ends in the window, length on the wire.
_Packet = tuple[int, int | None, Interface, int, int, int]
# The link aimed at, its interfaces, what passes over their frames.
_Aim = tuple[Link | None, Set[int], Skimmer | None]


class BlockWalk:
    """Takes in block after block; ``frame_count`` is how many frames were passed so far.

    ``secrets`` holds type and bytes of the decryption secrets blocks passed so far that are for
    WireGuard, ``names`` the name of each address in the name resolution blocks,
    ``skipped_link_types`` the link types that we cannot read with their number of frames.
    """

    def __init__(self, window: Window, *, user0_is_ip: bool = False) -> None:
        self.frame_count = 0
        self.skipped_link_types: dict[int, int] = {}
        self.secrets: list[tuple[int, bytes]] = []
        self.names: dict[str, str] = {}
        self.window = window
        self._begin = 0
        self._user0_is_ip = user0_is_ip
        self._interfaces: list[Interface] = []
        self._groups: dict[int, set[int]] = {}
        self._secrets_room = MAX_SECRETS
        self._link: Link | None = None
        self._skim: Skimmer | None = None
        self._aims: dict[int | None, _Aim] = {}
        self._shape: Shape | None = None
        self._shapes: dict[int | None, Shape] = {}
        self._set_order("<")

    def _take(self, position: int) -> tuple[int, _Packet | None]:
        """The length of the block at ``position`` and the packet in it.

        The length is 0 where the window does not hold all of the block. Raises CaptureError.
        """
        view, end = self.window.view, self.window.end
        # The common case at a third of the price of the careful way, which comes to the same.
        if position + _LEAST_PACKET <= end:
            kind, size, index, high, low, captured, length = self._packet(view, position)
            if (
                kind == blocks.ENHANCED_PACKET
                and captured <= size - _LEAST_PACKET
                and not size & 3
                and position + size <= end
                and size <= MAX_BLOCK
                and index < len(self._interfaces)
                and (interface := self._interfaces[index]).link is not None
                and self._word(view, position + size - TRAILER)[0] == size
            ):
                self.frame_count += 1
                start = position + _PACKET_DATA
                time = (high << 32 | low) * interface.numerator // interface.denominator + interface.offset
                return size, (self.frame_count, time, interface, start, start + captured, length)
        size = self._measure(position)
        return size, self._enter(position, size) if size else None

    def _measure(self, position: int) -> int:
        """The length of the block at ``position``; 0 where the window does not hold all of it.

        Raises CaptureError where the lengths are wrong.
        """
        window = self.window
        view, end = window.view, window.end
        if position + 8 > end:
            return 0
        kind, size = self._head(view, position)
        if kind == blocks.SECTION:
            if position + 12 > end:
                return 0
            order = blocks.BYTE_ORDERS.get(bytes(view[position + 8 : position + 12]))
            if order is None:
                raise window.error(position, "a section header without pcapng's byte-order magic")
            self._set_order(order)
            kind, size = self._head(view, position)
        if size & 3 or not blocks.LEAST_LENGTH.get(kind, blocks.FRAMING) <= size <= MAX_BLOCK:
            raise window.error(position, f"a block of type {kind:#x} claims a length of {size} bytes")
        if position + size > end:
            return 0
        (repeated,) = self._word(view, position + size - TRAILER)
        if repeated != size:
            raise window.error(
                position, f"a block's two lengths differ: {size} at its start, {repeated} at its end"
            )
        return int(size)

    def _enter(self, position: int, size: int) -> _Packet | None:
        """Take in the block at ``position``; the packet, where it holds one."""
        window = self.window
        view = window.view
        kind = self._head(view, position)[0]
        room = size - _LEAST_PACKET
        start = position + _PACKET_DATA
        high = low = 0
        if kind == blocks.ENHANCED_PACKET:
            index, high, low, captured, length = self._enhanced(view, position + 8)
        elif kind == blocks.OBSOLETE_PACKET:
            index, high, low, captured, length = self._obsolete(view, position + 8)
        elif kind == blocks.SIMPLE_PACKET:
            (length,) = self._word(view, position + 8)
            index, room, start = 0, size - 16, position + _SIMPLE_DATA
            captured = length
            if self._interfaces and 0 < self._interfaces[0].snap_length < length:
                captured = self._interfaces[0].snap_length
        else:
            self._enter_other(kind, position, size)
            return None
        if index >= len(self._interfaces):
            raise window.error(
                position, f"a packet of interface {index}; the section has {len(self._interfaces)}"
            )
        if captured > room:
            raise window.error(position, f"a packet claims {captured} bytes in a block that holds {room}")
        interface = self._interfaces[index]
        self.frame_count += 1
        if interface.link is None:
            skipped = self.skipped_link_types
            skipped[interface.link_type] = skipped.get(interface.link_type, 0) + 1
        time = None
        if kind != blocks.SIMPLE_PACKET:
            ticks = high << 32 | low
            time = ticks * interface.numerator // interface.denominator + interface.offset
        return self.frame_count, time, interface, start, start + captured, length

    def _enter_other(self, kind: int, position: int, size: int) -> None:
        if kind in blocks.COUNTED:
            self.frame_count += 1
        elif kind == blocks.SECTION:
            self._begin_section(position)
        elif kind == blocks.INTERFACE:
            self._enter_interface(position, size)
        elif kind == blocks.SECRETS:
            self._enter_secrets(position, size)
        elif kind == blocks.NAMES:
            body = bytes(self.window.view[position + 8 : position + size - TRAILER])
            for address, name in parse_names(body, self.order):
                if address in self.names or len(self.names) < MAX_NAMES:
                    self.names[address] = name

    def _enter_interface(self, position: int, size: int) -> None:
        if len(self._interfaces) == MAX_INTERFACES:
            raise self.window.error(position, f"more than {MAX_INTERFACES} interfaces in one section")
        body = bytes(self.window.view[position + 8 : position + size - TRAILER])
        interface = blocks.parse_interface(body, self.order, user0_is_ip=self._user0_is_ip)
        if interface.link is not None:
            self._groups.setdefault(interface.link_type, set()).add(len(self._interfaces))
        self._interfaces.append(interface)
        self._aims.clear()
        if self._aim is None or self._aim == interface.link_type:
            self._aim_at(interface.link_type)

    def _begin_section(self, position: int) -> None:
        window = self.window
        major, minor = struct.unpack_from(self.order + "HH", window.view, position + 12)
        # 1.2 is what some writers call the same format (draft section 4.1).
        if major != 1 or minor not in (0, 2):
            raise window.error(position, f"version {major}.{minor} of the pcapng format is unknown")
        self._interfaces = []
        self._groups = {}
        self._aims.clear()
        self._aim_at(None)

    def _enter_secrets(self, position: int, size: int) -> None:
        window = self.window
        kind, length = self._head(window.view, position + 8)
        start = position + 16
        if length > size - 20:
            raise window.error(position, f"secrets claim {length} bytes in a block that holds {size - 20}")
        if kind != blocks.WIREGUARD_KEYS:
            return
        self._secrets_room -= max(size, _LEAST_SECRETS)
        if self._secrets_room < 0:
            raise window.error(position, f"the keys in it have more than {MAX_SECRETS} bytes")
        self.secrets.append((kind, bytes(window.view[start : start + length])))

    def _comments(self, position: int, size: int, after: int) -> tuple[str, ...]:
        # Options follow the data, padded to four bytes; a simple packet block has none.
        rest = position + size - TRAILER - after
        if rest < 8:
            return ()
        padding = (position - after) % 4
        data = bytes(self.window.view[after + padding : position + size - TRAILER])
        return blocks.comments(data, self.order)

    def _set_order(self, order: str) -> None:
        self.order = order
        self._word = struct.Struct(order + "I").unpack_from
        self._head = struct.Struct(order + "II").unpack_from
        self._packet = struct.Struct(order + "IIIIIII").unpack_from
        self._enhanced = struct.Struct(order + "IIIII").unpack_from
        self._obsolete = struct.Struct(order + "H2xIIII").unpack_from
        self._aims.clear()
        self._shapes.clear()
        self._aim_at(None)

    def _aim_at(self, link_type: int | None) -> None:
        """Have the fast scans pass over the frames of every interface of this link type."""
        self._aim = link_type
        self._shape = None
        aimed = self._aims.get(link_type)
        if aimed is None:
            aimed = self._aims[link_type] = self._group_of(link_type)
        self._link, self._group, self._skim = aimed

    def _group_of(self, link_type: int | None) -> _Aim:
        group = None if link_type is None else self._groups.get(link_type)
        if group is None:
            return None, set(), None
        link = self._interfaces[next(iter(group))].link
        assert link is not None
        return link, group, block_skimmer(self.order, link.probe, group)

    @property
    def state(self) -> tuple[str, tuple[Interface, ...]]:
        """What a block is read by: the section's byte order and its interfaces so far."""
        return self.order, tuple(self._interfaces)

    def resume(self) -> None:
        """Have the next pass begin where the window ends, and pause no more."""
        self.window.limit = None
        self._begin = self.window.end

    def _read_on(self, position: int) -> bool:
        """Go on behind ``position``, where the window holds no whole block; false at the end."""
        window = self.window
        if window.pauses_at(position):
            return False
        kept = min(position, TRAILER)
        if window.refill(position - kept):
            return True
        rest = window.end - kept
        if rest:
            raise window.error(kept, f"the file ends within a block, of which {rest} bytes are there")
        return False
