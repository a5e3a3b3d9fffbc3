"""Try what client and gateway bear: loss, re-ordering, late answers, a Goodbye in the middle.

Each scenario is run several times: a client's state machine exchanges its messages with a gateway
while things happen to them. Without a target the gateway is simulated and nothing is sent;
thousands of runs take seconds, and --seed repeats them. With -i or --peer the gateway is the one
behind the tunnel, and what is done to messages is done at our end. Exit code 1 where something did
not hold that the protocol's rules promise, or remained undecided; what they do not promise is shown
as a known weakness.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Final

from fzctl.cli.output import colour_wanted
from fzctl.cli.parser import positive
from fzctl.cli.playing import above_zero, uuid_option
from fzctl.cli.signals import interruptible
from fzctl.cli.streams import say
from fzctl.cli.target import (
    add_target_arguments,
    check_target,
    describe_target,
    open_target,
    warn_on_stderr,
)
from fzctl.errors import EXIT_DONE, EXIT_NEGATIVE, UsageError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.live.scenarios import Scenario
    from fzctl.live.trial import Settings
    from fzctl.live.verdicts import Row

_EPILOG = """\
examples:
  fzctl resilience
  fzctl resilience --select loss --runs 1000 --seed 7
  fzctl resilience --list
  fzctl resilience --peer wg.conf --select loss-20 --select goodbye \\
      --resource 6b7188f5-00ac-41dc-9ddd-57e2384f31ef --domain wiki.example.com
"""

_RESOURCE: Final = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
_SIMULATED_RUNS: Final = 100
_LIVE_RUNS: Final = 3
_DOMAINS: Final = 3
_MOST_DOMAINS: Final = 1000
_LIVE_SECONDS: Final = 60.0
_LIVE_SETTLE: Final = 0.5
_TARGET_OPTIONS: Final = (
    "interface", "peer_config", "peer_key", "turn", "turn_password_file", "keylog", "write", "dst_mac",
    "dry_run",
)  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    what = parser.add_argument_group("what is tried")
    what.add_argument(
        "--select", metavar="NAME", action="append", default=[],
        help="only this scenario, or those whose names begin so; repeatable",
    )  # fmt: skip
    what.add_argument("--list", action="store_true", help="tell about the scenarios, and try nothing")
    what.add_argument(
        "--runs", metavar="N", type=positive,
        help=f"runs of each scenario (default: {_SIMULATED_RUNS}, over a tunnel {_LIVE_RUNS})",
    )  # fmt: skip
    what.add_argument(
        "--seed", metavar="N", type=_whole, default=0, help="what chance makes of it (default: 0)"
    )
    what.add_argument(
        "--domains", metavar="N", type=positive,
        help=f"domains that are set up at the same time (default: {_DOMAINS}), host1.example.com and so on",
    )  # fmt: skip
    what.add_argument(
        "--domain", metavar="NAME", action="append", default=[],
        help="in place of those: a domain that the gateway resolves; repeatable",
    )  # fmt: skip
    what.add_argument(
        "--resource", metavar="UUID", type=uuid_option, default=_RESOURCE,
        help="the resource that they belong to, which the gateway has to allow",
    )  # fmt: skip
    what.add_argument(
        "--timeout", metavar="S", type=above_zero,
        help=f"with a target: most seconds that a run may take (default: {_LIVE_SECONDS:g})",
    )  # fmt: skip
    what.add_argument("-T", dest="form", choices=("text", "json"), default="text", help="form of the output")
    add_target_arguments(parser, listens=False)


def run(args: Namespace) -> int:
    """Try all that is chosen; exit code 1 where something did not hold that must."""
    from fzctl.live.scenarios import choose_scenarios

    scenarios = choose_scenarios(args.select)
    if args.list:
        return _list(args, scenarios)
    settings = _settings(args)
    if not any(getattr(args, option) for option in _TARGET_OPTIONS):
        if args.timeout is not None:
            raise UsageError("--timeout goes with -i or --peer; a simulated run takes no time")
        return _simulate(args, scenarios, settings)
    if args.write == "-":
        raise UsageError("stdout is for the matrix; give -w a file")
    check_target(args)
    if all(scenario.simulated for scenario in scenarios):
        raise UsageError("what is chosen is for a simulated gateway only; leave -i and --peer away")
    return _try_live(args, scenarios, settings)


def _list(args: Namespace, scenarios: tuple[Scenario, ...]) -> int:
    from fzctl.render.matrix import list_object, list_text

    text = json.dumps(list_object(scenarios), indent=2) if args.form == "json" else list_text(scenarios)
    sys.stdout.write(f"{text}\n")
    return EXIT_DONE


def _settings(args: Namespace) -> Settings:
    from fzctl.live.resilience import make_targets
    from fzctl.live.trial import Settings

    if args.domain and args.domains is not None:
        raise UsageError("give either --domains N or --domain NAME ...")
    count = args.domains or _DOMAINS
    if count > _MOST_DOMAINS:
        raise UsageError(f"--domains goes up to {_MOST_DOMAINS}")
    names = args.domain or [f"host{number}.example.com" for number in range(1, count + 1)]
    settings = Settings(make_targets(names, args.resource))
    if args.interface is None and args.peer_config is None:
        return settings
    limit = _LIVE_SECONDS if args.timeout is None else args.timeout
    return settings._replace(limit=limit, settle=_LIVE_SETTLE)


def _simulate(args: Namespace, scenarios: tuple[Scenario, ...], settings: Settings) -> int:
    from fzctl.live.resilience import simulate

    runs = args.runs or _SIMULATED_RUNS
    report = _Report(args, "simulated", runs, len(settings.targets), simulated=True)
    report.begin()
    for row in simulate(scenarios, settings, runs, args.seed):
        report.show(row)
    return report.finish()


def _try_live(args: Namespace, scenarios: tuple[Scenario, ...], settings: Settings) -> int:
    from fzctl.live.resilience import try_live

    warn = warn_on_stderr(args)
    runs = args.runs or _LIVE_RUNS
    if args.dry_run:
        return _show_plan(args, scenarios, settings, describe_target(args, warn), runs)
    target = describe_target(args)
    if not args.quiet:
        say(f"fzctl: target: {escape(target)}")
    report = _Report(args, target, runs, len(settings.targets), simulated=False)
    progress = _Progress(runs, quiet=args.quiet)
    with interruptible() as ending:
        try:
            with open_target(args, warn, connect=True) as carrier:
                report.begin()
                for row in try_live(
                    scenarios, settings, runs, args.seed, carrier, time.monotonic, progress.show
                ):
                    progress.clear()
                    report.show(row)
        finally:
            progress.clear()
            code = report.finish() if report.began else EXIT_DONE
    return EXIT_DONE if ending.was_interrupted else code


def _show_plan(
    args: Namespace, scenarios: tuple[Scenario, ...], settings: Settings, target: str, runs: int
) -> int:
    """``--dry-run``: the target, and the question for each domain that every scenario sends."""
    from fzctl.protocol.codec import decode, encode
    from fzctl.protocol.kinds import ASSIGNED_IPS
    from fzctl.records import Record
    from fzctl.render.lines import to_line

    names = [each.name for each in scenarios if not each.simulated]
    if not args.quiet:
        say(f"fzctl: target: {escape(target)}")
        say(f"fzctl: would run {', '.join(names) or 'nothing'}, {runs} times each; nothing is sent (dry run)")
    for number, each in enumerate(settings.targets, start=1):
        packet = encode(ASSIGNED_IPS, each.values)
        sys.stdout.write(f"{to_line(Record(number, None, decode(packet), ('ipv6',)))}\n")
    return EXIT_DONE


class _Report:
    """The matrix, row by row as they come, or all of it as JSON in the end."""

    def __init__(self, args: Namespace, gateway: str, runs: int, domains: int, *, simulated: bool) -> None:
        self.began = False
        self._args: Final = args
        self._gateway: Final = gateway
        self._runs: Final = runs
        self._domains: Final = domains
        self._simulated: Final = simulated
        self._colour: Final = colour_wanted(args.color)
        self._rows: Final[list[Row]] = []

    def begin(self) -> None:
        from fzctl.render.matrix import heading, runs_text

        self.began = True
        if self._args.form != "text":
            return
        who = "a simulated gateway" if self._simulated else self._gateway
        self._write(f"{escape(who)}, {runs_text(self._runs, self._domains)}, seed {self._args.seed}", "")
        self._write(heading(self._colour))

    def show(self, row: Row) -> None:
        from fzctl.render.matrix import row_text

        self._rows.append(row)
        if self._args.form == "text":
            self._write(row_text(row, colour=self._colour, details=self._args.verbose))

    def finish(self) -> int:
        """The end of the output, and the exit code."""
        from fzctl.live.verdicts import all_held
        from fzctl.render.matrix import matrix_object, summary

        if self._args.form == "json":
            found = matrix_object(
                self._rows, gateway=self._gateway, simulated=self._simulated, seed=self._args.seed
            )
            self._write(json.dumps(found, indent=2))
        elif self._rows:
            self._write("", summary(self._rows))
        return EXIT_DONE if all_held(self._rows) else EXIT_NEGATIVE

    def _write(self, *lines: str) -> None:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


class _Progress:
    """A line on a terminal that tells which run goes on."""

    def __init__(self, runs: int, *, quiet: bool) -> None:
        self._runs: Final = runs
        self._is_shown: Final = not quiet and sys.stderr.isatty()

    def show(self, scenario: Scenario, number: int) -> None:
        self._draw(f"{scenario.name}: run {number + 1} of {self._runs}")

    def clear(self) -> None:
        self._draw("")

    def _draw(self, line: str) -> None:
        if not self._is_shown:
            return
        try:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        except OSError:  # a terminal that went away stops nobody
            pass


def _whole(text: str) -> int:
    try:
        return int(text) if text.isascii() and len(text) < 19 else _refuse(text)
    except ValueError:
        return _refuse(text)


def _refuse(text: str) -> int:
    raise ArgumentTypeError(f"{text!a} is no whole number of up to 18 digits")
