"""The declarations of the rules, and how people choose among them."""

from __future__ import annotations

import re

import pytest

from fzctl.analysis import rules
from fzctl.analysis.rules import NOTE, RULES, SEVERITIES, WARNING, Rule, chooser
from fzctl.errors import UsageError


def test_every_rule_is_listed_once_in_the_order_of_its_number() -> None:
    declared = [each for each in vars(rules).values() if isinstance(each, Rule)]
    assert sorted(declared) == list(RULES)
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_words_for_people(rule: Rule) -> None:
    assert re.fullmatch(r"FZ[1-5][0-9]{2}", rule.id)
    assert rule.severity in SEVERITIES
    assert not rule.title.endswith(".")
    for sentence in (rule.why, rule.look):
        assert sentence[-1] == "."
        assert "|" not in sentence


def ids(**options: object) -> set[str]:
    return {rule.id for rule in RULES if chooser(**options)(rule)}  # type: ignore[arg-type]


def test_without_a_choice_all_are_wanted() -> None:
    assert ids() == {rule.id for rule in RULES}


def test_rules_are_chosen_by_beginning_and_severity() -> None:
    assert ids(select=["FZ2"], ignore=["FZ207"]) == {f"FZ20{number}" for number in (1, 2, 3, 4, 5, 6, 8)}
    assert ids(select=["FZ101", "FZ5"]) == {"FZ101", "FZ501"}
    assert ids(severity=WARNING) == {rule.id for rule in RULES if rule.severity != NOTE}
    assert ids(severity="error") < ids(severity=WARNING)


@pytest.mark.parametrize(
    "options", [{"select": ["FZ9"]}, {"ignore": [""]}, {"select": ["fz101"]}, {"severity": "bad"}]
)
def test_a_choice_of_nothing_is_an_error_of_the_user(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"rule|severity"):
        ids(**options)
