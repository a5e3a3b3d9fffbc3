"""The innermost loops of the fast scan: a million frames go through here where one goes elsewhere.

Each passes over the plain traffic at the front of a view and stops at the first turn that meets
anything else: a frame whose probe (see :class:`fzctl.pcap.links.Link`) is zero, a block of another
kind, damage, or the view's end. What they stop at is looked at again with all care, so they may
stop too early, never too late. One ``unpack_from`` reads all that a record is judged by; a
``range`` counts; ``struct.error`` tells that the view has ended.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Set
from functools import partial
from typing import Any, Final

Unpack = Callable[..., tuple[Any, ...]]
# View, position, number of frames so far; where it stopped, and the number counted on.
Skimmer = Callable[[memoryview, int, int], tuple[int, int]]

RECORD_HEADER: Final = 16
TRAILER: Final = 4
# Records a turn where the loop is unrolled, which saves bookkeeping.
TURN: Final = 4
_ENDLESS: Final = 1 << 62
_ENHANCED_PACKET: Final = 6
_FRAMING: Final = 32


def record_skimmer(order: str, probe: int) -> Skimmer:
    """What passes over pcap records, in a file of that byte order, with that probe."""
    # Captured length and probe.
    return partial(skim_records, struct.Struct(f"{order}8xI{4 + probe}xI").unpack_from)


def block_skimmer(order: str, probe: int, interfaces: Set[int]) -> Skimmer:
    """What passes over enhanced packet blocks of ``interfaces``, from position 4 on at the least.

    The position is behind a block, for the four bytes before it are its length once more.
    """
    word = struct.Struct(order + "I").unpack_from
    # The length that ends the block before, and of the next one its type, length, interface,
    # captured length and probe; with length and interface as one where there is but one.
    if order == "<" and interfaces == {0}:
        return partial(skim_first_blocks, word, struct.Struct(f"<IIQ8xI{4 + probe}xI").unpack_from)
    return partial(skim_blocks, word, struct.Struct(f"{order}IIII8xI{4 + probe}xI").unpack_from, interfaces)


def skim_records(unpack: Unpack, view: memoryview, position: int, number: int) -> tuple[int, int]:
    """Pass over pcap records from ``position``; where that ends, and ``number`` counted on."""
    start = position
    captured = 0
    try:
        for number in range(number, _ENDLESS, TURN):  # noqa: B007, B020 - counts on
            start = position
            captured, first = unpack(view, position)
            position += captured + 16
            captured, second = unpack(view, position)
            position += captured + 16
            captured, third = unpack(view, position)
            position += captured + 16
            captured, fourth = unpack(view, position)
            position += captured + 16
            if not (first and second and third and fourth):
                break
    except struct.error:
        if start > len(view):
            # The turn before ended with a record of which the view holds only a part.
            return start - captured - RECORD_HEADER, number - 1
    return start, number


def skim_blocks(
    word: Unpack, unpack: Unpack, interfaces: Set[int], view: memoryview, position: int, number: int
) -> tuple[int, int]:
    """Pass over enhanced packet blocks of ``interfaces`` from ``position``, as ``skim_records`` does."""
    at = position - TRAILER
    (before,) = word(view, at)
    try:
        for number in range(number, _ENDLESS):  # noqa: B007, B020 - counts on
            again, kind, size, interface, captured, probe = unpack(view, at)
            if (
                kind != _ENHANCED_PACKET
                or again != before
                or not probe
                or captured > size - _FRAMING
                or size & 3
                or interface not in interfaces
            ):
                break
            at += size
            before = size
    except struct.error:
        pass
    return _settle(view, at, number, word, before)


def skim_first_blocks(
    word: Unpack, unpack: Unpack, view: memoryview, position: int, number: int
) -> tuple[int, int]:
    """As ``skim_blocks``, for little-endian blocks of interface 0 alone, which most captures hold.

    Length and interface read as one integer are the length where the interface is 0, and lead
    out of the view where it is not.
    """
    at = position - TRAILER
    (before,) = word(view, at)
    try:
        for number in range(number, _ENDLESS):  # noqa: B007, B020 - counts on
            again, kind, size, captured, probe = unpack(view, at)
            if kind != 6 or again != before or not probe or captured > size - 32 or size & 3:
                break
            at += size
            before = size
    except (struct.error, OverflowError):
        pass
    return _settle(view, at, number, word, before)


def _settle(view: memoryview, at: int, number: int, word: Unpack, before: int) -> tuple[int, int]:
    # Take back the last block where the view holds only a part of it, or it ends in a wrong length.
    if at + TRAILER > len(view) or word(view, at)[0] != before:
        return at - before + TRAILER, number - 1
    return at + TRAILER, number
