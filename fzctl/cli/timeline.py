"""Packets and logs on one timeline: ``logs --with CAPTURE`` and ``analyze --logs PATH``."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from fzctl.cli.inputs import Inputs, title_of
from fzctl.cli.loginputs import LogInputs
from fzctl.cli.logoutput import LogOutput
from fzctl.cli.moments import parse_seconds
from fzctl.cli.output import colour_wanted
from fzctl.cli.streams import say
from fzctl.errors import EXIT_INTERRUPTED, UsageError
from fzctl.records import Record
from fzctl.render.escape import escape

if TYPE_CHECKING:
    from argparse import _ActionsContainer

    from fzctl.logs.align import Sighting
    from fzctl.logs.event import Event
    from fzctl.logs.merge import Lane
    from fzctl.logs.redaction import LogRedactor
    from fzctl.logs.sources import Source
    from fzctl.redact.redactor import Redactor
    from fzctl.timeline import Clock, Entry

MOST_HELD: Final = 200_000
"""Lines or messages of a pipe that is read twice."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of them."""


class Timeline:
    """The messages of ``captures`` and the lines of the logs behind ``paths``, joined.

    ``args`` has the options of a verb that reads captures; ``offsets`` are given in nanoseconds, by
    the path of a log or, for all others, under ``None``. What could be read is in :meth:`entries`;
    then :meth:`report` tells what went wrong, ``exit_code`` how it ends. Clocks are known from the
    first entry on.
    """

    def __init__(
        self,
        args: Namespace,
        captures: Sequence[str],
        paths: Sequence[str],
        *,
        offsets: dict[str | None, int] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.args = Namespace(
            **{"hex": False, "user0_is_ip": False, "dialect": "auto", "keys": [], "count": None, **vars(args)}
        )
        self.clocks: dict[str, Clock] = {}
        self.many_logs = False
        self._captures = list(captures)
        self._paths = list(paths)
        self._offsets = {} if offsets is None else offsets
        self._redactor = redactor
        self._log_redactor = _log_redactor(redactor)
        self.logs = LogInputs(self.args, self._log_redactor)
        self._inputs = Inputs(self.args, self._captures)

    @property
    def exit_code(self) -> int:
        """What the program ends with."""
        return self._inputs.exit_code or self.logs.exit_code

    def entries(
        self, wanted: Callable[[Entry], bool] | None = None, most: int | None = None
    ) -> Iterator[Entry]:
        """All of it in the order of time, or ``most`` of what is ``wanted``; redacted with a redactor."""
        from fzctl.logs.merge import merge
        from fzctl.timeline import join, redact_entry

        with ExitStack() as stack:
            sources = self.logs.find(self._paths, stack)
            self.many_logs = len(sources) > 1
            for source in sources:
                self.logs.learn(source)
            lanes, records = self._prepare(sources)
            events = merge(lanes)
            for each in (events, records):
                stack.callback(getattr(each, "close", lambda: None))
            found: Iterable[Entry] = join(records, self.logs.counted(events), self.clocks)
            if wanted is not None:
                found = filter(wanted, found)
            redactor, logs = self._redactor, self._log_redactor
            for entry in islice(found, most):
                self.logs.shown += entry.event is not None
                yield entry if redactor is None or logs is None else redact_entry(entry, redactor, logs)

    def objects(
        self, wanted: Callable[[Entry], bool] | None = None, most: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The same as JSON objects, with the clocks before them."""
        from fzctl.render.entries import to_clock_object, to_entry_object

        entries = self.entries(wanted, most)
        first = next(entries, None)
        yield from map(to_clock_object, self.told_clocks())
        if first is not None:
            yield to_entry_object(first)
            yield from map(to_entry_object, entries)

    def told_clocks(self) -> list[Clock]:
        """The clocks as they may be told."""
        redactor = self._redactor
        return [
            each if redactor is None else each._replace(file=each.file and redactor.redact_path(each.file))
            for each in self.clocks.values()
        ]

    def line_of(self, entry: Entry, *, colour: bool, brief: bool, whole: bool = False) -> str:
        """An entry as text, without the line's end."""
        from fzctl.render.entries import to_entry_line

        return to_entry_line(entry, colour=colour, brief=brief, whole=whole, place=self.many_logs)

    def report(self) -> None:
        """Clocks, complaints and counts, on stderr."""
        from fzctl.render.entries import clock_sentence
        from fzctl.render.words import count_of

        if not self.args.quiet:
            for sentence in dict.fromkeys(map(clock_sentence, self.told_clocks())):
                say(f"fzctl: {sentence}")
        for problem in self._inputs.problems:
            say(f"fzctl: {escape(problem)}")
        if not self.args.quiet and (self.args.form == "text" or self.args.verbose):
            names = ", ".join(escape(title_of(each)) for each in self._captures)
            say(f"fzctl: {count_of(self._inputs.frames, 'packet')} in {names}")
        self.logs.report()

    def _prepare(self, sources: list[Source]) -> tuple[list[Lane], Iterator[Record]]:
        """The clocks, and both streams in the time of the captures.

        Both are read twice where the clocks are to be estimated or names to be known beforehand; what
        can be read only once is held.
        """
        from fzctl.logs.align import sightings_in_capture, sightings_in_log
        from fzctl.logs.merge import Lane
        from fzctl.timeline import clocks_of, remember_domains

        opens: dict[str, Callable[[], Iterable[Event]]] = {
            each.name: partial(self.logs.events_of, each) for each in sources
        }
        given = {
            name: shift for name, shift in ((name, self._given(name)) for name in opens) if shift is not None
        }
        records: Callable[[], Iterator[Record]] = self._records
        in_capture: list[Sighting] = []
        in_logs: dict[str, list[Sighting]] = {name: [] for name in opens}
        if len(given) < len(opens) or self._redactor is not None:
            if all(map(os.path.isfile, self._captures)):
                first = self._records(quiet=True)
            else:
                records = _held(records())
                first = records()
            if self._redactor is not None:
                first = remember_domains(first, self._redactor)
            in_capture = sightings_in_capture(first)
            for source in sources:
                if source.name not in given:
                    if not source.again:
                        opens[source.name] = _held(opens[source.name]())
                    in_logs[source.name] = sightings_in_log(opens[source.name]())
        self.clocks = clocks_of(in_logs, in_capture, given)
        lanes = [
            Lane(partial(_shifted, opens[each.name], self.clocks[each.name].nanoseconds), each.again)
            for each in sources
        ]
        return lanes, records()

    def _given(self, name: str) -> int | None:
        """The offset that the user gave for a log, under its own name or that of where it lies."""
        path = max((each for each in self._offsets if each and name.startswith(each)), key=len, default=None)
        return self._offsets.get(path)

    def _records(self, *, quiet: bool = False) -> Iterator[Record]:
        """The messages of all captures together."""
        from fzctl.analysis.merge import merge

        inputs = self._inputs
        if quiet:
            inputs = Inputs(Namespace(**{**vars(self.args), "quiet": True}), self._captures)
        if len(self._captures) == 1:
            return iter(inputs.records())
        return merge([inputs.records_of(each) for each in self._captures])


def show_timeline(
    timeline: Timeline, wanted: Callable[[Entry], bool] | None = None, most: int | None = None
) -> int:
    """All of it, or ``most`` of what is ``wanted``, on stdout in ``-T``'s form; returns the exit code."""
    import json

    from fzctl.render.clock import dated

    args = timeline.args
    output: LogOutput[Any]
    found: Iterator[Any]
    if args.form in (None, "text"):
        whole, colour, brief = (
            getattr(args, "all_fields", False),
            colour_wanted(args.color),
            sys.stdout.isatty(),
        )
        line = partial(timeline.line_of, colour=colour, brief=brief, whole=whole)
        output = LogOutput(args, dated(line) if brief else line, live=False)
        found = timeline.entries(wanted, most)
    else:
        output = LogOutput(args, json.JSONEncoder(separators=(",", ":")).encode, live=False)
        found = timeline.objects(wanted, most)
    interrupted = False
    try:
        for thing in found:
            output.show(thing)
    except KeyboardInterrupt:
        interrupted = True
    output.finish()
    timeline.report()
    return EXIT_INTERRUPTED if interrupted else timeline.exit_code


def add_timeline_arguments(parser: ArgumentParser) -> None:
    """Declare ``--with`` and what belongs to it."""
    from fzctl.cli.keys import add_key_argument

    group = parser.add_argument_group("with packets")
    group.add_argument(
        "--with", metavar="CAPTURE", dest="captures", action="append", default=[],
        help="show the control messages of this capture among the lines; repeatable",
    )  # fmt: skip
    add_key_argument(group)
    add_offset_argument(group)


def add_offset_argument(parser: _ActionsContainer, option: str = "--offset") -> None:
    """Declare the option that says how far a log's clock is behind the capture's."""
    parser.add_argument(
        option, metavar="[LOG=]SECONDS", dest="log_offsets", action="append", default=[],
        help="add this to the times of that log, or of all others (default: estimated); repeatable",
    )  # fmt: skip


def parse_log_offsets(texts: Iterable[str], option: str = "--offset") -> dict[str | None, int]:
    """The values of that option, in nanoseconds. Raises UsageError."""
    found: dict[str | None, int] = {}
    for text in texts:
        path, _, seconds = text.rpartition("=")
        found[path or None] = parse_seconds(seconds, f"{option} {escape(text)}")
    return found


def check_sources(args: Namespace) -> None:
    """Refuse what cannot be. Raises UsageError."""
    if args.captures.count("-") + args.files.count("-") > 1:
        raise UsageError("standard input can be read only once: give one of its uses a file")
    if args.follow:
        raise UsageError("--with reads captures that are complete; leave --follow away")


def _log_redactor(redactor: Redactor | None) -> LogRedactor | None:
    if redactor is None:
        return None
    from fzctl.logs.redaction import LogRedactor

    return LogRedactor(redactor)


def _held(things: Iterable[Any]) -> Callable[[], Iterator[Any]]:
    """What can be read only once, kept to be read again. Raises UsageError where it is too much."""
    found: list[Any] = []
    size = 0
    for thing in things:
        found.append(thing)
        size += len(thing.message.packet if isinstance(thing, Record) else thing.raw)
        if len(found) > MOST_HELD or size > MOST_BYTES:
            raise UsageError(
                f"a pipe is read twice here, and brings more than {MOST_HELD} lines or {MOST_BYTES} bytes: "
                "make it a file"
            )
    return lambda: iter(found)


def _shifted(open_events: Callable[[], Iterable[Event]], nanoseconds: int) -> Generator[Event]:
    from fzctl.timeline import shifted

    yield from shifted(open_events(), nanoseconds)
