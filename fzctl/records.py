"""Records: what stands in an input, frame by frame, judged.

The pipeline from a capture or from lines of hex to decoded messages. Everything that shows,
filters, writes or analyses messages takes these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from fzctl.pcap.frame import Candidate
from fzctl.protocol.codec import Message, decode, decode_truncated
from fzctl.protocol.kinds import AUTO
from fzctl.protocol.packet import IPV6_HEADER, is_ours

_SEPARATORS: Final = re.compile(r"[\s:.-]|0[xX](?=[0-9A-Fa-f])")

# Half the price of the class itself, in a place that is passed for every message.
_new: Final = tuple.__new__

_IP_NAMES: Final = {4: ("ipv4",), 6: ("ipv6",)}


class Outer(NamedTuple):
    """The datagram that carried an encrypted message: its ends and its WireGuard session."""

    src: str
    dst: str
    session: int | None
    counter: int | None


class Exchange(NamedTuple):
    """A message's place in a question and its answer (see :mod:`fzctl.analysis.exchanges`).

    ``number`` counts exchanges from 1; the others are frames, ``response_time`` nanoseconds since
    the question was first asked.
    """

    number: int
    response_in: int | None = None
    response_to: int | None = None
    response_time: int | None = None
    retransmission_of: int | None = None


class Record(NamedTuple):
    """One message where it was found.

    ``frame`` counts from 1 as Wireshark does (for hex input: the line's packet), ``time`` is
    nanoseconds since the Unix epoch. ``path`` names what carried the packet, outermost first.
    ``copy_of`` is the frame that already carried this message, ``copy_in`` that frame's file where
    it is another one.
    """

    frame: int
    time: int | None
    message: Message
    path: tuple[str, ...] = ()
    outer: Outer | None = None
    direction: str | None = None
    copy_of: int | None = None
    file: str | None = None
    line_error: str | None = None
    exchange: Exchange | None = None
    copy_in: str | None = None


def read_records(
    candidates: Iterable[Candidate], dialect: str = AUTO, file: str | None = None
) -> Iterator[Record]:
    """Judge a capture's candidates; what is no control packet after all is left out.

    Bytes behind the length that the IPv6 header claims are the link's trailer or WireGuard's
    padding and are cut off, as the tunnel does (boringtun ``validate_decapsulated_packet``).
    """
    for number, time, _, data, length, offset, path in candidates:
        end = offset + IPV6_HEADER + (data[offset + 4] << 8) + data[offset + 5]
        if end > len(data) < length:
            message = decode_truncated(data[offset:], dialect)
        else:
            message = decode(data[offset:end], dialect)
        if message.control or is_ours(message.packet):
            yield _new(Record, (number, time, message, path, None, None, None, file, None, None, None))


def read_hex(lines: Iterable[str], dialect: str = AUTO, file: str | None = None) -> Iterator[Record]:
    """Judge text with one IP packet in hex a line; ``#`` begins a comment.

    White space, colons and ``0x`` may stand between the digits. Every line gives a record; one
    that is not hex carries the complaint in ``line_error`` and an empty packet.
    """
    number = 0
    for position, line in enumerate(lines, start=1):
        text = line.partition("#")[0]
        if "#" in line and not text.strip():
            continue
        number += 1
        try:
            packet, problem = bytes.fromhex(_SEPARATORS.sub("", text)), None
        except ValueError:
            packet, problem = b"", f"line {position} is not hexadecimal"
        message = decode(packet, dialect)
        if problem is not None:
            message = message._replace(error=problem)
        yield Record(
            number,
            None,
            message,
            _IP_NAMES.get(packet[0] >> 4, ()) if packet else (),
            file=file,
            line_error=problem,
        )
