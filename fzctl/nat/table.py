"""A gateway's NAT table for one client: which address stands behind which proxy IP.

Upstream: ``gateway/client_on_gateway.rs`` ``setup_nat``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fzctl.nat.names import name_key
from fzctl.protocol.values import format_ip, ip_to_bytes


class Mapped(NamedTuple):
    """One proxy IP; without a ``target`` packets to it are answered with network-unreachable."""

    proxy_ip: str
    domain: str
    resource: str
    target: str | None


class NatTable:
    """The proxy IPs that one client has told; ``revision`` counts the changes."""

    def __init__(self) -> None:
        self.revision = 0
        self._rows: dict[bytes, Mapped] = {}

    def wipe_for(self, domain: str, proxy_ips: Iterable[str]) -> int:
        """Forget everything where one of the addresses is another domain's; returns how many rows went."""
        key = name_key(domain)
        known = map(self._rows.get, map(ip_to_bytes, proxy_ips))
        if all(row is None or name_key(row.domain) == key for row in known):
            return 0
        count = len(self._rows)
        self._rows.clear()
        self.revision += 1
        return count

    def size_with(self, proxy_ips: Iterable[str]) -> int:
        """How many rows there would be with these proxy IPs."""
        return len(self._rows) + len({each for each in map(ip_to_bytes, proxy_ips) if each not in self._rows})

    def map(self, resource: str, domain: str, proxy_ips: Iterable[str], addresses: Iterable[str]) -> None:
        """The n-th proxy IP of a family gets the n-th address of that family, and so on in turns.

        Both are ordered sets. Raises Refusal for a text that is no address.
        """
        targets = _ordered(addresses)
        proxies = _ordered(proxy_ips)
        for size in (4, 16):
            family = [each for each in targets if len(each) == size]
            for position, proxy in enumerate(each for each in proxies if len(each) == size):
                target = format_ip(family[position % len(family)]) if family else None
                row = Mapped(format_ip(proxy), domain, resource, target)
                if self._rows.get(proxy) != row:
                    self._rows[proxy] = row
                    self.revision += 1

    def target(self, proxy_ip: str) -> str | None:
        """The address behind a proxy IP, ``None`` where there is none."""
        row = self._rows.get(ip_to_bytes(proxy_ip))
        return None if row is None else row.target

    def rows(self) -> list[Mapped]:
        """All rows, IPv4 before IPv6, ascending."""
        return [self._rows[each] for each in sorted(self._rows, key=_order)]


def _ordered(addresses: Iterable[str]) -> list[bytes]:
    return sorted(set(map(ip_to_bytes, addresses)), key=_order)


def _order(address: bytes) -> tuple[int, bytes]:
    return len(address), address
