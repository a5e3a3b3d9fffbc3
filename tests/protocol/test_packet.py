"""The packet level: what is control, what a receiver's IP parser refuses, and building."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import EncodeError
from fzctl.protocol.packet import (
    CONTROL_PROTOCOL,
    MAX_PACKET,
    MAX_PAYLOAD,
    WALKED_HEADERS,
    build_packet,
    declared_length,
    is_ours,
    parse_packet,
    transport_of,
)

CONTROL = bytes.fromhex("02 00000000000000")
LOOPBACK = bytes(15) + b"\x01"
UDP, TCP, ICMP, ICMPV6, AH, NO_NEXT = 17, 6, 1, 58, 51, 59


def ipv6(
    next_header: int,
    rest: bytes,
    *,
    length: int | None = None,
    src: bytes = bytes(16),
    dst: bytes = bytes(16),
) -> bytes:
    size = len(rest) if length is None else length
    return b"\x60\0\0\0" + size.to_bytes(2, "big") + bytes((next_header, 0)) + src + dst + rest


def ipv4(
    protocol: int, rest: bytes, *, options: bytes = b"", fragment: int = 0, length: int | None = None
) -> bytes:
    header = 20 + len(options)
    size = header + len(rest) if length is None else length
    first = bytes((0x40 | header // 4, 0)) + size.to_bytes(2, "big")
    return first + b"\0\0" + fragment.to_bytes(2, "big") + bytes((64, protocol)) + bytes(10) + options + rest


def extension(next_header: int, words: int = 0) -> bytes:
    return bytes((next_header, words)) + bytes(6 + 8 * words)


def fragment(next_header: int, word: int = 0) -> bytes:
    return bytes((next_header, 0)) + word.to_bytes(2, "big") + b"\x01\x02\x03\x04"


def udp(payload: bytes, *, length: int | None = None) -> bytes:
    return bytes(4) + (8 + len(payload) if length is None else length).to_bytes(2, "big") + bytes(2) + payload


def tcp(words: int, size: int) -> bytes:
    return bytes(12) + bytes((words << 4,)) + bytes(size - 13)


@pytest.mark.parametrize(
    ("packet", "reason", "ours"),
    [
        (ipv6(255, CONTROL), "ok", True),
        (ipv6(255, CONTROL + bytes(1232)), "ok", True),
        (ipv6(255, CONTROL + bytes(1233)), "ip_too_large", True),
        (bytes(1281), "ip_too_large", False),
        (b"", "ip_empty", False),
        (b"\x50", "ip_version", False),
        (b"\x00" * 40, "ip_version", False),
        (b"\x60", "ip_malformed", False),
        (ipv6(255, b"")[:39], "ip_malformed", False),
        (ipv6(255, b""), "too_short", True),
        (ipv6(255, CONTROL[:7]), "too_short", True),
        (ipv6(255, CONTROL, length=7), "ip_length_mismatch", True),
        (ipv6(255, CONTROL, length=9), "ip_length_mismatch", True),
        (ipv6(255, CONTROL, src=LOOPBACK), "not_control", False),
        (ipv6(255, CONTROL, dst=LOOPBACK), "not_control", False),
        (ipv6(254, b""), "not_control", False),
        (ipv6(NO_NEXT, CONTROL), "not_control", False),
        (ipv6(AH, extension(255)), "not_control", False),
        (ipv6(50, extension(255)), "not_control", False),
    ],
)
def test_a_receiver_judges_the_ip_level(packet: bytes, reason: str, ours: bool) -> None:
    view = parse_packet(packet)
    assert (view.reason, view.ours, is_ours(packet)) == (reason, ours, ours)
    assert (view.problem is None) == (reason == "ok")


@pytest.mark.parametrize("number", sorted(WALKED_HEADERS - {44}))
@pytest.mark.parametrize("words", [0, 1, 100])
def test_an_extension_header_is_walked_by_its_length(number: int, words: int) -> None:
    view = parse_packet(ipv6(number, extension(255, words) + CONTROL))
    assert (view.reason, view.offset) == ("ok", 48 + 8 * words)


@pytest.mark.parametrize(
    "number", [n for n in range(256) if n not in WALKED_HEADERS and n != CONTROL_PROTOCOL]
)
def test_no_other_header_is_walked(number: int) -> None:
    view = parse_packet(ipv6(number, extension(255) + CONTROL))
    assert view.reason in ("not_control", "ip_malformed")
    assert not view.ours


def test_extension_headers_may_come_in_any_order_and_number() -> None:
    chain = extension(60) + extension(0, 1) + extension(44) + fragment(44) + fragment(140) + extension(255)
    view = parse_packet(ipv6(43, chain + CONTROL))
    assert (view.reason, view.offset) == ("ok", 40 + len(chain))


def test_the_chain_can_fill_the_largest_packet() -> None:
    chain = extension(0) * 153 + extension(255)
    packet = ipv6(0, chain + CONTROL)
    assert len(packet) == MAX_PACKET
    assert parse_packet(packet).offset == 40 + len(chain)


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        # ingot's loop ends with the data: a header that would begin right there is just a protocol.
        (b"", "not_control"),
        (extension(0), "not_control"),
        (extension(60, 1) + fragment(43), "not_control"),
        (b"\xff", "ip_malformed"),
        (extension(255)[:7], "ip_malformed"),
        (extension(0) + extension(255)[:7], "ip_malformed"),
        (extension(255, 1)[:15], "ip_malformed"),
        (b"\xff\xff" + bytes(1200), "ip_malformed"),
        (extension(44) + fragment(255)[:7], "ip_malformed"),
        (extension(255), "too_short"),
        (extension(255) + CONTROL[:7], "too_short"),
    ],
)
def test_a_chain_that_ends_early(rest: bytes, reason: str) -> None:
    view = parse_packet(ipv6(0, rest))
    assert view.reason == reason
    assert view.ours == (reason == "too_short")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (0x0000, "ok"),
        (0x0002, "ok"),
        (0x0004, "ok"),
        (0x0006, "ok"),
        (0x0001, "ip_fragment"),
        (0x0008, "ip_fragment"),
        (0x8000, "ip_fragment"),
        (0xFFFF, "ip_fragment"),
    ],
)
def test_a_fragment_is_refused_and_an_atomic_one_is_not(word: int, reason: str) -> None:
    assert parse_packet(ipv6(44, fragment(255, word) + CONTROL)).reason == reason
    # Also where an atomic one stands before or behind it.
    assert parse_packet(ipv6(44, fragment(44, word) + fragment(255) + CONTROL)).reason == reason
    assert parse_packet(ipv6(44, fragment(44) + fragment(255, word) + CONTROL)).reason == reason


def test_the_second_byte_of_a_fragment_header_is_no_length() -> None:
    header = bytes((255, 200)) + bytes(6)
    assert parse_packet(ipv6(44, header + CONTROL)).offset == 48


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (ipv6(0, b"\xff", length=9), "ip_malformed"),
        (ipv6(44, fragment(255, 1) + CONTROL, length=3), "ip_length_mismatch"),
        (ipv6(44, fragment(UDP, 1)), "ip_fragment"),
        (ipv4(UDP, b"", length=5, fragment=1), "ip_length_mismatch"),
        (ipv4(UDP, b"", fragment=1), "ip_fragment"),
        (b"\x50" + bytes(1280), "ip_too_large"),
    ],
)
def test_the_first_refusal_wins(packet: bytes, reason: str) -> None:
    assert parse_packet(packet).reason == reason


@pytest.mark.parametrize(
    ("protocol", "rest", "reason"),
    [
        (UDP, udp(b""), "not_control"),
        (UDP, udp(b"abc"), "not_control"),
        (UDP, udp(b"abc", length=10), "ip_malformed"),
        (UDP, udp(b"abc", length=12), "ip_malformed"),
        (UDP, udp(b"abc", length=0), "ip_malformed"),
        (UDP, udp(b"abc", length=256 + 11), "ip_malformed"),
        (UDP, udp(bytes(300)), "not_control"),
        (UDP, bytes(7), "ip_malformed"),
        (UDP, b"", "ip_malformed"),
        (TCP, tcp(5, 20), "not_control"),
        (TCP, tcp(15, 60), "not_control"),
        (TCP, tcp(4, 20), "ip_malformed"),
        (TCP, tcp(6, 23), "ip_malformed"),
        (TCP, tcp(5, 19), "ip_malformed"),
        (TCP, bytes(12), "ip_malformed"),
        (TCP, b"", "ip_malformed"),
        (132, b"", "not_control"),
        (CONTROL_PROTOCOL, CONTROL, "not_control"),
    ],
)
def test_transport_headers_must_fit(protocol: int, rest: bytes, reason: str) -> None:
    assert parse_packet(ipv6(protocol, rest, src=LOOPBACK)).reason == reason
    assert parse_packet(ipv4(protocol, rest)).reason == reason


@pytest.mark.parametrize(("size", "reason"), [(8, "not_control"), (7, "ip_malformed"), (0, "ip_malformed")])
def test_icmp_belongs_to_its_version(size: int, reason: str) -> None:
    assert parse_packet(ipv6(ICMPV6, bytes(size))).reason == reason
    assert parse_packet(ipv4(ICMP, bytes(size))).reason == reason
    assert parse_packet(ipv6(ICMP, bytes(size))).reason == "ip_malformed"
    assert parse_packet(ipv4(ICMPV6, bytes(size))).reason == "ip_malformed"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (ipv4(47, b""), "not_control"),
        (ipv4(47, b"", options=bytes(40)), "not_control"),
        (ipv4(47, b"", fragment=0x4000), "not_control"),
        (ipv4(47, b"", fragment=0x8000), "not_control"),
        (ipv4(47, b"", fragment=0x2000), "ip_fragment"),
        (ipv4(47, b"", fragment=0x1FFF), "ip_fragment"),
        (ipv4(47, b"", length=21), "ip_length_mismatch"),
        (ipv4(47, b"a", length=20), "ip_length_mismatch"),
        (ipv4(47, b"")[:19], "ip_malformed"),
        (b"\x44" + ipv4(47, b"")[1:], "ip_malformed"),
        (b"\x46" + ipv4(47, b"")[1:], "ip_malformed"),
        (b"\x45", "ip_malformed"),
    ],
)
def test_ipv4_is_judged_and_never_control(packet: bytes, reason: str) -> None:
    view = parse_packet(packet)
    assert (view.reason, view.ours) == (reason, False)


@pytest.mark.parametrize(
    ("packet", "problem"),
    [
        (bytes(1281), "the packet has 1281 bytes, receivers take at most 1280"),
        (b"\x70", "the IP version is 7"),
        (ipv6(255, CONTROL[:7]), "a control header has 8 bytes, 7 are there"),
        (ipv6(60, extension(255) + CONTROL[:3]), "a control header has 8 bytes, 3 are there"),
        (ipv6(255, CONTROL, length=300), "the IPv6 header claims 340 bytes, the packet has 48"),
        (ipv4(47, b"", length=300), "the IPv4 header claims 300 bytes, the packet has 20"),
        (b"", "there is no packet"),
        (ipv6(255, b"")[:39], "39 bytes are no IPv6 header"),
        (ipv6(0, b"\xff"), "the packet ends within an IPv6 extension header"),
        (ipv6(44, fragment(255, 1) + CONTROL), "the packet is a fragment"),
        (ipv4(47, b"", fragment=1), "the packet is a fragment"),
        (ipv4(47, b"")[:19], "the IPv4 header does not fit the packet"),
        (ipv4(UDP, udp(b"", length=9)), "the UDP header's length does not match the packet"),
        (ipv6(TCP, tcp(4, 20)), "the TCP header does not fit the packet"),
        (ipv6(ICMPV6, bytes(7)), "the ICMP header does not fit the packet"),
        (ipv6(ICMP, bytes(8)), "ICMPv4 belongs into IPv4 packets, ICMPv6 into IPv6 packets"),
        (ipv6(NO_NEXT, b""), "an IP packet, but no control packet"),
    ],
)
def test_a_refusal_says_what_does_not_fit_and_counts_the_bytes(packet: bytes, problem: str) -> None:
    assert parse_packet(packet).problem == problem


def test_header_fields_that_do_not_count_are_shown() -> None:
    packet = build_packet(1, b"", traffic_class=0xAB, flow_label=0x54321, hop_limit=64)
    view = parse_packet(packet)
    assert (view.reason, view.traffic_class, view.flow_label, view.hop_limit) == ("ok", 0xAB, 0x54321, 64)
    assert parse_packet(packet[:-1]).hop_limit == 64
    assert parse_packet(ipv6(UDP, b"")).hop_limit is None


def test_a_senders_packet_byte_for_byte() -> None:
    assert build_packet(3, b"{}").hex() == "60000000000aff00" + "00" * 32 + "03" + "00" * 7 + "7b7d"


def test_everything_in_the_header_can_be_chosen() -> None:
    packet = build_packet(
        255, b"", reserved=b"\1\2\3\4\5\6\7", traffic_class=255, flow_label=0xFFFFF, hop_limit=255
    )
    assert packet.hex() == "6fffffff0008ffff" + "00" * 32 + "ff01020304050607"
    assert declared_length(packet) == len(packet) == 48


@given(st.integers(), st.integers(), st.integers())
def test_numbers_too_large_for_the_ip_header_are_cut(
    traffic_class: int, flow_label: int, hop_limit: int
) -> None:
    packet = build_packet(0, b"", traffic_class=traffic_class, flow_label=flow_label, hop_limit=hop_limit)
    view = parse_packet(packet)
    assert view.reason == "ok"
    assert view.traffic_class == traffic_class & 0xFF
    assert view.flow_label == flow_label & 0xFFFFF
    assert view.hop_limit == hop_limit & 0xFF


def test_a_sender_refuses_a_packet_of_1281_bytes() -> None:
    assert len(build_packet(0, bytes(MAX_PAYLOAD))) == MAX_PACKET
    with pytest.raises(EncodeError, match="1233 bytes, a sender's limit is 1232"):
        build_packet(0, bytes(MAX_PAYLOAD + 1))
    assert len(build_packet(0, bytes(MAX_PAYLOAD + 1), force=True)) == MAX_PACKET + 1


def test_no_force_sends_what_ipv6_cannot_carry() -> None:
    assert declared_length(build_packet(0, bytes(65527), force=True)) == 40 + 65535
    with pytest.raises(EncodeError, match="fits no IPv6 packet"):
        build_packet(0, bytes(65528), force=True)


@pytest.mark.parametrize(
    ("kind", "reserved"), [(-1, bytes(7)), (256, bytes(7)), (0, bytes(6)), (0, bytes(8))]
)
def test_no_force_sends_another_control_header(kind: int, reserved: bytes) -> None:
    with pytest.raises(EncodeError, match="a kind from 0 to 255 and 7 reserved bytes"):
        build_packet(kind, b"", reserved=reserved, force=True)


@given(st.binary(max_size=1300))
def test_any_bytes_have_a_view(data: bytes) -> None:
    view = parse_packet(data)
    assert view.ours == is_ours(data)
    assert 0 <= view.offset <= len(data)
    assert (view.problem is None) == (view.reason == "ok")


@given(
    st.lists(st.tuples(st.sampled_from(sorted(WALKED_HEADERS)), st.integers(0, 3)), max_size=6),
    st.binary(max_size=20),
    st.integers(0, 200),
)
def test_a_cut_chain_is_never_taken_for_another_packet(
    chain: list[tuple[int, int]], rest: bytes, cut: int
) -> None:
    numbers = [number for number, _ in chain[1:]] + [CONTROL_PROTOCOL]
    headers = (
        [
            fragment(following) if number == 44 else extension(following, words)
            for (number, words), following in zip(chain, numbers, strict=True)
        ]
        if chain
        else []
    )
    body = b"".join(headers) + rest
    whole = parse_packet(ipv6(chain[0][0] if chain else CONTROL_PROTOCOL, body))
    assert whole.reason == ("ok" if len(rest) >= 8 else "too_short")
    assert whole.offset == 40 + len(body) - len(rest)
    shorter = parse_packet(ipv6(chain[0][0] if chain else CONTROL_PROTOCOL, body[:cut]))
    if 40 + cut < whole.offset:
        assert shorter.reason in ("ip_malformed", "not_control")
    else:
        assert (shorter.ours, shorter.offset) == (True, whole.offset)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (build_packet(2, b""), (255, 40)),
        (ipv6(NO_NEXT, b""), (NO_NEXT, 40)),
        (ipv4(47, b""), (47, 20)),
        (bytes((0x45,)) + bytes(8) + b"\x06" + bytes(30), (6, 20)),
        (bytes((0x46,)) + bytes(8) + b"\x11" + bytes(30), (17, 24)),
        (bytes((0x44,)) + bytes(40), None),
        (bytes.fromhex("60000000 0010 3c 40") + bytes(32) + b"\x06" + bytes(15), (6, 48)),
        (bytes.fromhex("60000000 0004 3c 40") + bytes(36), None),
        (b"", None),
        (b"E", None),
        (b"\x60" + bytes(38), None),
    ],
)
def test_the_transport_header_is_found_behind_all_others(data: bytes, found: tuple[int, int] | None) -> None:
    assert transport_of(data) == found
