"""Show Firezone's logs, readable, in one timeline.

Reads every shape that Firezone's clients, gateways and relays write or wrote, told apart line by
line: files, folders, patterns, exported zips, gzip, zstd, pipes. Broken lines are shown, too.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from fzctl.cli.loginputs import LogInputs
from fzctl.cli.logoutput import FORMS, LogOutput, event_line
from fzctl.cli.parser import positive
from fzctl.cli.redaction import add_redact_arguments, make_redactor
from fzctl.cli.timeline import add_timeline_arguments
from fzctl.errors import EXIT_INTERRUPTED, UsageError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.logs.event import Event
    from fzctl.logs.redaction import LogRedactor
    from fzctl.logs.selection import Selection, Test
    from fzctl.logs.sources import Source

FILES_ANYWHERE = True

_POLL_SECONDS: Final = 0.2
_EPILOG = """\
examples:
  fzctl logs firezone_logs_2026_11_22-12-43.zip
  fzctl logs --protocol --domain gitlab.example.com client/ gateway.log
  fzctl logs -T jsonl --level warn connlib.latest | jq .message
  fzctl logs --since +10m --until +11m /var/log/dev.firezone.client
  fzctl logs --with capture.pcapng -k wg.keys client.log
  journalctl -o cat -fu firezone-gateway | fzctl logs -
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "files", metavar="FILE", nargs="*", help="files, folders, patterns, zips; - is standard input"
    )
    chosen = parser.add_argument_group("which events")
    chosen.add_argument("--level", metavar="LEVEL", help="as severe as this: trace, debug, info, warn, error")
    chosen.add_argument(
        "--target", metavar="MODULE", action="append", default=[],
        help="of this module or inside it, e.g. snownet; repeatable",
    )  # fmt: skip
    chosen.add_argument("--domain", metavar="NAME", help="that name this domain; *.NAME: anything below it")
    chosen.add_argument(
        "--resource", metavar="ID", help="that name this resource, by the id's beginning, too"
    )
    chosen.add_argument(
        "--since", metavar="WHEN", help="RFC 3339, 10m (before now), or +10m (after the first event)"
    )
    chosen.add_argument("--until", metavar="WHEN", help="the same")
    chosen.add_argument("--protocol", action="store_true", help="of the peer-to-peer control protocol")
    chosen.add_argument("--grep", metavar="REGEX", help="in whose message, target or fields this is found")
    parser.add_argument("-c", metavar="N", dest="count", type=positive, help="stop after N events")
    parser.add_argument("-T", dest="form", choices=FORMS, default="text", help="form (default: text)")
    parser.add_argument("--all-fields", action="store_true", help="in text: every field, and the module")
    parser.add_argument("--follow", "-f", action="store_true", help="go on with what is added to the files")
    add_timeline_arguments(parser)
    add_redact_arguments(parser)


def run(args: Namespace) -> int:
    """Show every log; returns the exit code."""
    if not args.files:
        raise UsageError("logs needs a log, or - for standard input (see fzctl logs --help)")
    if args.captures:
        return _run_with_packets(args)
    if args.log_offsets or args.keys:
        raise UsageError("--offset and -k go with --with CAPTURE")
    reader = _Reader(args)
    if args.follow:
        return reader.follow()
    with ExitStack() as stack:
        return reader.read(stack)


def _run_with_packets(args: Namespace) -> int:
    """The logs among the messages of captures; returns the exit code."""
    from fzctl.cli.timeline import Timeline, check_sources, parse_log_offsets, show_timeline
    from fzctl.timeline import Choice

    check_sources(args)
    offsets = parse_log_offsets(args.log_offsets)
    timeline = Timeline(args, args.captures, args.files, offsets=offsets, redactor=make_redactor(args))
    return show_timeline(timeline, Choice(_selection(args), _selection(args, packets=True)), args.count)


class _Reader:
    """The inputs, and where they go."""

    def __init__(self, args: Namespace) -> None:
        self.args = args
        self._select = _selection(args)
        redactor = _redactor(args)
        self._redact = None if redactor is None else redactor.redact
        self._inputs = LogInputs(args, redactor)

    def read(self, stack: ExitStack) -> int:
        """Everything that is there, once."""
        from fzctl.logs.merge import Lane, merge

        inputs = self._inputs
        sources = inputs.find(self.args.files, stack)
        for source in sources:
            inputs.learn(source)
        events = merge([Lane(partial(inputs.events_of, source), source.again) for source in sources])
        output = LogOutput(
            self.args, event_line(self.args, many=len(sources) > 1),
            live=not all(each.again for each in sources),
        )  # fmt: skip
        interrupted = False
        try:
            self._show(events, output)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            # Closes what is open also where -c ended it.
            getattr(events, "close", lambda: None)()
        output.finish()
        inputs.report()
        return EXIT_INTERRUPTED if interrupted else inputs.exit_code

    def follow(self) -> int:
        """What is there and what comes, until Ctrl-C."""
        from time import sleep

        from fzctl.logs.follow import Followed

        followed = Followed(_paths_to_follow(self.args.files))
        output = LogOutput(self.args, event_line(self.args, many=True), live=True)
        done = False
        try:
            while not done:
                done = self._show(followed.poll(), output)
                if not done:
                    sleep(_POLL_SECONDS)
        except KeyboardInterrupt:
            pass
        self._show(followed.close(), output)
        self._inputs.files = len(followed)
        for error in followed.problems:
            self._inputs.complain(error)
        output.finish()
        self._inputs.report()
        return self._inputs.exit_code

    def _show(self, events: Iterator[Event], output: LogOutput[Event]) -> bool:
        """Show the wanted ones; true where no more are wanted."""
        limit, inputs = self.args.count, self._inputs
        if limit is not None and inputs.shown >= limit:
            return True
        for event in self._select.select(inputs.counted(events)):
            output.show(event if self._redact is None else self._redact(event))
            inputs.shown += 1
            if inputs.shown == limit:
                return True
        output.flush()
        return False


def _selection(args: Namespace, *, packets: bool = False) -> Selection:
    """Which events the options ask for; ``packets``: which messages, that have no level or text."""
    from time import time_ns

    from fzctl.logs import selection

    tests: list[Test] = []
    if args.domain is not None:
        tests.append(selection.of_domain(args.domain))
    if args.resource is not None:
        tests.append(selection.of_resource(args.resource))
    if not packets:
        tests += _line_tests(args)
    since, until = (
        None if text is None else selection.read_moment(text, time_ns()) for text in (args.since, args.until)
    )
    return selection.Selection(tests, since, until)


def _line_tests(args: Namespace) -> list[Test]:
    from fzctl.logs import selection

    tests: list[Test] = []
    if args.level is not None:
        tests.append(selection.at_least(args.level))
    if args.target:
        tests.append(selection.of_target(args.target))
    if args.protocol:
        tests.append(selection.of_protocol)
    if args.grep is not None:
        tests.append(selection.of_text(args.grep))
    return tests


def _redactor(args: Namespace) -> LogRedactor | None:
    redactor = make_redactor(args)
    if redactor is None:
        return None
    from fzctl.logs.redaction import LogRedactor

    return LogRedactor(redactor)


def _paths_to_follow(paths: list[str]) -> Callable[[], list[Source]]:
    """What names the files anew at each poll. Raises UsageError where a path is nothing that grows."""
    from fzctl.logs.sources import find_sources

    def find() -> list[Source]:
        with ExitStack() as stack:
            return find_sources(paths, stack).sources

    with ExitStack() as stack:
        found = find_sources(paths, stack)
        for each in found.sources:
            if each.path is None or not each.again or each.is_packed:
                raise UsageError(f"--follow goes with plain files and folders, not with {escape(each.name)}")
        for problem in found.problems:
            raise problem
    return find
