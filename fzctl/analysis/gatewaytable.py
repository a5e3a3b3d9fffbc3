"""The gateway's NAT table for one client, as far as packets show it.

They show neither lookups nor authorizations: what a client told counts as known, and a proxy IP
that it tells for another domain wipes everything (``client_on_gateway.rs`` ``setup_nat``).
"""

from __future__ import annotations

from collections.abc import Sequence

from fzctl.analysis import rules
from fzctl.analysis.bounded import Bounded
from fzctl.analysis.domains import DomainEntry
from fzctl.analysis.findings import Findings, Spot
from fzctl.analysis.story import Row, Wipe


class GatewayTable:
    """Follows the table; ``generation`` counts how often it was wiped."""

    def __init__(self, findings: Findings) -> None:
        self.wipes: Bounded[Wipe] = Bounded()
        self.generation = 0
        self._findings = findings
        self._rows: dict[str, DomainEntry] = {}

    def write(self, entry: DomainEntry, proxy_ips: Sequence[str], spot: Spot) -> None:
        """A client told the proxy IPs of a domain."""
        for address in proxy_ips:
            owner = self._rows.get(address)
            if owner is not None and owner.key != entry.key:
                self._wipe(address, owner, entry, spot)
                break
        for address in proxy_ips:
            self._rows[address] = entry
        entry.writes = self.generation

    def clear(self) -> None:
        """The connection is over."""
        self._rows.clear()

    def holds(self, entry: DomainEntry) -> bool:
        """Does one of the domain's proxy IPs still lead to it?"""
        owners = map(self._rows.get, entry.proxy_ips)
        return any(owner is not None and owner.key == entry.key for owner in owners)

    def rows(self) -> tuple[Row, ...]:
        """All proxy IPs, in the order in which they were told."""
        return tuple(
            Row(address, entry.domain, entry.resource, entry.told)
            for address, entry in self._rows.items()
            if entry.told is not None
        )

    def _wipe(self, address: str, owner: DomainEntry, entry: DomainEntry, spot: Spot) -> None:
        count = len(self._rows)
        told = () if owner.told is None else (owner.told,)
        detail = f"{address} was {owner.domain}'s, {count} proxy IPs were forgotten"
        names = address, owner.domain
        self._findings.add(rules.IP_REASSIGNED, entry.subject, detail, *told, spot, names=names)
        self.wipes.add(Wipe(spot, address, entry.domain, owner.domain, count))
        self._rows.clear()
        self.generation += 1
