"""What proves a STUN message: MESSAGE-INTEGRITY under a long-term credential, and FINGERPRINT.

RFC 8489 sections 9.2, 14.5 and 14.7. The key is MD5 and the proof HMAC-SHA1, which every server
takes; the newer algorithms would have to be announced by it first.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
import zlib
from typing import Final

from fzctl.wireguard.keys import Secret
from fzctl.wireguard.stun import (
    FINGERPRINT,
    HEADER_SIZE,
    MESSAGE_INTEGRITY,
    append_attribute,
    attribute_spans,
)

_INTEGRITY_SIZE: Final = 20
_FINGERPRINT_MASK: Final = 0x5354554E
_ATTRIBUTE_HEADER: Final = 4


def opaque(text: str) -> bytes:
    """A user name or password as it goes into the key: OpaqueString of RFC 8265 section 4.2.

    Bytes that were no UTF-8 where the text came from (an argument, the environment) stay what they were.
    """
    spaced = "".join(" " if unicodedata.category(each) == "Zs" else each for each in text)
    return unicodedata.normalize("NFC", spaced).encode("utf-8", "surrogateescape")


def long_term_key(username: bytes, realm: bytes, password: Secret) -> Secret:
    """The key of a user in a realm (RFC 8489 section 9.2.2)."""
    whole = b":".join((username, realm, password.raw))
    return Secret(hashlib.md5(whole, usedforsecurity=False).digest())


def sign(datagram: bytes, key: Secret) -> bytes:
    """The message with MESSAGE-INTEGRITY behind it."""
    # The proof covers a length that counts the proof itself.
    unsigned = append_attribute(datagram, MESSAGE_INTEGRITY, bytes(_INTEGRITY_SIZE))
    return unsigned[:-_INTEGRITY_SIZE] + _integrity(unsigned[: len(datagram)], key)


def is_signed_with(datagram: bytes, key: Secret) -> bool:
    """Does MESSAGE-INTEGRITY prove that the sender knows the key?"""
    for name, start, end in attribute_spans(datagram) or ():
        if name == MESSAGE_INTEGRITY:
            covered = datagram[:2] + (end - HEADER_SIZE).to_bytes(2, "big")
            covered += datagram[4 : start - _ATTRIBUTE_HEADER]
            return hmac.compare_digest(_integrity(covered, key), datagram[start:end])
    return False


def add_fingerprint(datagram: bytes) -> bytes:
    """The message with FINGERPRINT as its last attribute."""
    unmarked = append_attribute(datagram, FINGERPRINT, bytes(4))
    return unmarked[:-4] + _fingerprint(unmarked[: len(datagram)])


def fits_fingerprint(datagram: bytes) -> bool:
    """Is FINGERPRINT right, where there is one? It stands last, or it is wrong."""
    for name, start, end in attribute_spans(datagram) or ():
        if name == FINGERPRINT:
            right = _fingerprint(datagram[: start - _ATTRIBUTE_HEADER])
            return end == len(datagram) and datagram[start:end] == right
    return True


def _integrity(covered: bytes, key: Secret) -> bytes:
    return hmac.digest(key.raw, covered, "sha1")


def _fingerprint(covered: bytes) -> bytes:
    return (zlib.crc32(covered) ^ _FINGERPRINT_MASK).to_bytes(4, "big")
