"""Proofs of STUN messages: the published vectors, and no bit that could be changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.wireguard.keys import Secret
from fzctl.wireguard.stun import DATA, FINGERPRINT, MESSAGE_INTEGRITY, append_attribute, encode_message
from fzctl.wireguard.stunproof import (
    add_fingerprint,
    fits_fingerprint,
    is_signed_with,
    long_term_key,
    opaque,
    sign,
)
from tests.wireguard.stunvectors import (
    LONG_TERM_PASSWORD,
    LONG_TERM_REALM,
    LONG_TERM_REQUEST,
    LONG_TERM_USER,
    PASSWORD,
    REQUEST,
    RESPONSE_IPV4,
    RESPONSE_IPV6,
)

KEY = Secret(PASSWORD)
MESSAGE = encode_message(0x0103, bytes(range(12)), [(DATA, b"some data")])


@pytest.mark.parametrize("vector", [REQUEST, RESPONSE_IPV4, RESPONSE_IPV6])
def test_the_published_messages_are_proven(vector: bytes) -> None:
    assert is_signed_with(vector, KEY)
    assert fits_fingerprint(vector)
    assert not is_signed_with(vector, Secret(PASSWORD[:-1]))


def test_the_published_long_term_credential_signs_the_published_request() -> None:
    key = long_term_key(opaque(LONG_TERM_USER), LONG_TERM_REALM, Secret(opaque(LONG_TERM_PASSWORD)))
    assert is_signed_with(LONG_TERM_REQUEST, key)
    unsigned = LONG_TERM_REQUEST[:2] + b"\0\x48" + LONG_TERM_REQUEST[4:-24]
    assert sign(unsigned, key) == LONG_TERM_REQUEST


def test_texts_are_composed_and_their_spaces_plain_before_they_go_into_a_key() -> None:
    assert opaque("Cafe\u0301\u00a0\u3000!") == "Caf\u00e9  !".encode()
    assert opaque("\udcff") == b"\xff"


@given(st.integers(0, 8 * len(sign(MESSAGE, KEY)) - 1))
def test_no_bit_of_a_signed_message_can_be_changed(bit: int) -> None:
    signed = bytearray(sign(MESSAGE, KEY))
    assert is_signed_with(bytes(signed), KEY)
    signed[bit // 8] ^= 1 << bit % 8
    # An attribute's padding is covered, too.
    assert not is_signed_with(bytes(signed), KEY)


@given(st.integers(0, 8 * len(add_fingerprint(MESSAGE)) - 1))
def test_a_fingerprint_finds_any_changed_bit_or_is_gone_itself(bit: int) -> None:
    marked = bytearray(add_fingerprint(sign(MESSAGE, KEY)))
    assert fits_fingerprint(bytes(marked))
    marked[bit // 8] ^= 1 << bit % 8
    assert not fits_fingerprint(bytes(marked)) or FINGERPRINT not in dict.fromkeys(names(bytes(marked)))


def test_a_fingerprint_counts_only_as_the_last_attribute() -> None:
    assert not fits_fingerprint(append_attribute(add_fingerprint(MESSAGE), DATA, b""))
    assert fits_fingerprint(MESSAGE)


def test_a_message_without_integrity_is_not_signed() -> None:
    assert not is_signed_with(MESSAGE, KEY)
    assert not is_signed_with(append_attribute(MESSAGE, MESSAGE_INTEGRITY, bytes(19)), KEY)
    assert not is_signed_with(append_attribute(MESSAGE, MESSAGE_INTEGRITY, b""), KEY)


@given(st.binary(max_size=80))
def test_any_datagram_can_be_asked(datagram: bytes) -> None:
    assert not is_signed_with(datagram, KEY)
    assert fits_fingerprint(datagram) in (True, False)


def names(datagram: bytes) -> list[int]:
    from fzctl.wireguard.stun import attribute_spans

    return [name for name, _, _ in attribute_spans(datagram) or ()]
