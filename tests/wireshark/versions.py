#!/usr/bin/env python3
"""The dissector in other versions of Wireshark, each out of a Debian root of its own.

usage: python3 tests/wireshark/versions.py [OPTION ...] [SUITE ...]

SUITE is a Debian release such as trixie (Wireshark 4.4) or forky (4.6), or "here" for the tshark
of this machine; without any: here. Roots are made by debootstrap, which only root can, from the
mirror that this machine's apt uses.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = "here"
SEEDS: Final = 5
_MOST_SHOWN: Final = 5

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    import dev

    if Path(sys.prefix).resolve() != dev.VENV:
        dev.prepare(("test",))
        os.execv(dev.VENV_PYTHON, [str(dev.VENV_PYTHON), *sys.argv])

from tests.wireshark import checks, roots  # noqa: E402 - the path has to be set first
from tests.wireshark.tsharks import Reader, Tshark  # noqa: E402


class Row(NamedTuple):
    """One kind of check in one version: what failed, out of how many, and how long it took."""

    version: str
    title: str
    cases: int
    failures: list[str]
    seconds: float


def main(arguments: list[str]) -> int:
    args = parse(arguments)
    rows: list[Row] = []
    problems: list[str] = []
    for suite in args.suites or [HERE]:
        try:
            with ExitStack() as stack:
                tshark = stack.enter_context(the_tshark(suite, args, stack))
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fzctl-versions-")))
                rows += run_checks(tshark, folder, args.seeds)
        except roots.RootError as error:
            problems.append(f"{suite}: {error}")
    print_table(rows)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems or any(row.failures for row in rows) else 0


def parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        prog="versions.py", description=__doc__, usage="%(prog)s [OPTION ...] [SUITE ...]",
        formatter_class=RawDescriptionHelpFormatter,
    )  # fmt: skip
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fzctl" / "roots"
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="a Debian release, or here")
    parser.add_argument("--cache", type=Path, default=cache, metavar="FOLDER", help=f"keeps roots; {cache}")
    parser.add_argument("--no-cache", dest="cache", action="store_const", const=None, help="keep no root")
    parser.add_argument("--fresh", action="store_true", help="make the roots anew")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"seeds a rate; {SEEDS}")
    return parser.parse_args(arguments)


def the_tshark(suite: str, args: Namespace, stack: ExitStack) -> AbstractContextManager[Tshark]:
    if suite == HERE:
        return roots.tshark_here()
    return roots.tshark_in(stack.enter_context(roots.root_of(suite, args.cache, fresh=args.fresh)))


def run_checks(tshark: Tshark, folder: Path, seeds: int) -> Iterator[Row]:
    version = version_of(tshark)
    reader = Reader(tshark)
    steps: list[tuple[str, Callable[[], Iterator[str]]]] = [
        ("the field fzp2p.kind exists", lambda: checks.load(reader)),
        ("verdicts of all vectors", lambda: checks.vectors(reader, folder)),
        ("sample captures", lambda: checks.samples(reader)),
        ("sample captures in two passes", lambda: checks.samples(reader, "-2")),
        ("the same inside WireGuard and TURN", lambda: checks.tunnels(reader, folder)),
        ("broken payloads, read as we do", lambda: checks.broken_payloads(reader, folder, range(seeds))),
        ("broken packets", lambda: checks.broken(reader, folder, range(seeds))),
        ("broken packets in two passes", lambda: checks.broken(reader, folder, range(1), "-2")),
        ("broken packets in WireGuard", lambda: checks.broken_inside(reader, folder, range(seeds))),
        ("hostile messages", lambda: checks.hostile(reader, folder)),
        ("broken sample captures", lambda: checks.broken_samples(reader, folder, range(seeds))),
    ]
    for title, step in steps:
        start = time.monotonic()
        results = list(step())
        row = Row(version, title, len(results), [r for r in results if r], time.monotonic() - start)
        print_row(row)
        yield row
        if not row.cases:
            raise roots.RootError(f"{title}: nothing was checked")
        if row.failures and step is steps[0][1]:
            return


def version_of(tshark: Tshark) -> str:
    done = tshark.run("--version")
    words = done.stdout.decode("utf-8", "replace").split()
    if done.returncode or len(words) < 3:
        raise roots.RootError("its tshark does not start")
    return words[2].rstrip(".")


def print_row(row: Row) -> None:
    print(f"{row.version}: {row.title}: {row.cases - len(row.failures)} of {row.cases}", flush=True)
    for failure in row.failures[:_MOST_SHOWN]:
        print(f"    {failure}")
    if len(row.failures) > _MOST_SHOWN:
        print(f"    and {len(row.failures) - _MOST_SHOWN} more", flush=True)


def print_table(rows: list[Row]) -> None:
    print(f"\n{'Wireshark':<11}{'check':<36}{'passed':>8}{'failed':>8}{'seconds':>9}")
    for row in rows:
        passed = row.cases - len(row.failures)
        print(f"{row.version:<11}{row.title:<36}{passed:>8}{len(row.failures):>8}{row.seconds:>9.1f}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
