"""Our TURN client on a real socket: carries datagrams to one peer, as a UDP wire does."""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.relay import CLOSED, FAILED, Event, Relay
from fzctl.wireguard.stun import ERROR_CODE, decode_error, decode_message
from tests.lab.netns import PATIENCE, LabError
from tests.lab.peer import UdpWire


class RelayWire:
    """``ahead`` is how many seconds the relay's clock is before ours: what is due then, is due now.

    ``codes`` are the errors that the server answered with, ``events`` what the relay has told.
    """

    def __init__(
        self, opened: socket.socket, user: str, password: str, peer: Endpoint, *, family: int = 4,
        channels: bool = True,
    ) -> None:  # fmt: skip
        self.relay: Final = Relay("coturn", user, password, os.urandom, family=family, channels=channels)
        self.peer: Final = peer
        self.ahead = 0.0
        self.codes: Final[list[int]] = []
        self.events: Final[list[Event]] = []
        self._wire: Final = UdpWire(opened)
        self._waiting: Final[deque[tuple[bytes, Endpoint]]] = deque()

    @property
    def words(self) -> str:
        """All errors that were told."""
        return "; ".join(str(each.error) for each in self.events if each.error is not None)

    def allocate(self) -> Endpoint:
        """Ask the relay for an address."""
        self.relay.start(self._now())
        self.drive(lambda: self.relay.is_ready, "an allocation")
        assert self.relay.relayed is not None
        return self.relay.relayed

    def bind(self) -> None:
        """Carry what comes from now on in ChannelData."""
        self.relay.bind(self.peer, self._now())
        self.settle()

    def release(self) -> None:
        """End the allocation."""
        self.relay.stop(self._now())
        self.drive(lambda: self.relay.state == CLOSED, "the end of the allocation")

    def send(self, datagram: bytes) -> None:
        self.relay.send(datagram, self.peer, self._now())
        self.settle()

    def receive(self, timeout: float) -> bytes | None:
        end = time.monotonic() + timeout
        while not self._waiting and (left := end - time.monotonic()) > 0:
            self._turn(left)
        return self._waiting.popleft()[0] if self._waiting else None

    def receive_from(self) -> tuple[bytes, Endpoint]:
        self.drive(lambda: bool(self._waiting), "a datagram of a peer")
        return self._waiting.popleft()

    def settle(self) -> None:
        """Until the server has answered all that it was asked."""
        self.drive(lambda: self.relay._transactions.next_timeout() is None, "answers", or_failed=True)

    def drive(self, done: Callable[[], bool], what: str, *, or_failed: bool = False) -> None:
        end = time.monotonic() + PATIENCE
        self._push()
        while not done():
            if self.relay.state == FAILED:
                if or_failed:
                    return
                raise LabError(f"waited for {what}: {self.words}")
            if time.monotonic() > end:
                raise LabError(f"waited in vain for {what}")
            self._turn(0.1)

    def _turn(self, timeout: float) -> None:
        due = self.relay.next_timeout()
        datagram = self._wire.receive(timeout if due is None else min(timeout, due - self._now()))
        if datagram is not None:
            message = decode_message(datagram)
            error = None if message is None else decode_error(message.attributes.get(ERROR_CODE, b""))
            if error is not None:
                self.codes.append(error[0])
            self._waiting.extend(self.relay.receive(datagram, self._now()))
        self._push()

    def _push(self) -> None:
        due = self.relay.next_timeout()
        if due is not None and due <= self._now():
            self.relay.handle_timeout(self._now())
        for datagram in self.relay.datagrams():
            self._wire.send(datagram)
        self.events.extend(self.relay.events())

    def _now(self) -> float:
        return time.monotonic() + self.ahead
