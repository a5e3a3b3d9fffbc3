"""AllowedIPs: which inner addresses belong to which peer (whitepaper section 2, cryptokey routing)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final, NamedTuple

from fzctl.wireguard.inner import IPV4_HEADER, IPV6_HEADER

UNSPECIFIED: Final = bytes(16)
"""``::``, from and to which all control messages go."""


class Network(NamedTuple):
    """An address of 4 or 16 bytes, its host bits zero, and the length of its prefix in bits."""

    address: bytes
    length: int

    def holds(self, address: bytes) -> bool:
        return len(address) == len(self.address) and _cut(address, self.length) == self.address

    def __str__(self) -> str:
        return f"{ipaddress.ip_address(self.address)}/{self.length}"


def parse_network(text: str) -> Network | None:
    """``10.0.0.0/8``, ``::/128`` or a single address; host bits are cut off as ``wg`` does."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return Network(network.network_address.packed, network.prefixlen)


class AllowedIps:
    """Whose an address is: the longest prefix wins, of equal ones the last peer that was given it."""

    def __init__(self) -> None:
        # By size of the address; within, by length of the prefix, the longest first.
        self._tables: Final[dict[int, dict[int, dict[bytes, bytes]]]] = {4: {}, 16: {}}

    def add(self, networks: Iterable[Network], owner: bytes) -> None:
        """Give networks to the peer with that static public key."""
        for network in networks:
            tables = self._tables[len(network.address)]
            tables.setdefault(network.length, {})[network.address] = owner
            self._tables[len(network.address)] = dict(sorted(tables.items(), reverse=True))

    def owner(self, address: bytes) -> bytes | None:
        """The static public key of the peer that an address of 4 or 16 bytes belongs to."""
        for length, table in self._tables[len(address)].items():
            owner = table.get(_cut(address, length))
            if owner is not None:
                return owner
        return None


def source_of(packet: bytes) -> bytes | None:
    """The source address of an IP packet; None where it is none."""
    return _address(packet, 12, 8)


def destination_of(packet: bytes) -> bytes | None:
    """The destination address of an IP packet; None where it is none."""
    return _address(packet, 16, 24)


def _address(packet: bytes, in_ipv4: int, in_ipv6: int) -> bytes | None:
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= IPV4_HEADER:
        return packet[in_ipv4 : in_ipv4 + 4]
    if version == 6 and len(packet) >= IPV6_HEADER:
        return packet[in_ipv6 : in_ipv6 + 16]
    return None


def _cut(address: bytes, length: int) -> bytes:
    size = len(address)
    drop = size * 8 - length
    return (int.from_bytes(address, "big") >> drop << drop).to_bytes(size, "big")
