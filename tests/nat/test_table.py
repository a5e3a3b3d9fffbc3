"""The gateway's table: how addresses are paired, and when all of it is wiped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fzctl.nat.table import Mapped, NatTable
from fzctl.protocol.ranges import proxy_ips

RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"


def filled(*addresses: str, proxies: list[str] | None = None) -> NatTable:
    table = NatTable()
    table.map(RESOURCE, "a.example", proxy_ips(8) if proxies is None else proxies, addresses)
    return table


def test_addresses_are_dealt_out_in_turns_within_their_family() -> None:
    rows = filled("10.0.0.9", "2001:db8::1", "10.0.0.2", "10.0.0.9").rows()
    assert [row.target for row in rows] == ["10.0.0.2", "10.0.0.9"] * 2 + ["2001:db8::1"] * 4
    assert [row.proxy_ip for row in rows] == proxy_ips(8)


def test_without_an_address_of_its_family_a_proxy_ip_is_known_but_leads_nowhere() -> None:
    table = filled("10.0.0.1")
    assert table.target("100.96.0.3") == "10.0.0.1"
    assert table.target("fd00:2021:1111:8000::2") is None
    assert Mapped("fd00:2021:1111:8000::2", "a.example", RESOURCE, None) in table.rows()


def test_proxy_ips_are_an_ordered_set_too() -> None:
    table = filled("10.0.0.1", "10.0.0.2", proxies=["100.96.0.20", "100.96.0.3", "100.96.0.20"])
    assert [(row.proxy_ip, row.target) for row in table.rows()] == [
        ("100.96.0.3", "10.0.0.1"), ("100.96.0.20", "10.0.0.2"),
    ]  # fmt: skip


def test_another_domains_proxy_ip_wipes_everything() -> None:
    table = filled("10.0.0.1")
    assert table.wipe_for("b.example", ["100.96.0.99", "100.96.0.4"]) == 8
    assert table.rows() == []


def test_the_same_domain_in_other_letters_wipes_nothing() -> None:
    table = filled("10.0.0.1")
    assert table.wipe_for("A.Example.", proxy_ips(8)) == 0
    assert table.wipe_for("b.example", ["100.96.0.99"]) == 0
    assert len(table.rows()) == 8


@given(
    st.lists(st.integers(0, 30), max_size=12),
    st.lists(st.integers(0, 255), max_size=6),
)
def test_every_proxy_ip_leads_to_one_of_the_addresses(proxies: list[int], found: list[int]) -> None:
    addresses = [f"10.0.0.{each}" for each in found]
    rows = filled(*addresses, proxies=[f"100.96.0.{each}" for each in proxies]).rows()
    assert len(rows) == len(set(proxies))
    targets = [row.target for row in rows]
    assert all(target in addresses for target in targets) if addresses else set(targets) <= {None}
    counts = [targets.count(each) for each in set(addresses)]
    assert not counts or max(counts) - min(counts) <= 1


def test_the_revision_changes_with_the_rows_and_only_with_them() -> None:
    table = NatTable()
    assert table.revision == 0
    table.map(RESOURCE, "a.example.com", ["100.96.0.1"], ["10.0.0.1"])
    first = table.revision
    assert first > 0
    table.map(RESOURCE, "a.example.com", ["100.96.0.1"], ["10.0.0.1"])
    assert table.revision == first
    table.map(RESOURCE, "a.example.com", ["100.96.0.1"], ["10.0.0.2"])
    second = table.revision
    assert second > first
    assert table.wipe_for("a.example.com", ["100.96.0.1"]) == 0
    assert table.revision == second
    assert table.wipe_for("b.example.com", ["100.96.0.1"]) == 1
    assert table.revision > second


def test_the_size_with_more_proxy_ips_counts_each_once_and_the_known_not_again() -> None:
    table = NatTable()
    table.map("r", "a.com", ["100.96.0.1", "fd00::1"], [])
    assert table.size_with(["100.96.0.1", "100.96.0.2", "100.96.0.2", "fd00:0::1"]) == 3
