"""Captured handshakes: initiations and responses paired by index, sessions derived from keys."""

from __future__ import annotations

from typing import Final

from fzctl.wireguard.directions import Directions
from fzctl.wireguard.keyring import ANSWER_TRIES, PSK_TRIES, Keyring, TriesSpentError
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.messages import Initiation, Response
from fzctl.wireguard.noise import (
    HandshakeError,
    KeyMissing,
    Opened,
    SessionKeys,
    read_initiation,
    read_response,
)
from fzctl.wireguard.sessions import TO_INITIATOR, TO_RESPONDER, Seen, Session, TransportKey
from fzctl.wireguard.tables import IndexTable

MAX_SESSIONS: Final = 2048  # remembered with keys: a session lives three minutes
MAX_WITHOUT_KEYS: Final = 4096
MAX_LISTED: Final = 4096

NO_INITIATION: Final = "the handshake's initiation is not in the capture"
NO_RESPONSE: Final = "the handshake's response is not in the capture"
NO_RESPONDER: Final = "no key of the responder fits: its static key is needed, private or public"
TRIES_SPENT: Final = (
    "too many keys were tried on handshakes before this one; a key log with nothing but the keys of this "
    "capture may open it"
)
TWO_NEEDED: Final = "both private keys of one side are needed, static and ephemeral: "


class Handshakes:
    """Pairs what it is given, in the order of the capture.

    ``listed`` holds the first sessions by number, as many as ``MAX_LISTED``; ``count`` is how
    many there were.
    """

    def __init__(self, ring: Keyring) -> None:
        self.keyed: Final = IndexTable[TransportKey](2 * MAX_SESSIONS)
        self.listed: Final[list[Session]] = []
        self.count = 0
        self._ring: Final = ring
        self._is_over = False
        self._without_keys: Final = IndexTable[Session](MAX_WITHOUT_KEYS)
        self._given: Final[dict[tuple[int, Secret], TransportKey]] = {}
        self._one_way: Final[dict[tuple[str, str], Session]] = {}
        self._directions: Final = Directions()

    def initiation(self, seen: Seen[Initiation]) -> Session:
        """Take in an initiation. The same datagram a second time is the same handshake."""
        self._ring.grant()
        index = seen.message.sender
        for session in self._at(index):
            if session.initiation is not None and session.initiation.datagram == seen.datagram:
                return session
        session = Session(initiation=seen)
        self._open(session, seen)
        self._without_keys.add(index, session)
        for early in self._without_keys.find(index):
            answer = early.response
            if early.initiation is None and answer is not None and self._complete(session, answer):
                self._forget(early)
                break
        return session

    def response(self, seen: Seen[Response]) -> Session:
        """Take in a response: it belongs to the initiation under which it is authentic.

        Without keys it belongs to the newest initiation with its index that has no answer yet.
        """
        self._ring.grant()
        index = seen.message.receiver
        asked = [s for s in self._at(index) if s.initiation and s.initiation.message.sender == index]
        for session in (*asked, *self._without_keys.find(seen.message.sender)):
            if session.response is not None and session.response.datagram == seen.datagram:
                return session
        for session in asked:
            if not session.keyed and self._complete(session, seen):
                return session
        for session in asked:
            if session.response is None:
                self._adopt(session, seen)
                self._number(session)
                self._without_keys.add(seen.message.sender, session)
                return session
        session = Session(response=seen)
        session.missing = NO_INITIATION
        self._without_keys.add(index, session)
        self._without_keys.add(seen.message.sender, session)
        return session

    def retry(self) -> None:
        """There are new keys: try them on all handshakes that had none, until that has cost too much."""
        if self._is_over:
            return
        for session in dict.fromkeys(self._without_keys.values()):
            if session.initiation is None or session.keyed:
                continue
            if not self._may_try():
                session.missing = TRIES_SPENT
                continue
            if session.opened is None:
                self._open(session, session.initiation)
            if session.response is not None and not self._complete(session, session.response):
                self._adopt(session, session.response)

    def given(self, index: int, secret: Secret, src: str, dst: str, frame: int) -> TransportKey:
        """The session of a transport key out of a key log, on the proof of a packet from src to dst.

        Where the handshake is there, the index tells session and way. Else the first packet's
        sender counts as initiator, and two keys whose packets go opposite ways between the same
        two outer addresses are one session.
        """
        key = self._given.get((index, secret))
        if key is None:
            session, way = self.without_keys(index) or self._session_of_ends(src, dst, frame)
            self._note_fits(session, (index, secret))
            self._number(session)
            key = self._given[index, secret] = TransportKey(secret, session, way)
        self.keyed.add(index, key)
        return key

    def without_keys(self, index: int) -> tuple[Session, int] | None:
        """The newest session without keys that an index belongs to, and which way it leads."""
        for session in self._without_keys.find(index):
            answer = session.response
            to_responder = answer is not None and answer.message.sender == index
            return session, TO_RESPONDER if to_responder else TO_INITIATOR
        return None

    def unanswered(self) -> list[Session]:
        """Halves of handshakes that are still remembered: they have no number."""
        return [s for s in dict.fromkeys(self._without_keys.values()) if s.number is None]

    def _may_try(self) -> bool:
        try:
            self._ring.spend(PSK_TRIES)
        except TriesSpentError:
            self._is_over = True
        return not self._is_over

    def _at(self, index: int) -> list[Session]:
        keyed = [key.session for key in self.keyed.find(index)]
        return [*self._without_keys.find(index), *dict.fromkeys(keyed)]

    def _open(self, session: Session, seen: Seen[Initiation]) -> None:
        self._note_fits(session, seen.message.ephemeral)
        try:
            session.responder = self._ring.responder_of(seen.message, seen.datagram)
        except TriesSpentError:
            session.missing = TRIES_SPENT
            return
        if session.responder is None:
            session.missing = NO_RESPONDER
            return
        self._note_fits(session, session.responder)
        try:
            session.opened = read_initiation(seen.message, session.responder, self._ring.private)
        except KeyMissing:
            session.missing = self._needs(session)
        except HandshakeError:
            session.missing = "the initiation is damaged: it does not authenticate"
        else:
            session.initiator = session.opened.initiator
            self._note_fits(session, session.initiator)
            session.missing = NO_RESPONSE

    def _derive(self, opened: Opened, answer: Seen[Response]) -> SessionKeys:
        self._ring.spend(ANSWER_TRIES)
        psks = self._ring.psks(opened.ephemeral, answer.message.ephemeral)
        return read_response(opened, answer.message, self._ring.private, psks)

    def _complete(self, session: Session, answer: Seen[Response]) -> bool:
        """Is it proven that this is the answer to the session's initiation? Then it has keys."""
        if session.opened is None:
            return False
        try:
            keys = self._derive(session.opened, answer)
        except HandshakeError:
            return False
        self._take_keys(session, answer, keys)
        return True

    def _adopt(self, session: Session, answer: Seen[Response]) -> None:
        """Take an answer that nothing proves, and say why."""
        session.response = answer
        if session.opened is None:
            if session.missing is not None and session.missing.startswith(TWO_NEEDED):
                session.missing = self._needs(session)
            return
        try:
            self._derive(session.opened, answer)
        except KeyMissing:
            session.missing = self._needs(session)
        except TriesSpentError:
            session.missing = TRIES_SPENT
        except HandshakeError:
            session.missing = (
                f"the response authenticates neither without a preshared key nor with any of the "
                f"{self._ring.psk_count} given: the right one is missing, or the response is damaged"
            )

    def _take_keys(self, session: Session, answer: Seen[Response], keys: SessionKeys) -> None:
        self._forget(session)
        session.response = answer
        session.keyed = True
        session.missing = session.opened = None
        self._note_fits(session, answer.message.ephemeral, keys.psk)
        self._number(session)
        self.keyed.add(answer.message.sender, TransportKey(keys.to_responder, session, TO_RESPONDER))
        self.keyed.add(answer.message.receiver, TransportKey(keys.to_initiator, session, TO_INITIATOR))

    def _forget(self, session: Session) -> None:
        if session.initiation is not None:
            self._without_keys.remove(session.initiation.message.sender, session)
        if session.response is not None:
            self._without_keys.remove(session.response.message.sender, session)
            self._without_keys.remove(session.response.message.receiver, session)

    def _number(self, session: Session) -> None:
        if session.number is None:
            self.count += 1
            session.number = self.count
            self._directions.settle(session)
            if len(self.listed) < MAX_LISTED:
                self.listed.append(session)

    def _session_of_ends(self, src: str, dst: str, frame: int) -> tuple[Session, int]:
        session = self._one_way.pop((dst, src), None)
        if session is not None:
            return session, TO_INITIATOR
        session = self._one_way[src, dst] = Session()
        session.frame, session.ends = frame, (src, dst)
        session.missing = f"{NO_INITIATION}, the packets are decrypted with a transport key"
        return session, TO_RESPONDER

    def _note_fits(self, session: Session, *things: object) -> None:
        session.fits = tuple(dict.fromkeys((*session.fits, *self._ring.use(*things))))

    def _needs(self, session: Session) -> str:
        """Which private keys there are, where neither side's two are."""
        begun, answer = session.initiation, session.response
        first = _those(
            session.initiator is not None and self._ring.private(session.initiator) is not None,
            begun is not None and self._ring.private(begun.message.ephemeral) is not None,
        )
        second = _those(
            session.responder is not None and self._ring.private(session.responder) is not None,
            answer is not None and self._ring.private(answer.message.ephemeral) is not None,
        )
        return f"{TWO_NEEDED}of the initiator there is {first}, of the responder {second}"


def _those(static: bool, ephemeral: bool) -> str:
    return {(0, 0): "neither", (1, 0): "the static one", (0, 1): "the ephemeral one", (1, 1): "both"}[
        static, ephemeral
    ]
