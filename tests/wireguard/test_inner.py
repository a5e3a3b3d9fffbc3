"""Inner packets: padding goes, nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.wireguard.inner import claimed_length, may_be_control, trim
from tests.wireguard.lab import CONTROL, IPV4_PACKET, IPV6_PACKET

each_packet = pytest.mark.parametrize(
    "packet", [CONTROL, IPV4_PACKET, IPV6_PACKET], ids=["control", "v4", "v6"]
)


@each_packet
@pytest.mark.parametrize("padding", [0, 1, 8, 15, 16, 1000])
def test_any_padding_goes(packet: bytes, padding: int) -> None:
    assert trim(packet + bytes(padding)) == packet


@each_packet
def test_a_packet_that_is_shorter_than_it_claims_stays_as_it_is(packet: bytes) -> None:
    assert trim(packet[:-1]) == packet[:-1]


def test_what_is_no_ip_packet_stays_as_it_is() -> None:
    for packet in (b"", b"\x60", b"\x45\0\0\1", b"\x70" + bytes(60), IPV6_PACKET[:39]):
        assert trim(packet) == packet
        assert claimed_length(packet) is None


def test_a_header_alone_is_a_packet() -> None:
    assert claimed_length(IPV4_PACKET[:20]) == 48
    assert claimed_length(IPV6_PACKET[:40]) == 56


def test_a_total_length_below_the_header_is_not_believed() -> None:
    assert trim(b"\x45\0\0\0" + bytes(30)) == b"\x45\0\0\0" + bytes(16)


def test_only_headers_from_nowhere_to_nowhere_may_be_control() -> None:
    assert may_be_control(CONTROL)
    assert may_be_control(CONTROL[:40])
    assert not may_be_control(CONTROL[:39])
    assert not may_be_control(IPV6_PACKET)
    assert not may_be_control(b"\x40" + CONTROL[1:])
    for position in range(8, 40):
        changed = bytearray(CONTROL)
        changed[position] = 1
        assert not may_be_control(bytes(changed))


@given(st.binary(max_size=100))
def test_any_bytes_are_trimmed_to_a_beginning_of_themselves(packet: bytes) -> None:
    assert packet.startswith(trim(packet))
