"""What is called held, weak, broken or undecided, and what a run tells about each property."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.live.impair import Impairments
from fzctl.live.scenarios import (
    AGREES,
    ANSWERS,
    ENDED,
    FRESH,
    ORDER,
    PROPERTIES,
    SET_UP,
    Fate,
    Scenario,
    choose_scenarios,
)
from fzctl.live.trial import Outcome
from fzctl.live.verdicts import (
    BROKEN,
    HELD,
    NOT_RUN,
    UNDECIDED,
    WEAK,
    Row,
    Tally,
    judge,
    not_run,
    percentile,
    tally,
)
from fzctl.protocol.fields import Status
from tests.live.bearing import ONE, TARGETS, gateway_that, scripted, try_once

INACTIVE = Fate(status=Status.INACTIVE)


def holds(outcome: Outcome) -> dict[str, bool | None]:
    return {name: finding.holds for name, finding in judge(outcome).items()}


def failed(outcome: Outcome) -> set[str]:
    return {name for name, value in holds(outcome).items() if value is False}


def notes(outcome: Outcome, name: str) -> str:
    return "; ".join(judge(outcome)[name].notes)


def test_all_properties_hold_where_nothing_is_done() -> None:
    assert holds(try_once(scripted(), TARGETS)) == dict.fromkeys(PROPERTIES, True)


def test_an_inactive_of_the_gateway_is_no_set_up_and_both_ends_agree_about_it() -> None:
    outcome = try_once(scripted(), make=gateway_that(status=Status.INACTIVE), limit=60)
    assert failed(outcome) == {SET_UP}
    assert notes(outcome, SET_UP) == "one.example.com: failed in the end, the gateway said Inactive"


def test_a_gateway_that_is_silent_breaks_set_up_and_answers() -> None:
    outcome = try_once(scripted(), make=gateway_that(status="none"), limit=60)
    assert failed(outcome) == {SET_UP, ANSWERS}
    assert "a question was never answered" in notes(outcome, SET_UP)
    assert "no question was ever answered" in notes(outcome, ANSWERS)


def test_bad_luck_until_the_time_is_up_is_nobodys_fault() -> None:
    outcome = try_once(scripted([Fate(lost=True)] * 20), limit=30)
    assert holds(outcome) == {**dict.fromkeys(PROPERTIES, True), SET_UP: None}
    assert notes(outcome, SET_UP) == "one.example.com: pending when the time was up"


def test_a_question_that_may_still_be_answered_is_no_failure_yet() -> None:
    outcome = try_once(scripted(), make=gateway_that(status="none"), limit=9)
    assert holds(outcome)[SET_UP] is None
    assert holds(outcome)[ANSWERS] is True


@pytest.mark.parametrize(("name", "limit"), [("late-inactive", 4), ("late-active", 2.5), ("goodbye", 0.5)])
def test_time_that_is_up_in_the_middle_of_a_scenario_accuses_nobody(name: str, limit: float) -> None:
    [scenario] = choose_scenarios([name])
    outcome = try_once(scenario, limit=limit)
    assert holds(outcome)[SET_UP] is None
    assert failed(outcome) <= {FRESH}
    assert "when the time was up" in notes(outcome, SET_UP)
    assert tally(scenario, [outcome]).verdict == UNDECIDED


def test_a_domain_that_the_gateway_does_not_map_is_no_agreement() -> None:
    outcome = try_once(scripted())
    assert outcome.table
    for table in ((), outcome.table[1:], tuple(row._replace(domain="x") for row in outcome.table)):
        assert failed(outcome._replace(table=table)) == {AGREES}
    assert failed(outcome._replace(table=None)) == set()


@pytest.mark.parametrize(
    ("attribute", "name"), [("stale", FRESH), ("out_of_order", ORDER), ("after_goodbye", ENDED)]
)
def test_what_the_client_noted_fails_its_property(attribute: str, name: str) -> None:
    outcome = try_once(scripted())
    getattr(outcome.courses[0], attribute).append("one.example.com: so it was")
    assert failed(outcome) == {name}
    assert notes(outcome, name) == "one.example.com: so it was"


# --- rows ---


def row(weak: tuple[str, ...] = (), **tallies: Tally) -> Row:
    return Row(Scenario("x", "", "", weak=weak), 4, tallies, (), (), 0)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (row(set_up=Tally(held=4)), HELD),
        (row(set_up=Tally(held=3, failed=1)), BROKEN),
        (row((SET_UP,), set_up=Tally(failed=4)), WEAK),
        (row((SET_UP,), set_up=Tally(held=4)), HELD),
        (row((SET_UP,), set_up=Tally(failed=4), answers=Tally(held=3, failed=1)), BROKEN),
        (row(set_up=Tally(held=3, undecided=1)), UNDECIDED),
        (row(set_up=Tally(failed=1, undecided=3)), BROKEN),
        (row((FRESH,), set_up=Tally(undecided=4), no_stale_state=Tally(failed=4)), UNDECIDED),
        (row((SET_UP,), set_up=Tally(undecided=4)), HELD),
        (not_run(Scenario("x", "", ""), "why not"), NOT_RUN),
    ],
)
def test_the_word_for_a_row(found: Row, verdict: str) -> None:
    assert found.verdict == verdict


def test_a_row_counts_runs_recoveries_and_repeated_questions() -> None:
    script = scripted(answers=[Fate(lost=True), Fate(lost=True)])
    outcomes = [try_once(script, TARGETS), try_once(scripted(), TARGETS)]
    found = tally(script, iter(outcomes))
    assert found.runs == 2
    assert [round(each, 6) for each in found.recoveries] == [0.1, 0.1, 4.1, 4.1]
    assert found.resends == (0, 0, 2, 2)
    assert found.answered == 8
    assert all(each == Tally(held=2) for each in found.tallies.values())


def test_the_first_question_of_a_refresh_repeats_none() -> None:
    [refreshed] = choose_scenarios(["stale-answer"])
    assert tally(refreshed, [try_once(refreshed, TARGETS)]).resends == (0, 0)


def test_that_a_damaged_question_has_no_answer_is_nobodys_fault() -> None:
    broken = Scenario("x", "", "", impairments=Impairments(corrupt=1.0))
    for seed in range(12):
        outcome = try_once(broken, make=gateway_that(status="none"), seed=seed, limit=40)
        assert holds(outcome)[SET_UP] is None


def test_only_the_first_notes_are_kept() -> None:
    outcomes = [try_once(scripted(), make=gateway_that(status=Status.INACTIVE), limit=3) for _ in range(9)]
    found = tally(scripted(), outcomes).tallies[SET_UP]
    assert (found.failed, len(found.notes)) == (9, 3)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.sampled_from((0.5, 0.95, 0.99, 1.0)))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(
    values: list[float], share: float
) -> None:
    values.sort()
    found = percentile(values, share)
    assert found is not None
    needed = math.ceil(round(share * len(values), 9))
    assert sum(value <= found for value in values) >= needed
    assert sum(value < found for value in values) < needed


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 0.5) is None
    assert percentile([1.0], 0.95) == 1.0


def test_a_domain_that_is_confirmed_although_it_should_not_is_no_agreement() -> None:
    """The only answer is an Inactive on the way; then an Active that nobody gave confirms."""
    [late] = choose_scenarios(["late-active"])
    assert failed(try_once(late, ONE)) == {AGREES, FRESH}
