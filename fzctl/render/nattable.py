"""A gateway's NAT table as text: per domain the proxy IPs and the address behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from fzctl.nat.table import Mapped
from fzctl.render.escape import escape
from fzctl.render.lines import ID_LENGTH
from fzctl.render.words import count_of, shorten

NOWHERE: Final = "network unreachable"


def to_nat_table(rows: Sequence[Mapped], limit: int | None = None) -> str:
    """The rows as lines, each with its end; of more than ``limit`` domains the number of the others."""
    domains: dict[tuple[str, str], list[Mapped]] = {}
    for row in rows:
        domains.setdefault((row.domain, row.resource), []).append(row)
    shown = list(domains.items())[:limit]
    lines = [line for (domain, resource), found in shown for line in _lines(domain, resource, found)]
    if len(shown) < len(domains):
        lines.append(f"... and {count_of(len(domains) - len(shown), 'more domain')}")
    return "".join(f"{line}\n" for line in lines)


def _lines(domain: str, resource: str, rows: Iterable[Mapped]) -> list[str]:
    targets: dict[tuple[bool, str | None], list[str]] = {}
    for row in rows:
        targets.setdefault((":" in row.proxy_ip, row.target), []).append(row.proxy_ip)
    pairs = [(shorten(found), target or NOWHERE) for (_, target), found in targets.items()]
    width = max(len(proxies) for proxies, _ in pairs)
    head = f"{escape(domain)}  {escape(resource[:ID_LENGTH])}"
    return [head, *(f"    {proxies:<{width}}  {target}" for proxies, target in pairs)]
