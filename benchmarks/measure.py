"""Whole processes, run in turns: their times, their memory, and how they compare round by round."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
LAUNCH: Final = ROOT / "benchmarks" / "launch.py"


class Program(NamedTuple):
    """What is run, and the environment variables that make it another way of the same thing."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = {}


class Figures(NamedTuple):
    """One run: wall time and processor time (user and system) in milliseconds, peak memory in MB.

    Memory is what the kernel calls kB, by a thousand: that of the largest process where there are several.
    """

    wall: float
    cpu: float
    memory: float


class Measured(NamedTuple):
    """A program's runs, one a round."""

    program: Program
    runs: list[Figures]

    def median(self, measure: str) -> float:
        """The median of ``wall``, ``cpu`` or ``memory``."""
        return statistics.median(float(getattr(run, measure)) for run in self.runs)

    def ratio(self, peer: Measured, measure: str) -> float:
        """The median over the rounds of this program's figure by the peer's of the same round."""
        pairs = zip(self.runs, peer.runs, strict=True)
        return statistics.median(
            float(getattr(one, measure)) / float(getattr(other, measure)) for one, other in pairs
        )


def measure_in_turns(programs: Sequence[Program], rounds: int) -> list[Measured]:
    """Run the programs one after the other, ``rounds`` times: a slow minute meets all of them."""
    for program in programs:
        run_once(program)  # what is on the disk comes into the page cache
    measured = [Measured(program, []) for program in programs]
    for _ in range(rounds):
        for each in measured:
            each.runs.append(run_once(each.program))
    return measured


def run_once(program: Program) -> Figures:
    """Run a program with its output thrown away. Ends the benchmark where it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **program.environment}
    launch = [sys.executable, "-I", "-S", str(LAUNCH), *program.command]
    result = subprocess.run(
        launch, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(f"{program.name} failed: {' '.join(program.command)}")
    wall, cpu, memory = map(float, result.stdout.split())
    return Figures(wall * 1000, cpu * 1000, memory / 1000)
