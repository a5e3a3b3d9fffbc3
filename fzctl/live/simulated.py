"""A gateway that is played: any player behind a carrier in memory, on a clock that waits for no one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fzctl.carriers.base import Received
from fzctl.carriers.memory import MemoryCarrier, VirtualClock, memory_pair
from fzctl.live.gateway import Answer, GatewayPlayer, Rules
from fzctl.live.player import Player, Sent
from fzctl.nat.table import Mapped
from fzctl.protocol.codec import encode
from fzctl.protocol.kinds import GOODBYE

DELAY: Final = 0.025
"""Seconds that a packet takes, either way."""
LOOKUP_TIME: Final = 0.05

_CLIENT: Final = "client"


class Simulation:
    """A player that does what is due at the time when it is due, by the clock of its carrier."""

    def __init__(self, player: Player, carrier: MemoryCarrier) -> None:
        self._player: Final = player
        self._carrier: Final = carrier
        self._clock: Final = carrier.clock
        self._due: float | None = None
        carrier.on_packet = self._take
        self._put(player.start(self._clock.now))

    def _take(self, received: Received) -> None:
        self._put(self._player.receive(received.packet, self._clock.now, _CLIENT))

    def _put(self, packets: Sequence[Sent]) -> None:
        for sent in packets:
            if sent.at <= self._clock.now:
                self._carrier.send(sent.packet)
            else:
                self._clock.call_at(sent.at, self._sender(sent.packet))
        self._player.events()
        due = self._player.next_timeout()
        if due is not None and (self._due is None or due < self._due):
            self._due = due
            self._clock.call_at(due, self._wake)

    def _wake(self) -> None:
        self._due = None
        self._put(self._player.handle_timeout(self._clock.now))

    def _sender(self, packet: bytes) -> Callable[[], None]:
        return lambda: self._carrier.send(packet)


class SimulatedGateway:
    """A gateway by the book, and the client's end of the way to it.

    ``forgotten`` counts how often it was made to forget the client.
    """

    def __init__(self, player: GatewayPlayer | None = None) -> None:
        self.forgotten = 0
        self.clock: Final = VirtualClock()
        self.player: Final = player or GatewayPlayer(Rules(otherwise=Answer(delay=LOOKUP_TIME)))
        self.carrier, far = memory_pair(self.clock, DELAY)
        Simulation(self.player, far)

    def forget(self) -> None:
        """It drops all that it knows about the client, as it does when one of them says Goodbye."""
        self.forgotten += 1
        self.player.receive(encode(GOODBYE, {}), self.clock.now, _CLIENT)
        self.player.events()

    def table(self) -> list[Mapped]:
        """What it maps for the client."""
        return self.player.tables().get(_CLIENT, [])
