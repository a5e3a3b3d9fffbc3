"""The declared scenarios: whole, distinct, and chosen by their names."""

from __future__ import annotations

import pytest

from fzctl.errors import UsageError
from fzctl.live.impair import Impairer
from fzctl.live.scenarios import PROPERTIES, SAY_GOODBYE, SCENARIOS, Scenario, choose_scenarios

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


def test_names_are_distinct() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


@each_scenario
def test_a_scenario_says_what_is_done_and_what_the_rules_make_of_it(scenario: Scenario) -> None:
    assert scenario.done
    assert scenario.rule
    Impairer(scenario.impairments)  # raises where one is out of range
    for sentence in (scenario.done, scenario.rule):
        assert sentence[0].isdigit() or sentence == sentence[0].lower() + sentence[1:]
        assert not sentence.endswith(".")


@each_scenario
def test_each_property_must_hold_or_is_named_weak(scenario: Scenario) -> None:
    assert {*scenario.must, *scenario.weak} == set(PROPERTIES)
    assert not {*scenario.must} & {*scenario.weak}


@each_scenario
def test_something_is_done_in_every_scenario_but_the_calm_one(scenario: Scenario) -> None:
    plain = Scenario(scenario.name, scenario.done, scenario.rule)
    assert (scenario == plain) == (scenario.name == "calm")


@each_scenario
def test_what_ends_a_connection_for_good_is_not_said_to_a_real_gateway(scenario: Scenario) -> None:
    ends = any(strike.say == SAY_GOODBYE and strike.way == "to gateway" for strike in scenario.strikes)
    assert not ends or scenario.simulated


def names(chosen: tuple[Scenario, ...]) -> list[str]:
    return [scenario.name for scenario in chosen]


def test_without_a_name_all_are_chosen() -> None:
    assert choose_scenarios([]) == SCENARIOS


def test_names_choose_in_the_order_of_declaration_and_each_once() -> None:
    assert names(choose_scenarios(["goodbye", "calm", "goodbye"])) == ["calm", "goodbye"]


def test_the_beginning_of_names_chooses_all_of_them() -> None:
    assert names(choose_scenarios(["loss"])) == ["loss-5", "loss-10", "loss-20", "loss-30", "loss-50"]
    assert names(choose_scenarios(["late"])) == ["late-inactive", "late-active"]


@pytest.mark.parametrize("name", ["", "los", "loss-2", "CALM", "x\x1b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"there is no scenario .*--list"):
        choose_scenarios(["calm", name])
