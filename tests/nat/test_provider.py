"""Proxy IPs in a row: four of each family to a domain, the same ones again, until the ranges end."""

from __future__ import annotations

import pytest

from fzctl.errors import EncodeError
from fzctl.nat.provider import ProxyIps
from fzctl.protocol.codec import encode
from fzctl.protocol.kinds import ASSIGNED_IPS
from fzctl.protocol.ranges import proxy_ips

RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"


def test_domains_get_the_next_addresses_in_the_order_of_asking() -> None:
    provider = ProxyIps()
    assert provider.assign("a.example") == proxy_ips(8, 0)
    assert provider.assign("b.example") == proxy_ips(8, 1)


def test_a_domain_keeps_its_addresses_whatever_the_resource_takes_of_them() -> None:
    provider = ProxyIps()
    both = provider.assign("A.example.")
    assert provider.assign("a.example", "ipv4") == both[:4]
    assert provider.assign("a.EXAMPLE", "ipv6") == both[4:]
    assert provider.assign("b.example", "ipv4") == proxy_ips(4, 1)


def test_saved_records_advance_the_counters_by_their_number() -> None:
    assert ProxyIps(used_ipv4=4, used_ipv6=8).assign("a.example") == proxy_ips(4, 1) + proxy_ips(8, 2)[4:]


def test_where_the_ipv4_range_ends_a_domain_gets_two_and_the_next_none() -> None:
    provider = ProxyIps(used_ipv4=2_096_892)
    last = provider.assign("a.example", "ipv4")
    assert last == ["100.127.255.253", "100.127.255.254"]
    with pytest.raises(EncodeError, match="4 or 8 proxy IPs"):
        encode(
            ASSIGNED_IPS,
            {"resource": RESOURCE, "domain": "a", "proxy_ips": last},
        )
    assert provider.assign("b.example", "ipv4") == []
    assert len(provider.assign("b.example")) == 4


def test_the_ipv6_range_ends_too() -> None:
    provider = ProxyIps(used_ipv6=(1 << 21) - 1)
    assert provider.assign("a.example", "ipv6") == ["fd00:2021:1111:8000::1f:ffff"]
