"""A client and a gateway that play against each other in virtual time."""

from __future__ import annotations

from typing import Any

from fzctl.carriers.memory import VirtualClock, memory_pair
from fzctl.live.client import ClientPlayer, Habits, Wish
from fzctl.live.drive import Driver
from fzctl.live.gateway import Answer, GatewayPlayer, Rules
from fzctl.live.player import Exchange, Happening
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.codec import decode

RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
OTHER = "0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77"
WIKI = "wiki.example.com"


def answer(pattern: str = "**", **more: Any) -> Answer:
    return Answer(DomainPattern(pattern), **more)


class Scene:
    """Both ends with what happened at each: (seconds, name, sentence)."""

    def __init__(
        self,
        *domains: str,
        habits: Habits = Habits(),  # noqa: B008
        rules: Rules = Rules(),  # noqa: B008
        resource: str = RESOURCE,
        delay: float = 0.0,
    ) -> None:
        self.clock = VirtualClock()
        ends = memory_pair(self.clock, delay)
        self.client = ClientPlayer([Wish(each, resource) for each in domains or (WIKI,)], habits)
        self.gateway = GatewayPlayer(rules)
        self.heard: list[Happening] = []
        self.told: list[Happening] = []
        self.ours = Driver(self.client, ends[0], self.clock, self.heard.append)
        self.theirs = Driver(self.gateway, ends[1], self.clock, self.told.append)

    def run(self, seconds: float, *, until_done: bool = True) -> Scene:
        """Both in turn, until the client is done or the time is over."""
        self.ours.start()
        self.theirs.start()
        return self.go_on(seconds, until_done=until_done)

    def go_on(self, seconds: float, *, until_done: bool = True) -> Scene:
        end = self.clock.now + seconds
        while self.clock.now < end and not (until_done and self.client.is_done):
            self.theirs.step(0)
            due = self.gateway.next_timeout()
            self.ours.step(0.1 if due is None else min(0.1, max(0.0005, due - self.clock.now)))
        return self

    @property
    def exchanges(self) -> list[Exchange]:
        return self.client.exchanges()

    def names(self, *wanted: str) -> list[str]:
        """What the client heard, by name."""
        return [each.name for each in self.heard if not wanted or each.name in wanted]

    def sent(self) -> list[tuple[float, str]]:
        """What left the client, with its time in tenths of a second."""
        return times(self.heard)

    def answered(self) -> list[tuple[float, str]]:
        """What left the gateway."""
        return times(self.told)


def times(happenings: list[Happening]) -> list[tuple[float, str]]:
    return [(round(each.time, 2), decode(each.packet).name) for each in happenings if each.name == "sent"]
