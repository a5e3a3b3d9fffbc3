"""Send the control messages of a capture again, at their own times, scaled, at a rate or at once.

They go into a tunnel of your own (--peer), or out on an interface (-i). Encrypted captures are
opened by -k, -Y chooses messages. What a bad network would do to them is done on demand, and
repeatable with --seed. What was sent, answered and spoiled is told at the end. Ctrl-C ends it.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from fzctl.cli.choosing import choose
from fzctl.cli.impairment import add_impairment_arguments, impairments_of
from fzctl.cli.inputs import Inputs
from fzctl.cli.parser import positive
from fzctl.cli.saving import spare_inputs
from fzctl.cli.selection import add_message_arguments
from fzctl.cli.signals import interruptible
from fzctl.cli.streams import say
from fzctl.cli.target import add_target_arguments, describe_target, open_target, warn_on_stderr
from fzctl.errors import EXIT_DONE, EXIT_NEGATIVE, UsageError
from fzctl.records import Record
from fzctl.render.escape import escape
from fzctl.render.words import count_of

if TYPE_CHECKING:
    from fzctl.carriers.base import Carrier
    from fzctl.live.impair import Impairments
    from fzctl.live.schedule import Timed

FILES_ANYWHERE = True

_EPILOG = """\
examples:
  fzctl replay capture.pcapng --peer wg.conf
  fzctl replay -k wg.keys night.pcapng.gz -i wg0 -x 10 --direction 'a>b'
  fzctl replay capture.pcap --peer wg.conf --pps 50 --loss 20% --reorder 5% --seed 7
  fzctl replay capture.pcap --peer wg.conf --at-once --dry-run
"""

_WAYS: Final = ("a>b", "b>a")
_LINGER: Final = 2.0
_LATE: Final = 0.1
_LONG_PAUSE: Final = 60.0

_SPOILED: Final = ("lost", "duplicate", "reordered", "corrupted")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    parser.add_argument("files", metavar="FILE", nargs="*", help="capture files; - is standard input")
    parser.add_argument(
        "-r", metavar="FILE", dest="read", action="append", default=[], help="a capture file, too"
    )
    add_message_arguments(parser)
    parser.add_argument(
        "--direction", choices=_WAYS,
        help="one way only: a is who began the first session, or else the client by the kind of message",
    )  # fmt: skip
    parser.add_argument("--hex", action="store_true", help="the input is text, one IP packet in hex a line")
    parser.add_argument(
        "--user0-is-ip", action="store_true", help="link type 147 (USER0) holds bare IP packets"
    )
    add_target_arguments(parser, listens=False)
    pace = parser.add_argument_group("pace (default: as captured)")
    pace.add_argument(
        "-x", "--speed", metavar="FACTOR", dest="speed", type=_above_zero, help="so many times as fast"
    )
    pace.add_argument("--pps", metavar="RATE", type=_above_zero, help="so many messages a second, evenly")
    pace.add_argument("--at-once", action="store_true", help="without pauses")
    pace.add_argument(
        "--loop", metavar="N", type=positive, default=1, help="send all of it N times (default: 1)"
    )
    pace.add_argument(
        "--linger", metavar="S", type=_not_below_zero, default=_LINGER,
        help=f"wait so long for answers in the end (default: {_LINGER:g} s)",
    )  # fmt: skip
    add_impairment_arguments(parser)
    parser.add_argument(
        "-T", dest="form", choices=("text", "json"), default=None,
        help="text: told on stderr (default); json: the counts as an object on stdout",
    )  # fmt: skip
    parser.set_defaults(fields=[], redact=False, redact_key=None, embed_keys=False)


def run(args: Namespace) -> int:
    """Choose the messages, send them, tell what became of them; returns the exit code."""
    sources = [*args.read, *args.files]
    if not sources:
        raise UsageError("replay needs a capture file, or - for standard input (see fzctl replay --help)")
    if sum((args.speed is not None, args.pps is not None, args.at_once)) > 1:
        raise UsageError("-x, --pps and --at-once are three paces: give one")
    spare_inputs(args.write, [*sources, *args.keys])
    warn = warn_on_stderr(args)
    impairments = impairments_of(args)
    target = describe_target(args, warn if args.dry_run else None)
    with interruptible() as ending:
        inputs = Inputs(args, sources)
        inputs.wants_hints = True
        records = choose(args, inputs)
        for problem in inputs.problems:
            say(f"fzctl: {escape(problem)}")
        if not records:
            say("fzctl: nothing matched to send")
            return inputs.exit_code or EXIT_NEGATIVE
        if not args.quiet:
            say(f"fzctl: target: {escape(target)}")
            if impairments is not None and args.seed is None:
                say(f"fzctl: --seed {impairments.seed} repeats this run")
            _tell_pause(args, records)
        if args.dry_run:
            _show(args, records, _planned(args, records, impairments), target, impairments)
            return inputs.exit_code
        replay = Replay(args, records, target, impairments)
        try:
            with open_target(args, warn, connect=True) as carrier:
                replay.run(carrier)
                replay.is_complete = True
        finally:
            replay.report()
    return EXIT_DONE if ending.was_interrupted else inputs.exit_code


class Replay:
    """Sends chosen messages over one carrier; what it has counted holds at any time."""

    is_complete = False

    def __init__(
        self,
        args: Namespace,
        records: list[Record],
        target: str,
        impairments: Impairments | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from fzctl.live.pace import Pacer
        from fzctl.live.tally import Tally

        self._args: Final = args
        self._records: Final = records
        self._target: Final = target
        self._impairments: Final = impairments
        self._clock: Final = clock
        self._tally: Final = Tally([record.message for record in records], clock)
        self._pacer: Pacer | None = None

    def run(self, carrier: Carrier) -> None:
        """Send all, and wait for answers. Raises CarrierError where a packet does not leave."""
        from fzctl.live.pace import Pacer

        tally = self._tally
        # Who asks nothing needs no look at each packet.
        on_sent = tally.sent if tally.asks else None
        self._pacer = Pacer(carrier, self._clock, tally.take, on_sent=on_sent)
        self._pacer.run(_planned(self._args, self._records, self._impairments))
        end = self._clock() + self._args.linger
        while tally.open_count and (now := self._clock()) < end:
            received = carrier.receive(end - now)
            if received is not None:
                tally.take(received)

    def report(self) -> None:
        """Tell it all: in words on stderr, with ``-T json`` as an object on stdout."""
        counts = self.counts()
        if self._args.form == "json" and self._args.write != "-":
            _print_json(counts)
        if self._args.quiet:
            return
        text = f"{count_of(counts['sent'], 'packet')} sent"
        if counts["seconds"]:
            text += f" in {counts['seconds']:.3g} s"
        spoiled = [f"{counts[name]} {name}" for name in _names_of_spoiled() if counts[name]]
        say(f"fzctl: {text}" + (f"; on purpose {', '.join(spoiled)}" if spoiled else ""))
        if counts["questions"]:
            times = counts["response_time"]
            span = "" if times is None else f" ({_span(times['min'])} to {_span(times['max'])})"
            asked = count_of(counts["questions"], "question")
            say(f"fzctl: {counts['answered']} of {asked} answered{span}")
        if counts["late"] > _LATE and not self._args.at_once:
            say(f"fzctl: WARNING: up to {counts['late']:.3g} s behind time: this machine cannot keep up")

    def counts(self) -> dict[str, Any]:
        """What ``-T json`` prints."""
        pacer, tally = self._pacer, self._tally
        done = {} if pacer is None else pacer.done
        times = tally.times
        return {
            **_head(self._args, self._records, self._target, self._impairments),
            "sent": 0 if pacer is None else pacer.sent,
            **{name: done.get(how, 0) for name, how in zip(_names_of_spoiled(), _SPOILED, strict=True)},
            "questions": tally.asked,
            "answered": len(times),
            "other_messages": tally.others,
            "other_packets": tally.foreign,
            "response_time": {"min": min(times), "mean": sum(times) / len(times), "max": max(times)}
            if times
            else None,
            "seconds": 0.0 if pacer is None else pacer.seconds,
            "late": 0.0 if pacer is None else pacer.late,
            "complete": self.is_complete,
        }


def _tell_pause(args: Namespace, records: list[Record]) -> None:
    """A word on a long wait before it begins: where a clock was set, it may be decades."""
    from fzctl.live.schedule import at_own_times, longest_pause

    if args.at_once or args.pps is not None:
        return
    pause = longest_pause(at_own_times(records, args.speed or 1.0))
    if pause is not None and pause.time >= _LONG_PAUSE:
        behind = f"{_span(pause.time)} after the one before it"
        say(f"fzctl: message {pause.number} leaves {behind}; -x, --pps and --at-once take less time")


def _planned(args: Namespace, records: list[Record], impairments: Impairments | None) -> Iterator[Timed]:
    """Each packet and its time, spoiled where that is wanted."""
    from fzctl.live.impair import impair
    from fzctl.live.schedule import at_once, at_own_times, at_rate, looped

    rounds: Iterable[Record] = records if args.loop == 1 else looped(records, args.loop)
    if args.at_once:
        timed = at_once(rounds)
    elif args.pps is not None:
        timed = at_rate(rounds, args.pps)
    else:
        timed = at_own_times(rounds, args.speed or 1.0)
    return timed if impairments is None else impair(timed, impairments)


def _show(
    args: Namespace,
    records: list[Record],
    planned: Iterator[Timed],
    target: str,
    impairments: Impairments | None,
) -> None:
    """``--dry-run``: each packet with its time, or the counts that they would make."""
    from fzctl.protocol.codec import decode
    from fzctl.render.lines import to_line

    counts = {**_head(args, records, target, impairments), "sent": 0, **dict.fromkeys(_names_of_spoiled(), 0)}
    names = dict(zip(_SPOILED, _names_of_spoiled(), strict=True))
    for timed in planned:
        counts["sent"] += "lost" not in timed.done
        for how in timed.done:
            counts[names[how]] += 1
        counts["seconds"] = timed.time
        if args.form == "json":
            continue
        record = records[(timed.number - 1) % len(records)]
        line = to_line(record._replace(time=None, message=decode(timed.packet)))
        done = f"  ({', '.join(timed.done)})" if timed.done else ""
        sys.stdout.write(f"+{timed.time:.6f}{line[1:]}{done}\n")
    if args.form == "json":
        _print_json({**counts, "dry_run": True})
    if not args.quiet:
        span = f" in {counts['seconds']:.3g} s" if counts.get("seconds") else ""
        say(f"fzctl: would send {count_of(counts['sent'], 'packet')}{span}; nothing is sent (dry run)")


def _head(
    args: Namespace, records: list[Record], target: str, impairments: Impairments | None
) -> dict[str, Any]:
    return {
        "schema": 1,
        "target": target,
        "messages": len(records) * args.loop,
        "seed": None if impairments is None else impairments.seed,
    }


def _names_of_spoiled() -> tuple[str, ...]:
    return ("lost", "duplicated", "reordered", "corrupted")


def _print_json(counts: dict[str, Any]) -> None:
    import json

    sys.stdout.write(json.dumps(counts, indent=2) + "\n")
    sys.stdout.flush()


def _span(seconds: float) -> str:
    from fzctl.render.clock import format_span

    return format_span(round(seconds * 1e9))


def _above_zero(text: str) -> float:
    value = _not_below_zero(text)
    if not value:
        raise ArgumentTypeError(f"{text!a} is no number above 0")
    return value


def _not_below_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ArgumentTypeError(f"{text!a} is no number of 0 or more")
    return value
