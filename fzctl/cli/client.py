"""Play the client against a live gateway: set up domains, and see what it answers.

The tunnel is a WireGuard peer that fzctl itself is (--peer), or an interface of this machine (-i).
Each domain gets proxy IPs and an AssignedIps, again with the next packet of its traffic 2 s after
the last, as a client does; the traffic is only simulated. Exit code 0: all are Confirmed; 1: the
gateway failed some; 6: some got no answer. Ctrl-C ends it with a Goodbye.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from typing import TYPE_CHECKING, Final

from fzctl.cli.output import colour_wanted
from fzctl.cli.parser import positive
from fzctl.cli.playing import Transcript, above_zero, uuid_option
from fzctl.cli.signals import interruptible
from fzctl.cli.streams import say
from fzctl.cli.target import add_target_arguments, describe_target, open_target, warn_on_stderr
from fzctl.errors import EXIT_DONE, EXIT_NEGATIVE, EXIT_NO_ANSWER, UsageError
from fzctl.live.client import PATIENCE, ClientPlayer, Habits, Wish
from fzctl.live.player import CONFIRMED, FAILED, STATE, Exchange, Happening
from fzctl.protocol.codec import decode
from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import parse_domain
from fzctl.records import Record
from fzctl.render.clock import Days
from fzctl.render.escape import escape
from fzctl.render.words import count_of

if TYPE_CHECKING:
    from fzctl.carriers.base import Carrier

_EPILOG: Final = """\
examples:
  fzctl client --peer wg.conf --resource 6b7188f5-00ac-41dc-9ddd-57e2384f31ef \\
      --domain wiki.example.com --domain git.example.com
  fzctl client --peer wg.conf -n 500 --suffix load.example.com --resource 6b7188f5-... -T json
  fzctl client -i wg0 --domain wiki.example.com --resource 6b7188f5-... --refresh 10 --for 60
"""

_STACKS: Final = {"v4": "ipv4", "v6": "ipv6", "dual": "dual"}
_FORMS: Final = ("text", "json", "jsonl")
_TRAFFIC: Final = 0.5
_RATE: Final = 200.0
_WIDEST: Final = 30
_SUFFIX: Final = "example.com"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    add_target_arguments(parser, listens=False)
    what = parser.add_argument_group("what to set up")
    what.add_argument(
        "--domain", metavar="NAME", action="append", default=[], type=_domain_option, help="a domain"
    )
    what.add_argument("-n", metavar="N", dest="many", type=positive, help="N domains: n1.SUFFIX and so on")
    what.add_argument("--suffix", metavar="NAME", type=_domain_option, help=f"with -n (default: {_SUFFIX})")
    what.add_argument(
        "--resource", metavar="UUID", required=True, type=uuid_option, help="the resource that they belong to"
    )
    what.add_argument(
        "--stack", choices=tuple(_STACKS), default="dual", help="the resource's IP stack (default: dual)"
    )
    manners = parser.add_argument_group("manners")
    manners.add_argument(
        "--traffic", metavar="S", type=above_zero, default=_TRAFFIC,
        help=f"seconds between an application's packets to each domain (default: {_TRAFFIC})",
    )  # fmt: skip
    manners.add_argument(
        "--no-traffic", action="store_true", help="no packets: then a client never asks again"
    )
    manners.add_argument(
        "--refresh", metavar="S", type=above_zero,
        help="with --for: an application asks for each name anew every S seconds",
    )  # fmt: skip
    manners.add_argument(
        "--rate", metavar="N", type=above_zero, default=_RATE,
        help=f"domains that begin in a second (default: {_RATE:g})",
    )  # fmt: skip
    manners.add_argument(
        "--reconnect", action="store_true", help="begin anew after a gateway's Goodbye (default: end)"
    )
    manners.add_argument("--no-goodbye", action="store_true", help="leave without a Goodbye")
    ending = parser.add_argument_group("end")
    ending.add_argument(
        "--for", metavar="S", dest="duration", type=above_zero,
        help="go on for S seconds (default: until every domain is set up or has failed)",
    )  # fmt: skip
    ending.add_argument(
        "--timeout", metavar="S", type=above_zero, default=PATIENCE,
        help=f"no answer in S seconds counts as none (default: {PATIENCE:g}; a gateway takes up to 10)",
    )  # fmt: skip
    parser.add_argument(
        "-T", dest="form", choices=_FORMS,
        help="form on stdout: text, one JSON document in the end, or an object for each step (default: text)",
    )  # fmt: skip


def run(args: Namespace) -> int:
    """Play until all is set up or something ends it; returns the exit code."""
    wishes = _wishes(args)
    if args.refresh is not None and args.duration is None:
        raise UsageError("--refresh goes with --for: without it the client leaves when all is set up")
    warn = warn_on_stderr(args)
    target = describe_target(args, warn if args.dry_run else None)
    if args.dry_run:
        return _show(wishes, target)
    player = ClientPlayer(wishes, _habits(args))
    if not args.quiet:
        say(f"fzctl: target: {escape(target)}")
    with interruptible() as ending, open_target(args, warn, connect=True) as carrier:
        screen = _Screen(args, carrier, max(len(escape(each.domain)) for each in wishes))
        try:
            _play(args, player, carrier, screen)
        finally:
            screen.finish(player.exchanges(), target)
    return EXIT_DONE if ending.was_interrupted else exit_code(player.exchanges())


def exit_code(exchanges: list[Exchange]) -> int:
    """Of domains without an answer nothing is known, which says more than that others failed."""
    states = {each.state for each in exchanges}
    if states - {CONFIRMED, FAILED}:
        return EXIT_NO_ANSWER
    return EXIT_NEGATIVE if FAILED in states else EXIT_DONE


class _Screen:
    """What is told of the exchanges, in one of the forms."""

    def __init__(self, args: Namespace, carrier: Carrier, longest: int) -> None:
        self._args: Final = args
        self._width: Final = min(longest, _WIDEST)
        self._form: Final = "none" if args.write == "-" else args.form or "text"
        self._colour: Final = self._form == "text" and colour_wanted(args.color)
        self._transcript: Final = Transcript(args, None, carrier)
        self._carrier: Final = carrier
        self._began: Final = time.monotonic()
        self._days: Final = Days()

    def take(self, happening: Happening) -> None:
        self._transcript.take(happening)
        if happening.name != STATE or happening.exchange is None:
            return
        when = self._transcript.time_ns(happening.time)
        if self._form == "text":
            from fzctl.render.exchanges import to_exchange_line

            brief = sys.stdout.isatty()
            line = to_exchange_line(
                happening.exchange, when, width=self._width, colour=self._colour, brief=brief
            )
            self._print((self._days.heading(when) if brief else "") + line)
        elif self._form == "jsonl":
            from json import dumps

            from fzctl.render.exchanges import exchange_object

            self._print(dumps(exchange_object(happening.exchange, when), separators=(",", ":")))

    def finish(self, exchanges: list[Exchange], target: str) -> None:
        """The table or the document, and the counts."""
        seconds = time.monotonic() - self._began
        states = Counter(each.state for each in exchanges)
        if self._form == "text":
            from fzctl.render.exchanges import to_exchange_table

            self._print("\n" + to_exchange_table(exchanges, colour=self._colour).rstrip("\n"))
        elif self._form == "json":
            from json import dumps

            from fzctl.render.exchanges import exchange_object

            document = {
                "schema": 1,
                "target": target,
                "seconds": round(seconds, 3),
                "states": dict(sorted(states.items())),
                "domains": [exchange_object(each) for each in exchanges],
            }
            self._print(dumps(document, indent=2))
        if not self._args.quiet:
            found = ", ".join(f"{many} {state}" for state, many in sorted(states.items()))
            say(f"fzctl: {count_of(len(exchanges), 'domain')} in {seconds:.1f} s: {found}")
            say(f"fzctl: {self._transcript.counts()}")

    def _print(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _play(args: Namespace, player: ClientPlayer, carrier: Carrier, screen: _Screen) -> None:
    """Raises KeyboardInterrupt where that ended it, behind the Goodbye."""
    from fzctl.live.drive import STOPPED, drive

    deadline = None if args.duration is None else time.monotonic() + args.duration
    ended = drive(
        player, carrier, time.monotonic, lambda: False, screen.take, deadline,
        until_done=args.duration is None,
    )  # fmt: skip
    if ended == STOPPED:
        raise KeyboardInterrupt


def _habits(args: Namespace) -> Habits:
    return Habits(
        traffic=None if args.no_traffic else args.traffic,
        refresh=args.refresh,
        patience=args.timeout,
        spacing=1 / args.rate,
        goodbye=not args.no_goodbye,
        returns=args.reconnect,
    )


def _wishes(args: Namespace) -> list[Wish]:
    if args.suffix is not None and args.many is None:
        raise UsageError("--suffix goes with -n")
    suffix = _SUFFIX if args.suffix is None else args.suffix
    names = [*args.domain, *(f"n{number}.{suffix}" for number in range(1, (args.many or 0) + 1))]
    if not names:
        raise UsageError("client needs a domain: --domain NAME, or -n N for many (see fzctl client --help)")
    return [Wish(name, args.resource, _STACKS[args.stack]) for name in names]


def _show(wishes: list[Wish], target: str) -> int:
    """``--dry-run``: the target and what would be sent first."""
    from fzctl.render.lines import to_line

    say(f"fzctl: target: {escape(target)}")
    packets = ClientPlayer(wishes).start(0.0)
    say(f"fzctl: would send {count_of(len(packets), 'message')}; nothing is sent (dry run)")
    for number, sent in enumerate(packets, start=1):
        print(to_line(Record(number, None, decode(sent.packet), ("ipv6",)), brief=sys.stdout.isatty()))
    return EXIT_DONE


def _domain_option(text: str) -> str:
    try:
        return parse_domain(text)
    except Refusal as refusal:
        raise ArgumentTypeError(str(refusal)) from None
