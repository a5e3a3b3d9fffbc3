"""AllowedIPs: the longest prefix wins, in both families."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.wireguard.allowed import UNSPECIFIED, AllowedIps, destination_of, parse_network, source_of
from tests.wireguard.lab import CONTROL, IPV4_PACKET, IPV6_PACKET
from tests.wireguard.wire import networks


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("::/128", "::/128"),
        ("::", "::/128"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_networks_are_read_as_wg_reads_them(text: str, shown: str) -> None:
    assert str(parse_network(text)) == shown


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "::/129", "10.0.0/8", "host", "10.0.0.0/8/8", "/8"])
def test_what_is_no_network_is_none(text: str) -> None:
    assert parse_network(text) is None


def test_the_longest_prefix_wins_and_of_equal_ones_the_last() -> None:
    table = AllowedIps()
    table.add(networks("0.0.0.0/0", "10.0.0.0/8", "::/0"), b"one")
    table.add(networks("10.1.0.0/16", "10.0.0.0/8"), b"two")
    table.add(networks("10.1.2.3/32", "::/128"), b"three")
    owners = {
        text: table.owner(ipaddress.ip_address(text).packed)
        for text in ("10.1.2.3", "10.1.2.4", "10.9.9.9", "11.0.0.0", "::", "::1")
    }
    assert owners == {
        "10.1.2.3": b"three", "10.1.2.4": b"two", "10.9.9.9": b"two",
        "11.0.0.0": b"one", "::": b"three", "::1": b"one",
    }  # fmt: skip
    assert AllowedIps().owner(UNSPECIFIED) is None


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 128))
def test_a_network_holds_what_the_standard_library_says(
    base: ipaddress.IPv4Address | ipaddress.IPv6Address,
    asked: ipaddress.IPv4Address | ipaddress.IPv6Address,
    length: int,
) -> None:
    length = min(length, base.max_prefixlen)
    network = parse_network(f"{base}/{length}")
    assert network is not None
    theirs = ipaddress.ip_network(f"{base}/{length}", strict=False)
    assert network.holds(asked.packed) == (asked in theirs)
    assert network.holds(base.packed)


def test_addresses_are_found_in_both_versions() -> None:
    assert (source_of(IPV4_PACKET), destination_of(IPV4_PACKET)) == (
        bytes((10, 0, 0, 1)),
        bytes((10, 0, 0, 2)),
    )
    assert (source_of(IPV6_PACKET), destination_of(IPV6_PACKET)) == (IPV6_PACKET[8:24], IPV6_PACKET[24:40])
    assert source_of(CONTROL) == destination_of(CONTROL) == UNSPECIFIED
    assert source_of(IPV4_PACKET[:20]) == bytes((10, 0, 0, 1))
    assert source_of(CONTROL[:40]) == UNSPECIFIED


@pytest.mark.parametrize("packet", [b"", b"\x45" + bytes(18), b"\x60" + bytes(38), b"\x10" + bytes(60)])
def test_what_has_no_whole_header_has_no_address(packet: bytes) -> None:
    assert source_of(packet) is destination_of(packet) is None
