"""Play the gateway: answer each client's AssignedIps with DomainStatus, as rules say.

The tunnel is a WireGuard peer that fzctl itself is (--peer; every [Peer] in the file is a client,
and begins), or an interface of this machine (-i). Without rules every resource is allowed and
Active. Messages go to stdout, notes and the NAT tables to stderr (SIGUSR1 shows these at any time).
Ctrl-C ends it with a Goodbye to every client.
"""

from __future__ import annotations

import signal
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from fzctl.cli.impairment import chance
from fzctl.cli.output import make_output
from fzctl.cli.parser import positive
from fzctl.cli.playing import Transcript, above_zero, uuid_option
from fzctl.cli.saving import spare_inputs
from fzctl.cli.selection import add_form_arguments
from fzctl.cli.signals import interruptible
from fzctl.cli.streams import say
from fzctl.cli.target import add_target_arguments, check_target, describe_target, open_target, warn_on_stderr
from fzctl.errors import EXIT_DONE, CaptureError, UsageError
from fzctl.live.gateway import ANSWERS, NO_ANSWER, Answer, GatewayPlayer, Rules
from fzctl.live.player import TABLE, Happening
from fzctl.live.wrong import WRONG
from fzctl.nat.gateway import Resource
from fzctl.nat.patterns import DomainPattern
from fzctl.render.escape import escape
from fzctl.render.words import count_of

if TYPE_CHECKING:
    from fzctl.carriers.base import Carrier
    from fzctl.carriers.peer import PeerCarrier
    from fzctl.nat.table import Mapped

_EPILOG: Final = """\
a file of rules (TOML; all of it may be left away):
  delay = 0.05                    # seconds that a lookup takes (from 10 on Inactive)
  loss = 0.1                      # of the answers, by chance; with seed = 7 the same in each run
  deny = ["0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77"]

  [[allow]]                       # with one of these, all other resources are Inactive at once
  resource = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
  domains = "*.example.com"       # the resource's address: * within a label, ** over several

  [[answer]]                      # the first that covers the domain counts; options come first
  domains = "git.example.com"
  status = "Active"               # or "Inactive", or "none" for no answer
  addresses = ["10.0.0.7"]        # what the lookup finds (else 192.0.2.1 and 2001:db8::1)
  lose = 1                        # so many answers are lost first; also: delay, loss, wrong

examples:
  fzctl respond --peer gateway.conf
  fzctl respond --peer gateway.conf --answer '*.lan.example.com=Inactive' --delay 0.2 --loss 20%
  fzctl respond --peer gateway.conf --rules rules.toml -w session.pcapng -T jsonl
  fzctl respond -i wg0 --wrong late
"""

_SHOWN_DOMAINS: Final = 20
_MOST_BYTES: Final = 256 * 1024


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    add_target_arguments(parser, listens=True)
    rules = parser.add_argument_group("rules")
    rules.add_argument("--rules", metavar="FILE.toml", help="all of these, and more, from a file (see below)")
    rules.add_argument(
        "--answer", metavar="DOMAINS=STATUS", action="append", default=[], type=_answer_option,
        help=f"the answer for these domains: {', '.join(ANSWERS)}; the first that fits counts",
    )  # fmt: skip
    rules.add_argument(
        "--allow", metavar="UUID[=DOMAINS]", action="append", default=[], type=_allow_option,
        help="a resource that clients may reach; all others are Inactive at once",
    )  # fmt: skip
    rules.add_argument(
        "--deny", metavar="UUID", action="append", default=[], type=uuid_option,
        help="a resource that nobody may reach",
    )  # fmt: skip
    rules.add_argument("--delay", metavar="S", type=above_zero, help="seconds that a lookup takes")
    rules.add_argument("--loss", metavar="CHANCE", type=chance, help="lose answers, such as 20%%")
    rules.add_argument("--lose", metavar="N", type=positive, help="lose the first N answers for each domain")
    wrong = "; ".join(f"{name}: {words}" for name, words in WRONG.items())
    rules.add_argument("--wrong", metavar="KIND", choices=tuple(WRONG), help=f"answer wrong: {wrong}")
    rules.add_argument("--seed", metavar="N", type=int, help="losses by chance are the same for a seed")
    ending = parser.add_argument_group("end")
    ending.add_argument("-c", metavar="N", dest="count", type=positive, help="stop after N messages came")
    ending.add_argument("--for", metavar="S", dest="duration", type=above_zero, help="stop after S seconds")
    add_form_arguments(parser)


def run(args: Namespace) -> int:
    """Answer until something ends it; returns the exit code. Raises CarrierError, UsageError."""
    check_target(args)
    if args.rules is not None:
        spare_inputs(args.write, [args.rules])
    rules = gather_rules(args)
    warn = warn_on_stderr(args)
    many = _prepare_peers(args)
    target = describe_target(args, warn if args.dry_run else None)
    if args.interface is None:
        target = f"{count_of(many, 'client')} of {args.peer_config}"
    if args.dry_run:
        say(f"fzctl: would answer {escape(target)}; nothing is opened (dry run)")
        print("\n".join(_words_of(rules)))
        return EXIT_DONE
    output = None if args.write == "-" else make_output(args, None, live=True)
    player = GatewayPlayer(rules)
    # Who asks while files are finished must not end it.
    with _asked_by_signal() as was_asked, interruptible(), open_target(args, warn) as carrier:
        if not args.quiet:
            say(f"fzctl: playing the gateway for {escape(target)}, {_place(args, carrier)}; Ctrl-C ends it")
        transcript = Transcript(args, output, carrier, crowded=many > 1)
        try:
            _play(args, player, carrier, transcript, was_asked)
        finally:
            if output is not None:
                output.finish()
            if not args.quiet:
                say(f"fzctl: {transcript.counts()}")
    return EXIT_DONE


def gather_rules(args: Namespace) -> Rules:
    """The rules of the file, with those of the options before them. Raises CaptureError, UsageError."""
    rules = Rules() if args.rules is None else _read(args.rules)
    given = {
        name: value
        for name in ("delay", "loss", "lose", "wrong")
        if (value := getattr(args, name)) is not None
    }
    otherwise = rules.otherwise._replace(**given)
    answers = tuple(otherwise._replace(pattern=pattern, status=status) for pattern, status in args.answer)
    resources = rules.resources
    if args.allow:
        resources = (*(resources or ()), *args.allow)
    return Rules(
        resources,
        rules.denied | set(args.deny),
        answers + tuple(each._replace(**given) for each in rules.answers),
        otherwise,
        rules.seed if args.seed is None else args.seed,
    )


def _play(
    args: Namespace,
    player: GatewayPlayer,
    carrier: Carrier,
    transcript: Transcript,
    was_asked: Callable[[], bool],
) -> None:
    from fzctl.live.drive import drive

    def show_tables() -> None:
        tables = player.tables()
        for client, rows in tables.items():
            say(_table(transcript.name_of(client), rows, whole=args.verbose))
        if not tables:
            say("fzctl: no client is there, so there is no NAT table")

    def take(happening: Happening) -> None:
        transcript.take(happening)
        if happening.name == TABLE and args.verbose:
            # Not all of it: a client that maps ever more domains would make us write it ever longer.
            rows = player.table(happening.peer)
            say(_table(transcript.name_of(happening.peer), rows, whole=False))

    deadline = None if args.duration is None else time.monotonic() + args.duration

    def stopped() -> bool:
        if was_asked():
            show_tables()
        return args.count is not None and transcript.received >= args.count

    try:
        drive(player, carrier, time.monotonic, stopped, take, deadline, until_done=False, tolerant=True)
    finally:
        if not args.quiet and player.tables():
            show_tables()


@contextmanager
def _asked_by_signal() -> Iterator[Callable[[], bool]]:
    """Says whether SIGUSR1 came since it was last asked."""
    came: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: came.append(number))

    def was_asked() -> bool:
        asked = bool(came)
        came.clear()
        return asked

    try:
        yield was_asked
    finally:
        signal.signal(signal.SIGUSR1, before)


def _table(name: str, rows: list[Mapped], *, whole: bool) -> str:
    from fzctl.render.nattable import to_nat_table

    if not rows:
        return f"fzctl: the NAT table of {escape(name)} is empty"
    head = f"fzctl: the NAT table of {escape(name)}, {count_of(len(rows), 'proxy IP')}:\n"
    return head + to_nat_table(rows, None if whole else _SHOWN_DOMAINS).rstrip("\n")


def _prepare_peers(args: Namespace) -> int:
    """How many clients there may be. Where no peer is named, all of them are meant, and any will do."""
    if args.interface is not None:
        return 1
    from fzctl.carriers.opening import load_config

    config = load_config(args.peer_config, lambda _: None)
    if args.peer_key is None and len(config.peers) > 1:
        args.peer_key = config.peers[0].key
    return len(config.peers)


def _place(args: Namespace, carrier: Carrier) -> str:
    """Where clients find it."""
    if args.interface is not None:
        return "where they find this interface"
    port = cast("PeerCarrier", carrier).port
    return f"UDP port {port}" if args.turn is None else f"through the relay (UDP port {port})"


def _read(path: str) -> Rules:
    from fzctl.live.rules import parse_rules

    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise CaptureError(path, getattr(error, "strerror", None) or str(error)) from None
    if len(data) > _MOST_BYTES:
        raise CaptureError(path, f"these are no rules: it has more than {_MOST_BYTES} bytes")
    return parse_rules(data, path)


def _words_of(rules: Rules) -> list[str]:
    """What the rules come to, a line for each."""
    lines = []
    if rules.resources is None:
        lines.append("allowed: every resource, for any domain")
    lines += [
        f"allowed: {each.id} for {each.pattern and each.pattern.text}" for each in rules.resources or ()
    ]
    lines += [f"denied: {each}" for each in sorted(rules.denied)]
    lines += [f"answer for {each.pattern.text}: {_words_of_answer(each)}" for each in rules.answers]
    lines.append(f"answer for all else: {_words_of_answer(rules.otherwise)}")
    return [escape(line) for line in lines]


def _words_of_answer(answer: Answer) -> str:
    parts = ["no answer" if answer.status == NO_ANSWER else answer.status]
    if answer.delay:
        parts.append(f"after {answer.delay:g} s")
    if answer.lose:
        parts.append(f"the first {answer.lose} lost")
    if answer.loss:
        parts.append(f"{100 * answer.loss:g} % lost by chance")
    if answer.wrong:
        parts.append(f"wrong: {WRONG[answer.wrong]}")
    return ", ".join((*parts, f"addresses {' '.join(answer.addresses) or 'none'}"))


def _answer_option(text: str) -> tuple[DomainPattern, str]:
    domains, equals, status = text.rpartition("=")
    if not equals or status not in ANSWERS:
        raise ArgumentTypeError(f"{text!a} is not DOMAINS=STATUS with a status out of {', '.join(ANSWERS)}")
    return _pattern(domains), status


def _allow_option(text: str) -> Resource:
    resource, _, domains = text.partition("=")
    return Resource(uuid_option(resource), _pattern(domains or "**"))


def _pattern(text: str) -> DomainPattern:
    try:
        return DomainPattern(text)
    except UsageError as error:
        raise ArgumentTypeError(str(error)) from None
