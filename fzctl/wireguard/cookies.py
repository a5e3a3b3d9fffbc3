"""MAC1, MAC2 and cookies: cheap proofs that a responder asks for before it computes.

Whitepaper sections 5.3 and 5.4.4 to 5.4.7. A cookie reply is sealed with XChaCha20-Poly1305
(draft-irtf-cfrg-xchacha-03), which the library lacks: HChaCha20 stands below.
"""

from __future__ import annotations

import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from fzctl.wireguard.digests import compare_digest
from fzctl.wireguard.messages import MACS_SIZE, NO_MAC, CookieReply
from fzctl.wireguard.suite import hash_of, mac

_LABEL_MAC1: Final = b"mac1----"
_LABEL_COOKIE: Final = b"cookie--"
_CHACHA_CONSTANTS: Final = b"expand 32-byte k"
_WORDS: Final = struct.Struct("<16I")
_QUARTER_ROUNDS: Final = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip
_MASK: Final = 0xFFFFFFFF


def mac1_key(public: bytes) -> bytes:
    """The key of MAC1 in messages to the holder of the static key ``public``."""
    return hash_of(_LABEL_MAC1, public)


def mac1_of(key: bytes, datagram: bytes) -> bytes:
    """The MAC1 that a whole handshake message should carry."""
    return mac(key, datagram[:-MACS_SIZE])


def is_for(public: bytes, datagram: bytes) -> bool:
    """Does MAC1 say that a handshake message is meant for the holder of ``public``?"""
    return compare_digest(mac1_of(mac1_key(public), datagram), datagram[-32:-16])


def sign(public: bytes, datagram: bytes, cookie: bytes | None = None) -> bytes:
    """Put both MACs over a packed handshake message; MAC2 stays zero without a cookie."""
    body = datagram[:-MACS_SIZE]
    first = mac(mac1_key(public), body)
    return body + first + (NO_MAC if cookie is None else mac(cookie, body + first))


def is_signed_with(cookie: bytes, datagram: bytes) -> bool:
    """Does MAC2 prove that the sender got ``cookie`` at its address?"""
    return compare_digest(mac(cookie, datagram[:-16]), datagram[-16:])


def cookie_for(secret: bytes, source: bytes) -> bytes:
    """A responder's cookie for a source: ``secret`` is random and changes every two minutes.

    ``source`` is the sender's outer address and port as bytes.
    """
    return mac(secret, source)


def write_cookie_reply(public: bytes, receiver: int, mac1: bytes, cookie: bytes, nonce: bytes) -> bytes:
    """The responder's answer under load: ``public`` is its own static key, ``nonce`` 24 random bytes."""
    key = hash_of(_LABEL_COOKIE, public)
    return CookieReply(receiver, nonce, xchacha_seal(key, nonce, cookie, mac1)).pack()


def read_cookie_reply(public: bytes, reply: CookieReply, mac1: bytes) -> bytes | None:
    """The cookie out of a reply to our message with ``mac1``; None where it is not authentic."""
    return xchacha_open(hash_of(_LABEL_COOKIE, public), reply.nonce, reply.cookie, mac1)


def xchacha_seal(key: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    """XChaCha20-Poly1305 with a nonce of 24 bytes."""
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])).encrypt(bytes(4) + nonce[16:], plain, bound)


def xchacha_open(key: bytes, nonce: bytes, sealed: bytes, bound: bytes) -> bytes | None:
    """The reverse of :func:`xchacha_seal`; None where it does not authenticate."""
    try:
        return ChaCha20Poly1305(hchacha20(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], sealed, bound)
    except InvalidTag:
        return None


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """A key out of a key and 16 bytes of nonce: ChaCha20's rounds without the final addition."""
    state = list(_WORDS.unpack(_CHACHA_CONSTANTS + key + nonce))
    for _ in range(10):
        for a, b, c, d in _QUARTER_ROUNDS:
            for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                state[x] = (state[x] + state[y]) & _MASK
                mixed = state[z] ^ state[x]
                state[z] = (mixed << bits | mixed >> (32 - bits)) & _MASK
    words = _WORDS.pack(*state)
    return words[:16] + words[48:]
