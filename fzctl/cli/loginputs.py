"""Logs on the command line: what is read of them, what is counted on the way, what is said at the end."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Final

from fzctl.cli.streams import say
from fzctl.errors import EXIT_DONE, EXIT_INPUT, CaptureError
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from fzctl.logs.event import Event
    from fzctl.logs.redaction import LogRedactor
    from fzctl.logs.sources import Found, Source

_MOST_NAMED: Final = 3
_MOST_PROBLEMS: Final = 20
_FINE: Final = ("TRACE", "DEBUG")
_BLANK: Final = "blank"


class LogInputs:
    """Some logs; what fails is reported, and the others are still read.

    ``shown`` is how many events somebody has shown, ``files`` how many logs there are.
    """

    def __init__(self, args: Namespace, redactor: LogRedactor | None) -> None:
        self.args = args
        self.problems: dict[str, CaptureError] = {}
        self.found: Found | None = None
        self.files = 0
        self.shown = 0
        self._redactor = redactor
        self._severities: dict[str | None, int] = {}
        self._first_broken: Event | None = None
        self._broken_lines = 0
        self._events = 0
        self._has_protocol = False
        self._is_whole = False

    @property
    def exit_code(self) -> int:
        """What the program ends with, as far as it is up to the logs."""
        return EXIT_INPUT if self.problems else EXIT_DONE

    def find(self, paths: list[str], stack: ExitStack) -> list[Source]:
        """The logs behind the paths; what is opened closes with ``stack``."""
        from fzctl.logs.sources import find_sources

        found = self.found = find_sources(paths, stack)
        for problem in found.problems:
            self.complain(problem)
        self.files = len(found.sources)
        return found.sources

    def events_of(self, source: Source) -> Generator[Event]:
        """One log's events; what goes wrong is told at the end, and the others are still read."""
        from fzctl.logs.parse import parse_lines

        try:
            yield from parse_lines(source.lines(), source.name)
        except CaptureError as error:
            self.complain(error)

    def learn(self, source: Source) -> None:
        """Let the redactor know all names of a log before the first line is shown."""
        if self._redactor is not None and source.again:
            for event in self.events_of(source):
                self._redactor.learn(event)

    def counted(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events, counted as they pass."""
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

    def complain(self, error: CaptureError) -> None:
        """Keep what went wrong until the end."""
        self.problems[str(error)] = error

    def report(self) -> None:
        """Complaints, counts and hints, on stderr."""
        for error in islice(self.problems.values(), _MOST_PROBLEMS):
            say(f"fzctl: {escape(str(self._told(error)))}")
        more = len(self.problems) - _MOST_PROBLEMS
        if more > 0:
            say(f"fzctl: {more} more of the logs could not be read")
        if self.args.quiet:
            return
        if self.args.form == "text" or self.args.verbose or self._broken_lines:
            say(f"fzctl: {self._counts()}")
        if self.found is not None:
            self._tell(self.found.copies, "left out as a copy of another")
            self._tell(self.found.others, "left out as no log")
        self._hint()

    def _counts(self) -> str:
        from fzctl.render.logline import place_of
        from fzctl.render.words import count_of

        text = f"{count_of(self._events, 'event')} in {count_of(self.files, 'file')}"
        if self.shown != self._events:
            text += f", {self.shown or 'none'} shown"
        first = self._first_broken
        if first is not None:
            first = first if self._redactor is None else self._redactor.redact(first)
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
