"""What a capture file holds: frames, among them candidates for a control packet and datagrams."""

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


class Datagram(NamedTuple):
    """A frame with a whole UDP datagram that may be WireGuard, or may carry it through TURN.

    ``start`` and ``end`` tell where in ``data`` the payload stands; ``size`` is its length by the
    UDP header, more than ``end - start`` where the snap length cut it. ``src`` and ``dst`` are the
    ends, such as ``192.0.2.1:51820`` or ``[2001:db8::1]:51820``; ``path`` names the layers,
    outermost first, such as ``("ethernet", "ipv4", "udp")``.
    """

    number: int
    time: int | None
    link_type: int
    data: bytes
    length: int
    start: int
    end: int
    size: int
    src: str
    dst: str
    path: tuple[str, ...]
