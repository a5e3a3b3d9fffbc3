"""The proxy IPs that a client hands out, domain after domain, until the ranges end."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import EncodeError
from fzctl.protocol.ranges import (
    PER_FAMILY,
    RESOURCE_RANGES,
    SENTINEL_RANGES,
    TUNNEL_RANGES,
    Range,
    ipv4_run,
    ipv6_run,
    is_within,
    position_of,
    proxy_ips,
    runs_of,
    show_run,
)
from fzctl.protocol.values import format_ip

IPV4 = ipaddress.IPv4Network("100.96.0.0/11")
IPV4_SENTINELS = ipaddress.IPv4Network("100.100.111.0/24")
IPV6 = ipaddress.IPv6Network("fd00:2021:1111:8000::/107")


@pytest.mark.parametrize(
    ("domain", "addresses"),
    [
        (
            0,
            [
                "100.96.0.1", "100.96.0.2", "100.96.0.3", "100.96.0.4",
                "fd00:2021:1111:8000::", "fd00:2021:1111:8000::1",
                "fd00:2021:1111:8000::2", "fd00:2021:1111:8000::3",
            ],
        ),
        (
            1,
            [
                "100.96.0.5", "100.96.0.6", "100.96.0.7", "100.96.0.8",
                "fd00:2021:1111:8000::4", "fd00:2021:1111:8000::5",
                "fd00:2021:1111:8000::6", "fd00:2021:1111:8000::7",
            ],
        ),
    ],
)  # fmt: skip
def test_four_of_each_family_in_order(domain: int, addresses: list[str]) -> None:
    assert proxy_ips(8, domain) == addresses
    assert proxy_ips(4, domain) == addresses[:PER_FAMILY]


def test_the_first_domain_is_the_one_meant_where_none_is_named() -> None:
    assert proxy_ips(4) == proxy_ips(4, 0)


def test_one_domain_straddles_the_sentinels() -> None:
    first = int(ipaddress.IPv4Address("100.100.110.253")) - int(ipaddress.IPv4Address("100.96.0.1"))
    assert first % PER_FAMILY == 0
    assert proxy_ips(4, first // PER_FAMILY) == [
        "100.100.110.253",
        "100.100.110.254",
        "100.100.110.255",
        "100.100.112.0",
    ]


def test_the_ipv4_range_ends_in_the_middle_of_the_524224th_domain() -> None:
    assert proxy_ips(4, 524_222)[-1] == "100.127.255.252"
    for count in (4, 8):
        with pytest.raises(EncodeError, match="IPv4 resource range is used up"):
            proxy_ips(count, 524_223)


@pytest.mark.parametrize("count", [-4, 0, 1, 3, 5, 7, 9, 12])
def test_only_four_or_eight_are_handed_out(count: int) -> None:
    with pytest.raises(EncodeError, match=f"4 or 8 proxy IPs, not {count}"):
        proxy_ips(count)


@given(st.integers(0, 524_221))
def test_neighbours_share_no_address_and_stay_in_range(domain: int) -> None:
    both = [ipaddress.ip_address(text) for each in (domain, domain + 1) for text in proxy_ips(8, each)]
    assert len(set(both)) == 16
    for address in both:
        assert address in (IPV4 if address.version == 4 else IPV6)
        assert address not in IPV4_SENTINELS
        assert address not in (IPV4.network_address, IPV4.broadcast_address)


@pytest.mark.parametrize(
    ("addresses", "shown"),
    [
        (["100.96.0.1", "100.96.0.2", "100.96.0.3"], ["100.96.0.1..3"]),
        (["100.96.0.1", "100.96.0.2"], ["100.96.0.1, 100.96.0.2"]),
        (["100.96.0.255", "100.96.1.0", "100.96.1.1"], ["100.96.0.255", "100.96.1.0, 100.96.1.1"]),
        (["fd00::", "fd00::1", "fd00::2"], ["fd00::..2"]),
        (["fd00::9", "fd00::a", "fd00::b"], ["fd00::9..b"]),
        (["100.96.0.9", "100.96.0.10", "100.96.0.11"], ["100.96.0.9..11"]),
        (["fd00::f", "fd00::10", "fd00::11"], ["fd00::f..11"]),
        (["fd00::1", "fd00::"], ["fd00::1", "fd00::"]),
        (["1", "2", "3"], ["1", "2", "3"]),
        (["a.b", "a.c", "a.d"], ["a.b", "a.c", "a.d"]),
        ([], []),
    ],
)
def test_neighbours_are_shown_as_a_run(addresses: list[str], shown: list[str]) -> None:
    assert list(map(show_run, runs_of(addresses))) == shown


def test_runs_end_with_their_range() -> None:
    assert ipv4_run(2_096_893) == ["100.127.255.254"]
    assert ipv4_run(2_096_894) == []
    assert ipv6_run((1 << 21) - 2) == ["fd00:2021:1111:8000::1f:fffe", "fd00:2021:1111:8000::1f:ffff"]
    assert ipv6_run(1 << 21) == []


@given(
    st.sampled_from([*RESOURCE_RANGES, *TUNNEL_RANGES, *SENTINEL_RANGES]), st.booleans(), st.integers(-2, 2)
)
def test_a_range_ends_where_the_library_says(block: Range, at_end: bool, beside: int) -> None:
    network = ipaddress.ip_network(block.text)
    edge = network[-1] if at_end else network[0]
    address = edge + beside
    assert (address.packed in block) is (address in network)
    assert is_within(format_ip(address.packed), [block]) is (address in network)
    assert "100.96.0.1" not in block


def test_an_address_lies_in_no_range_of_the_other_family() -> None:
    ranges = [*RESOURCE_RANGES, *TUNNEL_RANGES, *SENTINEL_RANGES]
    assert not is_within("::1", ranges)
    assert not is_within("192.0.2.1", reversed(ranges))


@given(st.integers(0, 524_222))
def test_an_address_tells_its_position_in_the_row(domain: int) -> None:
    start = domain * PER_FAMILY
    assert [position_of(each) for each in proxy_ips(8, domain)] == [*range(start, start + PER_FAMILY)] * 2


def test_the_edges_of_the_ranges_have_a_position() -> None:
    assert position_of("100.127.255.254") == 2_096_893
    before, after = position_of("100.100.110.255"), position_of("100.100.112.0")
    assert before is not None
    assert after == before + 1
    assert position_of("fd00:2021:1111:8000::1f:ffff") == (1 << 21) - 1


@pytest.mark.parametrize(
    "address",
    [
        "100.96.0.0", "100.127.255.255", "100.100.111.0", "100.100.111.255", "10.0.0.1",
        "fd00:2021:1111:7fff:ffff:ffff:ffff:ffff", "fd00:2021:1111:8000::20:0", "::",
    ],
)  # fmt: skip
def test_what_is_never_handed_out_has_no_position(address: str) -> None:
    assert position_of(address) is None
