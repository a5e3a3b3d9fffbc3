"""What the tests of resilience share: domains, a gateway that answers as told, scripted scenarios."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from typing import NamedTuple

from fzctl.live.gateway import Answer, GatewayPlayer, Rules
from fzctl.live.resilience import make_targets
from fzctl.live.scenarios import Fate, Scenario
from fzctl.live.simulated import DELAY, LOOKUP_TIME, SimulatedGateway
from fzctl.live.subject import QUERY_AFTER, TRAFFIC_EVERY, Target
from fzctl.live.trial import Gateway, Outcome, Settings, Trial
from fzctl.nat.client import ClientNat, Effects, State
from fzctl.protocol.fields import Status
from tests.records import RESOURCE

ROUND_TRIP = 2 * DELAY + LOOKUP_TIME

TARGETS = make_targets(["one.example.com", "two.example.com"], RESOURCE)
ONE = TARGETS[:1]


def scripted(
    questions: Sequence[Fate] = (), answers: Sequence[Fate] = (), *, silent: bool = False
) -> Scenario:
    return Scenario("scripted", "", "", questions=tuple(questions), answers=tuple(answers), silent=silent)


def gateway_that(**answer: object) -> Callable[[], SimulatedGateway]:
    """A simulated gateway whose rules differ from the usual ones in this."""
    settings: dict[str, object] = {"delay": LOOKUP_TIME, **answer}
    return lambda: SimulatedGateway(GatewayPlayer(Rules(otherwise=Answer(**settings))))  # type: ignore[arg-type]


def try_once(
    scenario: Scenario,
    targets: tuple[Target, ...] = ONE,
    make: Callable[[], SimulatedGateway] = SimulatedGateway,
    *,
    seed: int = 1,
    limit: float = 300.0,
    settle: float = 2.0,
) -> Outcome:
    gateway = make()
    about = Gateway(gateway.forget, gateway.table)
    return Trial(
        scenario, Settings(targets, limit, settle), gateway.carrier, gateway.clock, Random(seed), about
    ).run()


class Prediction(NamedTuple):
    """What the protocol's rules make of a script, in seconds since the domain was asked for."""

    state: State | None
    confirmed_after: float | None
    sent: int


def predict(questions: Sequence[Fate], answers: Sequence[Fate], until: float) -> Prediction:
    """A client's state machine by hand: packets each second, a query 5 s after a failure, the script."""
    nat = ClientNat()
    target = ONE[0]
    agenda: list[tuple[float, int, Callable[[float], None]]] = []
    order = count()
    sent = answered = packets = 0
    confirmed: float | None = None

    def at(when: float, what: Callable[[float], None]) -> None:
        heapq.heappush(agenda, (round(when, 6), next(order), what))

    def took(effects: Effects, now: float) -> None:
        nonlocal sent
        if effects.assigned is None:
            return
        sent += 1
        fate = questions[sent - 1] if sent <= len(questions) else Fate()
        if not fate.lost:
            at(now + ROUND_TRIP, answer)

    def answer(now: float) -> None:
        nonlocal answered
        answered += 1
        fate = answers[answered - 1] if answered <= len(answers) else Fate()
        if not fate.lost:
            at(now + fate.held, lambda then: status(fate.status or Status.ACTIVE, then))

    def status(text: str, now: float) -> None:
        nonlocal confirmed
        before = state()
        nat.on_domain_status("g", target.domain, target.resource, text)
        if state() is State.CONFIRMED and before is not State.CONFIRMED:
            confirmed = now
        if state() is State.FAILED and before is not State.FAILED:
            at(now + QUERY_AFTER, failed)

    def failed(now: float) -> None:
        if state() is State.FAILED:
            query(now)

    def query(now: float) -> None:
        nat.recreate(target.domain)
        took(nat.update("g", target.domain, target.resource, target.proxy_ips, round(now * 1000)), now)

    def use(now: float) -> None:
        nonlocal packets
        packets += 1
        packet = bytes((0x45, packets))
        took(nat.handle_outgoing("g", target.domain, target.resource, packet, round(now * 1000)), now)
        at(now + TRAFFIC_EVERY, use)

    def state() -> State | None:
        return nat.state("g", target.domain, target.resource)

    at(0.0, query)
    at(0.0, use)
    while agenda and agenda[0][0] <= until + 1e-6:
        now, _, what = heapq.heappop(agenda)
        what(now)
    return Prediction(state(), confirmed if state() is State.CONFIRMED else None, sent)
