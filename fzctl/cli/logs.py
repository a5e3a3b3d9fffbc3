"""Show Firezone's logs, readable, in one timeline.

Reads every shape that Firezone's clients, gateways and relays write or wrote, told apart line by
line: files, folders, patterns, exported zips, gzip, zstd, pipes. Broken lines are shown, too.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from fzctl.cli.logoutput import FORMS, LogOutput
from fzctl.cli.parser import positive
from fzctl.cli.redaction import add_redact_arguments, make_redactor
from fzctl.cli.streams import say
from fzctl.errors import EXIT_DONE, EXIT_INPUT, EXIT_INTERRUPTED, CaptureError, UsageError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.logs.event import Event
    from fzctl.logs.redaction import LogRedactor
    from fzctl.logs.selection import Selection, Test
    from fzctl.logs.sources import Found, Source

FILES_ANYWHERE = True

_POLL_SECONDS: Final = 0.2
_MOST_NAMED: Final = 3
_EPILOG = """\
examples:
  fzctl logs firezone_logs_2026_11_22-12-43.zip
  fzctl logs --protocol --domain gitlab.example.com client/ gateway.log
  fzctl logs -T jsonl --level warn connlib.latest | jq .message
  fzctl logs --since +10m --until +11m /var/log/dev.firezone.client
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
    add_redact_arguments(parser)


def run(args: Namespace) -> int:
    """Show every log; returns the exit code."""
    if not args.files:
        raise UsageError("logs needs a log, or - for standard input (see fzctl logs --help)")
    reader = _Reader(args)
    if args.follow:
        return reader.follow()
    with ExitStack() as stack:
        return reader.read(stack)


class _Reader:
    """The inputs, what is counted on the way, and where it goes."""

    def __init__(self, args: Namespace) -> None:
        self.args = args
        self._select = _selection(args)
        self._redactor = _redactor(args)
        self._redact = None if self._redactor is None else self._redactor.redact
        self._severities: dict[str | None, int] = {}
        self._first_broken: Event | None = None
        self._broken_lines = 0
        self._events = 0
        self._shown = 0
        self._files = 0
        self._problems: dict[str, CaptureError] = {}
        self._found: Found | None = None
        self._has_protocol = False
        self._is_whole = False

    def read(self, stack: ExitStack) -> int:
        """Everything that is there, once."""
        from fzctl.logs.merge import Lane, merge
        from fzctl.logs.sources import find_sources

        found = self._found = find_sources(self.args.files, stack)
        for problem in found.problems:
            self._problems[str(problem)] = problem
        self._files = len(found.sources)
        lanes = [Lane(partial(self._events_of, source), source.again) for source in found.sources]
        events = merge(lanes)
        output = LogOutput(
            self.args, many=len(found.sources) > 1, live=not all(each.again for each in found.sources)
        )
        interrupted = False
        try:
            self._show(events, output)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            # Closes what is open also where -c ended it.
            getattr(events, "close", lambda: None)()
        output.finish()
        self._report()
        if interrupted:
            return EXIT_INTERRUPTED
        return EXIT_INPUT if self._problems else EXIT_DONE

    def follow(self) -> int:
        """What is there and what comes, until Ctrl-C."""
        from time import sleep

        from fzctl.logs.follow import Followed

        followed = Followed(_paths_to_follow(self.args.files))
        output = LogOutput(self.args, many=True, live=True)
        done = False
        try:
            while not done:
                done = self._show(iter(followed.poll()), output)
                if not done:
                    sleep(_POLL_SECONDS)
        except KeyboardInterrupt:
            pass
        self._show(iter(followed.close()), output)
        self._files = len(followed)
        self._problems.update((str(error), error) for error in followed.problems)
        output.finish()
        self._report()
        return EXIT_INPUT if self._problems else EXIT_DONE

    def _show(self, events: Iterator[Event], output: LogOutput) -> bool:
        """Show the wanted ones; true where no more are wanted."""
        limit = self.args.count
        if limit is not None and self._shown >= limit:
            return True
        for event in self._select.select(self._counted(events)):
            output.show(event if self._redact is None else self._redact(event))
            self._shown += 1
            if self._shown == limit:
                return True
        output.flush()
        return False

    def _counted(self, events: Iterator[Event]) -> Iterator[Event]:
        from fzctl.logs.events import kind_of

        severities = self._severities
        broken_at = None
        for event in events:
            severity = event.severity
            severities[severity] = severities.get(severity, 0) + 1
            # Two objects on one line are one broken line.
            if event.problem is not None and broken_at != (event.file, event.line):
                broken_at = (event.file, event.line)
                self._broken_lines += 1
                if self._first_broken is None:
                    self._first_broken = event
            if not self._has_protocol and severity in _FINE and kind_of(event) is not None:
                self._has_protocol = True
            self._events += event.shape != _BLANK
            yield event
        self._is_whole = True

    def _events_of(self, source: Source) -> Generator[Event]:
        """One log's events; what goes wrong is told at the end, and the others are still read."""
        from fzctl.logs.parse import parse_lines

        try:
            yield from parse_lines(source.lines(), source.name)
        except CaptureError as error:
            self._problems[str(error)] = error

    def _report(self) -> None:
        for error in self._problems.values():
            say(f"fzctl: {escape(str(self._told(error)))}")
        if self.args.quiet:
            return
        if self.args.form == "text" or self.args.verbose or self._broken_lines:
            say(f"fzctl: {self._counts()}")
        if self._found is not None:
            self._tell(self._found.copies, "left out as a copy of another")
            self._tell(self._found.others, "left out as no log")
        self._hint()

    def _counts(self) -> str:
        from fzctl.render.logline import place_of
        from fzctl.render.words import count_of

        text = f"{count_of(self._events, 'event')} in {count_of(self._files, 'file')}"
        if self._shown != self._events:
            text += f", {self._shown or 'none'} shown"
        first = self._first_broken
        if first is not None:
            first = first if self._redact is None else self._redact(first)
            text += f"; {count_of(self._broken_lines, 'broken line')}, the first at {escape(place_of(first))}"
            text += f" ({escape(first.problem or '')})"
        return text

    def _hint(self) -> None:
        from fzctl.logs.events import is_info_only, needed_filter

        if self._is_whole and not self._has_protocol and is_info_only(self._severities):
            say(
                "fzctl: these logs were written at level info, at which most lines of the control protocol "
                f"are missing; with the log filter {needed_filter()} (1.4.0: "
                f"{needed_filter(old=True)}) the next ones have them"
            )

    def _told(self, error: CaptureError) -> CaptureError:
        """The error as it may be told: a file's name names somebody, too."""
        redactor = self._redactor
        if redactor is None:
            return error
        return CaptureError(
            redactor.redact_path(error.source), redactor.redact_sentence(error.problem), error.offset
        )

    def _tell(self, names: list[str], what: str) -> None:
        if not names:
            return
        redactor = self._redactor
        told = names[:_MOST_NAMED] if redactor is None else map(redactor.redact_path, names[:_MOST_NAMED])
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        say(f"fzctl: {what}: {', '.join(map(escape, told))}{more}")


_FINE: Final = ("TRACE", "DEBUG")
_BLANK: Final = "blank"


def _selection(args: Namespace) -> Selection:
    from time import time_ns

    from fzctl.logs import selection

    tests: list[Test] = []
    if args.level is not None:
        tests.append(selection.at_least(args.level))
    if args.target:
        tests.append(selection.of_target(args.target))
    if args.protocol:
        tests.append(selection.of_protocol)
    if args.domain is not None:
        tests.append(selection.of_domain(args.domain))
    if args.resource is not None:
        tests.append(selection.of_resource(args.resource))
    if args.grep is not None:
        tests.append(selection.of_text(args.grep))
    since, until = (
        None if text is None else selection.read_moment(text, time_ns()) for text in (args.since, args.until)
    )
    return selection.Selection(tests, since, until)


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
