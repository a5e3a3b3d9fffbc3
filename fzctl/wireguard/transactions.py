"""Questions to a STUN server: sent until they are answered, under a long-term credential.

RFC 8489 sections 6.2.1 (retransmission over UDP) and 9.2 (the credential: its first question is
refused and teaches realm and nonce). Time is an argument, in seconds of any steady clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.stun import (
    ERROR,
    ERROR_CODE,
    MESSAGE_INTEGRITY,
    NONCE,
    REALM,
    SUCCESS,
    TRANSACTION_SIZE,
    USERNAME,
    XOR_PEER_ADDRESS,
    Message,
    decode_error,
    encode_address,
    encode_message,
)
from fzctl.wireguard.stunproof import fits_fingerprint, is_signed_with, long_term_key, opaque, sign

UNAUTHORIZED: Final = 401
STALE_NONCE: Final = 438

FIRST_WAIT: Final = 0.5
TRANSMISSIONS: Final = 7
LAST_WAIT: Final = 16 * FIRST_WAIT
"""RTO, Rc and Rm of RFC 8489 section 6.2.1: a server has 39.5 seconds in all."""

_MOST_STALE: Final = 5
_LONGEST_TEXT: Final = 763  # of a realm or nonce (RFC 8489 sections 14.9 and 14.10)


class Question(NamedTuple):
    """A request: ``peer`` goes into it as XOR-PEER-ADDRESS, hidden anew each time it is signed."""

    method: int
    attributes: tuple[tuple[int, bytes], ...] = ()
    peer: Endpoint | None = None


class Answer(NamedTuple):
    """How a question ended.

    ``message`` is the server's answer, None where none came. ``code`` is 0 for a success, the
    server's error code, or None without answer; ``reason`` is its phrase and not to be trusted.
    ``unproven`` tells of an answer that came but did not prove that the server knows the password.
    """

    question: Question
    message: Message | None
    code: int | None
    reason: str = ""
    unproven: bool = False


class _Pending:
    """A question that waits."""

    __slots__ = ("datagram", "due", "question", "sent", "signed", "stale", "unproven", "wait")

    def __init__(self, question: Question, datagram: bytes, now: float, *, signed: bool, stale: int) -> None:
        self.question: Final = question
        self.datagram: Final = datagram
        self.signed: Final = signed
        self.stale: Final = stale
        self.unproven: Message | None = None
        self.sent = 1
        self.wait = FIRST_WAIT
        self.due = now + FIRST_WAIT


class Transactions:
    """All questions to one server. What is to be sent goes to ``send``."""

    def __init__(
        self, username: str, password: str, random: Callable[[int], bytes], send: Callable[[bytes], None]
    ) -> None:
        self._username: Final = opaque(username)
        self._password: Final = Secret(opaque(password))
        self._random: Final = random
        self._send: Final = send
        self._pending: dict[bytes, _Pending] = {}
        self._realm = self._nonce = b""
        self._key: Secret | None = None

    @property
    def is_known(self) -> bool:
        """Has the server named its realm, so that questions carry the credential?"""
        return self._key is not None

    def ask(self, question: Question, now: float) -> None:
        """Send a question; it is sent again until an answer comes."""
        self._ask(question, now, stale=0)

    def is_waiting(self, question: Question) -> bool:
        """Is there no answer to an equal question yet?"""
        return any(each.question == question for each in self._pending.values())

    def unproven(self) -> Answer | None:
        """How a question will end whose answer proved nothing, if no better one comes."""
        found = (each for each in self._pending.values() if each.unproven is not None)
        return next(map(_nothing, found), None)

    def abandon(self) -> None:
        """Wait for nothing any more."""
        self._pending.clear()

    def forget(self) -> None:
        """Wait for nothing any more, and learn realm and nonce anew."""
        self.abandon()
        self._realm = self._nonce = b""
        self._key = None

    def receive(self, message: Message, datagram: bytes, now: float) -> Answer | None:
        """Take what may be an answer; None where it is none, or only asks us to ask anew."""
        pending = self._pending.get(message.transaction)
        if pending is None or not fits_fingerprint(datagram):
            return None
        question = pending.question
        is_success = message.kind == question.method | SUCCESS
        error = decode_error(message.attributes.get(ERROR_CODE, b""))
        if not is_success and (message.kind != question.method | ERROR or error is None):
            return None
        code, reason = (0, "") if is_success or error is None else error
        if code in (UNAUTHORIZED, STALE_NONCE) and self._asks_anew(pending, message, code):
            del self._pending[message.transaction]
            stale = pending.stale + (code == STALE_NONCE)
            self._ask(question, now, stale=stale)
            return None
        if not self._believes(pending, message, datagram, code):
            pending.unproven = message
            return None
        del self._pending[message.transaction]
        return Answer(question, message, code, reason)

    def next_timeout(self) -> float | None:
        """When :meth:`handle_timeout` is to be called next."""
        return min((each.due for each in self._pending.values()), default=None)

    def handle_timeout(self, now: float) -> list[Answer]:
        """Send again what is due; the answers are those that have not come at all."""
        given_up = []
        for transaction, pending in list(self._pending.items()):
            if pending.due > now:
                continue
            if pending.sent == TRANSMISSIONS:
                del self._pending[transaction]
                given_up.append(_nothing(pending))
                continue
            self._send(pending.datagram)
            pending.sent += 1
            pending.wait *= 2
            pending.due = now + (LAST_WAIT if pending.sent == TRANSMISSIONS else pending.wait)
        return given_up

    def _ask(self, question: Question, now: float, *, stale: int) -> None:
        transaction = self._random(TRANSACTION_SIZE)
        attributes = list(question.attributes)
        if question.peer is not None:
            attributes.append((XOR_PEER_ADDRESS, encode_address(question.peer, transaction)))
        key = self._key
        if key is not None:
            attributes += ((USERNAME, self._username), (REALM, self._realm), (NONCE, self._nonce))
        datagram = encode_message(question.method, transaction, attributes)
        if key is not None:
            datagram = sign(datagram, key)
        self._pending[transaction] = _Pending(question, datagram, now, signed=key is not None, stale=stale)
        self._send(datagram)

    def _asks_anew(self, pending: _Pending, message: Message, code: int) -> bool:
        """Does the server want the credential, or another nonce (RFC 8489 section 9.2.5)?

        No such answer is signed: a server that knows no key of ours, or calls our nonce old, cannot.
        """
        if pending.signed != (code == STALE_NONCE) or pending.stale == _MOST_STALE:
            return False
        realm = message.attributes.get(REALM, self._realm)
        nonce = message.attributes.get(NONCE, b"")
        if not realm or not nonce or max(len(realm), len(nonce)) > _LONGEST_TEXT:
            return False
        self._realm, self._nonce = realm, nonce
        self._key = long_term_key(self._username, realm, self._password)
        return True

    def _believes(self, pending: _Pending, message: Message, datagram: bytes, code: int) -> bool:
        if not pending.signed:
            # There is no key yet that could prove a refusal; a success must be proven.
            return code != 0
        if MESSAGE_INTEGRITY not in message.attributes:
            return code in (UNAUTHORIZED, STALE_NONCE)
        return self._key is not None and is_signed_with(datagram, self._key)


def _nothing(pending: _Pending) -> Answer:
    if pending.unproven is None:
        return Answer(pending.question, None, None)
    error = decode_error(pending.unproven.attributes.get(ERROR_CODE, b""))
    return Answer(pending.question, None, None, "" if error is None else f"{error[0]} {error[1]}", True)
