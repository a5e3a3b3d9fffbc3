"""Captures without keys: their messages, and beside them the packets to and from proxy IPs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from fzctl.pcap.frame import Candidate
from fzctl.pcap.links import Link, link_for, may_be_control
from fzctl.protocol.ranges import RESOURCE_RANGES
from fzctl.records import Record, read_records

if TYPE_CHECKING:
    from fzctl.pcap.capture import Capture
    from fzctl.pcap.frame import Frame

# The whole bytes that are fixed in the two resource ranges; the bits behind them tell little more.
_FOUR, _SIX = (each.first[: each.fixed // 8] for each in RESOURCE_RANGES)
_LATER_BITS: Final = RESOURCE_RANGES[0].first[1] >> 5

Deliver = Callable[[int | None, bytes, int], None]
"""Takes the time, the IP packet and the frame of a packet that is no message."""


def plain_records(capture: Capture, args: Namespace, name: str | None, deliver: Deliver) -> Iterator[Record]:
    """The control messages; meanwhile what has a proxy IP goes to ``deliver``."""
    return read_records(_candidates(capture.frames(), args, deliver), args.dialect, name, {})


def _candidates(frames: Iterator[Frame], args: Namespace, deliver: Deliver) -> Iterator[Candidate]:
    links: dict[int, Link | None] = {}
    for number, time, link_type, data, length, _ in frames:
        try:
            link = links[link_type]
        except KeyError:
            link = links[link_type] = link_for(link_type, user0_is_ip=args.user0_is_ip)
        found = None if link is None else link.locate(data)
        if found is None:
            continue
        offset, path = found
        if may_be_control(data, offset):
            yield Candidate(number, time, link_type, data, length, offset, path)
        elif _has_proxy_ip(data, offset):
            deliver(time, data[offset:], number)


def _has_proxy_ip(data: bytes, offset: int) -> bool:
    """May the packet's source or destination be a proxy IP?"""
    if data[offset] >> 4 == 4:
        fixed = data[offset + 12 : offset + 14], data[offset + 16 : offset + 18]
        return any(each[:1] == _FOUR and each[1:] and each[1] >> 5 == _LATER_BITS for each in fixed)
    return data.startswith(_SIX, offset + 8) or data.startswith(_SIX, offset + 24)
