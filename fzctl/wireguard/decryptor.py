"""Reading captured WireGuard along: datagrams in, inner packets out, and why not.

Whitepaper section 5.4.6. A session is found by receiver index and proven by decryption, never
by address and port, so that roaming and a change of path lose nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from fzctl.wireguard.copies import Copies
from fzctl.wireguard.handshakes import Handshakes
from fzctl.wireguard.inner import IPV6_HEADER, UNSPECIFIED_PAIR, claimed_length, may_be_control, trim
from fzctl.wireguard.keylog import Entry, KeyLog
from fzctl.wireguard.keyring import Keyring, TriesSpentError
from fzctl.wireguard.messages import TRANSPORT, TRANSPORT_HEADER, Initiation, Response, message_type, parse
from fzctl.wireguard.results import (
    AUTHENTICATION_FAILED,
    CUT,
    NO_HANDSHAKE,
    NO_KEY,
    NOT_WIREGUARD,
    OK,
    REASONS,
    Result,
)
from fzctl.wireguard.sessions import TO_INITIATOR, TO_RESPONDER, Seen, Session, TransportKey
from fzctl.wireguard.suite import FIRST_BLOCK, TAG_SIZE, TransportCipher

T = TypeVar("T")

MAX_CIPHERS: Final = 1024
MAX_UNKNOWN: Final = 1024
FREE_KEYS: Final = 4
"""Keys of one receiver index that are tried on each transport message, the last; more cost something."""

KEY_TRIES: Final = 8

_OVERHEAD: Final = TRANSPORT_HEADER + TAG_SIZE
_LEAST: Final = _OVERHEAD + IPV6_HEADER
_IPV6_OVERHEAD: Final = _OVERHEAD + IPV6_HEADER
_INDEX_AND_COUNTER: Final = struct.Struct("<4xIQ")

# Type and receiver, counter, the inner packet's first bytes.
_unpack_beginning: Final = struct.Struct(f"<8s8s{IPV6_HEADER}s").unpack_from


class _Proven:
    """A key under which a datagram authenticated, ready for use."""

    __slots__ = ("cipher", "packets", "reset", "session", "update", "way")

    def __init__(self, key: TransportKey, cipher: TransportCipher) -> None:
        self.cipher: Final = cipher
        self.reset: Final = cipher.reset
        self.update: Final = cipher.update
        self.session: Final = key.session
        self.packets: Final = key.session.packets
        self.way: Final = key.way


class Decryptor:
    """Follows all sessions of a capture with the keys of key logs.

    ``counts`` tells how many datagrams that were fed had which reason; those passed over are
    counted in their session. ``unknown`` counts transport messages
    by receiver index where no handshake was seen, for the first 1024 such indices. Memory is
    bounded, whatever comes in.
    """

    def __init__(self, keylog: KeyLog | None = None) -> None:
        self.ring: Final = Keyring()
        self.handshakes: Final = Handshakes(self.ring)
        self.counts: Final = dict.fromkeys(REASONS, 0)
        self.unknown: Final[dict[int, int]] = {}
        self._copies: Final = Copies()
        # By a datagram's first 8 bytes, type and receiver.
        self._proven: Final[dict[bytes, _Proven]] = {}
        if keylog is not None:
            self.add(keylog)

    def add(self, keylog: KeyLog) -> None:
        """Take in more keys; handshakes that went by without keys are tried again."""
        self.ring.add(keylog)
        self.handshakes.retry()

    def unused(self) -> list[Entry]:
        """The lines of key logs whose key has fitted nothing so far."""
        return self.ring.unused()

    def skip(self, data: bytes | bytearray | memoryview, start: int, end: int) -> bool:
        """May the datagram in ``data[start:end]`` be passed over? Decided in under a microsecond.

        True: it belongs to a session that is proven, and what it holds is no control message; it
        is counted. False says nothing: hand the datagram to :meth:`feed`.

        Only the packet's first 40 bytes are decrypted, and they are not authenticated. No
        message is lost or made up by that. An authentic datagram reads the same here, and only
        what does not begin with an IP header from ``::`` to ``::`` is passed over; what does is
        proven by ``feed``. Where no IP header appears whose length fits the datagram, as under
        a wrong key, it is for ``feed`` to find out too. What goes unnoticed is damage behind
        the header of a packet that is no control message.
        """
        size = end - start
        if size < _LEAST:
            return False
        head, counter, sealed = _unpack_beginning(data, start)
        key = self._proven.get(head)
        if key is None:
            return False
        key.reset(FIRST_BLOCK + counter)
        plain = key.update(sealed)
        version = plain[0] >> 4
        if version == 6:
            if plain.endswith(UNSPECIFIED_PAIR):
                return False
            padding = size - _IPV6_OVERHEAD - (plain[4] << 8 | plain[5])
        elif version == 4:
            padding = size - _OVERHEAD - (plain[2] << 8 | plain[3])
        else:
            return False
        if not 0 <= padding < 16:
            return False
        key.packets[key.way] += 1
        return True

    def feed(
        self, datagram: bytes, src: str = "", dst: str = "", frame: int = 0, length: int | None = None
    ) -> Result:
        """Take in the next datagram of the capture, with its outer ends and its frame.

        ``length`` is that of the datagram on the wire, where the capture may have cut it.
        """
        result = self._judge(datagram, src, dst, frame, len(datagram) if length is None else length)
        self.counts[result.reason] += 1
        return result

    def _judge(self, datagram: bytes, src: str, dst: str, frame: int, length: int) -> Result:
        kind = message_type(datagram, 0, length)
        if not kind:
            return Result(NOT_WIREGUARD, src=src, dst=dst)
        if len(datagram) < length:
            return self._judge_cut(kind, datagram, src, dst, length)
        if kind == TRANSPORT:
            return self._judge_transport(datagram, src, dst, frame)
        message = parse(datagram)
        session: Session | None = None
        if isinstance(message, Initiation):
            session = self.handshakes.initiation(Seen(message, datagram, frame, src, dst))
        elif isinstance(message, Response):
            session = self.handshakes.response(Seen(message, datagram, frame, src, dst))
        if session is None:
            return Result(OK, kind, src=src, dst=dst)
        direction = session.direction(TO_INITIATOR if isinstance(message, Response) else TO_RESPONDER)
        return Result(OK, kind, None, session.number, None, direction, src, dst)

    def _judge_transport(self, datagram: bytes, src: str, dst: str, frame: int) -> Result:
        head, counter, sealed = datagram[:8], datagram[8:16], datagram[TRANSPORT_HEADER:]
        key = self._proven.get(head)
        plain = None if key is None else key.cipher.open(counter, sealed)
        if key is None or plain is None:
            key, plain = self._search(head, counter, sealed, (src, dst, frame))
            if key is None or plain is None:
                return self._why_not(datagram, src, dst)
        session, way = key.session, key.way
        # The same key, counter and tag: the same bytes.
        copy_of = self._copies.first(datagram[4:16] + datagram[-TAG_SIZE:], frame)
        if copy_of is not None:
            session.copies[way] += 1
        (session.packets if plain else session.keepalives)[way] += 1
        number, direction = session.number, session.direction(way)
        nonce = int.from_bytes(counter, "little")
        return Result(OK, TRANSPORT, trim(plain), number, nonce, direction, src, dst, copy_of)

    def _search(
        self, head: bytes, counter: bytes, sealed: bytes, where: tuple[str, str, int]
    ) -> tuple[_Proven | None, bytes | None]:
        """Try all keys of the receiver index, those of the newest session first."""
        index = int.from_bytes(head[4:], "little")
        keyed = self.handshakes.keyed
        for key in self._worth_trying(keyed.find(index)):
            cipher = TransportCipher(key.secret)
            plain = cipher.open(counter, sealed)
            if plain is not None:
                keyed.keep(index, key)
                return self._note_proof(head, key, cipher), plain
        for secret in self._worth_trying(self.ring.transport.get(index, ())):
            cipher = TransportCipher(secret)
            plain = cipher.open(counter, sealed)
            if plain is not None:
                key = self.handshakes.given(index, secret, *where)
                return self._note_proof(head, key, cipher), plain
        return None, None

    def _worth_trying(self, keys: Sequence[T]) -> Iterator[T]:
        """The keys of an index, which is one, mostly; of many some as long as a capture accounts for."""
        yield from keys[:FREE_KEYS]
        with suppress(TriesSpentError):
            for key in keys[FREE_KEYS:]:
                self.ring.spend(KEY_TRIES)
                yield key

    def _note_proof(self, head: bytes, key: TransportKey, cipher: TransportCipher) -> _Proven:
        if len(self._proven) >= MAX_CIPHERS:
            self._proven.clear()  # those still in use come back with their next datagram
        proven = self._proven[head] = _Proven(key, cipher)
        return proven

    def _why_not(self, datagram: bytes, src: str, dst: str) -> Result:
        index, counter = _INDEX_AND_COUNTER.unpack_from(datagram)
        keys = self.handshakes.keyed.find(index)
        tried = bool(keys) or index in self.ring.transport
        found = self.handshakes.without_keys(index)
        # Half a handshake under the same index as a session with keys proves nothing.
        if found is not None and not (tried and found[0].number is None):
            session, way = found
            session.failed[way] += 1
            direction = session.direction(way)
            return Result(NO_KEY, TRANSPORT, None, session.number, counter, direction, src, dst)
        if tried:
            if keys:
                keys[0].session.failed[keys[0].way] += 1
            return Result(AUTHENTICATION_FAILED, TRANSPORT, None, None, counter, None, src, dst)
        if index in self.unknown or len(self.unknown) < MAX_UNKNOWN:
            self.unknown[index] = self.unknown.get(index, 0) + 1
        return Result(NO_HANDSHAKE, TRANSPORT, None, None, counter, None, src, dst)

    def _judge_cut(self, kind: int, datagram: bytes, src: str, dst: str, length: int) -> Result:
        """A cut datagram cannot be authenticated. Only the beginning of a control message is shown.

        It has 32 zero bytes in their place and a length that fits, and its session's key was
        proven by whole datagrams: no chance gives that.
        """
        key = self._proven.get(datagram[:8]) if kind == TRANSPORT else None
        if key is None or len(datagram) < TRANSPORT_HEADER + IPV6_HEADER:
            return Result(CUT, kind, src=src, dst=dst)
        counter = datagram[8:16]
        plain = key.cipher.peek(counter, datagram[TRANSPORT_HEADER : length - TAG_SIZE])
        claimed = claimed_length(plain)
        if not may_be_control(plain) or claimed is None or claimed > length - _OVERHEAD:
            return Result(CUT, kind, src=src, dst=dst)
        nonce, direction = int.from_bytes(counter, "little"), key.session.direction(key.way)
        return Result(CUT, kind, trim(plain), key.session.number, nonce, direction, src, dst)
