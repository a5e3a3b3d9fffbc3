"""How long each verb takes to come up: its help, and a small file read where it reads one."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.measure import ROOT, Program, measure_in_turns
from fzctl.cli.main import VERBS

_PYTHON: Final = "python3 -c pass"
# Verbs that read a capture and go nowhere else.
_READERS: Final = {
    "decode": ["-T", "jsonl"],
    "analyze": [],
    "stats": [],
}
# The modules loaded at the end, beyond those that Python itself starts with.
_COUNT: Final = """
import sys
before = set(sys.modules)
import fzctl.cli.main as program
sys.stdout = sys.stderr = open("/dev/null", "w")
program.main({0!r})
print(len(set(sys.modules) - before), file=sys.__stdout__)
"""


class Started(NamedTuple):
    """A verb: milliseconds of wall time, Python's own included, and modules loaded beyond Python's own.

    ``times`` is the ratio to a Python that does nothing, in the same round.
    """

    what: str
    milliseconds: float
    times: float
    imports: int


def measure(fzctl: Sequence[str], capture: str, rounds: int) -> list[Started]:
    """Every verb's help, and those that read ``capture``, in turns with a Python that does nothing."""
    runs = {f"{verb} --help": [verb, "--help"] for verb in VERBS}
    runs |= {f"{verb} (small file)": [verb, *options, capture] for verb, options in _READERS.items()}
    programs = [Program(_PYTHON, [sys.executable, "-c", "pass"])]
    programs += [Program(what, [*fzctl, *arguments]) for what, arguments in runs.items()]
    nothing, *measured = measure_in_turns(programs, rounds)
    return [
        Started(
            each.program.name,
            statistics.median(run.wall for run in each.runs),
            each.ratio(nothing, "wall"),
            imports_of(runs[each.program.name]),
        )
        for each in measured
    ]


def imports_of(arguments: Sequence[str]) -> int:
    """How many modules a run loads beyond those that Python starts with."""
    code = _COUNT.format(list(arguments))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return int(done.stdout)


def table(started: Sequence[Started]) -> list[str]:
    """The lines of README's table."""
    lines = ["| start | ms | times `python3 -c pass` | modules |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `fzctl {each.what}` | {each.milliseconds:.0f} | {each.times:.1f} | {each.imports} |".replace(
            " (small file)`", "` of a small file"
        )
        for each in started
    ]
    return lines
