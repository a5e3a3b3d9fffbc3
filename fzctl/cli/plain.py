"""Captures without keys: their messages, and beside them the packets to and from proxy IPs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from fzctl.pcap.frame import Candidate
from fzctl.pcap.links import Link, Usual, link_for, may_be_control
from fzctl.protocol.codec import Message, decode
from fzctl.protocol.packet import IPV6_HEADER, MAX_PACKET, is_ours
from fzctl.protocol.ranges import RESOURCE_RANGES
from fzctl.records import Record, read_records

if TYPE_CHECKING:
    from fzctl.pcap.capture import Capture

# The whole bytes that are fixed in the two resource ranges; the bits behind them tell little more.
_FOUR, _SIX = (each.first[: each.fixed // 8] for each in RESOURCE_RANGES)
MOST_KNOWN: Final = 4096
"""Packets whose messages are remembered, where they are not too large for a receiver."""

_ZEROS: Final = bytes(4)
_PLAIN_IPV4: Final = 0x45  # version 4, a header of five words: no options
_LATER_BITS: Final = RESOURCE_RANGES[0].first[1] >> 5

# Half the price of the class itself, in a place that is passed for every message.
_new: Final = tuple.__new__

Deliver = Callable[[int | None, bytes, int], None]
"""Takes the time, the IP packet and the frame of a packet that is no message."""
Ended = Callable[[int | None], None]
"""Takes the time of the last frame, whatever it holds."""


def plain_records(
    capture: Capture, args: Namespace, name: str | None, deliver: Deliver, ended: Ended
) -> Iterator[Record]:
    """The control messages; meanwhile what has a proxy IP goes to ``deliver``.

    ``ended`` is called at last, also where damage is the end.
    The messages are those of :func:`fzctl.records.read_records`; equal packets are judged once.
    """
    dialect = args.dialect
    time = None
    links: dict[int, Link | None] = {}
    known: dict[bytes, Message] = {}
    try:
        for number, time, link_type, data, length, _ in capture.frames():
            try:
                link = links[link_type]
            except KeyError:
                link = links[link_type] = link_for(link_type, user0_is_ip=args.user0_is_ip)
            if link is None:
                continue
            probe = link.probe
            if data[probe : probe + 4] != _ZEROS and _is_other_traffic(data, link.usual):
                continue
            found = link.locate(data)
            if found is None:
                continue
            offset, path = found
            if not may_be_control(data, offset):
                if _has_proxy_ip(data, offset):
                    deliver(time, data[offset:], number)
                continue
            end = offset + IPV6_HEADER + (data[offset + 4] << 8) + data[offset + 5]
            if end > len(data):
                candidate = Candidate(number, time, link_type, data, length, offset, path)
                yield from read_records((candidate,), dialect, name)
                continue
            packet = data[offset:end]
            message = known.get(packet)
            if message is None:
                message = decode(packet, dialect)
                if len(packet) <= MAX_PACKET:
                    if len(known) >= MOST_KNOWN:
                        known.clear()
                    known[packet] = message
            if message.control or is_ours(packet):
                yield _new(Record, (number, time, message, path, None, None, None, name, None, None, None))
    finally:
        ended(time)


def _is_other_traffic(data: bytes, usual: Usual) -> bool:
    """Behind the usual link header, a packet whose addresses do not begin like a proxy IP.

    It is known not to go from :: to ::. False says nothing; a quick look spares most the careful ones.
    """
    kind_at, header, four, six, _, _ = usual
    if len(data) < header + IPV6_HEADER:
        return False
    kind = data[kind_at : kind_at + len(four if four is not None else six or b"")]
    if data[header] == _PLAIN_IPV4 and kind == four:
        return data[header + 12] != _FOUR[0] != data[header + 16]
    if data[header] >> 4 == 6 and kind == six:
        return data[header + 8] != _SIX[0] != data[header + 24]
    return False


def _has_proxy_ip(data: bytes, offset: int) -> bool:
    """May the packet's source or destination be a proxy IP?"""
    if data[offset] >> 4 == 4:
        fixed = data[offset + 12 : offset + 14], data[offset + 16 : offset + 18]
        return any(each[:1] == _FOUR and each[1:] and each[1] >> 5 == _LATER_BITS for each in fixed)
    return data.startswith(_SIX, offset + 8) or data.startswith(_SIX, offset + 24)
