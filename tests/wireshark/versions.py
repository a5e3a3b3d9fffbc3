#!/usr/bin/env python3
"""The dissector in other versions of Wireshark, each out of a Debian root of its own.

usage: python3 tests/wireshark/versions.py [OPTION ...] [SUITE ...]

SUITE is a Debian release such as trixie (Wireshark 4.4) or forky (4.6), or "here" for the tshark
of this machine; without any: here. Roots are made by debootstrap, which only root can, from the
mirror that this machine's apt uses.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = "here"
FZCTL: Final = str(ROOT / ".venv" / "bin" / "fzctl")
FIRST: Final = "the field fzp2p.kind exists"
SEEDS: Final = 5
_MOST_SHOWN: Final = 5

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    import dev

    if Path(sys.prefix).resolve() != dev.VENV:
        dev.prepare(("dev",))  # with what builds a wheel
        os.execv(dev.VENV_PYTHON, [str(dev.VENV_PYTHON), *sys.argv])

from fzctl.wireshark.folders import parse_version  # noqa: E402
from tests.wireshark import checks, installed, roots  # noqa: E402 - the path has to be set first
from tests.wireshark.installed import Machine  # noqa: E402
from tests.wireshark.tsharks import Reader, Tshark  # noqa: E402

Step = tuple[str, Callable[[], Iterator[str]]]


class Place(NamedTuple):
    """A tshark, and the homes of a user and, where it is his own machine, of root beside it."""

    tshark: Tshark
    user: Machine
    root: Machine | None


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
                place = place_of(suite, args, stack)
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fzctl-versions-")))
                rows += run_checks(place, folder, args.seeds)
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


def place_of(suite: str, args: Namespace, stack: ExitStack) -> Place:
    if suite == HERE:
        tshark = stack.enter_context(roots.tshark_here())
        user = roots.for_fzctl(tshark, FZCTL)
        return Place(tshark, stack.enter_context(installed.machine(user, FZCTL)), None)
    root = stack.enter_context(roots.root_of(suite, args.cache, fresh=args.fresh))
    tshark = stack.enter_context(roots.tshark_in(root))
    fzctl = roots.fzctl_in(root)
    as_user = stack.enter_context(installed.machine(tshark, fzctl))
    return Place(tshark, as_user, stack.enter_context(installed.machine(roots.as_root(root, tshark), fzctl)))


def run_checks(place: Place, folder: Path, seeds: int) -> Iterator[Row]:
    version = version_of(place.tshark)
    for title, step in (*reading(place.tshark, folder, seeds), *installing(place, version)):
        start = time.monotonic()
        results: list[str] = []
        try:
            results += step()
        except subprocess.TimeoutExpired as error:
            results.append(f"{error.cmd[-3:]} was not ready after {error.timeout:.0f} seconds")
        row = Row(version, title, len(results), [r for r in results if r], time.monotonic() - start)
        print_row(row)
        yield row
        if not row.cases:
            raise roots.RootError(f"{title}: nothing was checked")
        if row.failures and title == FIRST:
            return


def reading(tshark: Tshark, folder: Path, seeds: int) -> Iterator[Step]:
    """What the dissector is held to."""
    reader = Reader(tshark)
    yield FIRST, lambda: checks.load(reader)
    yield "verdicts of all vectors", lambda: checks.vectors(reader, folder)
    yield "sample captures", lambda: checks.samples(reader)
    yield "sample captures in two passes", lambda: checks.samples(reader, "-2")
    yield "the same inside WireGuard and TURN", lambda: checks.tunnels(reader, folder)
    yield "traffic that is not ours", lambda: checks.others(reader, folder)
    yield "numbers over a capture", lambda: checks.statistics(reader)
    yield "broken payloads, read as we do", lambda: checks.broken_payloads(reader, folder, range(seeds))
    yield "broken packets", lambda: checks.broken(reader, folder, range(seeds))
    yield "broken packets in two passes", lambda: checks.broken(reader, folder, range(1), "-2")
    yield "broken packets in WireGuard", lambda: checks.broken_inside(reader, folder, range(seeds))
    yield "hostile messages", lambda: checks.hostile(reader, folder)
    yield "the same, read as we do", lambda: checks.hostile_verdicts(reader, folder)
    yield "cut messages", lambda: checks.cut(reader, folder)
    yield "cut WireGuard datagrams", lambda: checks.cut_samples(reader, folder)
    yield "broken sample captures", lambda: checks.broken_samples(reader, folder, range(seeds))
    yield "the same, in two passes", lambda: checks.broken_samples(reader, folder, range(1), "-2")


def installing(place: Place, version: str) -> Iterator[Step]:
    """What ``fzctl wireshark install`` is held to, in this order."""
    for title, check in installed.ORDER.items():
        yield title, partial(check, place.user)
    if place.root is not None:
        root, parsed = place.root, parse_version(version)
        yield "root is warned", lambda: installed.warned(root, parsed or (0, 0))


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
