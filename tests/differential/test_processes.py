"""Two processes against one: the same output, complaints and exit code, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

from tests.cli.conftest import ENVIRONMENT
from tests.differential import captures
from tests.differential.scale import SEED, many

CAPTURES: Final = 8
VARIABLE: Final = "FZCTL_PROCESSES"


class Outcome(NamedTuple):
    code: int
    out: bytes
    err: bytes


def fzctl(processes: int, *arguments: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "fzctl", *arguments],
        env={**ENVIRONMENT, VARIABLE: str(processes)}, stdin=subprocess.DEVNULL, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "verb", [("decode", "-T", "jsonl"), ("decode",), ("analyze", "-T", "json"), ("stats",)], ids=" ".join
)
def test_two_processes_say_what_one_says(verb: tuple[str, ...], tmp_path: Path) -> None:
    chance = Random(f"processes {verb} {SEED}")
    messages = damaged = 0
    for number in range(many(CAPTURES)):
        names = []
        for part in range(chance.choice((1, 1, 2))):
            data = captures.large(chance, 700_000)
            if chance.random() < 0.5:
                data = captures.break_capture(chance, data)
            names.append(str(tmp_path / f"{part}.cap"))
            Path(names[-1]).write_bytes(data)
        one, two = (fzctl(processes, *verb, *names) for processes in (1, 2))
        if one != two:
            pytest.fail(f"number {number}, {names}: {one.code} {one.err!r}, {two.code} {two.err!r}")
        messages += one.out.count(b"\n")
        damaged += one.code != 0
    assert messages > 3 * many(CAPTURES)
    assert 0 < damaged < many(CAPTURES)
