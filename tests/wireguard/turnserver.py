"""A TURN server without I/O for tests: one client, long-term credentials, and orders to refuse."""

from __future__ import annotations

from itertools import count

from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.stun import (
    ALLOCATE,
    CHANNEL_BIND,
    CHANNEL_NUMBER,
    DATA,
    DATA_METHOD,
    ERROR,
    ERROR_CODE,
    INDICATION,
    LIFETIME,
    NONCE,
    REALM,
    REFRESH,
    SEND,
    SUCCESS,
    USERNAME,
    XOR_MAPPED_ADDRESS,
    XOR_PEER_ADDRESS,
    XOR_RELAYED_ADDRESS,
    Message,
    decode_address,
    decode_message,
    encode_address,
    encode_error,
    encode_message,
)
from fzctl.wireguard.stunproof import add_fingerprint, is_signed_with, long_term_key, sign
from fzctl.wireguard.turn import channel_data

USER, PASSWORD, REALM_NAME = "alice", "wonderland", b"example.com"
RELAYED = ("198.51.100.1", 49152)
MAPPED = ("203.0.113.7", 40000)


class FakeServer:
    """What it was asked stands in ``asked``: (method, attributes), signed requests only."""

    def __init__(self, lifetime: int | None = 600) -> None:
        self.lifetime = lifetime
        self.asked: list[tuple[int, dict[int, bytes]]] = []
        self.sent: list[tuple[bytes, Endpoint, str]] = []
        self.refuse: dict[int, int] = {}
        self.withholds: set[int] = set()
        self.challenges = 0
        self.nonce = b"nonce 0"
        self.channels: dict[int, Endpoint] = {}
        self._nonces = count(1)
        self._key = long_term_key(USER.encode(), REALM_NAME, Secret(PASSWORD.encode()))

    def new_nonce(self) -> None:
        self.nonce = b"nonce %d" % next(self._nonces)

    def asked_for(self, method: int) -> int:
        return sum(each == method for each, _ in self.asked)

    def take(self, datagram: bytes) -> list[bytes]:
        span = channel_data(datagram, 0, len(datagram))
        if span is not None:
            number = int.from_bytes(datagram[:2], "big")
            self.sent.append((datagram[span[0] : span[1]], self.channels[number], "channel"))
            return []
        message = decode_message(datagram)
        assert message is not None
        if message.kind == SEND | INDICATION:
            self.sent.append((message.attributes[DATA], peer_of(message), "indication"))
            return []
        return [self._answer(message, datagram)]

    def _answer(self, message: Message, datagram: bytes) -> bytes:
        if USERNAME not in message.attributes:
            self.challenges += 1
            return self.error(message, 401, signed=False)
        if message.attributes[USERNAME] != USER.encode() or not is_signed_with(datagram, self._key):
            return self.error(message, 401, signed=False)
        if message.attributes[NONCE] != self.nonce:
            return self.error(message, 438, signed=False)
        self.asked.append((message.kind, message.attributes))
        if message.kind in self.refuse:
            return self.error(message, self.refuse[message.kind])
        return self.success(message)

    def success(self, message: Message, *, signed: bool = True) -> bytes:
        attributes: list[tuple[int, bytes]] = []
        lifetime = self.lifetime
        if message.kind == ALLOCATE:
            attributes.append((XOR_RELAYED_ADDRESS, encode_address(RELAYED, message.transaction)))
            attributes.append((XOR_MAPPED_ADDRESS, encode_address(MAPPED, message.transaction)))
        if message.kind == REFRESH and LIFETIME in message.attributes:
            lifetime = 0
        if message.kind in (ALLOCATE, REFRESH) and lifetime is not None:
            attributes.append((LIFETIME, lifetime.to_bytes(4, "big")))
        attributes = [each for each in attributes if each[0] not in self.withholds]
        if message.kind == CHANNEL_BIND:
            number = int.from_bytes(message.attributes[CHANNEL_NUMBER][:2], "big")
            self.channels[number] = peer_of(message)
        return self._pack(message, SUCCESS, attributes, signed=signed)

    def error(
        self, message: Message, code: int, *, signed: bool = True, more: tuple[tuple[int, bytes], ...] = ()
    ) -> bytes:
        attributes = [(ERROR_CODE, encode_error(code, "said the server")), *more]
        if not signed:
            attributes += [(REALM, REALM_NAME), (NONCE, self.nonce)]
        return self._pack(message, ERROR, attributes, signed=signed)

    def _pack(
        self, message: Message, kind: int, attributes: list[tuple[int, bytes]], *, signed: bool
    ) -> bytes:
        packed = encode_message(message.kind | kind, message.transaction, attributes)
        return add_fingerprint(sign(packed, self._key) if signed else packed)


def peer_of(message: Message) -> Endpoint:
    peer = decode_address(message.attributes[XOR_PEER_ADDRESS], message.transaction)
    assert peer is not None
    return peer


def data_indication(payload: bytes, peer: Endpoint) -> bytes:
    transaction = bytes(range(12))
    attributes = [(XOR_PEER_ADDRESS, encode_address(peer, transaction)), (DATA, payload)]
    return encode_message(DATA_METHOD | INDICATION, transaction, attributes)
