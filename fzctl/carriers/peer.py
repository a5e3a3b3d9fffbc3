"""A WireGuard peer of our own as a carrier: the pump between its state, UDP and whoever uses it.

Nothing happens between calls: who waits in ``connect``, ``wait`` or ``receive`` lets it work.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from fzctl.carriers.base import IN, OUT, ClosesOnExit, Received
from fzctl.carriers.inbox import Inbox
from fzctl.carriers.recording import CaptureFile, KeySink
from fzctl.carriers.sockets import LOOPBACK, Arrival, Datagrams
from fzctl.carriers.troubles import Evidence, explain
from fzctl.errors import CarrierError
from fzctl.wireguard.config import Config, PeerConfig, lacks_unspecified
from fzctl.wireguard.device import Device
from fzctl.wireguard.endpoints import Endpoint, format_endpoint
from fzctl.wireguard.events import ESTABLISHED, GAVE_UP, UNLISTED, Event
from fzctl.wireguard.keylog import Entry
from fzctl.wireguard.keys import decode_key, encode_key
from fzctl.wireguard.load import UnderLoad
from fzctl.wireguard.messages import TRANSPORT
from fzctl.wireguard.peer import NO_ENDPOINT, NO_PEER, QUEUED
from fzctl.wireguard.results import OK
from fzctl.wireguard.timers import REKEY_ATTEMPT_TIME

PATIENCE: Final = 15.0
"""How long ``send`` waits for a session: two initiations more than the first."""

_BETWEEN_LOOKS: Final = 0.02
_DISCARD: Final = 9
_RELAY_WARNS: Final = "warning"


def silent(sentence: str) -> None:
    """Says nothing."""


def steady() -> float:
    """Seconds that pass while the machine sleeps, too: keys grow old meanwhile, and a relay forgets us.

    WireGuard in the kernel counts by the same clock (``ktime_get_coarse_boottime``).
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Clock(NamedTuple):
    """A steady clock in seconds, the time of day in nanoseconds since the Unix epoch."""

    monotonic: Callable[[], float] = steady
    time_ns: Callable[[], int] = time.time_ns


_SYSTEM: Final = Clock()


class Relay(Protocol):
    """What stands between us and the peers where datagrams go through a TURN server."""

    @property
    def is_ready(self) -> bool: ...
    @property
    def relayed(self) -> Endpoint | None: ...
    @property
    def doubt(self) -> str | None: ...
    def start(self, now: float) -> None: ...
    def stop(self, now: float) -> None: ...
    def send(self, payload: bytes, peer: Endpoint, now: float) -> None: ...
    def bind(self, peer: Endpoint, now: float) -> None: ...
    def receive(self, datagram: bytes, now: float) -> list[tuple[bytes, Endpoint]]: ...
    def datagrams(self) -> list[bytes]: ...
    def events(self) -> Sequence[Any]: ...
    def next_timeout(self) -> float | None: ...
    def handle_timeout(self, now: float) -> None: ...


class PeerCarrier(ClosesOnExit):
    """Our end of a tunnel; ``target`` is the peer at the other end, one of the config's.

    The endpoints in ``config`` have addresses, no names. Through a ``relay``, which is reached at
    ``server``, go all datagrams where one is given. ``warn`` takes sentences for people. ``dropped``
    counts packets that came and waited too long for ``receive``.
    """

    def __init__(
        self,
        config: Config,
        target: PeerConfig,
        sockets: Datagrams,
        *,
        relay: Relay | None = None,
        server: Endpoint | None = None,
        keylog: KeySink | None = None,
        capture: CaptureFile | None = None,
        warn: Callable[[str], None] = silent,
        random: Callable[[int], bytes] = os.urandom,
        clock: Clock = _SYSTEM,
        under_load: UnderLoad | None = None,
    ) -> None:
        self._config: Final = config
        self._target: Final = target
        self._sockets: Final = sockets
        self._relay: Final = relay
        self._server: Final = server
        self._keylog: Final = keylog
        self._capture: Final = capture
        self._warn: Final = warn
        self._clock: Final = clock
        now = clock.monotonic()
        self._device: Final = Device(config, now, clock.time_ns(), random, target.public, under_load)
        self._peer: Final = self._device.peer(target.public)
        self._inbox: Final = Inbox()
        self._evidence = Evidence()
        self._concerned = self._peer
        self._sessions = 0
        self._looked = now
        self._closed = False
        warning = lacks_unspecified(config, target)
        if warning is not None:
            warn(warning)
        if relay is not None:
            relay.start(now)
        self._device.handle_timeout(now)
        self._flush()

    @property
    def name(self) -> str:
        """``peer 192.0.2.2:51820``, or by its key where nobody knows where it is."""
        return self.name_of(self._target.key)

    @property
    def port(self) -> int:
        """The UDP port on which it listens."""
        return self._sockets.local((LOOPBACK[4], _DISCARD))[1]

    @property
    def counts(self) -> dict[str, int]:
        """Datagrams that came, by what became of them: the words of refusals.py."""
        return dict(self._device.counts)

    @property
    def dropped(self) -> int:
        """Packets that nobody fetched in time."""
        return self._inbox.dropped

    @property
    def is_connected(self) -> bool:
        """Is there a session to send under?"""
        return self._peer.is_connected(self._clock.monotonic())

    def reach_relay(self, timeout: float = PATIENCE) -> Endpoint | None:
        """Our address on the relay, where the peers that have an Endpoint reach us; ``None`` without a relay.

        Raises CarrierError where it gives us none.
        """
        self._check_open("reach")
        if self._relay is None:
            return None
        self._evidence = self._evidence.fresh()
        self._await_relay(self._clock.monotonic() + timeout)
        for peer in self._config.peers:
            # A relay lets in only whom it was told of (RFC 8656 section 9).
            if peer.endpoint is not None:
                self._relay.bind(peer.endpoint, self._clock.monotonic())
            else:
                self._warn(
                    f"the relay lets nobody in from peer {peer.key}: the config has no Endpoint for it"
                )
        self._flush()
        return self._relay.relayed

    def connect(self, timeout: float = PATIENCE) -> None:
        """Begin a handshake and see it through, also where there is a session already.

        Raises CarrierError with what is known of the cause where it does not come about in time.
        """
        before, deadline = self._begin("connect to", timeout)
        if not self._peer.initiate(self._clock.monotonic()):
            problem = "no Endpoint in the config says where it is; add one, or let the other end begin"
            raise CarrierError("connect to", self.name, problem)
        self._flush()
        self._pump(deadline, lambda: self._sessions > before, hasty=True)
        if self._sessions == before:
            raise self._failure("connect to", timeout)

    def wait(self, timeout: float) -> None:
        """Wait until the other end has begun a session. Raises CarrierError where it does not."""
        before, deadline = self._begin("wait for", timeout)
        self._pump(deadline, lambda: self._sessions > before)
        if self._sessions == before:
            raise self._failure("wait for", timeout)

    def send(self, packet: bytes, *, padded: bool = True) -> None:
        """Send an inner packet; where there is no session, one is made first, within ``PATIENCE``.

        Raises CarrierError where the packet did not leave. WireGuard pads packets, Firezone does not.
        """
        self._check_open("send to")
        now = self._clock.monotonic()
        if now - self._looked >= _BETWEEN_LOOKS:
            self._look(now)
        self._await_relay(now + PATIENCE)
        self._concerned = self._device.route(packet) or self._peer
        outcome = self._device.send(packet, now, padded=padded)
        if outcome == NO_PEER:
            problem = "no peer's AllowedIPs hold the destination of this packet; add its address there"
            raise CarrierError("send to", self.name, problem)
        if outcome == NO_ENDPOINT:
            problem = "there is no session and no Endpoint in the config; add one, or wait for the other end"
            raise CarrierError("send to", self.name, problem)
        self._evidence.unsent = None
        if outcome == QUEUED:
            self._evidence = self._evidence.fresh()
            self._await_session(packet)
        self._flush()
        if self._evidence.unsent is not None:
            raise self._failure("send to", 0)

    def send_to(self, packet: bytes, peer: str) -> None:
        """Answer one of the config's peers, named by its public key, under the session that it has with us.

        Raises CarrierError where there is none, or the packet did not leave.
        """
        self._check_open("answer")
        now = self._clock.monotonic()
        if now - self._looked >= _BETWEEN_LOOKS:
            self._look(now)
        owner = self._device.peer(decode_key(peer) or b"")
        if not owner.is_connected(now):
            raise CarrierError("answer", self.name_of(peer), "there is no session with it (any more)")
        self._concerned, self._evidence.unsent = owner, None
        owner.send(packet, now)
        self._flush()
        if self._evidence.unsent is not None:
            raise CarrierError("answer", self.name_of(peer), os.strerror(self._evidence.unsent))

    def name_of(self, peer: str) -> str:
        """One of the config's peers for people, as ``name`` is for the target. Raises KeyError for others."""
        endpoint = self._device.peer(decode_key(peer) or b"").endpoint
        return f"peer {peer if endpoint is None else format_endpoint(endpoint)}"

    def local_name(self, peer: str) -> str:
        """Where datagrams to that peer come from; empty where nobody knows where it is."""
        endpoint = self._device.peer(decode_key(peer) or b"").endpoint
        return "" if endpoint is None else format_endpoint(self._sockets.local(endpoint))

    def keepalive(self) -> None:
        """Say that we are here, with a message that holds nothing."""
        self._check_open("send to")
        self._peer.keepalive(self._clock.monotonic())
        self._flush()

    def receive(self, timeout: float) -> Received | None:
        self._check_open("receive from")
        if not self._inbox:
            end = self._clock.monotonic() + timeout
            self._pump(end, lambda: bool(self._inbox) or self._evidence.relay is not None)
        if not self._inbox and self._evidence.relay is not None:
            raise self._evidence.relay
        return self._inbox.take()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._relay is not None:
                self._relay.stop(self._clock.monotonic())
                self._flush()
        finally:
            self._sockets.close()
            if self._keylog is not None:
                self._keylog.close()
            if self._capture is not None:
                self._capture.close()

    def transport_entries(self) -> list[Entry]:
        """The keys of the target's sessions as lines of a key log, for who begins to capture only now."""
        return [entry for keypair in self._peer.keypairs for entry in keypair.entries]

    # --- waiting ---

    def _begin(self, operation: str, timeout: float) -> tuple[int, float]:
        """What is to be a session with the target: how many there were before, and the deadline."""
        self._check_open(operation)
        before, self._evidence = self._sessions, self._evidence.fresh()
        self._concerned = self._peer
        deadline = self._clock.monotonic() + timeout
        self._await_relay(deadline)
        return before, deadline

    def _pump(self, deadline: float, done: Callable[[], bool], *, hasty: bool = False) -> None:
        """Work until something is so, the time is over, or (``hasty``) the other end refuses."""
        now = self._clock.monotonic()
        self._look(now)
        while not done() and not (hasty and self._evidence.is_refused):
            now = self._clock.monotonic()
            if now >= deadline:
                return
            due = self._next_timeout()
            until = deadline if due is None else min(due, deadline)
            arrival = self._sockets.receive(max(0.0, until - now))
            if arrival is not None:
                self._take(arrival)
            self._handle_timeouts()

    def _look(self, now: float) -> None:
        """Take what has come already."""
        self._looked = now
        while (arrival := self._sockets.receive(0)) is not None:
            self._take(arrival)
            if self._clock.monotonic() - now > _BETWEEN_LOOKS:
                break
        self._handle_timeouts()

    def _await_session(self, packet: bytes) -> None:
        self._flush()
        owner = self._device.route(packet)
        assert owner is not None  # it is queued there
        self._pump(self._clock.monotonic() + PATIENCE, lambda: not owner.waiting, hasty=True)
        if owner.withdraw():
            raise self._failure("send to", PATIENCE)

    def _await_relay(self, deadline: float) -> None:
        relay = self._relay
        if relay is None or relay.is_ready:
            return
        self._pump(deadline, lambda: relay.is_ready or self._evidence.relay is not None, hasty=True)
        if not relay.is_ready:
            raise self._evidence.relay or self._no_relay()

    # --- in and out ---

    def _next_timeout(self) -> float | None:
        times = [self._device.next_timeout(), self._relay.next_timeout() if self._relay else None]
        return min((time for time in times if time is not None), default=None)

    def _handle_timeouts(self) -> None:
        now = self._clock.monotonic()
        due = self._next_timeout()
        if due is not None and due <= now:
            if self._relay is not None:
                self._relay.handle_timeout(now)
            self._device.handle_timeout(now)
            self._flush()

    def _take(self, arrival: Arrival) -> None:
        now = self._clock.monotonic()
        if arrival.error:
            # Where the system does not tell whom it is about, the port is 0.
            if not arrival.endpoint[1] or arrival.endpoint in (self._concerned.endpoint, self._server):
                self._evidence.note_error(arrival.error)
            return
        came = [(arrival.datagram, arrival.endpoint)]
        if self._relay is not None:
            came = self._relay.receive(arrival.datagram, now) if arrival.endpoint == self._server else []
        for datagram, source in came:
            reason = self._device.receive(datagram, source, now)
            if reason != OK or datagram[0] != TRANSPORT:
                self._evidence.note(datagram, reason)
        # The keys of an answer that this datagram led to come first: they open the datagram itself.
        self._log_keys()
        if self._capture is not None:
            local = self._sockets.local(arrival.endpoint)
            self._capture.write(arrival.datagram, arrival.endpoint, local, self._clock.time_ns(), IN)
        self._flush()

    def _flush(self) -> None:
        """Bring everything where it belongs that came out of the state."""
        self._log_keys()
        now = self._clock.monotonic()
        for datagram, endpoint in self._device.datagrams():
            if self._relay is not None:
                self._relay.send(datagram, endpoint, now)
            else:
                self._put(datagram, endpoint)
        if self._relay is not None and self._server is not None:
            for datagram in self._relay.datagrams():
                self._put(datagram, self._server)
            for event in self._relay.events():
                if event.error is not None and event.name == _RELAY_WARNS:
                    self._warn(str(event.error))
                elif event.error is not None:
                    self._evidence.relay = event.error
        for packet, peer, source in self._device.packets():
            key, place = encode_key(peer), format_endpoint(source)
            self._inbox.put(Received(packet, self._clock.time_ns(), place, IN, key))
        for told in self._device.events():
            self._hear(told)

    def _put(self, datagram: bytes, endpoint: Endpoint) -> None:
        try:
            self._sockets.send(datagram, endpoint)
        except OSError as error:
            # A stranger can have us answer to where nothing can be sent, such as port 0.
            if endpoint in (self._concerned.endpoint, self._server):
                self._evidence.unsent = error.errno or errno.EIO
                self._evidence.note_error(error.errno or errno.EIO)
            return
        if self._capture is not None:
            local = self._sockets.local(endpoint)
            self._capture.write(datagram, local, endpoint, self._clock.time_ns(), OUT)

    def _log_keys(self) -> None:
        entries = self._device.key_entries()
        if entries and self._keylog is not None:
            self._keylog.write(entries)
        if entries and self._capture is not None:
            self._capture.write_keys(entries)

    def _hear(self, event: Event) -> None:
        if event.name == ESTABLISHED and event.peer == self._target.public:
            self._sessions += 1
        elif event.name == UNLISTED and event.peer is not None and event.peer != self._target.public:
            warning = lacks_unspecified(self._config, self._device.peer(event.peer).config)
            if warning is not None:
                self._warn(warning)
        elif event.name == GAVE_UP and event.peer == self._target.public:
            since = f"{REKEY_ATTEMPT_TIME:g} s"
            self._warn(f"{self.name} has not answered our handshakes for {since}: the tunnel is down")

    # --- errors ---

    def _check_open(self, operation: str) -> None:
        if self._closed:
            raise CarrierError(operation, self.name, "it is closed")

    def _no_relay(self) -> CarrierError:
        server = "" if self._server is None else f" {format_endpoint(self._server)}"
        doubt = None if self._relay is None else self._relay.doubt
        if doubt is not None:
            return CarrierError("reach", f"the relay{server}", doubt)
        said = f" ({os.strerror(self._evidence.error)})" if self._evidence.error else ""
        how = "it did not answer" if self._evidence.is_refused else "it did not answer in time"
        return CarrierError("reach", f"the relay{server}", f"{how}{said}; check its address and port")

    def _failure(self, operation: str, waited: float) -> CarrierError:
        return CarrierError(operation, self.name, explain(self._evidence, waited, self._target, self._config))
