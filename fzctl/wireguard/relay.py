"""A TURN client without I/O: stands between a WireGuard peer and its UDP socket.

RFC 8656: an allocation (sections 6 to 8), permissions (9, 10), channels (12), Send and Data
indications (11) until a channel stands. Time is an argument, in seconds of any steady clock, so is
randomness. Nothing a server sends raises: what fails is an event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from fzctl.errors import CarrierError, EncodeError
from fzctl.wireguard.endpoints import Endpoint, format_endpoint
from fzctl.wireguard.relayerrors import ALLOCATION_MISMATCH, WRONG_CREDENTIALS, explain
from fzctl.wireguard.relaypeers import RelayPeer, RelayPeers
from fzctl.wireguard.stun import (
    ALLOCATE,
    CHANNEL_BIND,
    CHANNEL_NUMBER,
    CREATE_PERMISSION,
    DATA,
    FAMILIES,
    LIFETIME,
    REFRESH,
    REQUESTED_ADDRESS_FAMILY,
    REQUESTED_TRANSPORT,
    TRANSACTION_SIZE,
    XOR_MAPPED_ADDRESS,
    XOR_PEER_ADDRESS,
    XOR_RELAYED_ADDRESS,
    Message,
    decode_address,
    decode_message,
)
from fzctl.wireguard.transactions import UNAUTHORIZED, Answer, Question, Transactions
from fzctl.wireguard.turn import DATA_INDICATION, channel_data, wrap_channel_data, wrap_indication

NEW: Final = "new"
ALLOCATING: Final = "allocating"
READY: Final = "ready"
CLOSING: Final = "closing"
CLOSED: Final = "closed"
FAILED: Final = "failed"
WARNING: Final = "warning"

PERMISSION_REFRESH: Final = 240.0
"""A permission lasts 300 seconds, a channel 600 (RFC 8656 sections 9 and 12)."""
CHANNEL_REFRESH: Final = 540.0
MOST_PAYLOAD: Final = 65000

_DEFAULT_LIFETIME: Final = 600  # RFC 8656 section 3.2
_BEFORE_EXPIRY: Final = 60.0
_SOONEST_REFRESH: Final = 1.0
_PAUSE_AFTER_REFUSAL: Final = 5.0
_UDP: Final = bytes((17, 0, 0, 0))


class Event(NamedTuple):
    """``name`` is a state that was reached, or WARNING; ``error`` says why where something failed."""

    name: str
    error: CarrierError | None = None


class Relay:
    """One allocation on one server.

    ``server`` names it for people. ``random`` gives as many unpredictable bytes as asked for.
    ``family`` is the IP version of the address to be relayed. Without ``channels`` all goes in
    Send indications until :meth:`bind` is called. ``state`` is one of the names above, ``relayed``
    the address where peers reach us, ``mapped`` our own as the server sees it.
    """

    def __init__(
        self,
        server: str,
        username: str,
        password: str,
        random: Callable[[int], bytes],
        *,
        family: int = 4,
        channels: bool = True,
    ) -> None:
        self.server: Final = server
        self.state = NEW
        self.relayed: Endpoint | None = None
        self.mapped: Endpoint | None = None
        self._dropped = 0
        self._random: Final = random
        self._family: Final = family
        self._channels: Final = channels
        self._out: Final[list[bytes]] = []
        self._events: Final[list[Event]] = []
        self._transactions: Final = Transactions(username, password, random, self._out.append)
        self._peers: Final = RelayPeers()
        self._refresh_due: float | None = None

    @property
    def dropped(self) -> int:
        """Datagrams that never left."""
        return self._dropped + self._peers.dropped

    @property
    def is_ready(self) -> bool:
        """Is there an address on the relay?"""
        return self.state == READY

    @property
    def doubt(self) -> str | None:
        """What is wrong with the answers that came, where none of them could be believed so far."""
        unproven = self._transactions.unproven()
        return None if unproven is None else explain(unproven)

    def start(self, now: float) -> None:
        """Ask for an address; again after an end or a failure."""
        if self.state in (ALLOCATING, READY):
            return
        self.state = ALLOCATING
        attributes = [(REQUESTED_TRANSPORT, _UDP)]
        if self._family != 4:  # IPv4 is what a server takes without being told, however old it is
            attributes.append((REQUESTED_ADDRESS_FAMILY, bytes((FAMILIES[self._family], 0, 0, 0))))
        self._transactions.ask(Question(ALLOCATE, tuple(attributes)), now)

    def stop(self, now: float) -> None:
        """Give the address back (RFC 8656 section 7, a lifetime of 0)."""
        if self.state not in (ALLOCATING, READY):
            return
        self._end()
        if self._transactions.is_known:
            self.state = CLOSING
            self._transactions.ask(Question(REFRESH, ((LIFETIME, bytes(4)),)), now)
        else:
            self._become(CLOSED)

    def send(self, payload: bytes, peer: Endpoint, now: float) -> None:
        """Send a datagram to a peer; the first ones wait until the relay lets it through."""
        if len(payload) <= MOST_PAYLOAD and self._is_stranger(peer):
            self._indicate(payload, peer)
            return
        known = self._meet(peer)
        if known is None or len(payload) > MOST_PAYLOAD or self.state in (CLOSING, CLOSED, FAILED):
            self._dropped += 1
        elif known.bound and known.channel is not None:
            self._out.append(wrap_channel_data(known.channel, payload))
        elif known.permitted:
            self._indicate(payload, known.endpoint)
        else:
            self._peers.hold(payload, known)
            self._permit(known, now)

    def bind(self, peer: Endpoint, now: float) -> None:
        """Ask for a channel to a peer; by itself this happens with its permission."""
        known = self._meet(peer)
        if known is None or known.channel is None or self.state != READY:
            return
        number = known.channel.to_bytes(2, "big") + bytes(2)
        self._ask(Question(CHANNEL_BIND, ((CHANNEL_NUMBER, number),), known.endpoint), now)

    def receive(self, datagram: bytes, now: float) -> list[tuple[bytes, Endpoint]]:
        """What a datagram of the server brings: payloads, each with the peer that sent it."""
        span = channel_data(datagram, 0, len(datagram))
        if span is not None:
            sender = self._peers.on_channel(int.from_bytes(datagram[:2], "big"))
            # It may come before the answer to our request for the channel does.
            if sender is None or not sender.permitted:
                return []
            return [(datagram[span[0] : span[1]], sender.endpoint)]
        message = decode_message(datagram)
        if message is None:
            return []
        if message.kind == DATA_INDICATION:
            return self._take_indication(message)
        answer = self._transactions.receive(message, datagram, now)
        if answer is not None:
            self._take_answer(answer, now)
        return []

    def datagrams(self) -> list[bytes]:
        """What is to be sent to the server now; each is handed out once."""
        out = self._out[:]
        self._out.clear()
        return out

    def events(self) -> list[Event]:
        """What has happened since the last call."""
        events = self._events[:]
        self._events.clear()
        return events

    def next_timeout(self) -> float | None:
        """When :meth:`handle_timeout` is to be called next; None while nothing is to come."""
        times = [self._transactions.next_timeout(), self._refresh_due]
        for known in self._peers:
            times += (known.permission_due, known.channel_due)
        return min((each for each in times if each is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Send again what was not answered, and refresh what would expire."""
        for answer in self._transactions.handle_timeout(now):
            self._take_answer(answer, now)
        if self._refresh_due is not None and self._refresh_due <= now:
            self._refresh_due = None
            self._ask(Question(REFRESH), now)
        for known in self._peers:
            if known.permission_due is not None and known.permission_due <= now:
                known.permission_due = None
                self._ask(Question(CREATE_PERMISSION, (), known.endpoint), now)
            if known.channel_due is not None and known.channel_due <= now:
                known.channel_due = None
                self.bind(known.endpoint, now)

    # --- what the server says ---

    def _take_indication(self, message: Message) -> list[tuple[bytes, Endpoint]]:
        sender = decode_address(message.attributes.get(XOR_PEER_ADDRESS, b""), message.transaction)
        payload = message.attributes.get(DATA)
        if sender is None or payload is None:
            return []
        # RFC 8656 section 11.4: only from addresses that were permitted.
        if not self._peers.permits(sender[0]):
            return []
        known = self._peers.find(sender)
        return [(payload, sender if known is None else known.endpoint)]

    def _take_answer(self, answer: Answer, now: float) -> None:
        method, peer = answer.question.method, answer.question.peer
        if self.state == CLOSING:
            if method == REFRESH:
                self._transactions.forget()
                self._become(CLOSED)  # whatever it says: what is left expires by itself
        elif self.state not in (ALLOCATING, READY):
            return
        elif answer.code != 0 or answer.message is None:
            self._take_refusal(answer, now)
        elif method == ALLOCATE:
            self._take_allocation(answer.message, now)
        elif method == REFRESH:
            self._take_lifetime(answer.message, now)
        elif peer is not None and (known := self._peers.find(peer)) is not None:
            known.permitted = True
            known.permission_due = now + PERMISSION_REFRESH  # a channel's binding renews it, too
            if method == CHANNEL_BIND:
                known.bound = True
                known.channel_due = now + CHANNEL_REFRESH
            elif self._channels and not known.bound:
                self.bind(known.endpoint, now)
            while known.waiting:
                self._indicate(known.waiting.popleft(), known.endpoint)

    def _take_allocation(self, message: Message, now: float) -> None:
        relayed = decode_address(message.attributes.get(XOR_RELAYED_ADDRESS, b""), message.transaction)
        if relayed is None:
            self._fail("get an address from", "its answer names none; try another relay")
            return
        self._take_lifetime(message, now)
        if self.state != ALLOCATING:
            return
        self.relayed = relayed
        self.mapped = decode_address(message.attributes.get(XOR_MAPPED_ADDRESS, b""), message.transaction)
        self._become(READY)
        for known in self._peers:
            if known.waiting:
                self._permit(known, now)

    def _take_lifetime(self, message: Message, now: float) -> None:
        value = message.attributes.get(LIFETIME)
        lifetime = _DEFAULT_LIFETIME if value is None else int.from_bytes(value[:4], "big")
        if lifetime == 0:
            self._fail("keep the address on", "it has ended the allocation; begin anew")
            return
        self._refresh_due = now + max(lifetime - _BEFORE_EXPIRY, lifetime / 2, _SOONEST_REFRESH)

    def _take_refusal(self, answer: Answer, now: float) -> None:
        method, peer = answer.question.method, answer.question.peer
        known = None if peer is None else self._peers.find(peer)
        fatal = answer.code in (None, UNAUTHORIZED, ALLOCATION_MISMATCH, WRONG_CREDENTIALS)
        if known is None or fatal:
            operation = "get an address from" if method == ALLOCATE else "keep the address on"
            self._fail(operation, explain(answer))
            return
        place = format_endpoint(known.endpoint)
        if method == CHANNEL_BIND:
            known.channel, known.bound = None, False
            self._warn(f"bind a channel to {place} on", f"{explain(answer)}; indications carry it all")
            if not known.permitted:
                self._permit(known, now)
            return
        known.permitted = known.bound = False
        known.channel_due = None
        known.not_before = now + _PAUSE_AFTER_REFUSAL
        self._peers.drop_waiting(known)
        self._warn(f"reach {place} through", explain(answer))

    # --- what we do ---

    def _ask(self, question: Question, now: float) -> None:
        if not self._transactions.is_waiting(question):
            self._transactions.ask(question, now)

    def _permit(self, known: RelayPeer, now: float) -> None:
        if self.state == READY and now >= known.not_before:
            self._ask(Question(CREATE_PERMISSION, (), known.endpoint), now)

    def _indicate(self, payload: bytes, peer: Endpoint) -> None:
        self._out.append(wrap_indication(payload, peer, self._random(TRANSACTION_SIZE)))

    def _is_stranger(self, peer: Endpoint) -> bool:
        """Is this another port of an address that is permitted?

        Whoever sends from there chooses the port, and could make us ask for a channel to each.
        """
        return self._peers.find(peer) is None and self._peers.permits(peer[0])

    def _meet(self, peer: Endpoint) -> RelayPeer | None:
        try:
            return self._peers.meet(peer)
        except EncodeError as error:
            self._warn("send through", str(error))
            return None

    def _end(self) -> None:
        """Nothing of the allocation is left; what waited is lost."""
        self.relayed = self.mapped = self._refresh_due = None
        self._peers.clear()
        self._transactions.abandon()

    def _fail(self, operation: str, problem: str) -> None:
        self._end()
        self._transactions.forget()
        self._become(FAILED, CarrierError(operation, f"the relay {self.server}", problem))

    def _warn(self, operation: str, problem: str) -> None:
        self._events.append(Event(WARNING, CarrierError(operation, f"the relay {self.server}", problem)))

    def _become(self, state: str, error: CarrierError | None = None) -> None:
        self.state = state
        self._events.append(Event(state, error))
