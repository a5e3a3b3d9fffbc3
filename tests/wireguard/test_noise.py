"""The handshake: against noiseprotocol, with every set of keys, and tampered with."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from noise.connection import Keypair, NoiseConnection

from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.messages import Initiation, Response, parse
from fzctl.wireguard.noise import (
    NO_PSK,
    HandshakeError,
    KeyMissing,
    Opened,
    SessionKeys,
    read_initiation,
    read_response,
    tai64n,
    write_initiation,
    write_response,
)
from fzctl.wireguard.suite import CONSTRUCTION, IDENTIFIER, TransportCipher
from tests.wireguard.lab import PSK, A, B, C, Lab, shake_hands

each_psk = pytest.mark.parametrize("psk", [NO_PSK, PSK], ids=["no psk", "psk"])
STAMP = tai64n(1_700_000_000_123_456_789)
FIRST, SECOND = PrivateKey(b"1" * 32), PrivateKey(b"2" * 32)


def initiation_of(datagram: bytes) -> Initiation:
    message = parse(datagram)
    assert isinstance(message, Initiation)
    return message


def response_of(datagram: bytes) -> Response:
    message = parse(datagram)
    assert isinstance(message, Response)
    return message


def read_along(lab: Lab, *keys: PrivateKey, psks: tuple[Secret, ...] = (PSK, NO_PSK)) -> SessionKeys:
    find = {key.public: key for key in keys}.get
    opened = read_initiation(initiation_of(lab.initiation), lab.responder.public, find)
    return read_response(opened, response_of(lab.response), find, psks)


# --- noiseprotocol, from 2020, as second opinion ------------------------------------------------


def second_opinion(
    psk: Secret, static: PrivateKey, ephemeral: PrivateKey, remote: bytes | None
) -> NoiseConnection:
    noise = NoiseConnection.from_name(CONSTRUCTION)
    noise.set_psks(psks=[psk.raw])
    noise.set_prologue(IDENTIFIER)
    noise.set_keypair_from_private_bytes(Keypair.STATIC, static.raw)
    noise.set_keypair_from_private_bytes(Keypair.EPHEMERAL, ephemeral.raw)
    if remote is None:
        noise.set_as_responder()
    else:
        noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, remote)
        noise.set_as_initiator()
    with pytest.warns(UserWarning, match="ephemeral"):
        noise.start_handshake()
    return noise


def sealed_by(noise: NoiseConnection, counter: int, plain: bytes) -> bytes:
    noise.noise_protocol.cipher_state_encrypt.n = counter
    return bytes(noise.encrypt(plain))


@each_psk
def test_an_independent_responder_understands_our_initiator(psk: Secret) -> None:
    noise = second_opinion(psk, B, SECOND, None)
    datagram, opened = write_initiation(1, A, FIRST, B.public, STAMP)
    assert bytes(noise.read_message(datagram[8:116])) == STAMP
    answer = bytes(noise.write_message(b""))
    response = Response(2, 1, answer[:32], answer[32:])
    keys = read_response(opened, response, {A.public: A, FIRST.public: FIRST}.get, (psk,))
    assert sealed_by(noise, 5, b"down") == TransportCipher(keys.to_initiator).seal(5, b"down")
    assert bytes(noise.decrypt(TransportCipher(keys.to_responder).seal(0, b"up"))) == b"up"


@each_psk
def test_our_responder_understands_an_independent_initiator(psk: Secret) -> None:
    noise = second_opinion(psk, A, FIRST, B.public)
    begin = bytes(noise.write_message(STAMP))
    opened = read_initiation(Initiation(1, begin[:32], begin[32:80], begin[80:]), B.public, {B.public: B}.get)
    assert (opened.initiator, opened.timestamp) == (A.public, STAMP)
    datagram, keys = write_response(opened, 2, SECOND, psk)
    assert bytes(noise.read_message(datagram[12:60])) == b""
    assert sealed_by(noise, 5, b"up") == TransportCipher(keys.to_responder).seal(5, b"up")
    assert bytes(noise.decrypt(TransportCipher(keys.to_initiator).seal(0, b"down"))) == b"down"


def test_the_messages_are_those_of_the_second_opinion_byte_for_byte() -> None:
    noise = second_opinion(PSK, A, FIRST, B.public)
    assert write_initiation(1, A, FIRST, B.public, STAMP)[0][8:116] == bytes(noise.write_message(STAMP))


# --- who can read ---------------------------------------------------------------------------------


def test_exactly_the_two_keys_of_either_side_suffice() -> None:
    """Of all sets of private keys: those that hold both of one side, as in Wireshark's wg_process_*."""
    lab = shake_hands(A, B, PSK)
    ours = {lab.initiator, lab.initiator_ephemeral}
    theirs = {lab.responder, lab.responder_ephemeral}
    everyone = [*ours, *theirs]
    for keys in chain.from_iterable(combinations(everyone, size) for size in range(5)):
        if ours <= set(keys) or theirs <= set(keys):
            assert read_along(lab, *keys) == lab.keys
        else:
            with pytest.raises(KeyMissing):
                read_along(lab, *keys)


@each_psk
def test_the_preshared_key_is_found_among_many(psk: Secret) -> None:
    lab = shake_hands(A, B, psk)
    keys = read_along(lab, A, lab.initiator_ephemeral, psks=(Secret(b"x" * 32), NO_PSK, PSK))
    assert keys.psk == psk


def test_without_its_preshared_key_a_session_stays_shut() -> None:
    lab = shake_hands(A, B, PSK)
    with pytest.raises(HandshakeError, match="preshared"):
        read_along(lab, A, lab.initiator_ephemeral, psks=(NO_PSK, Secret(b"x" * 32)))


def test_an_initiation_to_another_responder_does_not_open() -> None:
    lab = shake_hands(A, B)
    with pytest.raises(HandshakeError):
        read_initiation(initiation_of(lab.initiation), C.public, {C.public: C}.get)


# --- tampering ------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", range(8, 116))
def test_no_changed_byte_of_an_initiation_opens(position: int) -> None:
    lab = shake_hands(A, B)
    damaged = bytearray(lab.initiation)
    damaged[position] ^= 0x10
    part = "static key" if position < 88 else "timestamp"
    with pytest.raises(HandshakeError, match=f"the initiation's {part} does not authenticate"):
        read_initiation(initiation_of(bytes(damaged)), B.public, {B.public: B}.get)


@pytest.mark.parametrize("position", range(12, 60))
def test_no_changed_byte_of_a_response_opens(position: int) -> None:
    lab = shake_hands(A, B)
    damaged = bytearray(lab.response)
    damaged[position] ^= 0x10
    with pytest.raises(HandshakeError):
        read_along(lab._replace(response=bytes(damaged)), A, lab.initiator_ephemeral)


def test_an_ephemeral_key_of_low_order_is_refused() -> None:
    with pytest.raises(HandshakeError, match="low order"):
        read_initiation(Initiation(1, bytes(32), bytes(48), bytes(28)), B.public, {B.public: B}.get)
    opened = Opened(Initiation(1, bytes(32), b"", b""), A.public, b"", shake().transcript)
    with pytest.raises(HandshakeError, match="low order"):
        write_response(opened, 2, SECOND)


def shake() -> Opened:
    return write_initiation(1, A, FIRST, B.public, STAMP)[1]


# --- what goes on afterwards ----------------------------------------------------------------------


def test_one_initiation_can_be_read_against_several_responses() -> None:
    opened = shake()
    for _ in range(2):
        datagram, keys = write_response(opened, 2, SECOND, PSK)
        find = {A.public: A, FIRST.public: FIRST}.get
        assert read_response(opened, response_of(datagram), find, (PSK,)) == keys


def test_timestamps_grow_with_time() -> None:
    assert tai64n(0).hex() == "400000000000000a00000000"
    assert STAMP.hex() == "400000006553f10a075bcd15"
    assert tai64n(1_700_000_000_999_999_999).hex() == "400000006553f10a3b9ac9ff"
    assert tai64n(999_999_999) < tai64n(1_000_000_000) < tai64n(1_000_000_001)


def test_nothing_of_a_handshake_shows_its_secrets() -> None:
    lab = shake_hands(A, B, PSK)
    opened = shake()
    for thing in (lab.keys, opened, opened.transcript, lab):
        text = repr(thing)
        assert "hidden" in text or "object at" in text
        for secret in (lab.keys.to_responder.raw, PSK.raw, opened.transcript.chain, A.raw):
            assert repr(secret)[2:-1] not in text
