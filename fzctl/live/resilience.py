"""How client and gateway bear what a bad network, bad luck or a bad peer does to their messages.

Scenario by scenario, each a number of times: against a simulated gateway, where thousands of runs
take seconds and a seed repeats them all, or over a carrier against one that is real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

from fzctl.carriers.base import Carrier
from fzctl.live.scenarios import Scenario
from fzctl.live.simulated import SimulatedGateway
from fzctl.live.subject import Target
from fzctl.live.trial import Gateway, Outcome, Settings, Trial
from fzctl.live.verdicts import Row, not_run, tally
from fzctl.nat.provider import ProxyIps
from fzctl.protocol.codec import encode
from fzctl.protocol.kinds import ASSIGNED_IPS

_HARSH: Final = "a simulated gateway only"
_MUTE: Final = "nothing was answered before"


def make_targets(domains: Sequence[str], resource: str, stack: str = "dual") -> tuple[Target, ...]:
    """The domains of a resource, each once, with the proxy IPs that a client would give it.

    Raises EncodeError where no client could ask for one.
    """
    provider = ProxyIps()
    targets: dict[tuple[str, str], Target] = {}
    for domain in domains:
        target = Target(resource, domain, tuple(provider.assign(domain, stack)))
        encode(ASSIGNED_IPS, target.values)
        targets.setdefault(target.key, target)
    return tuple(targets.values())


def simulate(
    scenarios: Sequence[Scenario],
    settings: Settings,
    runs: int,
    seed: int,
    make_gateway: Callable[[], SimulatedGateway] = SimulatedGateway,
) -> Iterator[Row]:
    """Each scenario ``runs`` times, every run with a gateway of its own. Repeatable by ``seed``."""
    for scenario in scenarios:
        yield tally(scenario, _simulated(scenario, settings, runs, seed, make_gateway))


def try_live(
    scenarios: Sequence[Scenario],
    settings: Settings,
    runs: int,
    seed: int,
    carrier: Carrier,
    clock: Callable[[], float],
    on_run: Callable[[Scenario, int], None] | None = None,
) -> Iterator[Row]:
    """The same against whoever is behind ``carrier``; ``on_run`` is told before each run.

    Ends early where a whole scenario brought no answer at all. Raises CarrierError.
    """
    is_mute = False
    for scenario in scenarios:
        if scenario.simulated or is_mute:
            yield not_run(scenario, _HARSH if scenario.simulated else _MUTE)
            continue
        row = tally(scenario, _live(scenario, settings, runs, seed, carrier, clock, on_run))
        is_mute = not row.answered and not scenario.silent
        yield row


def _simulated(
    scenario: Scenario,
    settings: Settings,
    runs: int,
    seed: int,
    make_gateway: Callable[[], SimulatedGateway],
) -> Iterator[Outcome]:
    for number in range(runs):
        gateway = make_gateway()
        about = Gateway(gateway.forget, gateway.table)
        random = _random(scenario, seed, number)
        yield Trial(scenario, settings, gateway.carrier, gateway.clock, random, about).run()


def _live(
    scenario: Scenario,
    settings: Settings,
    runs: int,
    seed: int,
    carrier: Carrier,
    clock: Callable[[], float],
    on_run: Callable[[Scenario, int], None] | None,
) -> Iterator[Outcome]:
    for number in range(runs):
        if on_run is not None:
            on_run(scenario, number)
        while carrier.receive(0) is not None:
            pass  # what still comes of the run before belongs to it
        yield Trial(scenario, settings, carrier, clock, _random(scenario, seed, number)).run()


def _random(scenario: Scenario, seed: int, number: int) -> Random:
    return Random(f"{seed} {scenario.name} {number}")
