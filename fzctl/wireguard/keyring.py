"""The keys of all key logs, found by what a handshake shows: whom it is for, which public keys.

Also keeps account of which of them fit anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from fzctl.wireguard.cookies import mac1_key, mac1_of
from fzctl.wireguard.keylog import LOCAL_EPHEMERAL, LOCAL_STATIC, PRESHARED, REMOTE_STATIC, Entry, KeyLog
from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.messages import Initiation
from fzctl.wireguard.noise import NO_PSK, HandshakeError

MOST_PSKS: Final = 4096
"""Preshared keys that are tried on a handshake, beside those of its own ephemeral keys."""

MOST_OF_INDEX: Final = 64
"""Transport keys that are kept of one receiver index, the last: indices are random."""

MOST_TRIES: Final = 1 << 22
"""What may be spent on trying keys that nothing points to, a static key once being one: seconds."""

TRIES_OF_MESSAGE: Final = 512
"""What each handshake message adds to that, so that a long capture has more."""

PSK_TRIES: Final = 16
ANSWER_TRIES: Final = 256
"""What it takes to try a preshared key, and a response on an initiation."""


class TriesSpentError(HandshakeError):
    """More keys were to be tried than a capture's size accounts for."""


class Keyring:
    """Static and ephemeral keys by their public key, preshared keys, transport keys by index.

    Whoever makes a capture chooses how many keys and how many handshakes are in it, so trying all
    of the ones on all of the others has an end: ``responder_of`` and ``psks`` raise TriesSpentError.
    """

    def __init__(self, tries: int = MOST_TRIES) -> None:
        self._tries = tries
        self.transport: Final[dict[int, list[Secret]]] = {}
        self._private: Final[dict[bytes, PrivateKey]] = {}
        self._mac1_keys: Final[dict[bytes, bytes]] = {}
        self._psks: Final[dict[Secret, None]] = {NO_PSK: None}
        self._psk_of: Final[dict[bytes, dict[Secret, None]]] = {}
        self._by_raw: Final[dict[Secret, PrivateKey]] = {}
        self._entries: Final[dict[object, Entry]] = {}
        self._used: Final[set[object]] = set()

    def add(self, log: KeyLog) -> None:
        """Take in another key log."""
        psks = log.psk_of()
        for entry in log.entries:
            thing = self._add_entry(entry)
            self._entries.setdefault(thing, entry)
            if entry in psks and isinstance(thing, bytes):
                self._psk_of.setdefault(thing, {})[psks[entry].key] = None

    def private(self, public: bytes) -> PrivateKey | None:
        """The private key of a static or ephemeral public key."""
        return self._private.get(public)

    def responder_of(self, initiation: Initiation, datagram: bytes) -> bytes | None:
        """The static public key that MAC1 says an initiation is meant for. Raises TriesSpentError."""
        for public, key in self._mac1_keys.items():
            self.spend(1)
            if mac1_of(key, datagram) == initiation.mac1:
                return public
        return None

    def psks(self, *ephemerals: bytes) -> Iterator[Secret]:
        """Preshared keys to try: first those of these ephemeral keys, then none, then the first others.

        Raises TriesSpentError before one of the others.
        """
        tried: dict[Secret, None] = {}
        for public in ephemerals:
            tried.update(self._psk_of.get(public, {}))
        yield from tried
        for psk in islice(self._psks, MOST_PSKS + 1):
            if psk not in tried:
                if psk != NO_PSK:
                    self.spend(PSK_TRIES)
                yield psk

    def grant(self) -> None:
        """A handshake message came: more keys may be tried."""
        self._tries += TRIES_OF_MESSAGE

    def spend(self, tries: int) -> None:
        """Raises TriesSpentError where so many are not left."""
        if tries > self._tries:
            raise TriesSpentError("too many keys were tried")
        self._tries -= tries

    @property
    def psk_count(self) -> int:
        """How many preshared keys may be tried, the one that stands for none not counted."""
        return min(len(self._psks) - 1, MOST_PSKS)

    def use(self, *things: object) -> tuple[Entry, ...]:
        """Note that these fit a captured session, and give the (first) lines that hold them.

        A thing is a public key, a preshared key, or an index and its transport key.
        """
        known = [thing for thing in things if thing in self._entries]
        self._used.update(known)
        return tuple(self._entries[thing] for thing in known)

    def unused(self) -> list[Entry]:
        """The lines whose key has fitted nothing so far; of lines with equal keys the first.

        A preshared key of zeros, which stands for none, is never among them.
        """
        done = {*self._used, NO_PSK}
        return [entry for thing, entry in self._entries.items() if thing not in done]

    def _add_entry(self, entry: Entry) -> object:
        if entry.kind in (LOCAL_STATIC, LOCAL_EPHEMERAL):
            private = self._by_raw.get(entry.key) or PrivateKey(entry.key.raw)
            self._by_raw[entry.key] = private
            self._private[private.public] = private
            if entry.kind == LOCAL_STATIC:
                self._mac1_keys[private.public] = mac1_key(private.public)
            return private.public
        if entry.kind == REMOTE_STATIC:
            self._mac1_keys[entry.key.raw] = mac1_key(entry.key.raw)
            return entry.key.raw
        if entry.kind == PRESHARED:
            self._psks[entry.key] = None
            return entry.key
        index = entry.receiver or 0
        keys = self.transport.setdefault(index, [])
        if entry.key not in keys:
            keys.insert(0, entry.key)
            del keys[MOST_OF_INDEX:]
        return index, entry.key
