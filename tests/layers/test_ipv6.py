"""Control packets found below IPv6: in files, on the wire, behind extension headers; and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.config import conf
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    IPv6ExtHdrSegmentRouting,
)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Padding, Raw
from scapy.sendrecv import sniff
from scapy.utils import rdpcap, wrpcap

from fzctl.layers import (
    AssignedIps,
    DomainStatus,
    FzP2p,
    FzP2pRefused,
    Goodbye,
    IPv6ExtHdrWalked,
    control_packet,
    verdict,
)
from fzctl.protocol.codec import decode, encode
from fzctl.protocol.packet import build_packet

RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
ADDRESSES = [f"100.96.0.{n}" for n in range(1, 5)]
GOODBYE = build_packet(2, b"")
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")  # given, or scapy asks the network for them


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    before, conf.debug_dissector = conf.debug_dissector, True
    yield
    conf.debug_dissector = before


def chain(*headers: str, payload: bytes = GOODBYE[40:]) -> bytes:
    """An IPv6 packet with extension headers in hex; the first byte pair is the first one's number."""
    first, rest = headers[0][:2], bytes.fromhex(headers[0][2:] + "".join(headers[1:])) + payload
    return (
        bytes.fromhex("60000000")
        + len(rest).to_bytes(2, "big")
        + bytes.fromhex(first + "40")
        + bytes(32)
        + rest
    )


# --- building -------------------------------------------------------------------------------------


def test_composed_layers_are_the_packet_that_a_sender_emits() -> None:
    layer = AssignedIps(resource=RESOURCE, domain="example.com", proxy_ips=ADDRESSES)
    expected = encode(layer.declaration, layer.members())
    for packet in (IPv6() / FzP2p() / layer, control_packet(layer), control_packet(FzP2p() / layer)):
        assert bytes(packet) == expected
        assert verdict(packet) == decode(expected)
    assert layer.underlayer is None


def test_what_is_said_goes_before_what_a_sender_sets() -> None:
    packet = IPv6(bytes(control_packet(Goodbye(), hlim=64, tc=3, fl=5)))
    assert (packet.hlim, packet.tc, packet.fl, packet.nh) == (64, 3, 5, 255)
    assert Goodbye in packet


def test_raw_bytes_may_stand_for_the_message() -> None:
    assert bytes(IPv6() / FzP2p(kind=9, reserved=b"1234567") / b"{}") == build_packet(
        9, b"{}", reserved=b"1234567"
    )


# --- finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", [ETHER, ETHER / Dot1Q(vlan=7), None], ids=["ethernet", "vlan", "raw"])
def test_rdpcap_decodes_by_itself(tmp_path: Path, link: Packet | None) -> None:
    inner = [control_packet(AssignedIps(domain="a.example", proxy_ips=ADDRESSES)), control_packet(Goodbye())]
    file = str(tmp_path / "sample.pcap")
    wrpcap(file, inner if link is None else [link / each for each in inner])
    first, second = rdpcap(file)
    assert first[AssignedIps].proxy_ips == ADDRESSES
    assert second.summary().endswith("IPv6 / FzP2p / Goodbye")
    assert [each[IPv6].hlim for each in (first, second)] == [0, 0]


def test_sniff_decodes_by_itself(tmp_path: Path) -> None:
    file = str(tmp_path / "sample.pcap")
    wrpcap(file, [control_packet(Goodbye()), IPv6(dst="::2", src="::1") / UDP()])
    assert len(sniff(offline=file, lfilter=lambda packet: Goodbye in packet, quiet=True)) == 1


def test_a_file_cut_by_the_snap_length_is_shown_as_truncated(tmp_path: Path) -> None:
    file = str(tmp_path / "cut.pcap")
    whole = control_packet(DomainStatus(resource=RESOURCE))
    cut = IPv6(bytes(whole)[:80])
    cut.wirelen = len(bytes(whole))
    wrpcap(file, [cut])
    (packet,) = rdpcap(file)
    assert packet[FzP2pRefused].reason == "truncated"


def test_what_the_link_appends_stays_padding() -> None:
    raw = bytes(ETHER)[:12] + b"\x86\xdd" + GOODBYE + b"trailer"
    packet = Ether(raw)
    assert packet.summary().endswith("IPv6 / FzP2p / Goodbye / Padding")
    assert packet[Padding].load == b"trailer"
    assert bytes(packet) == raw
    assert verdict(packet) == decode(GOODBYE)


@pytest.mark.parametrize(
    "packet",
    [
        IPv6(src="::", dst="::1", nh=255) / Raw(GOODBYE[40:]),
        IPv6(src="fe80::1", dst="::", nh=255) / Raw(GOODBYE[40:]),
        IPv6(src="fe80::1", dst="::", nh=0) / IPv6ExtHdrHopByHop(nh=255) / Raw(GOODBYE[40:]),
        IPv6(src="::1", dst="::", nh=139) / Raw(chain("8bff00000000000000")[40:]),
        IPv6(src="::", dst="::", nh=254) / Raw(b"\x01"),
        IP(src="0.0.0.0", dst="0.0.0.0", proto=255) / Raw(GOODBYE[40:]),
        IPv6(src="::1", dst="::2") / ICMPv6DestUnreach() / GOODBYE,
        IPv6(src="::1", dst="::2") / ICMPv6DestUnreach() / chain("8bff00000000000000"),
    ],
    ids=["to", "from", "behind-extension", "foreign-hip", "experiment", "ipv4", "quoted", "quoted-with-hip"],
)  # fmt: skip
def test_everything_else_stays_what_it_was(packet: Packet) -> None:
    read = type(packet)(bytes(packet))
    assert FzP2p not in read
    assert FzP2pRefused not in read
    assert IPv6ExtHdrWalked not in read
    assert bytes(read) == bytes(packet)
    assert not verdict(read).control


def test_other_ipv6_traffic_between_unspecified_addresses_is_untouched() -> None:
    assert ICMPv6EchoRequest in IPv6(bytes(IPv6(src="::", dst="::") / ICMPv6EchoRequest()))


@pytest.mark.parametrize(
    ("raw", "classes"),
    [
        (chain("00ff00010400000000"), [IPv6ExtHdrHopByHop]),
        (chain("3cff00010400000000"), [IPv6ExtHdrDestOpt]),
        (chain("2bff00000000000000"), [IPv6ExtHdrRouting]),
        (chain("2bff010000000000000102030405060708"), [IPv6ExtHdrWalked]),
        (chain("2bff020400000000ff" + "00" * 15 + "01"), [IPv6ExtHdrSegmentRouting]),
        (chain("2bff000400000000ff"), [IPv6ExtHdrSegmentRouting]),
        (chain("2cff00000600000007"), [IPv6ExtHdrFragment]),
        (chain("87ff00000000000000"), [IPv6ExtHdrWalked]),
        (chain("8bff00000000000000"), [IPv6ExtHdrWalked]),
        (chain("8cff01000000000000" + "00" * 8), [IPv6ExtHdrWalked]),
        (chain("fdfe00000000000000", "ff00010203040506"), [IPv6ExtHdrWalked, IPv6ExtHdrWalked]),
        (chain("3c0000010400000000", "fd00010400000000", "ff00000000000000"),
         [IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrWalked]),
        (chain("00ff00c2ff00000000"), [IPv6ExtHdrHopByHop]),
    ],
    ids=["hop-by-hop", "destination", "routing", "routing-odd", "segments", "no-segments", "atomic-fragment",
         "mobility", "hip", "shim6", "experiments", "chain", "broken-options"],
)  # fmt: skip
def test_extension_headers_are_stepped_over_as_receivers_do(raw: bytes, classes: list[type[Packet]]) -> None:
    assert decode(raw).accepted
    packet = IPv6(raw)
    assert packet.layers() == [IPv6, *classes, FzP2p, Goodbye]
    assert bytes(packet) == raw
    assert verdict(packet) == decode(raw)
    assert packet.show(dump=True)


def test_an_extension_header_can_be_built() -> None:
    packet = IPv6(src="::", dst="::", nh=253) / IPv6ExtHdrWalked(data=bytes(14)) / FzP2p() / Goodbye()
    assert packet[IPv6ExtHdrWalked].nh == 255
    assert IPv6(bytes(packet)).layers() == [IPv6, IPv6ExtHdrWalked, FzP2p, Goodbye]
    options = IPv6(src="::", dst="::") / IPv6ExtHdrHopByHop() / FzP2p() / Goodbye()
    assert decode(bytes(options)).accepted


@pytest.mark.parametrize("fields", [{"offset": 1}, {"m": 1}])
def test_a_fragment_is_no_message(fields: dict[str, Any]) -> None:
    raw = bytes(IPv6(src="::", dst="::") / IPv6ExtHdrFragment(**fields) / FzP2p() / Goodbye())
    packet = IPv6(raw)
    assert Goodbye not in packet
    assert verdict(packet) == decode(raw)
    assert decode(raw).reason == "ip_fragment"


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 43, 60, 135, 139, 140, 253, 254]), st.binary(min_size=6, max_size=6)),
        max_size=4,
    )
)
def test_no_walked_header_makes_it_stumble(headers: list[tuple[int, bytes]]) -> None:
    numbers = [number for number, _ in headers] + [255]
    rest = (
        b"".join(bytes((numbers[n + 1], 0)) + content for n, (_, content) in enumerate(headers))
        + GOODBYE[40:]
    )
    raw = bytes.fromhex("60000000") + len(rest).to_bytes(2, "big") + bytes((numbers[0], 0)) + bytes(32) + rest
    assert decode(raw).accepted
    packet = IPv6(raw)
    assert Goodbye in packet
    assert bytes(packet) == raw
