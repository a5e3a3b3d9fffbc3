"""Where proxy IPs come from: the resource ranges and the order in which a client hands them out.

Because they come in a row, rows are also how people are shown them.

Upstream: ``tunnel-proto/src/client.rs`` ``IpProvider`` and ``dns/resource_stub_resolver.rs``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from fzctl.errors import EncodeError
from fzctl.protocol.values import format_ip

PER_FAMILY: Final = 4

_IPV4_FIRST: Final = 0x64600001  # 100.96.0.1: the network address is skipped
_IPV4_LAST: Final = 0x647FFFFE  # 100.127.255.254: so is the broadcast address
_IPV4_SENTINELS: Final = 0x64646F00  # 100.100.111.0/24 is skipped
_SENTINEL_COUNT: Final = 256
# Of the IPv6 range there is always enough: 2**21 addresses, the network address included.
_IPV6_FIRST: Final = 0xFD00_2021_1111_8000_0000_0000_0000_0000


def proxy_ips(count: int, domain: int = 0) -> list[str]:
    """The proxy IPs of a session's ``domain``-th new domain, counted from 0.

    ``count`` 4 gives the IPv4 addresses, 8 the IPv6 ones too. Raises EncodeError where the
    ranges are used up, or for another count.
    """
    if count not in (PER_FAMILY, 2 * PER_FAMILY):
        raise EncodeError(f"a client hands out 4 or 8 proxy IPs, not {count}")
    indices = range(domain * PER_FAMILY, (domain + 1) * PER_FAMILY)
    found = [format_ip(_nth_ipv4(index).to_bytes(4, "big")) for index in indices]
    if count > PER_FAMILY:
        found += [format_ip((_IPV6_FIRST + index).to_bytes(16, "big")) for index in indices]
    return found


def runs_of(addresses: Iterable[str]) -> list[list[str]]:
    """Canonical addresses in their order, neighbours together; any other text stands alone."""
    runs: list[list[str]] = []
    for address in addresses:
        if runs and _follows(runs[-1][-1], address):
            runs[-1].append(address)
        else:
            runs.append([address])
    return runs


def show_run(run: Sequence[str]) -> str:
    """``100.96.0.1..4``: a run's first address, and of its last what differs."""
    if len(run) < 3:
        return ", ".join(run)
    last = run[-1].rpartition("." if "." in run[-1] else ":")[2]
    return f"{run[0]}..{last}"


def _follows(before: str, after: str) -> bool:
    """Are these neighbours that differ in their last byte or group only?"""
    mark, base = (".", 10) if "." in before else (":", 16)
    first, _, last = before.rpartition(mark)
    second, _, following = after.rpartition(mark)
    try:
        return first == second != "" and int(following or "0", base) - int(last or "0", base) == 1
    except ValueError:
        return False


def _nth_ipv4(index: int) -> int:
    address = _IPV4_FIRST + index
    if address >= _IPV4_SENTINELS:
        address += _SENTINEL_COUNT
    if address > _IPV4_LAST:
        raise EncodeError("the IPv4 resource range is used up")
    return address
