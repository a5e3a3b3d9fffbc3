"""Addresses and networks as numbers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.filter.addresses import Network, ipv4_number, ipv6_number, read_ipv4, read_ipv6


@given(st.ip_addresses(v=4))
def test_ipv4_numbers_are_those_of_the_standard_library(address: IPv4Address) -> None:
    assert ipv4_number(str(address)) == read_ipv4(str(address)) == int(address)


@given(st.ip_addresses(v=6))
def test_ipv6_numbers_are_those_of_the_standard_library(address: IPv6Address) -> None:
    assert ipv6_number(str(address)) == read_ipv6(address.exploded) == int(address)


@given(st.ip_addresses(), st.integers(0, 32))
def test_a_network_holds_its_address(address: IPv4Address | IPv6Address, length: int) -> None:
    read = read_ipv4 if address.version == 4 else read_ipv6
    expected = ip_network(f"{address}/{length}", strict=False)
    assert read(f"{address}/{length}") == Network(int(expected.network_address), int(expected.netmask))


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "300.1.1.1", "01.2.3.4", "1.2.3.4.5", "::1", "localhost", "1.2.3.4\0"]
)
def test_what_is_no_ipv4_address_is_none(text: str) -> None:
    assert read_ipv4(text) is None


@pytest.mark.parametrize("text", ["", "1.2.3.4", ":::", "1::2::3", "fe80::1%eth0", "12345::"])
def test_what_is_no_ipv6_address_is_none(text: str) -> None:
    assert read_ipv6(text) is None


@pytest.mark.parametrize("text", ["1.2.3.4/33", "1.2.3.4/", "1.2.3.4/a", "1.2.3.4/255.0.0.0"])
def test_a_bad_prefix_length_says_its_limits(text: str) -> None:
    with pytest.raises(ValueError, match="0 to 32"):
        read_ipv4(text)
    with pytest.raises(ValueError, match="0 to 128"):
        read_ipv6("::/129")
