"""A WireGuard endpoint of our own: datagrams in and packets out, and the reverse, for several peers.

Sans-IO: ``receive``, ``send`` and ``handle_timeout`` take the time; what has to leave is fetched
with ``datagrams``, ``packets``, ``key_entries`` and ``events`` afterwards. No datagram makes it raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fzctl.wireguard.allowed import destination_of, source_of
from fzctl.wireguard.config import Config
from fzctl.wireguard.cookies import is_for
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.events import COOKIE_GIVEN, REFUSED, UNLISTED, Event, Inner, World
from fzctl.wireguard.inner import may_be_control
from fzctl.wireguard.keylog import Entry
from fzctl.wireguard.load import CookieJar, LoadMeter, RateLimiter, UnderLoad
from fzctl.wireguard.messages import CookieReply, Initiation, Response, Transport, parse
from fzctl.wireguard.noise import HandshakeError, read_initiation
from fzctl.wireguard.peer import NO_PEER, Peer
from fzctl.wireguard.refusals import (
    NEEDS_COOKIE,
    NOT_ALLOWED,
    NOT_FOR_US,
    NOT_IP,
    RATE_LIMITED,
    REFUSALS,
    UNKNOWN_PEER,
)
from fzctl.wireguard.results import AUTHENTICATION_FAILED, NO_HANDSHAKE, NOT_WIREGUARD, OK

_PREFIXES: Final = 1 << 24
_SESSIONS: Final = 0xFF


class Device:
    """One static key and the peers that know it.

    ``target`` is the static public key of the peer for control messages where no AllowedIPs hold
    ``::``. ``random`` gives that many random bytes, ``time_ns`` is the Unix time at ``now``.
    ``counts`` tells how many datagrams were taken (``ok``) and refused, by the words of refusals.py.
    """

    def __init__(
        self,
        config: Config,
        now: float,
        time_ns: int,
        random: Callable[[int], bytes],
        target: bytes | None = None,
        under_load: UnderLoad | None = None,
    ) -> None:
        self.counts: Final = dict.fromkeys(REFUSALS, 0)
        self._static: Final = config.static
        self._target: Final = target
        self._allowed: Final = config.allowed()
        self._world: Final = World(random, now, time_ns)
        self._under_load: Final = under_load or LoadMeter()
        self._cookies: Final = CookieJar(config.static.public, random)
        self._limiter: Final = RateLimiter()
        self._told: Final[set[bytes]] = set()
        self._by_key: Final[dict[bytes, Peer]] = {}
        # Indices as boringtun makes them: 24 bits tell the peer, 8 the session.
        self._by_prefix: Final[dict[int, Peer]] = {}
        first = int.from_bytes(random(3), "big")
        for number, one in enumerate(config.peers):
            prefix = (first + number) % _PREFIXES
            peer = Peer(one, config.static, self._world, now, self._indices(prefix))
            self._by_key[one.public] = self._by_prefix[prefix] = peer

    def peer(self, public: bytes) -> Peer:
        """The peer with that static public key. Raises KeyError where the config has none."""
        return self._by_key[public]

    def route(self, packet: bytes) -> Peer | None:
        """The peer that an inner packet is for, by AllowedIPs; control messages go to the target at last."""
        destination = destination_of(packet)
        owner = None if destination is None else self._allowed.owner(destination)
        if owner is None and may_be_control(packet):
            owner = self._target
        return None if owner is None else self._by_key[owner]

    def send(self, packet: bytes, now: float, *, padded: bool = True) -> str:
        """Send an inner packet to whom it is for; the value is that of :meth:`Peer.send` or ``no_peer``."""
        peer = self.route(packet)
        return NO_PEER if peer is None else peer.send(packet, now, padded=padded)

    def receive(self, datagram: bytes, source: Endpoint, now: float) -> str:
        """Take a datagram; the value is ``ok`` or why nothing was taken from it."""
        message = parse(datagram)
        if isinstance(message, Transport):
            reason = self._take_transport(message, source, now)
        elif isinstance(message, CookieReply):
            peer = self._by_prefix.get(message.receiver >> 8)
            reason = NO_HANDSHAKE if peer is None else peer.take_cookie(message, now)
        elif message is not None:
            reason = self._take_handshake(message, datagram, source, now)
        else:
            reason = NOT_WIREGUARD
        self.counts[reason] += 1
        if reason != OK:
            self._world.tell(Event(REFUSED, None, source, reason))
        return reason

    def next_timeout(self) -> float | None:
        """When to call ``handle_timeout``; None: not at all."""
        times = (peer.next_timeout() for peer in self._by_key.values())
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        for peer in self._by_key.values():
            peer.handle_timeout(now)

    def datagrams(self) -> list[tuple[bytes, Endpoint]]:
        """What has to go onto the wire now, and where to."""
        taken, self._world.datagrams = self._world.datagrams, []
        return taken

    def packets(self) -> list[Inner]:
        """What came out of the tunnel."""
        taken, self._world.packets = self._world.packets, []
        return taken

    def key_entries(self) -> list[Entry]:
        """The lines of a key log for the handshakes so far; they belong before the ``datagrams`` of now."""
        taken, self._world.keys = self._world.keys, []
        return taken

    def events(self) -> list[Event]:
        """What happened."""
        taken, self._world.events = self._world.events, []
        return taken

    def _take_handshake(
        self, message: Initiation | Response, datagram: bytes, source: Endpoint, now: float
    ) -> str:
        if not is_for(self._static.public, datagram):
            return NOT_FOR_US
        if self._under_load(now):
            if not self._cookies.is_proven(datagram, source, now):
                self._world.send(self._cookies.reply(datagram, message.sender, source, now), source)
                self._world.tell(Event(COOKIE_GIVEN, None, source))
                return NEEDS_COOKIE
            if not self._limiter.allows(source[0], now):
                return RATE_LIMITED
        if isinstance(message, Response):
            answered = self._by_prefix.get(message.receiver >> 8)
            return NO_HANDSHAKE if answered is None else answered.take_response(message, source, now)
        try:
            opened = read_initiation(message, self._static.public, {self._static.public: self._static}.get)
        except HandshakeError:
            return AUTHENTICATION_FAILED
        peer = self._by_key.get(opened.initiator)
        return UNKNOWN_PEER if peer is None else peer.take_initiation(opened, source, now)

    def _take_transport(self, message: Transport, source: Endpoint, now: float) -> str:
        peer = self._by_prefix.get(message.receiver >> 8)
        if peer is None:
            return NO_HANDSHAKE
        reason, packet = peer.take_transport(message, source, now)
        if reason != OK or not packet:
            return reason
        address = source_of(packet)
        if address is None:
            return NOT_IP
        public = peer.config.public
        if self._allowed.owner(address) != public:
            if not may_be_control(packet):
                return NOT_ALLOWED
            # WireGuard would drop it; this tool is there to show it.
            if public not in self._told:
                self._told.add(public)
                self._world.tell(Event(UNLISTED, public, source))
        self._world.packets.append(Inner(packet, public, source))
        return OK

    def _indices(self, prefix: int) -> Callable[[], int]:
        """Indices of one peer: never one that is in use."""
        last = -1

        def new_index() -> int:
            nonlocal last
            used = self._by_prefix[prefix].indices()
            while True:
                last = (last + 1) & _SESSIONS
                if prefix << 8 | last not in used:
                    return prefix << 8 | last

        return new_index
