"""Where the IP packet begins, for each link type."""

from __future__ import annotations

import struct

import pytest

from fzctl.pcap.links import MAX_VLAN_TAGS, Located, link_for, locate, may_be_control
from tests.pcap import build

SIX = build.control()
FOUR = build.ipv4()
FAMILIES = [(24).to_bytes(4, order) for order in ("big", "little")] + [
    struct.pack("<I", family) for family in (28, 30, 10)
]

CASES: list[tuple[int, bytes, Located | None]] = [
    (1, build.ethernet(SIX), (14, ("ethernet", "ipv6"))),
    (1, build.ethernet(FOUR), (14, ("ethernet", "ipv4"))),
    (1, build.ethernet(SIX, 0x8100), (18, ("ethernet", "vlan", "ipv6"))),
    (1, build.ethernet(FOUR, 0x9100), (18, ("ethernet", "vlan", "ipv4"))),
    (1, build.ethernet(SIX, 0x88A8, 0x8100), (22, ("ethernet", "vlan", "vlan", "ipv6"))),
    (1, build.ethernet(SIX, *[0x8100] * 4), (30, ("ethernet", *["vlan"] * 4, "ipv6"))),
    (1, build.ethernet(SIX, *[0x8100] * 5), None),
    (1, build.MAC + b"\x08\x06" + SIX, None),
    (1, build.MAC + b"\x86\xdd" + FOUR, None),
    (1, build.MAC + b"\x08\x00" + SIX, None),
    (1, build.MAC + b"\x86\xdd", None),
    (1, build.MAC, None),
    *((0, family + SIX, (4, ("null", "ipv6"))) for family in FAMILIES),
    *((108, family + SIX, (4, ("loop", "ipv6"))) for family in FAMILIES),
    (0, b"\2\0\0\0" + FOUR, (4, ("null", "ipv4"))),
    (108, b"\0\0\0\2" + FOUR, (4, ("loop", "ipv4"))),
    (0, b"\2\0\0\0" + SIX, None),
    (0, b"\x18\0\0\0", None),
    (0, b"\x17\0\0\0" + SIX, None),
    (12, SIX, (0, ("raw", "ipv6"))),
    (14, SIX, (0, ("raw", "ipv6"))),
    (101, SIX, (0, ("raw", "ipv6"))),
    (101, FOUR, (0, ("raw", "ipv4"))),
    (101, b"\x55" + SIX[1:], None),
    (101, b"", None),
    (228, FOUR, (0, ("raw", "ipv4"))),
    (228, SIX, None),
    (229, SIX, (0, ("raw", "ipv6"))),
    (229, FOUR, None),
    (113, build.cooked(SIX), (16, ("linux_cooked", "ipv6"))),
    (113, build.cooked(FOUR), (16, ("linux_cooked", "ipv4"))),
    (113, build.cooked(SIX, 0x8100), (20, ("linux_cooked", "vlan", "ipv6"))),
    (276, build.cooked_v2(SIX), (20, ("linux_cooked_v2", "ipv6"))),
    (276, build.cooked_v2(SIX, 0x8100), (24, ("linux_cooked_v2", "vlan", "ipv6"))),
    (147, SIX, None),
    (105, SIX, None),
]


@pytest.mark.parametrize(("link_type", "data", "found"), CASES)
def test_the_ip_header_is_located(link_type: int, data: bytes, found: Located | None) -> None:
    assert locate(link_type, data) == found


@pytest.mark.parametrize(("link_type", "data", "found"), CASES)
def test_no_cut_frame_is_read_beyond_its_end(link_type: int, data: bytes, found: Located | None) -> None:
    for size in range(len(data)):
        located = locate(link_type, data[:size])
        assert located in (found, None)
        assert located is None or size > located[0]


@pytest.mark.parametrize(("link_type", "data", "found"), CASES)
def test_the_probe_is_zero_in_every_control_packet(
    link_type: int, data: bytes, found: Located | None
) -> None:
    link = link_for(link_type)
    if link is not None and found is not None and found[1][-1] == "ipv6":
        assert may_be_control(data, found[0])
        assert data[link.probe : link.probe + 4] == bytes(4)


def test_the_probe_is_not_zero_in_common_traffic() -> None:
    udp = build.ipv4(struct.pack(">HHHH", 53, 53, 72, 1) + bytes(64))
    tcp = build.ipv6(struct.pack(">HHII", 443, 50000, 7, 7) + bytes(64), protocol=6)
    for packet in (udp, tcp):
        for link_type, data in ((101, packet), (1, build.ethernet(packet)), (113, build.cooked(packet))):
            link = link_for(link_type)
            assert link is not None
            assert any(data[link.probe : link.probe + 4])


def test_user0_is_raw_ip_only_by_option() -> None:
    assert locate(147, SIX, user0_is_ip=True) == (0, ("raw", "ipv6"))


def test_paths_are_shared() -> None:
    frame = build.ethernet(SIX)
    assert locate(1, frame) is locate(1, frame)


@pytest.mark.parametrize("number", [0, 43, 44, 60, 135, 139, 140, 253, 254, 255])
def test_a_chain_that_may_reach_255_counts(number: int) -> None:
    assert may_be_control(SIX[:6] + bytes((number,)) + SIX[7:], 0)


@pytest.mark.parametrize("number", [6, 17, 50, 51, 58, 59])
def test_a_chain_that_ends_elsewhere_does_not(number: int) -> None:
    assert not may_be_control(SIX[:6] + bytes((number,)) + SIX[7:], 0)


def test_neither_end_may_have_an_address() -> None:
    for position in (8, 23, 24, 39):
        assert not may_be_control(SIX[:position] + b"\1" + SIX[position + 1 :], 0)


def test_hop_limit_does_not_count() -> None:
    assert may_be_control(build.control(hop_limit=64), 0)


def test_addresses_that_were_cut_off_cannot_be_told() -> None:
    assert not may_be_control(SIX[:39], 0)


def test_a_packet_quoted_in_an_icmp_error_is_no_candidate() -> None:
    quoted = build.ipv6(bytes(8) + SIX, protocol=58)
    assert not may_be_control(quoted, 0)
    assert not may_be_control(build.ipv4(bytes(8) + SIX, protocol=1), 0)


def test_an_ipv4_packet_of_zeros_is_no_candidate() -> None:
    assert not may_be_control(b"\x45" + bytes(60), 0)


def test_as_many_tags_are_read_as_the_probe_allows() -> None:
    tagged = build.ethernet(SIX, *[0x8100] * MAX_VLAN_TAGS)
    link = link_for(1)
    assert link is not None
    assert tagged[link.probe : link.probe + 4] == bytes(4)
    assert link.locate(tagged) is not None
