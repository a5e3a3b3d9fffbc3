"""Where a record may begin in the middle of a capture file.

What is found is a guess: a packet may itself hold a piece of a capture. Whoever starts there
proves it by walking to it from the front (see :mod:`fzctl.pcap.halves`).
"""

from __future__ import annotations

import struct
from typing import Final

from fzctl.pcap import blocks
from fzctl.pcap.classic import MAX_CAPTURED
from fzctl.pcap.skim import RECORD_HEADER, TRAILER
from fzctl.pcap.walk import MAX_BLOCK

# Records in a row that fit are no chance any more.
_CHAIN: Final = 6
_NANOSECONDS: Final = 1_000_000_000
# Seconds between neighbours: a year is far more than a capture leaves out.
_NEAR: Final = 366 * 86400
_KINDS: Final = frozenset((*blocks.LEAST_LENGTH, *blocks.COUNTED, blocks.NAMES, blocks.STATISTICS)) - {
    blocks.SECTION
}


def find_record(data: bytes, order: str) -> int | None:
    """The first position where pcap records seem to stand one after the other, if there is one.

    ``order`` is the byte order of the file. Positions beyond the longest record are not tried.
    """
    header = struct.Struct(order + "IIII").unpack_from
    last = len(data) - RECORD_HEADER
    for start in range(min(last, MAX_CAPTURED + RECORD_HEADER) + 1):
        position, chain, first = start, 0, None
        while chain < _CHAIN and position <= last:
            seconds, ticks, captured, length = header(data, position)
            if not 0 < captured <= length <= MAX_CAPTURED or ticks >= _NANOSECONDS:
                break
            if first is not None and abs(seconds - first) > _NEAR:
                break
            first = seconds
            position += RECORD_HEADER + captured
            chain += 1
        else:
            if chain > 1:
                return start
    return None


def find_block(data: bytes, order: str) -> int | None:
    """As ``find_record`` for the blocks of pcapng; ``data`` begins at a multiple of four in the file."""
    head = struct.Struct(order + "II").unpack_from
    word = struct.Struct(order + "I").unpack_from
    last = len(data) - blocks.FRAMING
    for start in range(0, last + 1, 4):
        position, chain = start, 0
        while chain < _CHAIN and position <= last:
            kind, size = head(data, position)
            if kind not in _KINDS or size & 3 or not blocks.FRAMING <= size <= MAX_BLOCK:
                break
            position += size
            if position <= len(data) and word(data, position - TRAILER)[0] != size:
                break
            chain += 1
        else:
            if chain > 1:
                return start
    return None
