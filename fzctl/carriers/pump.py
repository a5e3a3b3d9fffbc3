"""The pump between the state of a WireGuard peer, UDP or a relay, and whoever fetches packets.

Nothing happens between calls: who waits lets it work.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from fzctl.carriers.base import IN, OUT, Received
from fzctl.carriers.inbox import Inbox
from fzctl.carriers.recording import CaptureFile, KeySink
from fzctl.carriers.sockets import Arrival, Datagrams
from fzctl.carriers.troubles import Evidence
from fzctl.errors import CarrierError
from fzctl.wireguard.device import Device
from fzctl.wireguard.endpoints import Endpoint, format_endpoint
from fzctl.wireguard.events import Event
from fzctl.wireguard.keys import encode_key
from fzctl.wireguard.messages import TRANSPORT
from fzctl.wireguard.peer import Peer
from fzctl.wireguard.results import OK

_BETWEEN_LOOKS: Final = 0.02
_RELAY_WARNS: Final = "warning"


def steady() -> float:
    """Seconds that pass while the machine sleeps, too: keys grow old meanwhile, and a relay forgets us.

    WireGuard in the kernel counts by the same clock (``ktime_get_coarse_boottime``).
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Clock(NamedTuple):
    """A steady clock in seconds, the time of day in nanoseconds since the Unix epoch."""

    monotonic: Callable[[], float] = steady
    time_ns: Callable[[], int] = time.time_ns


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


class Pump:
    """Between ``device``, sockets (through a ``relay`` at ``server``, where there is one) and ``inbox``.

    ``concerned`` is the peer that the next errors are about, ``evidence`` what was met meanwhile. ``hear``
    takes what the device tells, ``warn`` sentences for people.
    """

    def __init__(
        self,
        device: Device,
        concerned: Peer,
        sockets: Datagrams,
        hear: Callable[[Event], None],
        *,
        relay: Relay | None,
        server: Endpoint | None,
        keylog: KeySink | None,
        capture: CaptureFile | None,
        warn: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self.concerned = concerned
        self.evidence = Evidence()
        self.inbox: Final = Inbox()
        self._device: Final = device
        self._sockets: Final = sockets
        self._hear: Final = hear
        self._relay: Final = relay
        self._server: Final = server
        self._keylog: Final = keylog
        self._capture: Final = capture
        self._warn: Final = warn
        self._clock: Final = clock
        self._looked = clock.monotonic()

    def start(self) -> None:
        """Let the state do what it begins with."""
        now = self._clock.monotonic()
        if self._relay is not None:
            self._relay.start(now)
        self._device.handle_timeout(now)
        self.flush()

    def concern(self, peer: Peer) -> None:
        """The next errors are about this peer; what did not leave before does not count."""
        self.concerned, self.evidence.unsent = peer, None

    def start_over(self, peer: Peer) -> None:
        """What was met before does not count any more; the next errors are about this peer."""
        self.evidence = self.evidence.fresh()
        self.concerned = peer

    def run(self, deadline: float, done: Callable[[], bool], *, hasty: bool = False) -> None:
        """Work until something is so, the time is over, or (``hasty``) the other end refuses."""
        now = self._clock.monotonic()
        self._look(now)
        while not done() and not (hasty and self.evidence.is_refused):
            now = self._clock.monotonic()
            if now >= deadline:
                return
            due = self._next_timeout()
            until = deadline if due is None else min(due, deadline)
            arrival = self._sockets.receive(max(0.0, until - now))
            if arrival is not None:
                self._take(arrival)
            self._handle_timeouts()

    def look(self, now: float) -> None:
        """Take what has come already, unless that was done just now."""
        if now - self._looked >= _BETWEEN_LOOKS:
            self._look(now)

    def await_relay(self, deadline: float) -> None:
        """Work until the relay is ready, where there is one. Raises CarrierError where it does not get so."""
        relay = self._relay
        if relay is None or relay.is_ready:
            return
        self.run(deadline, lambda: relay.is_ready or self.evidence.relay is not None, hasty=True)
        if not relay.is_ready:
            raise self.evidence.relay or self._no_relay()

    def flush(self) -> None:
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
                    self.evidence.relay = event.error
        for packet, peer, source in self._device.packets():
            key, place = encode_key(peer), format_endpoint(source)
            self.inbox.put(Received(packet, self._clock.time_ns(), place, IN, key))
        for told in self._device.events():
            self._hear(told)

    def close(self) -> None:
        """Leave the relay, and close sockets and files."""
        try:
            if self._relay is not None:
                self._relay.stop(self._clock.monotonic())
                self.flush()
        finally:
            self._sockets.close()
            if self._keylog is not None:
                self._keylog.close()
            if self._capture is not None:
                self._capture.close()

    def _look(self, now: float) -> None:
        """Take what has come already."""
        self._looked = now
        while (arrival := self._sockets.receive(0)) is not None:
            self._take(arrival)
            if self._clock.monotonic() - now > _BETWEEN_LOOKS:
                break
        self._handle_timeouts()

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
            self.flush()

    def _take(self, arrival: Arrival) -> None:
        now = self._clock.monotonic()
        if arrival.error:
            # Where the system does not tell whom it is about, the port is 0.
            if not arrival.endpoint[1] or arrival.endpoint in (self.concerned.endpoint, self._server):
                self.evidence.note_error(arrival.error)
            return
        came = [(arrival.datagram, arrival.endpoint)]
        if self._relay is not None:
            came = self._relay.receive(arrival.datagram, now) if arrival.endpoint == self._server else []
        for datagram, source in came:
            reason = self._device.receive(datagram, source, now)
            if reason != OK or datagram[0] != TRANSPORT:
                self.evidence.note(datagram, reason)
        # The keys of an answer that this datagram led to come first: they open the datagram itself.
        self._log_keys()
        if self._capture is not None:
            local = self._sockets.local(arrival.endpoint)
            self._capture.write(arrival.datagram, arrival.endpoint, local, self._clock.time_ns(), IN)
        self.flush()

    def _put(self, datagram: bytes, endpoint: Endpoint) -> None:
        try:
            self._sockets.send(datagram, endpoint)
        except OSError as error:
            # A stranger can have us answer to where nothing can be sent, such as port 0.
            if endpoint in (self.concerned.endpoint, self._server):
                self.evidence.unsent = error.errno or errno.EIO
                self.evidence.note_error(error.errno or errno.EIO)
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

    def _no_relay(self) -> CarrierError:
        server = "" if self._server is None else f" {format_endpoint(self._server)}"
        doubt = None if self._relay is None else self._relay.doubt
        if doubt is not None:
            return CarrierError("reach", f"the relay{server}", doubt)
        said = f" ({os.strerror(self.evidence.error)})" if self.evidence.error else ""
        how = "it did not answer" if self.evidence.is_refused else "it did not answer in time"
        return CarrierError("reach", f"the relay{server}", f"{how}{said}; check its address and port")
