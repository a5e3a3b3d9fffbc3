"""One remote of ours: its handshakes, its sessions and its timers.

Whitepaper section 6; where that leaves room, as wireguard-go does: ``device/timers.go``, ``send.go``,
``receive.go``. Time is seconds of any clock that never steps back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from fzctl.wireguard.config import PeerConfig
from fzctl.wireguard.cookies import read_cookie_reply
from fzctl.wireguard.endpoints import Endpoint, format_endpoint
from fzctl.wireguard.events import (
    COOKIE_TAKEN,
    DROPPED,
    ESTABLISHED,
    GAVE_UP,
    ROAMED,
    Event,
    World,
)
from fzctl.wireguard.inner import trim
from fzctl.wireguard.keylog import handshake_entries
from fzctl.wireguard.keypairs import Keypair, Keypairs
from fzctl.wireguard.keys import PrivateKey
from fzctl.wireguard.messages import CookieReply, Response, Transport
from fzctl.wireguard.noise import HandshakeError, Opened, read_response, write_initiation, write_response
from fzctl.wireguard.refusals import EXPIRED, OLD_TIMESTAMP, REPLAYED, TOO_SOON
from fzctl.wireguard.results import AUTHENTICATION_FAILED, NO_HANDSHAKE, OK
from fzctl.wireguard.timers import (
    BETWEEN_INITIATIONS,
    COOKIE_TIME,
    FORGET_TIME,
    KEEPALIVE_TIMEOUT,
    LAST_MINUTE,
    QUEUE_SIZE,
    REJECT_AFTER_MESSAGES,
    REJECT_AFTER_TIME,
    REKEY_AFTER_MESSAGES,
    REKEY_AFTER_TIME,
    REKEY_ATTEMPT_TIME,
    REKEY_JITTER,
    REKEY_TIMEOUT,
    SILENCE_TIME,
    Timers,
)

SENT: Final = "sent"
QUEUED: Final = "queued"
"""There is no session; the packet waits for the handshake that is under way."""
NO_ENDPOINT: Final = "no_endpoint"
"""There is no session and nobody knows where the peer is; the packet is gone."""
NO_PEER: Final = "no_peer"
"""No peer's AllowedIPs hold the destination; the packet is gone."""

_INITIATE: Final = "initiate"
_RETRANSMIT: Final = "retransmit"
_SILENCE: Final = "silence"
_KEEPALIVE: Final = "keepalive"
_PERSISTENT: Final = "persistent"
_FORGET: Final = "forget"
# Initiations that are sent 20 ms apart may arrive closer together.
_MARGIN: Final = 0.01
_NEVER: Final = float("-inf")


class _Begun(NamedTuple):
    """A handshake of ours that waits for its answer."""

    number: int
    opened: Opened
    ephemeral: PrivateKey


class _Waiting(NamedTuple):
    packet: bytes
    padded: bool


class Peer:
    """A remote as we see it. ``endpoint`` is where it was last heard of, else what the config says."""

    def __init__(
        self, config: PeerConfig, static: PrivateKey, world: World, now: float, new_index: Callable[[], int]
    ) -> None:
        self.config: Final = config
        self.endpoint = config.endpoint
        self.keypairs: Final = Keypairs()
        self._static: Final = static
        self._world: Final = world
        self._new_index: Final = new_index
        self._timers: Final = Timers()
        self._waiting: Final[deque[_Waiting]] = deque()
        self._begun: _Begun | None = None
        self._cookie: tuple[bytes, float] | None = None
        self._signed: tuple[int, bytes] | None = None  # index and MAC1 of our last handshake message
        self._last_handshake = _NEVER  # when we last sent a handshake message
        self._trying_since = now
        self._last_taken = _NEVER  # when we last took an initiation
        self._last_timestamp = b""
        self._another_keepalive = False
        if config.keepalive and config.endpoint is not None:
            self._timers.set(_PERSISTENT, now)

    # --- what it is told to do ---

    def initiate(self, now: float) -> bool:
        """Begin a handshake, however fresh the session is; False where the endpoint is not known."""
        if self.endpoint is None:
            return False
        self._trying_since = now
        self._timers.set(_INITIATE, max(now, self._last_handshake + BETWEEN_INITIATIONS + _MARGIN))
        self.handle_timeout(now)
        return True

    def send(self, packet: bytes, now: float, *, padded: bool = True) -> str:
        """Send an inner packet, or keep it for the session that a handshake will bring.

        The value is ``sent``, ``queued`` or ``no_endpoint``.
        """
        keypair = self.keypairs.current
        if keypair is not None and keypair.is_usable(now):
            self._transmit(keypair, packet, now, padded)
            return SENT
        if self.endpoint is None:
            return NO_ENDPOINT
        if len(self._waiting) >= QUEUE_SIZE:
            self._waiting.popleft()
            self._tell(DROPPED)
        self._waiting.append(_Waiting(packet, padded))
        self._begin(now)
        return QUEUED

    def keepalive(self, now: float) -> str:
        """Say that we are here; where there is no session that begins one."""
        return QUEUED if self._waiting else self.send(b"", now)

    def is_connected(self, now: float) -> bool:
        """Is there a session to send under?"""
        return self.keypairs.current is not None and self.keypairs.current.is_usable(now)

    @property
    def waiting(self) -> int:
        """How many packets wait for a session, keepalives left out."""
        return sum(bool(one.packet) for one in self._waiting)

    def withdraw(self) -> int:
        """Drop the packets that wait, and tell how many there were."""
        count = self.waiting
        self._waiting.clear()
        return count

    def next_timeout(self) -> float | None:
        return self._timers.next()

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        while (name := self._timers.pop(now)) is not None:
            if name == _INITIATE:
                self._send_initiation(now)
            elif name == _RETRANSMIT:
                self._try_again(now)
            elif name == _SILENCE:
                self._begin(now)
            elif name == _PERSISTENT:
                self._timers.set(_PERSISTENT, now + self.config.keepalive)
                self.keepalive(now)
            elif name == _KEEPALIVE:
                self.keepalive(now)
                if self._another_keepalive:
                    self._another_keepalive = False
                    self._timers.set(_KEEPALIVE, now + KEEPALIVE_TIMEOUT)
            elif name == _FORGET:
                self.keypairs.forget()
                self._begun = None

    # --- what came for it ---

    def indices(self) -> set[int]:
        """Our indices under which something may still come."""
        found = {keypair.index for keypair in self.keypairs}
        return found if self._begun is None else found | {self._begun.number}

    def take_initiation(self, opened: Opened, source: Endpoint, now: float) -> str:
        """The other end begins a handshake: answer it."""
        if opened.timestamp <= self._last_timestamp:
            return OLD_TIMESTAMP
        if now - self._last_taken < BETWEEN_INITIATIONS:
            return TOO_SOON
        self._last_timestamp, self._last_taken = opened.timestamp, now
        self._move(source)
        self._received(now)
        index, ephemeral = self._new_index(), PrivateKey(self._world.random(32))
        response, keys = write_response(opened, index, ephemeral, self.config.psk, self._fresh_cookie(now))
        self._log(ephemeral)
        self.keypairs.answered(Keypair(index, opened.sender, keys, now, initiator=False))
        self._timers.set(_FORGET, now + FORGET_TIME)
        self._send_handshake(index, response, source, now)
        return OK

    def take_response(self, message: Response, source: Endpoint, now: float) -> str:
        """The other end answers a handshake of ours: the session begins."""
        begun = self._begun
        if begun is None or begun.number != message.receiver:
            return NO_HANDSHAKE
        known = {self._static.public: self._static, begun.ephemeral.public: begun.ephemeral}
        try:
            keys = read_response(begun.opened, message, known.get, [self.config.psk])
        except HandshakeError:
            return AUTHENTICATION_FAILED
        self._begun = None
        self._move(source)
        self._received(now)
        self.keypairs.begun(Keypair(begun.number, message.sender, keys, now, initiator=True))
        self._timers.set(_FORGET, now + FORGET_TIME)
        self._complete("initiator")
        # The other end sends nothing before it hears from us under this session.
        if not self._flush(now):
            self.keepalive(now)
        return OK

    def take_cookie(self, message: CookieReply, now: float) -> str:
        """The other end is under load; the cookie goes into our next handshake message (section 6.6)."""
        if self._signed is None or self._signed[0] != message.receiver:
            return NO_HANDSHAKE
        cookie = read_cookie_reply(self.config.public, message, self._signed[1])
        if cookie is None:
            return AUTHENTICATION_FAILED
        self._cookie = cookie, now
        self._signed = None
        self._tell(COOKIE_TAKEN)
        return OK

    def take_transport(self, message: Transport, source: Endpoint, now: float) -> tuple[str, bytes]:
        """A message under a session: why it is refused or ``ok``, and the packet (nothing: a keepalive)."""
        keypair = self.keypairs.find(message.receiver)
        if keypair is None:
            return NO_HANDSHAKE, b""
        if now - keypair.born >= REJECT_AFTER_TIME or message.counter >= REJECT_AFTER_MESSAGES:
            return EXPIRED, b""
        plain = keypair.open(message.counter, message.sealed)
        if plain is None:
            return AUTHENTICATION_FAILED, b""
        if not keypair.window.accept(message.counter):
            return REPLAYED, b""
        self._move(source)
        if self.keypairs.confirm(keypair):
            self._complete("responder")
            self._flush(now)
        self._received(now)
        current = self.keypairs.current
        if current is not None and current.initiator and now - current.born >= LAST_MINUTE:
            self._begin(now)
        if plain and not self._timers.set_once(_KEEPALIVE, now + KEEPALIVE_TIMEOUT):
            self._another_keepalive = True
        return OK, trim(plain)

    # --- how it does it ---

    def _begin(self, now: float) -> None:
        """Begin a handshake unless one is under way or just was."""
        self._trying_since = now
        if now - self._last_handshake >= REKEY_TIMEOUT:
            self._send_initiation(now)
        else:
            # Without this a packet that waits behind an answer of ours would wait for the next one.
            self._timers.set_once(_RETRANSMIT, self._last_handshake + REKEY_TIMEOUT)

    def _try_again(self, now: float) -> None:
        if now - self._trying_since < REKEY_ATTEMPT_TIME:
            self._send_initiation(now)
            return
        self._timers.clear(_KEEPALIVE)
        self._timers.set_once(_FORGET, now + FORGET_TIME)
        self._tell(GAVE_UP, dropped=self.withdraw())

    def _send_initiation(self, now: float) -> None:
        self._timers.clear(_INITIATE)
        if self.endpoint is None:
            return
        index, ephemeral = self._new_index(), PrivateKey(self._world.random(32))
        datagram, opened = write_initiation(
            index,
            self._static,
            ephemeral,
            self.config.public,
            self._world.timestamp(now),
            self._fresh_cookie(now),
        )
        self._begun = _Begun(index, opened, ephemeral)
        self._log(ephemeral)
        self._send_handshake(index, datagram, self.endpoint, now)
        self._timers.set(_RETRANSMIT, now + REKEY_TIMEOUT + self._jitter())

    def _send_handshake(self, index: int, datagram: bytes, endpoint: Endpoint, now: float) -> None:
        self._signed = index, datagram[-32:-16]
        self._last_handshake = now
        self._emit(datagram, endpoint, now)

    def _transmit(self, keypair: Keypair, packet: bytes, now: float, padded: bool) -> None:
        assert self.endpoint is not None  # a session comes from somewhere
        self._emit(keypair.seal(packet, padded=padded), self.endpoint, now)
        if packet and not self._timers.has(_SILENCE):
            self._timers.set(_SILENCE, now + SILENCE_TIME + self._jitter())
        old = keypair.initiator and now - keypair.born >= REKEY_AFTER_TIME
        if old or keypair.counter >= REKEY_AFTER_MESSAGES:
            self._begin(now)

    def _flush(self, now: float) -> bool:
        """Send what waited for a session; says whether there was something."""
        waiting = list(self._waiting)
        self._waiting.clear()
        for one in waiting:
            self.send(one.packet, now, padded=one.padded)
        return bool(waiting)

    def _complete(self, role: str) -> None:
        self._timers.clear(_RETRANSMIT, _INITIATE)
        self._tell(ESTABLISHED, role)

    def _emit(self, datagram: bytes, endpoint: Endpoint, now: float) -> None:
        self._world.send(datagram, endpoint)
        self._timers.clear(_KEEPALIVE)
        self._passed(now)

    def _received(self, now: float) -> None:
        self._timers.clear(_SILENCE)
        self._passed(now)

    def _passed(self, now: float) -> None:
        """Something authentic went one way or the other."""
        if self.config.keepalive:
            self._timers.set(_PERSISTENT, now + self.config.keepalive)

    def _move(self, source: Endpoint) -> None:
        """Authentic messages tell where the peer is (section 2.1)."""
        if source == self.endpoint:
            return
        before, self.endpoint = self.endpoint, source
        if before is not None:
            self._tell(ROAMED, format_endpoint(before))

    def _fresh_cookie(self, now: float) -> bytes | None:
        if self._cookie is None or now - self._cookie[1] >= COOKIE_TIME:
            return None
        return self._cookie[0]

    def _jitter(self) -> float:
        return int.from_bytes(self._world.random(2), "big") / 0xFFFF * REKEY_JITTER

    def _log(self, ephemeral: PrivateKey) -> None:
        self._world.log(handshake_entries(self._static, self.config.public, ephemeral, self.config.psk))

    def _tell(self, name: str, detail: str = "", dropped: int = 0) -> None:
        self._world.tell(Event(name, self.config.public, self.endpoint, detail, dropped))
