"""A WireGuard peer as a carrier; who waits in ``connect``, ``wait`` or ``receive`` lets it work."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from fzctl.carriers.base import ClosesOnExit, Received
from fzctl.carriers.pump import Clock, Pump, Relay
from fzctl.carriers.recording import CaptureFile, KeySink
from fzctl.carriers.sockets import LOOPBACK, Datagrams
from fzctl.carriers.troubles import explain
from fzctl.errors import CarrierError
from fzctl.wireguard.config import Config, PeerConfig, lacks_unspecified
from fzctl.wireguard.device import Device
from fzctl.wireguard.endpoints import Endpoint, format_endpoint
from fzctl.wireguard.events import ESTABLISHED, GAVE_UP, UNLISTED, Event
from fzctl.wireguard.keylog import Entry
from fzctl.wireguard.keys import decode_key
from fzctl.wireguard.load import UnderLoad
from fzctl.wireguard.peer import NO_ENDPOINT, NO_PEER, QUEUED, Peer
from fzctl.wireguard.timers import REKEY_ATTEMPT_TIME

PATIENCE: Final = 15.0
"""How long ``send`` waits for a session: two initiations more than the first."""

_DISCARD: Final = 9
_SYSTEM: Final = Clock()


def silent(sentence: str) -> None:
    """Says nothing."""


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
        self._warn: Final = warn
        self._clock: Final = clock
        now = clock.monotonic()
        self._device: Final = Device(config, now, clock.time_ns(), random, target.public, under_load)
        self._peer: Final = self._device.peer(target.public)
        self._pump: Final = Pump(
            self._device, self._peer, sockets, self._hear,
            relay=relay, server=server, keylog=keylog, capture=capture, warn=warn, clock=clock,
        )  # fmt: skip
        self._sessions = 0
        self._closed = False
        warning = lacks_unspecified(config, target)
        if warning is not None:
            warn(warning)
        self._pump.start()

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
        return self._pump.inbox.dropped

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
        self._pump.start_over(self._peer)
        self._pump.await_relay(self._clock.monotonic() + timeout)
        for peer in self._config.peers:
            # A relay lets in only whom it was told of (RFC 8656 section 9).
            if peer.endpoint is not None:
                self._relay.bind(peer.endpoint, self._clock.monotonic())
            else:
                self._warn(
                    f"the relay lets nobody in from peer {peer.key}: the config has no Endpoint for it"
                )
        self._pump.flush()
        return self._relay.relayed

    def connect(self, timeout: float = PATIENCE) -> None:
        """Begin a handshake and see it through, also where there is a session already.

        Raises CarrierError with what is known of the cause where it does not come about in time.
        """
        before, deadline = self._begin("connect to", timeout)
        if not self._peer.initiate(self._clock.monotonic()):
            problem = "no Endpoint in the config says where it is; add one, or let the other end begin"
            raise CarrierError("connect to", self.name, problem)
        self._pump.flush()
        self._pump.run(deadline, lambda: self._sessions > before, hasty=True)
        if self._sessions == before:
            raise self._failure("connect to", timeout)

    def wait(self, timeout: float) -> None:
        """Wait until the other end has begun a session. Raises CarrierError where it does not."""
        before, deadline = self._begin("wait for", timeout)
        self._pump.run(deadline, lambda: self._sessions > before)
        if self._sessions == before:
            raise self._failure("wait for", timeout)

    def send(self, packet: bytes, *, padded: bool = True) -> None:
        """Send an inner packet; where there is no session, one is made first, within ``PATIENCE``.

        Raises CarrierError where the packet did not leave. WireGuard pads packets, Firezone does not.
        """
        self._check_open("send to")
        now = self._clock.monotonic()
        self._pump.look(now)
        self._pump.await_relay(now + PATIENCE)
        owner = self._device.route(packet) or self._peer
        self._pump.concern(owner)
        outcome = self._device.send(packet, now, padded=padded)
        if outcome == NO_PEER:
            problem = "no peer's AllowedIPs hold the destination of this packet; add its address there"
            raise CarrierError("send to", self.name, problem)
        if outcome == NO_ENDPOINT:
            problem = "there is no session and no Endpoint in the config; add one, or wait for the other end"
            raise CarrierError("send to", self.name, problem)
        if outcome == QUEUED:
            self._pump.start_over(owner)
            self._await_session(owner)
        self._pump.flush()
        if self._pump.evidence.unsent is not None:
            raise self._failure("send to", 0)

    def send_to(self, packet: bytes, peer: str) -> None:
        """Answer one of the config's peers, named by its public key, under the session that it has with us.

        Raises CarrierError where there is none, or the packet did not leave.
        """
        self._check_open("answer")
        now = self._clock.monotonic()
        self._pump.look(now)
        owner = self._device.peer(decode_key(peer) or b"")
        if not owner.is_connected(now):
            raise CarrierError("answer", self.name_of(peer), "there is no session with it (any more)")
        self._pump.concern(owner)
        owner.send(packet, now)
        self._pump.flush()
        if self._pump.evidence.unsent is not None:
            raise CarrierError("answer", self.name_of(peer), os.strerror(self._pump.evidence.unsent))

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
        self._pump.flush()

    def receive(self, timeout: float) -> Received | None:
        self._check_open("receive from")
        if not self._pump.inbox:
            end = self._clock.monotonic() + timeout
            self._pump.run(end, lambda: bool(self._pump.inbox) or self._pump.evidence.relay is not None)
        if not self._pump.inbox and self._pump.evidence.relay is not None:
            raise self._pump.evidence.relay
        return self._pump.inbox.take()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._pump.close()

    def transport_entries(self) -> list[Entry]:
        """The keys of the target's sessions as lines of a key log, for who begins to capture only now."""
        return [entry for keypair in self._peer.keypairs for entry in keypair.entries]

    def _begin(self, operation: str, timeout: float) -> tuple[int, float]:
        """What is to be a session with the target: how many there were before, and the deadline."""
        self._check_open(operation)
        before = self._sessions
        self._pump.start_over(self._peer)
        deadline = self._clock.monotonic() + timeout
        self._pump.await_relay(deadline)
        return before, deadline

    def _await_session(self, owner: Peer) -> None:
        self._pump.flush()
        self._pump.run(self._clock.monotonic() + PATIENCE, lambda: not owner.waiting, hasty=True)
        if owner.withdraw():
            raise self._failure("send to", PATIENCE)

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

    def _check_open(self, operation: str) -> None:
        if self._closed:
            raise CarrierError(operation, self.name, "it is closed")

    def _failure(self, operation: str, waited: float) -> CarrierError:
        return CarrierError(
            operation, self.name, explain(self._pump.evidence, waited, self._target, self._config)
        )
