"""Keys as values that do not show themselves: no key appears in a repr, an error or a log."""

from __future__ import annotations

import binascii
import re
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from fzctl.wireguard.digests import compare_digest

KEY_SIZE: Final = 32

# 43 digits and the filler are always 32 bytes.
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{43}=")


class Secret:
    """Key material. ``raw`` is the only way to it; text forms of the object are blank."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw: Final = raw

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self.raw, other.raw)

    def __hash__(self) -> int:
        return hash(self.raw)


class PrivateKey(Secret):
    """A Curve25519 private key (RFC 7748) of 32 bytes, with its public key."""

    __slots__ = ("_key", "public")

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._key: Final = X25519PrivateKey.from_private_bytes(raw)
        self.public: Final = self._key.public_key().public_bytes_raw()

    def exchange(self, public: bytes) -> bytes | None:
        """The secret shared with the holder of ``public``; None for a point of low order.

        Peers refuse such points too (RFC 7748 section 6.1, the all-zero check).
        """
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            return None


def decode_key(text: str) -> bytes | None:
    """The 32 bytes of a key in base64, as ``wg`` prints keys; None where it is none."""
    return binascii.a2b_base64(text) if _BASE64.fullmatch(text) else None


def encode_key(raw: bytes) -> str:
    """The reverse of :func:`decode_key`."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")
