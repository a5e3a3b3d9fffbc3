"""Where inputs come from: plain mutations, hypothesis, or atheris, which looks at what they reach."""

from __future__ import annotations

import importlib.util
import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.fuzz.findings import Finding, Tally, name_of
from tests.fuzz.mutate import Mutator
from tests.fuzz.target import Target, inputs_of

ROOT = Path(__file__).parents[2]
_EXAMPLES = 400


class Outcome(NamedTuple):
    """A run of one engine on one target; ``corpus`` is how many inputs it began with or has come to."""

    executions: int
    seconds: float
    corpus: int
    findings: list[Finding]


class Limits(NamedTuple):
    """How long, from which seed, and where to write."""

    seconds: float
    seed: int
    out: Path


Engine = Callable[[Target, Limits], Outcome]


def run_mutate(target: Target, limits: Limits) -> Outcome:
    """Seeds and corpus, then mutations of them."""
    inputs = inputs_of(target)
    mutator = Mutator(inputs, target.tokens, target.longest)
    rng = random.Random(f"{target.name} {limits.seed}")
    return _timed(target, limits, inputs, lambda tally: tally.run(mutator.draw(rng)))


def run_hypothesis(target: Target, limits: Limits) -> Outcome:
    """Seeds and corpus, then what the target's strategy makes."""
    from hypothesis import HealthCheck, Phase, given, seed, settings

    inputs = inputs_of(target)
    rounds = itertools.count(limits.seed * 1_000_000)
    quiet = settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    strategy = strategy_of(target, inputs)
    end = time.monotonic() + limits.seconds

    def once(tally: Tally) -> None:
        @seed(next(rounds))
        @quiet
        @given(strategy)
        def example(data: bytes) -> None:
            if time.monotonic() < end:
                tally.run(data)

        example()

    return _timed(target, limits, inputs, once)


def strategy_of(target: Target, inputs: list[bytes]) -> Any:
    """The target's own strategy; beside it, or where it has none, mutations."""
    from hypothesis import strategies as st

    mutator = Mutator(inputs, target.tokens, target.longest)
    mutations = st.builds(mutator.draw, st.randoms(use_true_random=False))
    own = None if target.strategy is None else target.strategy()
    return mutations if own is None else st.one_of(own, own, mutations)


def run_atheris(target: Target, limits: Limits) -> Outcome:
    """In a process of its own, for libFuzzer does not come back. Its corpus grows from run to run."""
    folder = limits.out / "corpus" / target.name
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs_of(target):
        (folder / name_of(data)).write_bytes(data)
    report = limits.out / f"{target.name}.json"
    report.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.guided",
        target.name,
        str(limits.seconds),
        str(limits.seed),
        str(limits.out),
    ]
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    seconds = time.monotonic() - began
    count = len(list(folder.iterdir()))
    try:
        told = json.loads(report.read_bytes())
    except (OSError, ValueError):
        log = limits.out / f"{target.name}.log"
        log.write_bytes(done.stdout + done.stderr)
        return Outcome(
            0, seconds, count, [Finding(str(log), f"the process ended with {done.returncode} and no report")]
        )
    return Outcome(told["executions"], told["seconds"], count, [Finding(*each) for each in told["findings"]])


def has_atheris() -> bool:
    """Is it installed?"""
    return importlib.util.find_spec("atheris") is not None


ENGINES: dict[str, Engine] = {"atheris": run_atheris, "hypothesis": run_hypothesis, "mutate": run_mutate}


def _timed(target: Target, limits: Limits, inputs: list[bytes], once: Callable[[Tally], object]) -> Outcome:
    tally = Tally(target, limits.out)
    began = time.monotonic()
    for data in inputs:
        tally.run(data)
    while time.monotonic() - began < limits.seconds:
        once(tally)
    return Outcome(tally.executions, time.monotonic() - began, len(inputs), tally.findings)
