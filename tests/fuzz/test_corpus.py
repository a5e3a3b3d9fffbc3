"""Each target holds for its seeds, for all that ever broke it, and for what hypothesis makes of them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.engines import strategy_of
from tests.fuzz.findings import name_of
from tests.fuzz.guard import bounds
from tests.fuzz.target import CORPUS, NAMES, Target, corpus_of, inputs_of, load

EXAMPLES = 25
MOST_BYTES = 1 << 20

each_target = pytest.mark.parametrize("name", NAMES)


def run(target: Target, data: bytes) -> None:
    with bounds():
        target.check(data)


@each_target
def test_the_first_line_states_the_invariant(name: str) -> None:
    invariant = load(name).invariant
    assert invariant.endswith(".")
    assert len(invariant) > 30


@each_target
def test_what_broke_it_or_reaches_far_holds(name: str) -> None:
    target = load(name)
    paths = corpus_of(name)
    assert paths
    for path in paths:
        run(target, path.read_bytes())


@each_target
def test_seeds_and_what_hypothesis_makes_of_them_hold(name: str) -> None:
    target = load(name)
    inputs = inputs_of(target)
    for data in inputs[:: 1 + len(inputs) // 40]:
        run(target, data)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy_of(target, inputs))
    def holds(data: bytes) -> None:
        run(target, data)

    holds()


def test_the_corpus_is_small_and_each_file_has_the_name_of_its_content() -> None:
    paths = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in paths) < MOST_BYTES
    assert [path for path in paths if path.name != name_of(path.read_bytes())] == []
    assert {path.parent.name for path in paths} <= set(NAMES)
