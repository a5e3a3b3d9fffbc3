"""A small TURN client for tests: one allocation, one peer, long-term credentials (RFC 8656)."""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import struct
import time
from collections import deque
from typing import Final

from fzctl.wireguard.turn import unwrap, wrap_channel_data
from tests.lab.netns import LabError
from tests.lab.peer import UdpWire

CHANNEL: Final = 0x4000

_ALLOCATE, _REFRESH, _SEND, _CREATE_PERMISSION, _CHANNEL_BIND = 0x003, 0x004, 0x016, 0x008, 0x009
_SUCCESS, _FAILURE = 0x0100, 0x0110
_USERNAME, _INTEGRITY, _ERROR_CODE, _CHANNEL_NUMBER, _LIFETIME = 0x0006, 0x0008, 0x0009, 0x000C, 0x000D
_PEER_ADDRESS, _DATA, _REALM, _NONCE, _RELAYED, _TRANSPORT = 0x0012, 0x0013, 0x0014, 0x0015, 0x0016, 0x0019
_COOKIE: Final = bytes.fromhex("2112a442")
_UDP: Final = bytes((17, 0, 0, 0))
_UNAUTHORIZED: Final = 401
_TRIES: Final = 4

Attributes = dict[int, bytes]


class TurnWire:
    """Carries datagrams to ``peer`` over a relay: in Send indications, once bound in ChannelData."""

    def __init__(self, opened: socket.socket, user: str, password: str, peer: tuple[str, int]) -> None:
        self._wire: Final = UdpWire(opened)
        self._user: Final = user
        self._password: Final = password
        self._peer: Final = peer
        self._realm = self._nonce = b""
        self._waiting: Final[deque[bytes]] = deque()
        self._bound = False

    def allocate(self) -> tuple[str, int]:
        """Ask the relay for an address, and to let the peer reach it."""
        granted = self._request(_ALLOCATE, {_TRANSPORT: _UDP})
        self._request(_CREATE_PERMISSION, {_PEER_ADDRESS: _hidden(self._peer)})
        port, address = struct.unpack(">xxH4s", granted[_RELAYED])
        return socket.inet_ntoa(_masked(address)), port ^ 0x2112

    def bind(self) -> None:
        """Carry what comes from now on in ChannelData."""
        number = struct.pack(">HH", CHANNEL, 0)
        self._request(_CHANNEL_BIND, {_CHANNEL_NUMBER: number, _PEER_ADDRESS: _hidden(self._peer)})
        self._bound = True

    def send(self, datagram: bytes) -> None:
        if self._bound:
            self._wire.send(wrap_channel_data(CHANNEL, datagram))
        else:
            attributes = {_PEER_ADDRESS: _hidden(self._peer), _DATA: datagram}
            self._wire.send(_packed(_SEND, os.urandom(12), attributes))

    def receive(self, timeout: float) -> bytes | None:
        if self._waiting:
            return self._waiting.popleft()
        datagram = self._wire.receive(timeout)
        relayed = None if datagram is None else unwrap(datagram)
        return None if relayed is None else relayed[0]

    def release(self) -> None:
        """End the allocation."""
        self._request(_REFRESH, {_LIFETIME: bytes(4)})

    def _request(self, method: int, attributes: Attributes) -> Attributes:
        kind, answer = self._ask(method, attributes)
        if kind != method | _SUCCESS and _error_code(answer) == _UNAUTHORIZED:
            # The first request learns realm and nonce (RFC 8489 section 9.2).
            self._realm, self._nonce = answer[_REALM], answer[_NONCE]
            kind, answer = self._ask(method, attributes)
        if kind == method | _SUCCESS:
            return answer
        code = _error_code(answer)
        raise LabError(f"the relay refuses {method:#05x}: {code} {answer[_ERROR_CODE][4:].decode()}")

    def _ask(self, method: int, attributes: Attributes) -> tuple[int, Attributes]:
        transaction = os.urandom(12)
        if self._realm:
            attributes = {
                **attributes,
                _USERNAME: self._user.encode(),
                _REALM: self._realm,
                _NONCE: self._nonce,
            }
            secret = b":".join((self._user.encode(), self._realm, self._password.encode()))
            # RFC 8489 section 9.2.2: the key is MD5, whatever one thinks of it.
            message = _packed(method, transaction, attributes, hashlib.md5(secret).digest())
        else:
            message = _packed(method, transaction, attributes)
        for _ in range(_TRIES):
            self._wire.send(message)
            end = time.monotonic() + 0.5
            while (left := end - time.monotonic()) > 0:
                datagram = self._wire.receive(left)
                if datagram is None:
                    continue
                if datagram[4:20] == _COOKIE + transaction:
                    return _read(datagram)
                relayed = unwrap(datagram)
                if relayed is not None:
                    self._waiting.append(relayed[0])
        raise LabError("the relay does not answer")


def _packed(method: int, transaction: bytes, attributes: Attributes, key: bytes = b"") -> bytes:
    body = b"".join(
        struct.pack(">HH", name, len(value)) + value + bytes(-len(value) % 4)
        for name, value in attributes.items()
    )
    if not key:
        return struct.pack(">HH", method, len(body)) + _COOKIE + transaction + body
    # The length counts the integrity attribute itself (RFC 8489 section 14.5).
    signed = struct.pack(">HH", method, len(body) + 24) + _COOKIE + transaction + body
    return signed + struct.pack(">HH", _INTEGRITY, 20) + hmac.digest(key, signed, "sha1")


def _read(message: bytes) -> tuple[int, Attributes]:
    found: Attributes = {}
    position = 20
    while position + 4 <= len(message):
        name, size = struct.unpack_from(">HH", message, position)
        found.setdefault(name, message[position + 4 : position + 4 + size])
        position += 4 + size + -size % 4
    return int.from_bytes(message[:2], "big"), found


def _error_code(answer: Attributes) -> int:
    return answer[_ERROR_CODE][2] * 100 + answer[_ERROR_CODE][3]


def _hidden(place: tuple[str, int]) -> bytes:
    return struct.pack(">BBH", 0, 1, place[1] ^ 0x2112) + _masked(socket.inet_aton(place[0]))


def _masked(address: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(address, _COOKIE, strict=True))
