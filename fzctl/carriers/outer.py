"""UDP datagrams as the IP packets that carried them: a socket hands out neither header."""

from __future__ import annotations

import socket
import struct
from typing import Final

from fzctl.wireguard.endpoints import Endpoint

_UDP: Final = 17
_HOP_LIMIT: Final = 64
_IPV4: Final = struct.Struct(">BBHHHBBH4s4s")
_IPV6: Final = struct.Struct(">IHBB16s16s")
_PORTS: Final = struct.Struct(">HHHH")
_PSEUDO_IPV6: Final = struct.Struct(">16s16sII")


def wrap(payload: bytes, source: Endpoint, destination: Endpoint) -> bytes:
    """An IPv4 or IPv6 packet with UDP, between two endpoints of one family.

    The fields that only the kernel knows have usual values. Over IPv4 the datagram goes without a
    checksum, as RFC 768 allows.
    """
    ports = source[1], destination[1]
    size = _PORTS.size + len(payload)
    if ":" not in destination[0]:
        ends = socket.inet_pton(socket.AF_INET, source[0]), socket.inet_pton(socket.AF_INET, destination[0])
        fields = (0x45, 0, _IPV4.size + size, 0, 0, _HOP_LIMIT, _UDP)
        header = _IPV4.pack(*fields, _checksum(_IPV4.pack(*fields, 0, *ends)), *ends)
        return header + _PORTS.pack(*ports, size, 0) + payload
    source6, destination6 = _packed(source), _packed(destination)
    header = _IPV6.pack(6 << 28, size, _UDP, _HOP_LIMIT, source6, destination6)
    pseudo = _PSEUDO_IPV6.pack(source6, destination6, size, _UDP)
    checksum = _checksum(pseudo + _PORTS.pack(*ports, size, 0) + payload) or 0xFFFF
    return header + _PORTS.pack(*ports, size, checksum) + payload


def _packed(endpoint: Endpoint) -> bytes:
    """The address without its zone."""
    return socket.inet_pton(socket.AF_INET6, endpoint[0].partition("%")[0])


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
