"""What a capture file holds: frames, and among them the candidates for a control packet."""

from __future__ import annotations

from typing import NamedTuple


class Frame(NamedTuple):
    """One frame of a capture file.

    ``number`` counts from 1 as Wireshark counts. ``time`` is nanoseconds since the Unix epoch
    in UTC, ``None`` where the format holds none (a simple packet block). ``length`` is the
    frame's length on the wire; ``data`` is shorter where the snap length cut it.
    """

    number: int
    time: int | None
    link_type: int
    data: bytes
    length: int
    comments: tuple[str, ...] = ()


class Candidate(NamedTuple):
    """A frame that may hold a control packet, and where its IPv6 packet begins.

    ``offset`` is the position of the IPv6 header in ``data``; ``path`` names the layers that
    carry it, outermost first, such as ``("ethernet", "vlan", "ipv6")``.
    """

    number: int
    time: int | None
    link_type: int
    data: bytes
    length: int
    offset: int
    path: tuple[str, ...]
