"""Measures whole processes against their peers, in turns, and prints README's table.

    python3 benchmarks/run.py [--short] [--rounds N] [--only TEXT]
    python3 benchmarks/run.py --live          what runs live instead, as root (see live.py, replay.py)

Each figure is the median of at least seven rounds in which every program of a group runs once, one
after the other, so that a slow minute of the machine meets all of them; each ratio is the median
of the rounds' ratios. The captures are made on first use (see make_captures.py). Peers that are
not installed are left out by name. All of it goes to benchmarks/out/results.json as well; the exit
code is 1 where a figure misses what is asked of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import startup  # noqa: E402
from benchmarks.groups import Group, fzctl_command, groups  # noqa: E402
from benchmarks.make_captures import OUT, make  # noqa: E402
from benchmarks.measure import Measured, measure_in_turns  # noqa: E402
from benchmarks.table import missed, table  # noqa: E402

LEAST_ROUNDS = 7


def main() -> int:
    """Measure, print, and write the JSON."""
    args = _parser().parse_args()
    if args.live:
        scripts = [str(ROOT / "benchmarks" / name) for name in ("live.py", "replay.py")]
        return max(subprocess.run([sys.executable, each], check=False).returncode for each in scripts)
    absent: list[str] = []
    done: list[tuple[Group, list[Measured]]] = []
    problems: list[str] = []
    for group in groups(absent):
        if (args.short and group.slow) or (args.only and args.only not in group.title):
            continue
        measured = measure_in_turns(group.programs, max(LEAST_ROUNDS, args.rounds))
        show(group.title, measured)
        done.append((group, measured))
        problems += missed(group.rows, measured)
    started = [] if args.only else startup.measure(fzctl_command(), str(make("small-raw.pcap")), LEAST_ROUNDS)
    print("\n" + "\n".join(table((group.rows, measured) for group, measured in done)))
    if started:
        print("\n" + "\n".join(startup.table(started)))
    for name in absent:
        print(f"left out: {name} is not installed", file=sys.stderr)
    for problem in problems:
        print(f"missed: {problem}", file=sys.stderr)
    write(done, [each._asdict() for each in started])
    return 1 if problems else 0


def show(title: str, measured: Sequence[Measured]) -> None:
    """Print what was measured of a group, each program beside the first one."""
    print(f"\n{title:36} {'wall':>9}    {'cpu':>9}    {'memory':>6}    ratios: wall, cpu")
    first = measured[0]
    for each in measured:
        wall, cpu, memory = (each.median(name) for name in ("wall", "cpu", "memory"))
        ratios = f"{each.ratio(first, 'wall'):6.2f} x {each.ratio(first, 'cpu'):6.2f} x"
        print(f"  {each.program.name:34} {wall:9.1f} ms {cpu:9.1f} ms {memory:6.1f} MB  {ratios}", flush=True)


def write(done: Sequence[tuple[Group, list[Measured]]], started: list[dict[str, Any]]) -> None:
    """Write every run into benchmarks/out/results.json."""
    results = [
        {
            "group": group.title,
            "programs": [
                {"name": each.program.name, "runs": [run._asdict() for run in each.runs]} for each in measured
            ],
            "rows": [row._asdict() for row in group.rows],
        }
        for group, measured in done
    ]
    about = {"python": sys.version, "machine": platform.machine(), "processors": os.cpu_count()}
    told = {**about, "results": results, "start_up": started}
    (OUT / "results.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure fzctl against its peers, whole processes in turns.")
    parser.add_argument("--short", action="store_true", help="leave out the slow groups: under two minutes")
    parser.add_argument(
        "--rounds", type=int, default=LEAST_ROUNDS, help=f"rounds of each group, at least {LEAST_ROUNDS}"
    )
    parser.add_argument("--only", metavar="TEXT", help="only groups with this text in their title")
    parser.add_argument("--live", action="store_true", help="measure on interfaces instead; needs root")
    return parser


if __name__ == "__main__":
    sys.exit(main())
