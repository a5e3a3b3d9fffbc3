"""A NAT table as text."""

from __future__ import annotations

from fzctl.nat.table import Mapped, NatTable
from fzctl.protocol.ranges import proxy_ips
from fzctl.render.nattable import NOWHERE, to_nat_table
from tests.records import RESOURCE


def rows(*addresses: str, count: int = 8, domain: str = "wiki.example.com", number: int = 0) -> list[Mapped]:
    table = NatTable()
    table.map(RESOURCE, domain, proxy_ips(count, number), addresses)
    return table.rows()


def test_each_domain_has_its_proxy_ips_and_what_is_behind() -> None:
    assert to_nat_table(rows("10.0.0.1", "2001:db8::1")) == (
        "wiki.example.com  6b7188f5\n"
        "    100.96.0.1..4             10.0.0.1\n"
        "    fd00:2021:1111:8000::..3  2001:db8::1\n"
    )


def test_targets_in_turns_and_a_family_without_any() -> None:
    assert to_nat_table(rows("10.0.0.1", "10.0.0.2")) == (
        "wiki.example.com  6b7188f5\n"
        "    100.96.0.1, 100.96.0.3    10.0.0.1\n"
        "    100.96.0.2, 100.96.0.4    10.0.0.2\n"
        f"    fd00:2021:1111:8000::..3  {NOWHERE}\n"
    )


def test_of_many_domains_some() -> None:
    many = [row for number in range(5) for row in rows(count=4, domain=f"n{number}.example", number=number)]
    text = to_nat_table(many, 2)
    assert text.endswith("... and 3 more domains\n")
    assert "n1.example" in text
    assert "n2.example" not in text
    assert "n4.example" in to_nat_table(many)


def test_nothing_is_no_line_and_hostile_names_are_escaped() -> None:
    assert to_nat_table([]) == ""
    assert "\x1b" not in to_nat_table([Mapped("100.96.0.1", "a\x1b[2J", RESOURCE, None)])
