"""TURN: what is unwrapped, what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import EncodeError
from fzctl.wireguard.endpoints import format_endpoint
from fzctl.wireguard.turn import Via, channel_data, unwrap, wrap_channel_data, wrap_indication
from tests.wireguard.lab import read_pcap, shake_hands

COOKIE = bytes.fromhex("2112a442")
TRANSACTION = bytes(range(12))
PAYLOAD = shake_hands().initiation
PEER_V4 = (
    bytes.fromhex("0012 0008 0001")
    + (51821 ^ 0x2112).to_bytes(2, "big")
    + bytes(a ^ b for a, b in zip(bytes((192, 0, 2, 2)), COOKIE, strict=True))
)
PEER_V6 = (
    bytes.fromhex("0012 0014 0002")
    + (443 ^ 0x2112).to_bytes(2, "big")
    + bytes(
        a ^ b
        for a, b in zip(bytes.fromhex("20010db8000000000000000000000001"), COOKIE + TRANSACTION, strict=True)
    )
)


def attribute(name: int, value: bytes) -> bytes:
    return name.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + bytes(-len(value) % 4)


def indication(kind: int, *attributes: bytes) -> bytes:
    body = b"".join(attributes)
    return kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + COOKIE + TRANSACTION + body


# --- ChannelData ----------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [0x4000, 0x4001, 0x4FFF, 0x5000, 0x7FFF])
@pytest.mark.parametrize("padding", [0, 1, 2, 3])
def test_channel_data_is_unwrapped_padded_or_not(channel: int, padding: int) -> None:
    datagram = wrap_channel_data(channel, PAYLOAD) + bytes(padding)
    assert unwrap(datagram) == (PAYLOAD, Via(channel, None))


@pytest.mark.parametrize("channel", [0x0000, 0x3FFF, 0x8000, 0xFFFF])
def test_other_numbers_are_no_channels(channel: int) -> None:
    assert unwrap(channel.to_bytes(2, "big") + len(PAYLOAD).to_bytes(2, "big") + PAYLOAD) is None
    with pytest.raises(EncodeError):
        wrap_channel_data(channel, PAYLOAD)


def test_the_length_must_fit_the_datagram() -> None:
    datagram = wrap_channel_data(0x4001, PAYLOAD)
    assert unwrap(datagram[:-1]) is None
    assert unwrap(datagram + bytes(4)) is None
    assert unwrap(datagram[:3]) is None
    assert unwrap(b"") is None
    assert unwrap(wrap_channel_data(0x4001, bytes(65535))) == (bytes(65535), Via(0x4001, None))
    with pytest.raises(EncodeError, match="carries at most 65535 bytes"):
        wrap_channel_data(0x4001, bytes(65536))


def test_an_empty_channel_message_holds_an_empty_datagram() -> None:
    assert unwrap(b"\x40\x01\0\0") == (b"", Via(0x4001, None))


def test_channel_data_is_found_within_a_frame() -> None:
    frame = b"front" + wrap_channel_data(0x4001, b"payload!") + b"back"
    for data in (frame, memoryview(bytearray(frame))):
        assert channel_data(data, 5, 17) == (9, 17)


def test_wireguard_itself_is_not_relayed() -> None:
    assert unwrap(PAYLOAD) is None


# --- indications ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [0x0016, 0x0017])
@pytest.mark.parametrize(("peer", "text"), [(PEER_V4, "192.0.2.2:51821"), (PEER_V6, "[2001:db8::1]:443")])
def test_indications_are_unwrapped_and_name_the_peer(kind: int, peer: bytes, text: str) -> None:
    unknown = attribute(0x8022, b"software")
    for attributes in ([peer, attribute(0x13, PAYLOAD)], [attribute(0x13, PAYLOAD), unknown, peer]):
        assert unwrap(indication(kind, *attributes)) == (PAYLOAD, Via(None, text))


@pytest.mark.parametrize("peer", [("192.0.2.2", 51821), ("2001:db8::1", 443)])
def test_what_is_wrapped_in_an_indication_is_unwrapped(peer: tuple[str, int]) -> None:
    wrapped = wrap_indication(PAYLOAD, peer, TRANSACTION)
    assert unwrap(wrapped) == (PAYLOAD, Via(None, format_endpoint(peer)))
    with pytest.raises(EncodeError):
        wrap_indication(PAYLOAD, ("nowhere", 1), TRANSACTION)


@pytest.mark.parametrize("size", range(5))
def test_an_attributes_padding_is_not_its_value(size: int) -> None:
    assert unwrap(indication(0x17, attribute(0x13, b"x" * size), PEER_V4)) == (
        b"x" * size,
        Via(None, "192.0.2.2:51821"),
    )


def test_of_two_equal_attributes_the_first_counts() -> None:
    twice = indication(0x17, attribute(0x13, b"1"), attribute(0x13, b"2"), PEER_V4, PEER_V6)
    assert unwrap(twice) == (b"1", Via(None, "192.0.2.2:51821"))


def test_a_strange_peer_address_is_no_reason_to_lose_the_datagram() -> None:
    assert unwrap(indication(0x17, attribute(0x13, b"x"))) == (b"x", Via(None, None))
    for value in (b"", b"\0\1", b"\0\3\0\0abcd", PEER_V4[4:] + b"x"):
        assert unwrap(indication(0x17, attribute(0x12, value), attribute(0x13, b"x"))) == (
            b"x",
            Via(None, None),
        )


@pytest.mark.parametrize("kind", [0x0001, 0x0003, 0x0101, 0x0103, 0x0009, 0x0018])
def test_other_stun_messages_hold_no_datagram(kind: int) -> None:
    assert unwrap(indication(kind, attribute(0x13, PAYLOAD))) is None


def test_broken_indications_are_left_alone() -> None:
    good = indication(0x17, PEER_V4, attribute(0x13, b"payload!"))
    assert unwrap(good) is not None
    assert all(unwrap(good[:size]) is None for size in range(len(good)))
    assert unwrap(good + bytes(4)) is None
    assert unwrap(good.replace(COOKIE, bytes(4))) is None
    assert unwrap(indication(0x17, b"\0\x13\0\x40payload!")) is None
    assert unwrap(indication(0x17, PEER_V4)) is None


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda body: indication(0x17, body)))
def test_any_datagram_is_unwrapped_to_a_part_of_itself_or_not_at_all(datagram: bytes) -> None:
    found = unwrap(datagram)
    assert found is None or found[0] in datagram


def test_all_of_a_real_relays_traffic_is_recognised() -> None:
    frames = list(read_pcap("turn-coturn.pcap"))
    assert [captured.frame for captured in frames if unwrap(captured.datagram) is None] == [1, 2, 3, 4]
    assert {found[1] for found in (unwrap(captured.datagram) for captured in frames) if found} == {
        Via(0x4001, None)
    }
