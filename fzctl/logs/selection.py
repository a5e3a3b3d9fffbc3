"""Which events are wanted: by level, target, time, domain, resource, text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from fzctl.errors import UsageError
from fzctl.logs.event import BLANK, CONTINUATION, SEVERITIES, Event, severity_of
from fzctl.logs.events import kind_of
from fzctl.logs.times import parse_moment, parse_span

_RESOURCE: Final = re.compile(r"[0-9a-fA-F][0-9a-fA-F-]{3,35}")
_WAYS: Final = "RFC 3339 (2026-11-22T12:43:01Z), 10m (before now) or +10m (after the first event)"


class Moment(NamedTuple):
    """A point in time, absolute or so long after the first event (nanoseconds)."""

    value: int
    after_first: bool = False


Test = Callable[[Event], bool]


class Selection:
    """Takes the events for which all tests hold.

    What has no time, or goes on with the line above, is judged by time as that line was.
    """

    def __init__(
        self, tests: Sequence[Test] = (), since: Moment | None = None, until: Moment | None = None
    ) -> None:
        self._tests = tuple(tests)
        self._since = since
        self._until = until
        self._first: int | None = None
        self._in_time = since is None
        self._taken = False

    def select(self, events: Iterable[Event]) -> Iterator[Event]:
        """The wanted ones; blank lines never are."""
        if not self._tests and self._since is None and self._until is None:
            return (event for event in events if event.shape != BLANK)
        return filter(self, events)

    def begin(self, time: int) -> None:
        """Let ``+10m`` count from this time, unless it counts from an event already."""
        if self._first is None:
            self._first = time

    def __call__(self, event: Event) -> bool:
        if event.shape == BLANK:
            return False
        if event.shape == CONTINUATION:
            return self._taken
        if event.time is not None:
            self._in_time = self._is_in_time(event.time)
        self._taken = self._in_time and all(test(event) for test in self._tests)
        return self._taken

    def _is_in_time(self, time: int) -> bool:
        if self._first is None:
            self._first = time
        return (self._since is None or time >= self._at(self._since)) and (
            self._until is None or time <= self._at(self._until)
        )

    def _at(self, moment: Moment) -> int:
        return moment.value + ((self._first or 0) if moment.after_first else 0)


def read_moment(text: str, now: int) -> Moment:
    """``now`` is nanoseconds since the Unix epoch. Raises UsageError."""
    after = text.startswith("+")
    span = parse_span(text.removeprefix("+"))
    if span is not None:
        return Moment(span, True) if after else Moment(now - span)
    moment = parse_moment(text)
    if moment is None:
        raise UsageError(f'"{text}" is no point in time; it is written as {_WAYS}')
    return Moment(moment)


def at_least(level: str) -> Test:
    """Events as severe as ``level`` or more. Raises UsageError."""
    severity = severity_of(level)
    if severity is None:
        raise UsageError(f'"{level}" is no level; the levels are {", ".join(SEVERITIES).lower()}')
    wanted = SEVERITIES[SEVERITIES.index(severity) :]
    return lambda event: event.severity in wanted


def of_target(targets: Sequence[str]) -> Test:
    """Events of these modules or of modules inside them."""
    inside = tuple(target.removesuffix("::") + "::" for target in targets)
    return lambda event: event.target is not None and f"{event.target}::".startswith(inside)


def of_domain(domain: str) -> Test:
    """Events in which the domain stands as a whole, without case; ``*.`` before it: anything below it."""
    wanted = domain.removesuffix(".")
    below = wanted.startswith("*.")
    name = re.escape(wanted.removeprefix("*."))
    start = r"(?<=[\w\\-]\.)" if below else r"(?<![\w\\.*-])"
    pattern = re.compile(rf"{start}{name}(?!\.?[\w\\-])", re.IGNORECASE)
    return lambda event: any(pattern.search(text) for text in texts_of(event))


def of_resource(resource: str) -> Test:
    """Events that name the resource by its id or the beginning of it. Raises UsageError."""
    if _RESOURCE.fullmatch(resource) is None:
        raise UsageError(f'"{resource}" is no resource id, nor four characters or more of its beginning')
    pattern = re.compile(rf"(?<![0-9a-fA-F-]){re.escape(resource)}", re.IGNORECASE)
    return lambda event: any(pattern.search(text) for text in texts_of(event))


def of_text(expression: str) -> Test:
    """Events in whose message, target or a field the regular expression is found. Raises UsageError."""
    try:
        with warnings.catch_warnings():
            # Python warns of sets that it may once read differently.
            warnings.simplefilter("ignore", FutureWarning)
            pattern = re.compile(expression)
    except re.error as error:
        raise UsageError(f'"{expression}" is no regular expression: {error}') from None
    except (RecursionError, OverflowError, MemoryError, ValueError):  # ValueError: a count of 5000 digits
        raise UsageError(f"{expression[:40]!a}... is too large for a regular expression") from None
    return lambda event: any(pattern.search(text) for text in texts_of(event))


def of_protocol(event: Event) -> bool:
    """Events of the peer-to-peer control protocol."""
    return kind_of(event) is not None


def texts_of(event: Event) -> Iterator[str]:
    """Everything that an event says: where nothing of it could be read, the line itself."""
    if event.message is not None:
        yield event.message
    elif event.target is None and not event.fields:
        yield event.raw
    if event.target is not None:
        yield event.target
    for name, value in event.fields:
        yield f"{name}={value}"
    for span in event.spans:
        if span.name is not None:
            yield span.name
        for name, value in span.fields:
            yield f"{name}={value}"
