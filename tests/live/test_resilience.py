"""All scenarios against gateways by the book and against broken ones, simulated and over a tunnel."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from fzctl.errors import CarrierError, EncodeError
from fzctl.live.gateway import Answer, GatewayPlayer, Rules
from fzctl.live.player import Sent
from fzctl.live.resilience import make_targets, simulate, try_live
from fzctl.live.scenarios import (
    AGREES,
    ANSWERS,
    FRESH,
    SCENARIOS,
    SET_UP,
    Scenario,
    choose_scenarios,
)
from fzctl.live.simulated import LOOKUP_TIME, SimulatedGateway
from fzctl.live.trial import Settings
from fzctl.live.verdicts import BROKEN, HELD, NOT_RUN, UNDECIDED, WEAK, Row, percentile
from fzctl.protocol.fields import Status
from tests.live.bearing import ROUND_TRIP, TARGETS, gateway_that
from tests.live.loop import gateway_on_loopback
from tests.records import RESOURCE, assigned

SETTINGS = Settings(TARGETS)

WEAKNESSES = {
    "corrupt": {AGREES, FRESH},
    "no-traffic": {SET_UP},
    "stale-answer": {FRESH},
    "late-inactive": {FRESH},
    "late-active": {AGREES, FRESH},
}
"""What the rules of the protocol do not prevent, and what is therefore seen."""


def rows(
    names: list[str],
    runs: int = 30,
    seed: int = 0,
    make: Callable[[], SimulatedGateway] = SimulatedGateway,
    settings: Settings = SETTINGS,
) -> dict[str, Row]:
    found = simulate(choose_scenarios(names), settings, runs, seed, make)
    return {row.scenario.name: row for row in found}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_gateway_by_the_book_shows_the_known_weaknesses_and_nothing_else(scenario: Scenario) -> None:
    row = rows([scenario.name])[scenario.name]
    assert set(row.weaknesses) == WEAKNESSES.get(scenario.name, set())
    assert row.verdict == (WEAK if scenario.name in WEAKNESSES else HELD)
    assert row.runs == 30
    if scenario.name != "no-traffic":
        assert len(row.recoveries) == 30 * len(TARGETS)


@pytest.mark.parametrize("percent", [5, 10, 20, 30, 50])
def test_questions_are_repeated_as_often_as_the_loss_foretells(percent: int) -> None:
    """Both ways must succeed, so an attempt has the chance (1-p)^2, and takes 2 s where it fails."""
    name = f"loss-{percent}"
    row = rows([name], runs=400)[name]
    attempt = (1 - percent / 100) ** 2
    assert sum(row.resends) / len(row.resends) == pytest.approx(1 / attempt - 1, rel=0.15, abs=0.02)
    for repeated, recovery in zip(row.resends, row.recoveries, strict=True):  # both ascending
        assert recovery == pytest.approx(2 * repeated + ROUND_TRIP)
    at_once = sum(recovery < 1 for recovery in row.recoveries) / len(row.recoveries)
    assert at_once == pytest.approx(attempt, abs=0.06)


@pytest.mark.parametrize(
    ("name", "median"),
    [
        ("calm", ROUND_TRIP),
        ("question-lost", 2 + ROUND_TRIP),
        ("answer-lost", 2 + ROUND_TRIP),
        ("late-inactive", 5 + ROUND_TRIP),
        ("late-active", 3 + ROUND_TRIP),
        ("goodbye", 1 + 0.1 + ROUND_TRIP),
    ],
)
def test_recovery_takes_what_the_rules_say(name: str, median: float) -> None:
    assert percentile(rows([name], runs=5)[name].recoveries, 0.5) == pytest.approx(median)


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    names = ["loss-30", "reorder", "duplicate", "corrupt", "delay"]
    first, again, other = rows(names, 10), rows(names, 10), rows(names, 10, seed=1)
    assert first == again
    assert all(first[name] != other[name] for name in ("loss-30", "reorder", "delay"))


def test_a_scenario_is_the_same_whatever_else_is_run() -> None:
    assert rows(["loss", "calm"], 5)["loss-50"] == rows(["loss-50"], 5)["loss-50"]


@pytest.mark.parametrize(
    ("answer", "broken", "words"),
    [
        ({"status": "none"}, {SET_UP, ANSWERS}, "no question was ever answered"),
        ({"wrong": "domain"}, {SET_UP, ANSWERS}, "other.example: Active came, and nobody had asked"),
        ({"wrong": "resource"}, {SET_UP, ANSWERS}, "and nobody had asked for it"),
        ({"wrong": "json"}, {SET_UP, ANSWERS}, "no question was ever answered"),
        ({"wrong": "kind"}, {SET_UP, ANSWERS}, "no question was ever answered"),
        ({"wrong": "twice"}, {ANSWERS}, "Active came once more, without a question"),
        ({"wrong": "late"}, {ANSWERS, SET_UP, FRESH}, "Inactive came once more, without a question"),
        ({"status": Status.INACTIVE}, {SET_UP}, "the gateway said Inactive"),
        ({"delay": 60.0}, {SET_UP, FRESH}, "the gateway said Inactive"),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_a_broken_gateway_is_found(answer: dict[str, object], broken: set[str], words: str) -> None:
    settings = SETTINGS._replace(limit=40.0)
    row = rows(["calm"], 2, make=gateway_that(**answer), settings=settings)["calm"]
    assert row.verdict == BROKEN
    assert set(row.broken) <= broken
    assert set(row.broken) & {SET_UP, ANSWERS}
    said = [note for tally in row.tallies.values() for note in tally.notes]
    assert any(words in note for note in said), said


def test_a_gateway_that_answers_after_ten_seconds_is_found() -> None:
    """One by the book would have given up by then and said Inactive."""

    class Tardy(GatewayPlayer):
        def receive(self, packet: bytes, now: float, source: str = "") -> list[Sent]:
            return [sent._replace(at=now + 12) for sent in super().receive(packet, now, source)]

    row = rows(["calm"], 2, make=lambda: SimulatedGateway(Tardy()))["calm"]
    assert row.broken == (ANSWERS,)
    assert "the answer took 12.1 s" in row.tallies[ANSWERS].notes[0]


def test_a_gateway_that_gives_up_after_ten_seconds_does_what_it_shall() -> None:
    row = rows(["calm"], 2, make=gateway_that(delay=60.0), settings=SETTINGS._replace(limit=14.0))["calm"]
    assert row.broken == (SET_UP,)


def test_a_gateway_that_loses_an_answer_now_and_then_is_not_broken() -> None:
    row = rows(["calm"], make=gateway_that(lose=1))["calm"]
    assert row.verdict == HELD
    assert set(row.resends) == {1}


@pytest.mark.parametrize("domain", ["", "a..b", "ä.example", "a" * 64])
def test_a_domain_that_no_client_can_ask_for_is_refused_at_once(domain: str) -> None:
    with pytest.raises(EncodeError):
        make_targets([domain], RESOURCE)
    with pytest.raises(EncodeError):
        make_targets(["a"], "no uuid")


def test_each_domain_is_one_target_however_often_and_in_whatever_way_it_is_named() -> None:
    targets = make_targets(["A.example.com", "a.example.com.", "b.example.com"], RESOURCE)
    assert [target.domain for target in targets] == ["A.example.com", "b.example.com"]
    assert len({address for target in targets for address in target.proxy_ips}) == 16
    assert len(make_targets(["a"], RESOURCE, "ipv4")[0].proxy_ips) == 4


# --- whoever is behind a carrier ---


def over(gateway: SimulatedGateway, scenarios: Sequence[Scenario], runs: int = 2) -> list[Row]:
    return list(try_live(scenarios, SETTINGS, runs, 0, gateway.carrier, gateway.clock))


def test_an_answer_of_before_does_not_belong_to_a_run() -> None:
    gateway = SimulatedGateway()
    gateway.carrier.send(assigned("before.example.com"))
    gateway.clock.wait(1)
    [row] = over(gateway, choose_scenarios(["calm"]))
    assert row.verdict == HELD


def test_that_nothing_is_answered_where_nothing_was_asked_ends_nothing() -> None:
    silent, calm = over(SimulatedGateway(), choose_scenarios(["no-traffic", "calm"])[::-1])
    assert (silent.scenario.name, silent.answered, calm.verdict) == ("no-traffic", 0, HELD)


def test_all_scenarios_in_a_row_against_one_gateway_show_what_they_show_against_fresh_ones() -> None:
    for row in over(SimulatedGateway(), SCENARIOS):
        if row.scenario.simulated:
            assert row.verdict == NOT_RUN
            continue
        # What a gateway holds is not seen from outside; its words are.
        assert set(row.weaknesses) == WEAKNESSES.get(row.scenario.name, set())
        assert not row.broken


# --- over a tunnel ---

QUICK = Rules(otherwise=Answer(delay=0.001))


def live(
    names: list[str], rules: Rules, runs: int = 1, limit: float = 40.0
) -> tuple[dict[str, Row], list[str]]:
    began: list[str] = []
    with gateway_on_loopback(rules) as tunnel, tunnel.connected() as carrier:
        found = list(
            try_live(
                choose_scenarios(names),
                Settings(TARGETS, limit, settle=0.1),
                runs,
                3,
                carrier,
                time.monotonic,
                lambda scenario, number: began.append(f"{scenario.name} {number}"),
            )
        )
    return {row.scenario.name: row for row in found}, began


def test_with_twenty_percent_loss_over_real_datagrams_everything_is_set_up() -> None:
    found, began = live(["loss-20"], QUICK, runs=2)
    row = found["loss-20"]
    assert row.verdict == HELD
    assert len(row.recoveries) == 2 * len(TARGETS)
    assert began == ["loss-20 0", "loss-20 1"]
    # Which messages are lost is the seed's choice, not the clock's.
    assert sum(row.resends) == sum(rows(["loss-20"], 2, seed=3)["loss-20"].resends)


def test_strikes_do_the_same_to_a_client_in_front_of_a_real_gateway() -> None:
    found, _ = live(
        ["answer-first", "goodbye", "unknown-kind", "malformed", "corrupt", "goodbye-sent"], QUICK
    )
    verdicts = {name: row.verdict for name, row in found.items()}
    assert verdicts == {
        "corrupt": NOT_RUN,
        "answer-first": HELD,
        "goodbye": HELD,
        "goodbye-sent": NOT_RUN,
        "unknown-kind": HELD,
        "malformed": HELD,
    }


def test_where_nothing_is_answered_the_rest_is_not_tried() -> None:
    found, began = live(["calm", "loss"], Rules(otherwise=Answer(status="none")), limit=0.5)
    assert began == ["calm 0"]
    assert found["calm"].verdict == UNDECIDED
    assert all(found[f"loss-{percent}"].verdict == NOT_RUN for percent in (5, 50))
    assert found["loss-5"].reason == "nothing was answered before"


def test_a_tunnel_that_ends_is_an_error() -> None:
    with gateway_on_loopback(QUICK) as tunnel, tunnel.connected() as carrier:
        carrier.close()
        with pytest.raises(CarrierError):
            list(try_live(choose_scenarios(["calm"]), SETTINGS, 1, 0, carrier, time.monotonic))


def test_the_usual_gateway_takes_its_time() -> None:
    assert rows(["calm"], 1)["calm"].recoveries[0] > LOOKUP_TIME
