"""The primitives against published vectors."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.wireguard.keys import Secret
from fzctl.wireguard.suite import TransportCipher, hash_of, kdf, mac, open_once, seal_once

KEY = Secret(bytes(range(32)))


def test_hash_is_blake2s_of_rfc_7693() -> None:
    expected = "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"
    assert hash_of(b"a", b"", b"bc").hex() == expected


def test_mac_has_sixteen_bytes_and_depends_on_its_key() -> None:
    assert len(mac(b"k" * 32, b"data")) == 16
    assert mac(b"k" * 32, b"data") != mac(b"l" * 32, b"data")


@given(st.binary(max_size=64), st.binary(max_size=200))
def test_kdf_is_hkdf_on_the_hmac_of_the_standard_library(chain: bytes, material: bytes) -> None:
    def hmac_of(key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, hashlib.blake2s).digest()

    secret = hmac_of(chain, material)
    first = hmac_of(secret, b"\x01")
    assert kdf(chain, material, 2) == [first, hmac_of(secret, first + b"\x02")]


def test_kdf_outputs_begin_alike_whatever_their_number() -> None:
    assert kdf(b"c" * 32, b"m", 3)[:2] == kdf(b"c" * 32, b"m", 2)


def test_peek_reads_the_ciphertext_of_rfc_8439_appendix_a5() -> None:
    key = Secret(bytes.fromhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"))
    sealed = bytes.fromhex(
        "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0"
    )
    counter = bytes.fromhex("0102030405060708")
    assert TransportCipher(key).peek(counter, sealed) == b"Internet-Drafts are draft documents valid for a "


def test_what_is_sealed_once_opens_only_unchanged() -> None:
    sealed = seal_once(KEY.raw, b"text", b"bound")
    assert open_once(KEY.raw, sealed, b"bound") == b"text"
    assert open_once(KEY.raw, sealed, b"other") is None
    assert open_once(KEY.raw, sealed[:-1], b"bound") is None
    assert open_once(KEY.raw, b"", b"bound") is None


@given(st.binary(max_size=200), st.integers(0, 2**64 - 1), st.integers(1, 64))
def test_peek_sees_what_open_proves_in_any_order(packet: bytes, counter: int, size: int) -> None:
    """The stream is set anew each time, also after part of a block."""
    cipher = TransportCipher(KEY)
    nonce = counter.to_bytes(8, "little")
    sealed = cipher.seal(counter, packet)
    cipher.peek(bytes(8), b"something else")
    assert cipher.peek(nonce, sealed[:-16][:size]) == packet[:size]
    assert cipher.peek(nonce, sealed[:-16]) == packet == cipher.open(nonce, sealed)


@pytest.mark.parametrize("position", range(24))
def test_no_changed_byte_authenticates(position: int) -> None:
    cipher = TransportCipher(KEY)
    sealed = bytearray(cipher.seal(7, b"8 bytes!"))
    assert cipher.open((7).to_bytes(8, "little"), bytes(sealed)) == b"8 bytes!"
    assert cipher.open((8).to_bytes(8, "little"), bytes(sealed)) is None
    sealed[position] ^= 1
    assert cipher.open((7).to_bytes(8, "little"), bytes(sealed)) is None
