"""The matrix of what held: its text, within 80 columns, and its object."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from fzctl.live.resilience import simulate
from fzctl.live.scenarios import PROPERTIES, SCENARIOS, SET_UP, Scenario, choose_scenarios
from fzctl.live.trial import Settings
from fzctl.live.verdicts import Row, Tally, not_run
from fzctl.render.matrix import (
    WIDTH,
    heading,
    list_object,
    list_text,
    matrix_object,
    row_text,
    runs_text,
    summary,
)
from tests.live.bearing import TARGETS
from tests.records import HOSTILE, harmful

BROKEN = Row(
    Scenario("late-inactive", "this is done", "that comes of it"),
    1000,
    {
        "set_up": Tally(held=999, failed=1, notes=("one.example.com: pending in the end", "and more")),
        "answers": Tally(held=998, undecided=2),
    },
    tuple(each / 100 for each in range(1, 1000)),
    (0,) * 999 + (31,),
    1234,
)
EVERY_VERDICT = (
    *simulate(choose_scenarios(["calm", "loss-20", "late-active", "no-traffic"]), Settings(TARGETS), 20, 0),
    BROKEN,
    Row(
        Scenario("calm", "done", "rule"),
        3,
        {"set_up": Tally(held=2, undecided=1)},
        (0.0041, 2.0),
        (0, 1, 9),
        2,
    ),
    not_run(SCENARIOS[0], "a simulated gateway only"),
)


def text_of(rows: tuple[Row, ...], *, colour: bool = False, details: bool = False) -> str:
    lines = [heading(colour), *(row_text(row, colour=colour, details=details) for row in rows)]
    return "\n".join([*lines, "", summary(rows), ""])


def test_the_matrix_looks_like_this(golden: Callable[[str, str], None]) -> None:
    golden(text_of(EVERY_VERDICT), "matrix.txt")


def test_the_list_looks_like_this(golden: Callable[[str, str], None]) -> None:
    golden(list_text(SCENARIOS) + "\n", "matrix-list.txt")


@pytest.mark.parametrize("details", [False, True])
def test_it_fits_a_terminal_of_80_columns(details: bool) -> None:
    for text in (text_of(EVERY_VERDICT, details=details), list_text(SCENARIOS)):
        assert all(len(line) <= WIDTH for line in text.splitlines())


def test_colours_add_nothing_that_the_words_do_not_say() -> None:
    coloured = text_of(EVERY_VERDICT, colour=True)
    assert "\x1b[31mBROKEN" in coloured
    for code in ("1", "2", "31", "32", "33", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    plain = [line.rstrip() for line in text_of(EVERY_VERDICT).splitlines()]
    assert [line.rstrip() for line in coloured.splitlines()] == plain


def test_details_tell_of_rows_that_held_too() -> None:
    [row] = simulate(choose_scenarios(["calm"]), Settings(TARGETS), 2, 0)
    assert row_text(row, colour=False).count("\n") == 0
    told = row_text(row, colour=False, details=True)
    assert "rule: one question and one answer" in told
    assert "seen: everything held in every run" in told


def test_what_failed_once_in_a_thousand_times_is_not_shown_as_always() -> None:
    assert " 99 %" in row_text(BROKEN, colour=False)
    assert "in 1 of 1000 runs, AGAINST THE RULES" in row_text(BROKEN, colour=False)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_out_of_packets_do_no_harm(hostile: str) -> None:
    row = BROKEN._replace(tallies={SET_UP: Tally(failed=1, notes=(f"{hostile}: pending",))})
    assert not harmful(row_text(row, colour=False))


def test_the_object_holds_everything_and_is_json() -> None:
    found = matrix_object(EVERY_VERDICT, gateway="wg0", simulated=False, seed=7)
    assert json.loads(json.dumps(found)) == found
    assert (found["schema"], found["gateway"], found["simulated"], found["seed"]) == (1, "wg0", False, 7)
    assert found["ok"] is False
    assert set(found["properties"]) == set(PROPERTIES)
    scenarios = found["scenarios"]
    assert [each["verdict"] for each in scenarios] == [
        "held", "held", "known_weakness", "known_weakness", "broken", "undecided", "not_run",
    ]  # fmt: skip
    broken, idle = scenarios[4], scenarios[6]
    assert broken["seen"]["set_up"] == {
        "held": 999,
        "failed": 1,
        "undecided": 0,
        "notes": ["one.example.com: pending in the end", "and more"],
    }
    assert broken["recovery"] == {"count": 999, "median": 5.0, "p95": 9.5, "worst": 9.99}
    assert broken["resends"] == {"mean": 0.031, "worst": 31}
    assert {*broken["must_hold"], *broken["weak"]} == set(PROPERTIES)
    assert idle["reason"] == "a simulated gateway only"
    assert idle["recovery"] == {"count": 0, "median": None, "p95": None, "worst": None}
    assert idle["resends"] == {"mean": None, "worst": None}


def test_all_is_well_where_all_that_must_hold_held() -> None:
    assert matrix_object(EVERY_VERDICT[:4], gateway="", simulated=True, seed=0)["ok"] is True
    assert matrix_object(EVERY_VERDICT[5:6], gateway="", simulated=True, seed=0)["ok"] is False


def test_the_list_is_there_for_scripts() -> None:
    found = list_object(SCENARIOS)
    assert [each["name"] for each in found["scenarios"]] == [each.name for each in SCENARIOS]
    assert json.loads(json.dumps(found)) == found


def test_numbers_are_told_in_words() -> None:
    assert runs_text(1, 1) == "1 run of 1 domain each"
    assert runs_text(200, 3) == "200 runs of 3 domains each"
