"""The cipher suite, in one place: Curve25519, ChaCha20-Poly1305, BLAKE2s.

Whitepaper section 5.4, "Protocol & Cryptography", names these functions. Another suite is
another set of the functions below and another construction.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from fzctl.wireguard.digests import blake2s
from fzctl.wireguard.keys import Secret

CONSTRUCTION: Final = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER: Final = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
HASH_SIZE: Final = 32
TAG_SIZE: Final = 16

# RFC 7693 section 2.1: BLAKE2s takes blocks of 64 bytes. RFC 2104: what a key is mixed with.
_BLOCK: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))

_FIRST_NONCE: Final = bytes(12)
_NONCE_HEAD: Final = bytes(4)

# In ChaCha20-Poly1305 block 0 of the key stream makes the Poly1305 key, the text begins with
# block 1 (RFC 8439 section 2.8). The library takes block number and nonce as one value.
FIRST_BLOCK: Final = (1).to_bytes(4, "little") + _NONCE_HEAD


def hash_of(*parts: bytes) -> bytes:
    """Hash() of the concatenated parts."""
    return blake2s(b"".join(parts)).digest()


def mac(key: bytes, data: bytes) -> bytes:
    """Mac(): keyed BLAKE2s of 16 bytes, not an HMAC."""
    return blake2s(data, key=key, digest_size=16).digest()


def kdf(chain: bytes, material: bytes, count: int) -> list[bytes]:
    """Kdf1 to Kdf3: HKDF (RFC 5869) on HMAC-BLAKE2s, with ``chain`` as salt."""
    secret = _hmac(chain, material)
    outputs = [b""]
    for number in range(1, count + 1):
        outputs.append(_hmac(secret, outputs[-1] + bytes((number,))))
    return outputs[1:]


def seal_once(key: bytes, plain: bytes, bound: bytes) -> bytes:
    """Aead() with counter 0, for keys that are used for one message."""
    return ChaCha20Poly1305(key).encrypt(_FIRST_NONCE, plain, bound)


def open_once(key: bytes, sealed: bytes, bound: bytes) -> bytes | None:
    """The reverse of :func:`seal_once`; None where it does not authenticate."""
    try:
        return ChaCha20Poly1305(key).decrypt(_FIRST_NONCE, sealed, bound)
    except InvalidTag:
        return None


class TransportCipher:
    """One direction of a session: transport data are sealed with their counter as nonce."""

    __slots__ = ("_aead", "reset", "update")

    def __init__(self, key: Secret) -> None:
        self._aead: Final = ChaCha20Poly1305(key.raw)
        stream = Cipher(algorithms.ChaCha20(key.raw, FIRST_BLOCK + bytes(8)), mode=None).decryptor()
        self.reset: Final = stream.reset_nonce
        self.update: Final = stream.update

    def seal(self, counter: int, packet: bytes) -> bytes:
        """Encrypt a packet, padding included, as the ``counter``-th of its direction."""
        return self._aead.encrypt(_NONCE_HEAD + counter.to_bytes(8, "little"), packet, None)

    def open(self, counter: bytes, sealed: bytes | memoryview) -> bytes | None:
        """Decrypt; ``counter`` as it stands in the datagram. None: it does not authenticate."""
        try:
            return self._aead.decrypt(_NONCE_HEAD + counter, sealed, None)
        except InvalidTag:
            return None

    def peek(self, counter: bytes, beginning: bytes) -> bytes:
        """Decrypt a datagram's first bytes without authentication.

        Five times as fast as :meth:`open` on a full packet. What it gives is right only if the
        datagram is authentic, so it may sort packets out, never prove one.
        """
        self.reset(FIRST_BLOCK + counter)
        return self.update(beginning)


def _hmac(key: bytes, data: bytes) -> bytes:
    # RFC 2104; every key here is shorter than a block.
    block = key.ljust(_BLOCK, b"\0")
    inner = blake2s(block.translate(_INNER) + data).digest()
    return blake2s(block.translate(_OUTER) + inner).digest()
