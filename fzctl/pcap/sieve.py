"""The innermost loops of the scan for datagrams: what is neither WireGuard nor control is passed over.

As in :mod:`fzctl.pcap.skim`, each stops at what it cannot tell: a probe that is zero, a link header
or IP header out of the usual, a datagram that may be for us, damage, the view's end. What they stop
at is looked at again with all care.
"""

from __future__ import annotations

import struct
from typing import Final

from fzctl.pcap.datagrams import EXTENSIONS, UDP, DatagramFinder
from fzctl.pcap.links import Link, Usual
from fzctl.pcap.skim import RECORD_HEADER, TRAILER, Unpack

_ENDLESS: Final = 1 << 62
_ENHANCED_PACKET: Final = 6
_BLOCK_DATA: Final = TRAILER + 28
_FRAMING: Final = 32
_PLAIN_IPV4: Final = 0x45  # version 4, a header of five words: no options


def _packet_layout(usual: Usual) -> str:
    # What tells the version, version, IPv6's next header, IPv4's protocol, the probe.
    kind = usual.ipv4 if usual.ipv4 is not None else usual.ipv6
    size = len(kind or b"")
    return f"{usual.kind_at}x{size}s{usual.header - usual.kind_at - size}xB5xB2xB14xI"


def sieve_record_layout(order: str, link: Link) -> Unpack:
    """What ``sieve_records`` reads of a pcap record: captured length and the packet's marks."""
    return struct.Struct(f"{order}8xI4x{_packet_layout(link.usual)}").unpack_from


def sieve_records(
    view: memoryview, position: int, number: int, unpack: Unpack, usual: Usual, finder: DatagramFinder
) -> tuple[int, int]:
    """Pass over pcap records from ``position``; where that ends, and ``number`` counted on."""
    _, header, four, six = usual
    lead = RECORD_HEADER + header
    passes_4, passes_6 = finder.passes_4, finder.passes_6
    end = len(view)
    try:
        for number in range(number, _ENDLESS):  # noqa: B007, B020 - counts on
            captured, kind, version, following, protocol, probe = unpack(view, position)
            after = position + RECORD_HEADER + captured
            if after > end or not probe:
                break
            if version == _PLAIN_IPV4 and kind == four:
                if protocol == UDP and not passes_4(view, position + lead, after):
                    break
            elif version >> 4 == 6 and kind == six:
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


def sieve_block_layout(order: str, link: Link) -> Unpack:
    """What ``sieve_blocks`` reads: the length that ends the block before, and of the next one its
    type, length, interface, captured length and the packet's marks."""
    return struct.Struct(f"{order}IIII8xI4x{_packet_layout(link.usual)}").unpack_from


def sieve_blocks(
    view: memoryview,
    position: int,
    number: int,
    word: Unpack,
    unpack: Unpack,
    usual: Usual,
    interfaces: frozenset[int],
    finder: DatagramFinder,
) -> tuple[int, int]:
    """Pass over enhanced packet blocks of ``interfaces`` from ``position``, which is at least 4.

    ``word`` reads an integer in the section's byte order. Returns where that ends, and ``number``
    counted on.
    """
    _, header, four, six = usual
    lead = _BLOCK_DATA + header
    passes_4, passes_6 = finder.passes_4, finder.passes_6
    end = len(view) - TRAILER
    at = position - TRAILER
    (before,) = word(view, at)
    try:
        for number in range(number, _ENDLESS):  # noqa: B007, B020 - counts on
            again, block, size, interface, captured, kind, version, following, protocol, probe = unpack(
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
            if version == _PLAIN_IPV4 and kind == four:
                if protocol == UDP and not passes_4(view, at + lead, at + _BLOCK_DATA + captured):
                    break
            elif version >> 4 == 6 and kind == six:
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
