"""Send a control message into a live tunnel, and with --expect wait for the answer.

The tunnel is a WireGuard peer that fzctl itself is (--peer), or an interface of this machine (-i).
What a real sender refuses is refused with the reason; --force sends it all the same. Options stand
before or behind MESSAGE; "fzctl inject MESSAGE --help" tells about a message. Ctrl-C ends it: files
are finished, counts printed.
"""

from __future__ import annotations

import time
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from fzctl.cli.message import add_message_arguments, build_layers, build_message
from fzctl.cli.output import FORMS, Output, make_output
from fzctl.cli.parser import Parser, add_common_arguments, positive
from fzctl.cli.signals import interruptible
from fzctl.cli.streams import say
from fzctl.cli.target import add_target_arguments, describe_target, open_target, warn_on_stderr
from fzctl.errors import EXIT_DONE, EXIT_NO_ANSWER, UsageError
from fzctl.protocol.codec import decode, encode
from fzctl.protocol.kinds import GOODBYE
from fzctl.records import Exchange, Record
from fzctl.render.escape import escape
from fzctl.render.words import count_of, describe

if TYPE_CHECKING:
    from fzctl.carriers.base import Carrier, Received
    from fzctl.live.question import Question

_EPILOG = """\
examples:
  fzctl inject --peer wg.conf goodbye
  fzctl inject --peer wg.conf --expect assigned-ips --ip-count 8 \\
      --resource 6b7188f5-00ac-41dc-9ddd-57e2384f31ef --domain example.com
  fzctl inject -i wg0 -c 5 --interval 0.5 raw --kind 9 --json '{"hello": "future"}'
  fzctl inject --peer wg.conf --dry-run goodbye
"""

_MOST_SORTS: Final = 8
_SEEN_APART: Final = 0.2
_NANOSECONDS: Final = 1_000_000_000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``, and again on each message below it."""
    parser.epilog = _EPILOG
    below = Parser(prog="", add_help=False)
    add_common_arguments(below, SUPPRESS)
    add_target_arguments(parser, listens=False)
    add_target_arguments(below, listens=False, default=SUPPRESS)
    for each in (parser, below):
        _add_sending_arguments(each)
    parser.set_defaults(
        count=1, interval=1.0, expect=False, retry=None, timeout=None, goodbye=False,
        form=None, hexdump=False, force=False, fields=[],
    )  # fmt: skip
    add_message_arguments(parser, below)


def run(args: Namespace) -> int:
    """Build the message, send it, and wait for its answer where that is wanted; returns the exit code."""
    packet = build_message(args)
    if not args.expect and (args.retry is not None or args.timeout is not None):
        raise UsageError("--retry and --timeout go with --expect")
    if args.expect:
        ask(args, packet)
    warn = warn_on_stderr(args)
    if args.dry_run:
        return _show(args, packet, describe_target(args, warn))
    target = describe_target(args)
    with interruptible() as ending:
        # A capture on stdout has it for itself.
        output = Output(None, None, live=True) if args.write == "-" else make_output(args, None, live=True)
        injection = Injection(args, bytes(build_layers(args)), output)
        if not args.quiet:
            say(f"fzctl: target: {escape(target)}")
        try:
            with open_target(args, warn, connect=True) as carrier:
                injection.run(carrier)
        finally:
            injection.report()
    return EXIT_DONE if ending.was_interrupted else injection.exit_code


def ask(args: Namespace, packet: bytes) -> Question:
    """The question that the options ask. Raises UsageError where nobody answers such a message."""
    from fzctl.live.question import PATIENCE, Question

    patience = PATIENCE if args.timeout is None else args.timeout
    return Question(packet, retries=args.retry, patience=patience)


class Injection:
    """Messages that are sent one after another, and what comes of them; counts hold at any time."""

    def __init__(
        self, args: Namespace, packet: bytes, output: Output, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.sent = 0
        self.asked = 0
        self.answered = 0
        self.unanswered = 0
        self._args: Final = args
        self._packet: Final = packet
        self._words: Final = _words_of(packet)
        self._output: Final = output
        self._clock: Final = clock
        self._frame = 0
        self._others: Counter[str] = Counter()

    @property
    def exit_code(self) -> int:
        return EXIT_NO_ANSWER if self.unanswered else EXIT_DONE

    def run(self, carrier: Carrier) -> None:
        """Send as often as is wanted. Raises CarrierError where a packet does not leave."""
        for number in range(self._args.count):
            began = self._clock()
            if self._args.expect:
                self._ask(carrier)
            else:
                self._send(carrier, self._packet, self._words)
            if number + 1 < self._args.count:
                self._listen(carrier, began + self._args.interval)
        if self._args.goodbye:
            packet = encode(GOODBYE, {})
            self._send(carrier, packet, _words_of(packet))

    def report(self) -> None:
        """Say what was done."""
        self._output.finish()
        if self._args.quiet:
            return
        text = f"{count_of(self.sent, 'packet')} sent"
        if self._args.expect and self.asked:
            text += f", {self.answered} of {count_of(self.asked, 'question')} answered"
        say(f"fzctl: {text}")

    def _ask(self, carrier: Carrier) -> None:
        question = ask(self._args, self._packet)
        self._others.clear()
        self.asked += 1
        first = 0
        while not question.is_over(now := self._clock()):
            if question.is_due(now):
                self._send(carrier, question.packet, self._words, question.sent_count)
                question.sent(self._clock())
                first = first or self._frame
                continue
            due = question.next_timeout()
            received = carrier.receive(0.0 if due is None else max(0.0, due - now))
            if received is not None:
                self._take(received, question, first)
        if question.answer is None:
            self.unanswered += 1
            self._tell_silence(question)
        else:
            self.answered += 1

    def _listen(self, carrier: Carrier, until: float) -> None:
        """Let time pass, as the carrier wants it; what comes belongs to nothing."""
        while (now := self._clock()) < until:
            carrier.receive(until - now)

    def _send(self, carrier: Carrier, packet: bytes, words: str, before: int = 0) -> None:
        carrier.send(packet)
        self.sent += 1
        self._frame += 1
        slow = self._args.interval >= _SEEN_APART or self._args.verbose
        again = f" again, {before + 1} times now" if before else ""
        if not self._args.quiet and (self.sent == 1 or before or slow):
            size = count_of(len(packet), "byte")
            say(f"fzctl: sent {words} ({size}) to {escape(carrier.name)}{again}")

    def _take(self, received: Received, question: Question, first: int) -> None:
        from fzctl.live.question import ANSWER, FOREIGN, REFUSED

        message = decode(received.packet)
        verdict = question.receive(message, self._clock())
        if verdict == FOREIGN:
            self._note("packet(s) that are no control message")
            return
        self._frame += 1
        path = ("wireguard",) if self._args.interface is None else ("ipv6",)
        record = Record(self._frame, received.time, message, path, direction=received.direction)
        if verdict == ANSWER:
            passed = round((question.seconds or 0.0) * _NANOSECONDS)
            exchange = Exchange(self.asked, response_to=first, response_time=passed)
            self._output.show(record._replace(exchange=exchange))
            return
        words = describe(record)
        if verdict == REFUSED:
            self._note(f"{words.title} that a client refuses ({words.remark})")
        elif words.domain:
            self._note(f"{words.title} for {words.domain}, resource {words.resource}")
        else:
            self._note(words.title)

    def _note(self, what: str) -> None:
        if what in self._others or len(self._others) < _MOST_SORTS:
            self._others[what] += 1
        else:
            self._others["of other sorts"] += 1

    def _tell_silence(self, question: Question) -> None:
        waited = self._clock() - (question.asked_at or 0.0)
        times = "" if question.sent_count == 1 else f", sent {question.sent_count} times"
        came = "; ".join(f"{count} {what}" for what, count in self._others.items())
        meanwhile = f"meanwhile came: {came}" if came else "nothing came meanwhile"
        say(f"fzctl: no answer to {self._words} in {waited:.3g} s{times}; {meanwhile}")


def _show(args: Namespace, packet: bytes, target: str) -> int:
    """``--dry-run``: the target, the plan, the message and its bytes."""
    if not args.quiet:
        say(f"fzctl: target: {escape(target)}")
        often = "" if args.count == 1 else f", {args.count} times, every {args.interval:g} s"
        waits = ", and wait for its answer" if args.expect else ""
        then = ", then Goodbye" if args.goodbye else ""
        size = count_of(len(packet), "byte")
        say(f"fzctl: would send {_words_of(packet)} ({size}){often}{waits}{then}; nothing is sent (dry run)")
    if args.form is None:
        args.form, args.hexdump = "tree", True
    output = make_output(args, None, live=True)
    output.show(Record(1, None, decode(packet), ("ipv6",)))
    output.finish()
    return EXIT_DONE


def _words_of(packet: bytes) -> str:
    words = describe(Record(1, None, decode(packet)))
    return " ".join(text for text in (words.title, words.domain, words.content) if text)


def _add_sending_arguments(parser: ArgumentParser) -> None:
    sending = parser.add_argument_group("sending")
    sending.add_argument(
        "-c", metavar="N", dest="count", type=positive, default=SUPPRESS, help="send N times (default: 1)"
    )
    sending.add_argument(
        "--interval", metavar="S", type=seconds, default=SUPPRESS,
        help="seconds from one to the next (default: 1)",
    )  # fmt: skip
    sending.add_argument(
        "--expect", action="store_true", default=SUPPRESS,
        help="wait for the answer that belongs to it and print that; exit 6 where none comes",
    )  # fmt: skip
    sending.add_argument(
        "--retry", metavar="N", type=_count, default=SUPPRESS,
        help="with --expect: send again at most N times, every 2 s as a client does (default: no limit)",
    )  # fmt: skip
    sending.add_argument(
        "--timeout", metavar="S", type=seconds, default=SUPPRESS,
        help="with --expect: wait so many seconds (default: 10, which a gateway's lookup may take)",
    )  # fmt: skip
    sending.add_argument(
        "--goodbye", action="store_true", default=SUPPRESS, help="end the connection with a Goodbye"
    )
    sending.add_argument(
        "--force", action="store_true", default=SUPPRESS, help="send also what a real sender refuses"
    )
    output = parser.add_argument_group("output")
    forms = [form for form in FORMS if form != "fields"]
    output.add_argument(
        "-T",
        dest="form",
        default=SUPPRESS,
        choices=forms,
        help="form of the answer on stdout (default: text)",
    )
    output.add_argument(
        "-x",
        dest="hexdump",
        default=SUPPRESS,
        action="store_true",
        help="with -T text or tree: a hex dump too",
    )


def seconds(text: str) -> float:
    """A number of seconds, 0 or more, as an option's type."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ArgumentTypeError(f"{text!a} is no number of seconds")
    return value


def _count(text: str) -> int:
    return 0 if text and not text.strip("0") else positive(text)
