"""The packet inside a transport message: where it ends, and whether it can be a control message."""

from __future__ import annotations

from typing import Final

IPV6_HEADER: Final = 40
IPV4_HEADER: Final = 20
UNSPECIFIED_PAIR: Final = bytes(32)


def trim(packet: bytes) -> bytes:
    """Cut the padding off: what stands behind the length that the IP header claims.

    Whitepaper section 5.4.6; any padding passes, or none, as in boringtun
    (``noise/mod.rs`` ``validate_decapsulated_packet``). A packet that is shorter than it claims, or no
    IP packet, stays as it is.
    """
    return packet[: claimed_length(packet)]


def claimed_length(packet: bytes) -> int | None:
    """The length that the IP header claims; None where there is no such header."""
    if not packet:
        return None
    version = packet[0] >> 4
    if version == 6 and len(packet) >= IPV6_HEADER:
        return IPV6_HEADER + int.from_bytes(packet[4:6], "big")
    if version == 4 and len(packet) >= IPV4_HEADER:
        return max(IPV4_HEADER, int.from_bytes(packet[2:4], "big"))
    return None


def may_be_control(packet: bytes) -> bool:
    """Does it begin with an IPv6 header from ``::`` to ``::``? All control messages do."""
    return len(packet) >= IPV6_HEADER and packet[0] >> 4 == 6 and packet[8:IPV6_HEADER] == UNSPECIFIED_PAIR
