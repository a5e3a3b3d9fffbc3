"""Headers around a datagram, judged by scapy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from fzctl.carriers.outer import wrap


@given(st.binary(max_size=64), st.integers(0, 65535))
def test_ipv4_reads_back_with_right_checksums(payload: bytes, port: int) -> None:
    packet = wrap(payload, ("192.0.2.1", port), ("192.0.2.2", 51820))
    read = IP(packet)
    assert (read.src, read.dst, read[UDP].sport, read[UDP].dport) == ("192.0.2.1", "192.0.2.2", port, 51820)
    assert bytes(read[UDP].payload) == payload
    assert (read.len, read[UDP].len) == (len(packet), 8 + len(payload))
    again = IP(packet)
    del again.chksum
    assert IP(bytes(again)).chksum == read.chksum


@given(st.binary(max_size=64))
def test_ipv6_reads_back_with_the_checksum_that_it_needs(payload: bytes) -> None:
    packet = wrap(payload, ("2001:db8::1", 1), ("2001:db8::2", 2))
    read = IPv6(packet)
    assert (read.src, read.dst, read[UDP].sport, read[UDP].dport) == ("2001:db8::1", "2001:db8::2", 1, 2)
    again = IPv6(packet)
    del again[UDP].chksum
    assert IPv6(bytes(again))[UDP].chksum == read[UDP].chksum != 0


@pytest.mark.parametrize("zone", ["", "%lo"])
def test_a_zone_is_not_part_of_the_address(zone: str) -> None:
    assert IPv6(wrap(b"", (f"fe80::1{zone}", 1), ("fe80::2", 2))).src == "fe80::1"
