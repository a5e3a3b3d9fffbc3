"""Fuzzing: any bytes give a value or an error of ours, in bounded time and memory.

    python3 tests/fuzz/run.py                             all targets, each a minute with each engine
    python3 tests/fuzz/run.py pcap pcapng --seconds 600
    python3 tests/fuzz/run.py filters --engine mutate --seed 7
    python3 tests/fuzz/run.py pcap --replay FILE          one input, with its traceback

A line for each target and engine tells what was done. An input that breaks a target is made as small as can
be and written to tests/fuzz/out/, with the command that replays it; the exit code is then 1. atheris is used
where it can be installed; what it found worth keeping stays in tests/fuzz/out/corpus/ for the next run, and
``--keep`` takes into tests/fuzz/corpus/ what reaches more than what stands there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import dev  # noqa: E402
from tests.fuzz.target import HERE, NAMES, load  # noqa: E402

if TYPE_CHECKING:
    from tests.fuzz.engines import Outcome

OUT = HERE / "out"
ENGINES = ("atheris", "hypothesis", "mutate")


def main(arguments: Sequence[str]) -> int:
    """Exit code 0, or 1 where something was found."""
    args = _parser().parse_args(arguments)
    unknown = [name for name in args.targets if name not in NAMES]
    if unknown:
        print(f"there is no target {unknown[0]!r}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    names = args.targets or NAMES
    if args.replay is not None:
        load(names[0]).check(Path(args.replay).read_bytes())
        print(f"{names[0]}: {args.replay} holds")
        return 0
    if args.keep:
        from tests.fuzz.keep import keep

        for name in names:
            print(f"{name}: {keep(load(name), args.out)} more inputs in the corpus", flush=True)
        return 0
    return _run(names, args)


def _run(names: Sequence[str], args: argparse.Namespace) -> int:
    from tests.fuzz import engines

    if args.engine == "atheris" and not engines.has_atheris():
        print("atheris is not installed here; take another engine", file=sys.stderr)
        return 2
    chosen = (
        [args.engine]
        if args.engine
        else [each for each in ENGINES if each != "atheris" or engines.has_atheris()]
    )
    args.out.mkdir(parents=True, exist_ok=True)
    found = 0
    for name in names:
        for engine in chosen:
            limits = engines.Limits(args.seconds, args.seed, args.out)
            outcome = engines.ENGINES[engine](load(name), limits)
            print(f"{name:<13}{engine:<11}{_figures(outcome)}", flush=True)
            for path, words in outcome.findings:
                found += 1
                print(f"  {words}\n  python3 tests/fuzz/run.py {name} --replay {path}", flush=True)
    return 1 if found else 0


def _figures(outcome: Outcome) -> str:
    rate = outcome.executions / outcome.seconds
    return (
        f"{outcome.executions:>9} executions in {outcome.seconds:.0f} s, {rate:.0f} a second, "
        f"corpus {outcome.corpus}, findings {len(outcome.findings)}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"one of {', '.join(NAMES)}; all without"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target and engine (60)")
    parser.add_argument("--engine", choices=ENGINES, help="only this one")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other inputs (0)")
    parser.add_argument("--out", type=Path, default=OUT, help="where to write (tests/fuzz/out)")
    parser.add_argument("--replay", metavar="FILE", help="run this input alone")
    parser.add_argument(
        "--keep", action="store_true", help="take what was found worth keeping into the corpus"
    )
    return parser


def _in_environment() -> None:
    """Go on in .venv with what fuzzing needs."""
    dev.prepare(("test", "fuzz"))
    if Path(sys.prefix).resolve() != dev.VENV:
        os.execv(dev.VENV_PYTHON, [str(dev.VENV_PYTHON), *sys.argv])


if __name__ == "__main__":
    _in_environment()
    sys.exit(main(sys.argv[1:]))
