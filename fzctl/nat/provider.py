"""How a client hands out proxy IPs: in a row, four of each family to a domain, never twice.

Upstream: ``tunnel-proto/src/client.rs`` ``IpProvider`` and ``dns/resource_stub_resolver.rs``.
"""

from __future__ import annotations

from typing import Final

from fzctl.nat.names import name_key
from fzctl.protocol.ranges import ipv4_run, ipv6_run

STACKS: Final = ("dual", "ipv4", "ipv6")
"""The IP stacks that a resource may have: which of a domain's addresses its messages carry."""


class ProxyIps:
    """The addresses of one client's session.

    ``used_ipv4`` and ``used_ipv6`` were handed out before, as a session that begins with saved
    records counts them.
    """

    def __init__(self, used_ipv4: int = 0, used_ipv6: int = 0) -> None:
        self._used_ipv4 = used_ipv4
        self._used_ipv6 = used_ipv6
        self._assigned: dict[str, tuple[list[str], list[str]]] = {}

    def assign(self, domain: str, stack: str = "dual") -> list[str]:
        """The domain's proxy IPs, IPv4 first; the same ones whenever it is asked for.

        Fewer than four of a family where its range ends; no sender sends those.
        """
        key = name_key(domain)
        if key not in self._assigned:
            both = ipv4_run(self._used_ipv4), ipv6_run(self._used_ipv6)
            self._used_ipv4 += len(both[0])
            self._used_ipv6 += len(both[1])
            self._assigned[key] = both
        ipv4, ipv6 = self._assigned[key]
        return (ipv4 if stack != "ipv6" else []) + (ipv6 if stack != "ipv4" else [])
