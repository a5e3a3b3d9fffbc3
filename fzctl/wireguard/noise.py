"""The handshake Noise_IKpsk2: writing, reading, and reading along with the keys of either side.

Whitepaper section 5.4.2, 5.4.3 and 5.4.5; the Noise Protocol Framework, revision 34, pattern
``IKpsk2``. Four Diffie-Hellman secrets make a session, each out of one key of either side::

    es   initiator's ephemeral, responder's static
    ss   initiator's static,    responder's static
    ee   initiator's ephemeral, responder's ephemeral
    se   initiator's static,    responder's ephemeral

A secret can be computed with either of its two private keys. So a reader needs, apart from the
preshared key and the responder's static public key, **both private keys of the initiator, or
both of the responder**: no other set without one of these two covers all four. A live peer is
such a reader that happens to own its two keys, and so both functions that read serve both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from fzctl.errors import DecodeError
from fzctl.wireguard.cookies import sign
from fzctl.wireguard.keys import KEY_SIZE, PrivateKey, Secret
from fzctl.wireguard.messages import Initiation, Response
from fzctl.wireguard.suite import CONSTRUCTION, IDENTIFIER, hash_of, kdf, open_once, seal_once

NO_PSK: Final = Secret(bytes(KEY_SIZE))

# TAI64N: 2^62 is 1970 in TAI, which WireGuard takes to be 10 seconds ahead of Unix time.
_TAI64_EPOCH: Final = 2**62 + 10

FindPrivate = Callable[[bytes], PrivateKey | None]


class HandshakeError(DecodeError):
    """A handshake message is not authentic under the keys at hand."""


class KeyMissing(HandshakeError):
    """None of the private keys at hand makes a secret that is needed."""


class SessionKeys(NamedTuple):
    """The two transport keys of a session, and the preshared key that it was made with."""

    to_responder: Secret
    to_initiator: Secret
    psk: Secret


class Transcript:
    """Noise's symmetric state: a chaining key and a hash of all that was said."""

    __slots__ = ("chain", "digest")

    def __init__(self, chain: bytes, digest: bytes) -> None:
        self.chain = chain
        self.digest = digest

    @classmethod
    def begin(cls, responder: bytes) -> Transcript:
        chain = hash_of(CONSTRUCTION)
        return cls(chain, hash_of(hash_of(chain, IDENTIFIER), responder))

    def copy(self) -> Transcript:
        return Transcript(self.chain, self.digest)

    def mix_hash(self, data: bytes) -> None:
        self.digest = hash_of(self.digest, data)

    def mix_ephemeral(self, public: bytes) -> None:
        self.mix_hash(public)
        self.mix(public)

    def mix(self, material: bytes) -> None:
        (self.chain,) = kdf(self.chain, material, 1)

    def mix_to_key(self, material: bytes) -> bytes:
        self.chain, key = kdf(self.chain, material, 2)
        return key

    def mix_psk(self, psk: Secret) -> bytes:
        self.chain, mixed, key = kdf(self.chain, psk.raw, 3)
        self.mix_hash(mixed)
        return key

    def seal(self, key: bytes, plain: bytes) -> bytes:
        sealed = seal_once(key, plain, self.digest)
        self.mix_hash(sealed)
        return sealed

    def open(self, key: bytes, sealed: bytes) -> bytes | None:
        plain = open_once(key, sealed, self.digest)
        self.mix_hash(sealed)
        return plain

    def split(self, psk: Secret) -> SessionKeys:
        to_responder, to_initiator = kdf(self.chain, b"", 2)
        return SessionKeys(Secret(to_responder), Secret(to_initiator), psk)


class Opened:
    """An initiation that was written or read: who sent it and when, and how it goes on."""

    __slots__ = ("ephemeral", "initiator", "sender", "timestamp", "transcript")

    def __init__(
        self, message: Initiation, initiator: bytes, timestamp: bytes, transcript: Transcript
    ) -> None:
        self.sender: Final = message.sender
        self.ephemeral: Final = message.ephemeral
        self.initiator: Final = initiator
        self.timestamp: Final = timestamp
        self.transcript: Final = transcript


def tai64n(nanoseconds: int) -> bytes:
    """The timestamp of an initiation at that Unix time (whitepaper section 5.1)."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return (_TAI64_EPOCH + seconds).to_bytes(8, "big") + rest.to_bytes(4, "big")


def write_initiation(
    sender: int,
    static: PrivateKey,
    ephemeral: PrivateKey,
    responder: bytes,
    timestamp: bytes,
    cookie: bytes | None = None,
) -> tuple[bytes, Opened]:
    """Begin a handshake with the holder of the static key ``responder``.

    ``ephemeral`` must be fresh. The second value is for :func:`read_response`.
    """
    transcript = Transcript.begin(responder)
    transcript.mix_ephemeral(ephemeral.public)
    key = transcript.mix_to_key(_exchange(ephemeral, responder))
    sealed_static = transcript.seal(key, static.public)
    key = transcript.mix_to_key(_exchange(static, responder))
    message = Initiation(sender, ephemeral.public, sealed_static, transcript.seal(key, timestamp))
    opened = Opened(message, static.public, timestamp, transcript)
    return sign(responder, message.pack(), cookie), opened


def read_initiation(message: Initiation, responder: bytes, find: FindPrivate) -> Opened:
    """Read an initiation to the holder of the static key ``responder``.

    ``find`` gives the private key of a public key, where it is known. Raises KeyMissing where
    the known ones do not suffice, HandshakeError where the message is not authentic.
    """
    transcript = Transcript.begin(responder)
    transcript.mix_ephemeral(message.ephemeral)
    key = transcript.mix_to_key(_shared(find, message.ephemeral, responder))
    initiator = transcript.open(key, message.static)
    if initiator is None:
        raise HandshakeError("the initiation's static key does not authenticate")
    key = transcript.mix_to_key(_shared(find, initiator, responder))
    timestamp = transcript.open(key, message.timestamp)
    if timestamp is None:
        raise HandshakeError("the initiation's timestamp does not authenticate")
    return Opened(message, initiator, timestamp, transcript)


def write_response(
    opened: Opened,
    sender: int,
    ephemeral: PrivateKey,
    psk: Secret = NO_PSK,
    cookie: bytes | None = None,
) -> tuple[bytes, SessionKeys]:
    """Answer an initiation; ``ephemeral`` must be fresh. The session's keys come along."""
    transcript = opened.transcript.copy()
    transcript.mix_ephemeral(ephemeral.public)
    transcript.mix(_exchange(ephemeral, opened.ephemeral))
    transcript.mix(_exchange(ephemeral, opened.initiator))
    empty = transcript.seal(transcript.mix_psk(psk), b"")
    message = Response(sender, opened.sender, ephemeral.public, empty)
    return sign(opened.initiator, message.pack(), cookie), transcript.split(psk)


def read_response(
    opened: Opened, message: Response, find: FindPrivate, psks: Iterable[Secret] = (NO_PSK,)
) -> SessionKeys:
    """Read the answer to an initiation and derive the session's keys.

    The preshared key is the one of ``psks`` under which the answer is authentic. Raises
    KeyMissing where ``find`` does not know enough, HandshakeError where none fits.
    """
    transcript = opened.transcript.copy()
    transcript.mix_ephemeral(message.ephemeral)
    transcript.mix(_shared(find, opened.ephemeral, message.ephemeral))
    transcript.mix(_shared(find, opened.initiator, message.ephemeral))
    for psk in psks:
        attempt = transcript.copy()
        if attempt.open(attempt.mix_psk(psk), message.empty) is not None:
            return attempt.split(psk)
    raise HandshakeError("the response does not authenticate under any preshared key")


def _shared(find: FindPrivate, first: bytes, second: bytes) -> bytes:
    """The secret of two public keys, with the private key of whichever is known."""
    for ours, theirs in ((first, second), (second, first)):
        private = find(ours)
        if private is not None:
            return _exchange(private, theirs)
    raise KeyMissing("neither private key of a secret is known")


def _exchange(private: PrivateKey, public: bytes) -> bytes:
    secret = private.exchange(public)
    if secret is None:
        raise HandshakeError("a public key is a point of low order")
    return secret
