"""The innermost loops of the scan for datagrams: what is neither WireGuard nor control is passed over.

As in :mod:`fzctl.pcap.skim`, each stops at what it cannot tell: a probe that is zero, a link header
or IP header out of the usual, a datagram that may be for us, damage, the view's end. What they stop
at is looked at again with all care.
"""

from __future__ import annotations

import struct
from collections.abc import Set
from typing import Final

from fzctl.pcap.datagrams import EXTENSIONS, UDP, DatagramFinder
from fzctl.pcap.links import Link, Usual
from fzctl.pcap.skim import RECORD_HEADER, TRAILER, Unpack

_ENDLESS: Final = 1 << 62
_ENHANCED_PACKET: Final = 6
_BLOCK_DATA: Final = TRAILER + 28
_FRAMING: Final = 32
_UNTAGGED_PATH: Final = 2  # the link and the IP version
_PLAIN_IPV4: Final = 0x45  # version 4, a header of five words: no options


class Shape:
    """The link header that a loop expects, ``usual``, and ``unpack``, which reads all it goes by.

    With or without a VLAN tag, as in the last frame that was looked at with care.
    """

    def __init__(self, link: Link, prefix: str) -> None:
        """``prefix`` is the layout of what stands before a frame."""
        self._prefix = prefix
        self._untagged = link.usual
        self._unpacks: dict[bytes, Unpack] = {}
        self._aim_at(link.usual)

    def meet(self, data: bytes, path: tuple[str, ...]) -> None:
        """Expect more frames like this one, if it has no tag or one."""
        if len(path) == _UNTAGGED_PATH:
            if self.usual is not self._untagged:
                self._aim_at(self._untagged)
        elif len(path) == _UNTAGGED_PATH + 1:
            at = self._untagged.kind_at
            tag = data[at : at + 2]
            if tag != self.usual.tag:
                self._aim_at(self._untagged.tagged(tag))

    def _aim_at(self, usual: Usual) -> None:
        unpack = self._unpacks.get(usual.tag)
        if unpack is None:
            unpack = self._unpacks[usual.tag] = struct.Struct(self._prefix + _layout(usual)).unpack_from
        self.usual = usual
        self.unpack = unpack


def _layout(usual: Usual) -> str:
    # Tag, what tells the version, version, IPv6's next header, IPv4's protocol, the probe.
    kind_at, header, four, six, tag_at, tag = usual
    size = len(four if four is not None else six or b"")
    start = f"{tag_at}x{len(tag)}s{kind_at - tag_at - len(tag)}x{size}s"
    return f"{start}{header - kind_at - size}xB5xB2xB14xI"


def record_shape(order: str, link: Link) -> Shape:
    """What ``sieve_records`` reads of a pcap record: captured length and the packet's marks."""
    return Shape(link, f"{order}8xI4x")


def sieve_records(
    view: memoryview, position: int, number: int, shape: Shape, finder: DatagramFinder
) -> tuple[int, int]:
    """Pass over pcap records from ``position``; where that ends, and ``number`` counted on."""
    unpack = shape.unpack
    _, header, four, six, _, outer = shape.usual
    lead = RECORD_HEADER + header
    passes_4, passes_6 = finder.passes_4, finder.passes_6
    end = len(view)
    try:
        for number in range(number, _ENDLESS):  # noqa: B007, B020 - counts on
            captured, tag, kind, version, following, protocol, probe = unpack(view, position)
            after = position + RECORD_HEADER + captured
            if after > end or not probe:
                break
            if version == _PLAIN_IPV4 and kind == four and tag == outer:
                if protocol == UDP and not passes_4(view, position + lead, after):
                    break
            elif version >> 4 == 6 and kind == six and tag == outer:
                if following == UDP:
                    if not passes_6(view, position + lead, after):
                        break
                elif following in EXTENSIONS:
                    break
            else:
                break
            position = after
    except struct.error:
        pass
    return position, number


def block_shape(order: str, link: Link) -> Shape:
    """What ``sieve_blocks`` reads: the length that ends the block before, and of the next one its
    type, length, interface, captured length and the packet's marks."""
    return Shape(link, f"{order}IIII8xI4x")


def sieve_blocks(
    view: memoryview,
    position: int,
    number: int,
    word: Unpack,
    shape: Shape,
    interfaces: Set[int],
    finder: DatagramFinder,
) -> tuple[int, int]:
    """Pass over enhanced packet blocks of ``interfaces`` from ``position``, which is at least 4.

    ``word`` reads an integer in the section's byte order. Returns where that ends, and ``number``
    counted on.
    """
    unpack = shape.unpack
    _, header, four, six, _, outer = shape.usual
    lead = _BLOCK_DATA + header
    passes_4, passes_6 = finder.passes_4, finder.passes_6
    end = len(view) - TRAILER
    at = position - TRAILER
    (before,) = word(view, at)
    try:
        for number in range(number, _ENDLESS):  # noqa: B007, B020 - counts on
            again, block, size, interface, captured, tag, kind, version, following, protocol, probe = unpack(
                view, at
            )
            if (
                block != _ENHANCED_PACKET
                or again != before
                or not probe
                or captured > size - _FRAMING
                or size & 3
                or at + size > end
                or interface not in interfaces
            ):
                break
            if version == _PLAIN_IPV4 and kind == four and tag == outer:
                if protocol == UDP and not passes_4(view, at + lead, at + _BLOCK_DATA + captured):
                    break
            elif version >> 4 == 6 and kind == six and tag == outer:
                if following == UDP:
                    if not passes_6(view, at + lead, at + _BLOCK_DATA + captured):
                        break
                elif following in EXTENSIONS:
                    break
            else:
                break
            at += size
            before = size
    except struct.error:
        pass
    if word(view, at)[0] != before:
        # The last block ends in a wrong length.
        return at - before + TRAILER, number - 1
    return at + TRAILER, number
