"""One run: what comes of it is what the protocol's rules make of what was done."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fzctl.carriers.base import OUT, Received
from fzctl.carriers.memory import MemoryCarrier
from fzctl.live.scenarios import SCENARIOS, Fate, Scenario, choose_scenarios
from fzctl.live.simulated import SimulatedGateway
from fzctl.live.trial import GRACE, SILENCE, Settings
from fzctl.nat.client import State
from fzctl.protocol.fields import Status
from tests.live.bearing import ONE, ROUND_TRIP, TARGETS, gateway_that, predict, scripted, try_once

losses = st.lists(st.booleans(), max_size=12)
fates = st.builds(
    Fate,
    lost=st.sampled_from((False, False, True)),
    held=st.sampled_from((0.0, 0.0, 0.73, 1.37, 2.59, 5.83)),
    status=st.sampled_from((None, None, Status.ACTIVE, Status.INACTIVE)),
)


def lost(flags: list[bool]) -> list[Fate]:
    return [Fate(lost=flag) for flag in flags]


@given(losses, losses)
def test_a_set_up_takes_two_seconds_for_each_loss(questions: list[bool], answers: list[bool]) -> None:
    """Each attempt asks once; it succeeds where neither the question nor its answer is lost."""
    through = answered = attempts = 0
    while not through:
        if attempts >= len(questions) or not questions[attempts]:
            through = answered >= len(answers) or not answers[answered]
            answered += 1
        attempts += 1
    outcome = try_once(scripted(lost(questions), lost(answers)))
    course = outcome.courses[0]
    assert course.state is State.CONFIRMED
    assert course.confirmed_at is not None
    assert course.since is not None
    assert course.confirmed_at - course.since == pytest.approx(2 * (attempts - 1) + ROUND_TRIP)
    assert course.sent == attempts
    assert course.exchange == 1
    assert outcome.wire.answered == answered


@given(st.lists(fates, max_size=5), st.lists(fates, max_size=5))
def test_any_script_ends_as_the_clients_state_machine_has_it(
    questions: list[Fate], answers: list[Fate]
) -> None:
    outcome = try_once(scripted(questions, answers))
    course = outcome.courses[0]
    assert course.started_at is not None
    expected = predict(questions, answers, outcome.time - course.started_at)
    assert course.state is expected.state
    assert course.sent == expected.sent
    if expected.confirmed_after is not None:
        assert course.confirmed_at is not None
        assert course.confirmed_at - course.started_at == pytest.approx(expected.confirmed_after)
    assert not course.out_of_order
    assert not course.after_goodbye


@settings(max_examples=25)
@given(st.integers())
def test_a_run_repeats_by_its_seed(seed: int) -> None:
    [scenario] = choose_scenarios(["loss-50"])
    first, second = (try_once(scenario, TARGETS, seed=seed) for _ in range(2))
    assert first.time == second.time
    assert [vars(each) for each in first.courses] == [vars(each) for each in second.courses]


def test_a_run_ends_soon_after_all_is_confirmed() -> None:
    outcome = try_once(scripted())
    assert outcome.courses[0].confirmed_at == pytest.approx(outcome.time - Settings(()).settle)


def test_a_run_waits_for_what_is_still_on_its_way() -> None:
    outcome = try_once(scripted(answers=[Fate(held=5)]))
    assert outcome.courses[0].confirmed_at == pytest.approx(2 + ROUND_TRIP, abs=0.1)
    assert outcome.time > 5 + ROUND_TRIP + Settings(()).settle
    assert outcome.wire.given[0] == ["Active", "Active"]


def test_a_refresh_comes_once() -> None:
    [scenario] = choose_scenarios(["stale-answer"])
    outcome = try_once(scenario, TARGETS, settle=7)
    assert [course.exchange for course in outcome.courses] == [2, 2]


def test_a_gateway_that_said_goodbye_is_not_waited_for() -> None:
    [scenario] = choose_scenarios(["goodbye"])
    outcome = try_once(scenario, TARGETS, gateway_that(delay=1.0))
    assert outcome.time < 6
    assert not outcome.wire.wrong


def test_a_run_without_traffic_ends_when_it_has_been_silent_for_long() -> None:
    outcome = try_once(scripted(lost([True]), silent=True))
    assert outcome.time == pytest.approx(SILENCE)
    assert outcome.courses[0].sent == 1
    assert outcome.courses[0].state is State.PENDING
    assert try_once(scripted(lost([True]), silent=True), limit=2).time == pytest.approx(2)


def test_a_run_ends_with_its_time_where_nothing_comes() -> None:
    outcome = try_once(scripted(), make=gateway_that(status="none"), limit=20)
    assert outcome.time == pytest.approx(20)
    assert outcome.courses[0].sent == 10


def test_a_run_waits_for_answers_that_may_still_come_but_not_for_ever() -> None:
    """The first answer is lost on the gateway's side; the second one confirms."""
    outcome = try_once(scripted(), make=gateway_that(lose=1))
    confirmed = outcome.courses[0].confirmed_at
    assert confirmed is not None
    assert confirmed < outcome.time - 1
    assert GRACE < outcome.time < GRACE + 5


@pytest.mark.parametrize("name", ["goodbye", "goodbye-sent"])
def test_after_a_goodbye_everything_is_asked_anew_and_the_gateway_has_nothing_of_before(name: str) -> None:
    [scenario] = choose_scenarios([name])
    gateway = SimulatedGateway()
    outcome = try_once(scenario, TARGETS, lambda: gateway)
    assert all(course.exchange == 2 and course.lost for course in outcome.courses)
    assert outcome.table is not None
    assert {row.domain for row in outcome.table} == {target.domain for target in TARGETS}


@pytest.mark.parametrize("name", ["goodbye", "goodbye-sent"])
def test_the_gateway_forgets_with_the_goodbye_and_once(name: str) -> None:
    [scenario] = choose_scenarios([name])
    gateway = SimulatedGateway()
    try_once(scenario, TARGETS, lambda: gateway)
    assert gateway.player.counts["closed"] == 1
    assert gateway.forgotten == (name == "goodbye")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_scenario_goes_on_for_ever(scenario: Scenario) -> None:
    assert try_once(scenario, TARGETS).time < 60


def test_what_this_machine_sends_itself_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some carriers see both directions."""
    whole = MemoryCarrier.receive

    def both(self: MemoryCarrier, timeout: float) -> Received | None:
        received = whole(self, timeout)
        return None if received is None else received._replace(direction=OUT)

    monkeypatch.setattr(MemoryCarrier, "receive", both)
    outcome = try_once(scripted(), limit=5)
    assert outcome.wire.answered == 0
    assert outcome.courses[0].state is State.PENDING


def test_a_goodbye_is_said_once_and_any_other_strike_once_for_each_domain() -> None:
    [goodbye] = choose_scenarios(["goodbye"])
    [inactive] = choose_scenarios(["late-inactive"])
    assert [course.exchange for course in try_once(goodbye, TARGETS).courses] == [2, 2]
    assert [len(course.stale) for course in try_once(inactive, TARGETS).courses] == [1, 1]


def test_an_unknown_kind_and_broken_json_reach_both_ends_and_change_nothing() -> None:
    for name in ("unknown-kind", "malformed"):
        [scenario] = choose_scenarios([name])
        gateway = SimulatedGateway()
        outcome = try_once(scenario, ONE, lambda: gateway)  # noqa: B023 - called at once
        assert gateway.player.counts["ignored"] == 3
        assert gateway.player.counts["received"] == 4
        assert outcome.courses[0].sent == outcome.courses[0].exchange == 1
        assert not outcome.courses[0].stale
        assert not outcome.wire.wrong
