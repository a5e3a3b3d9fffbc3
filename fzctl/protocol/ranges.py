"""Where proxy IPs come from: the resource ranges and the order in which a client hands them out.

Because they come in a row, rows are also how people are shown them.

Upstream: ``tunnel-proto/src/client.rs`` ``IpProvider`` and ``dns/resource_stub_resolver.rs``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from fzctl.errors import EncodeError
from fzctl.protocol.values import format_ip, ip_to_bytes

PER_FAMILY: Final = 4

_IPV4_FIRST: Final = 0x64600001  # 100.96.0.1: the network address is skipped
_IPV4_LAST: Final = 0x647FFFFE  # 100.127.255.254: so is the broadcast address
_IPV4_SENTINELS: Final = 0x64646F00  # 100.100.111.0/24 is skipped
_SENTINEL_COUNT: Final = 256
_IPV6_FIRST: Final = 0xFD00_2021_1111_8000_0000_0000_0000_0000
_IPV6_COUNT: Final = 1 << 21  # the network address is handed out too


class Range(NamedTuple):
    """A block of addresses: its text for people, its first address and how many bits are fixed."""

    text: str
    first: bytes
    fixed: int

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, bytes) or len(address) != len(self.first):
            return False
        free = 8 * len(address) - self.fixed
        return int.from_bytes(address, "big") >> free == int.from_bytes(self.first, "big") >> free


def _range(text: str) -> Range:
    first, _, fixed = text.partition("/")
    return Range(text, ip_to_bytes(first), int(fixed))


# tunnel-proto/src/lib.rs; proxy IPs, the peers' own addresses, and the DNS servers that only clients see.
RESOURCE_RANGES: Final = _range("100.96.0.0/11"), _range("fd00:2021:1111:8000::/107")
TUNNEL_RANGES: Final = _range("100.64.0.0/11"), _range("fd00:2021:1111::/107")
SENTINEL_RANGES: Final = _range("100.100.111.0/24"), _range("fd00:2021:1111:8000:100:100:111:0/120")


def is_within(address: str, ranges: Iterable[Range]) -> bool:
    """Does an address, in canonical text, lie in one of the ranges?"""
    packed = ip_to_bytes(address)
    return any(packed in each for each in ranges)


def position_of(address: str) -> int | None:
    """How many proxy IPs of its family a client hands out before this one.

    ``None`` where it hands the address, in canonical text, never out.
    """
    number = int.from_bytes(ip_to_bytes(address), "big")
    if ":" in address:
        return number - _IPV6_FIRST if 0 <= number - _IPV6_FIRST < _IPV6_COUNT else None
    if not _IPV4_FIRST <= number <= _IPV4_LAST or 0 <= number - _IPV4_SENTINELS < _SENTINEL_COUNT:
        return None
    return number - _IPV4_FIRST - (_SENTINEL_COUNT if number > _IPV4_SENTINELS else 0)


def proxy_ips(count: int, domain: int = 0) -> list[str]:
    """The proxy IPs of a session's ``domain``-th new domain, counted from 0.

    ``count`` 4 gives the IPv4 addresses, 8 the IPv6 ones too. Raises EncodeError where the
    ranges are used up, or for another count.
    """
    if count not in (PER_FAMILY, 2 * PER_FAMILY):
        raise EncodeError(f"a client hands out 4 or 8 proxy IPs, not {count}")
    found = ipv4_run(domain * PER_FAMILY)
    if len(found) < PER_FAMILY:
        raise EncodeError("the IPv4 resource range is used up")
    return found + ipv6_run(domain * PER_FAMILY) if count > PER_FAMILY else found


def ipv4_run(start: int) -> list[str]:
    """The next four IPv4 proxy IPs after ``start`` were handed out; fewer where the range ends."""
    found = []
    for index in range(start, start + PER_FAMILY):
        address = _IPV4_FIRST + index
        if address >= _IPV4_SENTINELS:
            address += _SENTINEL_COUNT
        if address <= _IPV4_LAST:
            found.append(format_ip(address.to_bytes(4, "big")))
    return found


def ipv6_run(start: int) -> list[str]:
    """The next four IPv6 proxy IPs after ``start`` were handed out; fewer where the range ends."""
    end = min(start + PER_FAMILY, _IPV6_COUNT)
    return [format_ip((_IPV6_FIRST + index).to_bytes(16, "big")) for index in range(start, end)]


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
        return first == second != "" and int(following, base) - int(last or "0", base) == 1
    except ValueError:
        return False
