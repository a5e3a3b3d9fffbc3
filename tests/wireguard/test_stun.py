"""STUN's messages: the published vectors, both ways, and whatever else comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import EncodeError
from fzctl.protocol.values import format_ip
from fzctl.wireguard.stun import (
    ALLOCATE,
    DATA,
    ERROR,
    FINGERPRINT,
    INDICATION,
    MAGIC_COOKIE,
    MESSAGE_INTEGRITY,
    REALM,
    SUCCESS,
    XOR_MAPPED_ADDRESS,
    append_attribute,
    attribute_spans,
    decode_address,
    decode_error,
    decode_message,
    encode_address,
    encode_error,
    encode_message,
)
from tests.wireguard.stunvectors import RESPONSE_IPV4, RESPONSE_IPV6

TRANSACTION = bytes(range(12))
SOFTWARE = 0x8022

addresses = (st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)).map(format_ip)
endpoints = st.tuples(addresses, st.integers(0, 0xFFFF))
messages = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=20)), max_size=5)


@pytest.mark.parametrize(
    ("vector", "endpoint"),
    [
        (RESPONSE_IPV4, ("192.0.2.1", 32853)),
        (RESPONSE_IPV6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853)),
    ],
)
def test_the_published_responses_are_read(vector: bytes, endpoint: tuple[str, int]) -> None:
    message = decode_message(vector)
    assert message is not None
    assert message.kind == 0x0001 | SUCCESS
    assert message.attributes[SOFTWARE] == b"test vector"
    assert decode_address(message.attributes[XOR_MAPPED_ADDRESS], message.transaction) == endpoint
    assert encode_address(endpoint, message.transaction) == message.attributes[XOR_MAPPED_ADDRESS]


@given(st.integers(0, 0x3FFF), messages)
def test_what_is_encoded_is_decoded_with_the_first_of_equal_attributes(
    kind: int, attributes: list[tuple[int, bytes]]
) -> None:
    attributes = [(name, value) for name, value in attributes if name != MESSAGE_INTEGRITY]
    message = decode_message(encode_message(kind, TRANSACTION, attributes))
    assert message is not None
    assert message == (kind, TRANSACTION, dict(reversed(attributes)))


@given(endpoints, st.none() | st.binary(min_size=12, max_size=12))
def test_addresses_come_back(endpoint: tuple[str, int], transaction: bytes | None) -> None:
    assert decode_address(encode_address(endpoint, transaction), transaction) == endpoint


@given(st.integers(300, 699), st.text(max_size=20))
def test_errors_come_back(code: int, reason: str) -> None:
    assert decode_error(encode_error(code, reason)) == (code, reason)


def test_a_reason_that_is_no_text_is_shown_as_its_bytes() -> None:
    assert decode_error(b"\0\0\x04\x01\xff!") == (401, "\\xff!")
    assert decode_error(b"\0\0\x04") is None


@pytest.mark.parametrize("endpoint", [("nowhere", 1), ("192.0.2.1", -1), ("192.0.2.1", 65536), ("", 1)])
def test_what_is_no_address_is_not_encoded(endpoint: tuple[str, int]) -> None:
    with pytest.raises(EncodeError):
        encode_address(endpoint, TRANSACTION)


@pytest.mark.parametrize(
    "value", [b"", b"\0\1\0", b"\0\1\0\0abc", b"\0\1\0\0abcde", b"\0\3\0\0abcd", b"\0\2\0\0abcd"]
)
def test_a_broken_address_is_none(value: bytes) -> None:
    assert decode_address(value, TRANSACTION) is None
    assert decode_address(value, None) is None


def test_what_stands_behind_the_integrity_does_not_count() -> None:
    signed = encode_message(ALLOCATE | SUCCESS, TRANSACTION, [(REALM, b"r"), (MESSAGE_INTEGRITY, bytes(20))])
    added = append_attribute(append_attribute(signed, DATA, b"forged"), FINGERPRINT, bytes(4))
    message = decode_message(added)
    assert message is not None
    assert list(message.attributes) == [REALM, MESSAGE_INTEGRITY, FINGERPRINT]


def test_a_message_is_whole_or_none() -> None:
    good = encode_message(ALLOCATE | ERROR, TRANSACTION, [(REALM, b"realm"), (DATA, b"x")])
    assert decode_message(good) is not None
    assert all(decode_message(good[:size]) is None for size in range(len(good)))
    assert decode_message(good + bytes(4)) is None
    assert decode_message(good.replace(MAGIC_COOKIE, bytes(4))) is None
    for first in (0x40, 0x80, 0xC0):  # channel numbers and what else shares the port
        assert decode_message(bytes((first | good[0],)) + good[1:]) is None
    assert (
        decode_message(encode_message(1, TRANSACTION, [])[:2] + b"\0\4" + good[4:20] + b"\0\x13\0\4") is None
    )


def test_nothing_is_encoded_that_the_length_cannot_say() -> None:
    with pytest.raises(EncodeError, match="attribute holds at most 65535 bytes, not 65536"):
        encode_message(INDICATION, TRANSACTION, [(DATA, bytes(65536))])
    with pytest.raises(EncodeError, match="message holds at most 65535 bytes, not 80008"):
        encode_message(INDICATION, TRANSACTION, [(DATA, bytes(40000)), (DATA, bytes(40000))])


@given(
    st.binary(max_size=60)
    | st.binary(max_size=60).map(
        lambda body: b"\1\1\0" + bytes((len(body),)) + MAGIC_COOKIE + TRANSACTION + body
    )
)
def test_spans_lie_within_any_datagram(datagram: bytes) -> None:
    for _, start, end in attribute_spans(datagram) or ():
        assert 24 <= start <= end <= len(datagram)
