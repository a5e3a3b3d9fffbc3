"""The one event that every shape of log is read into."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

SEVERITIES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")
"""From the least to the most severe, as tracing names them."""

_OTHER_NAMES: Final = {
    "WARNING": "WARN",
    "NOTICE": "INFO",
    "CRITICAL": "ERROR",
    "ALERT": "ERROR",
    "EMERGENCY": "ERROR",
    "FATAL": "ERROR",
}

STACKDRIVER: Final = "stackdriver"
FLAT: Final = "flat"
NESTED: Final = "nested"
APPLE_JSON: Final = "apple_json"
TEXT: Final = "text"
APPLE_TEXT: Final = "apple_text"
CONTINUATION: Final = "continuation"
BLANK: Final = "blank"
UNKNOWN: Final = "unknown"

SHAPES: Final = (
    *(STACKDRIVER, FLAT, NESTED, APPLE_JSON, TEXT, APPLE_TEXT),
    *(CONTINUATION, BLANK, UNKNOWN),
)

Fields = tuple[tuple[str, Any], ...]
"""Names and values in the order of the line; a name may stand there more than once."""


class Span(NamedTuple):
    """One of tracing's spans around an event."""

    name: str | None
    fields: Fields


class Event(NamedTuple):
    """One event of a log.

    ``time`` is nanoseconds since the Unix epoch, ``severity`` one of :data:`SEVERITIES`; each is
    ``None`` where the line does not say. ``message`` is ``None`` for events without text. ``spans``
    stand outermost first; text logs do not tell them from fields. ``location`` is ``file:line`` in
    Firezone's source. ``file`` and ``line`` (from 1) tell where it was read, ``raw`` is the line
    as text. ``problem`` says what is wrong with the line; what could be read of it is there all the same.
    """

    time: int | None
    severity: str | None
    target: str | None
    message: str | None
    fields: Fields
    spans: tuple[Span, ...]
    shape: str
    file: str | None
    line: int
    raw: str
    problem: str | None = None
    location: str | None = None


def severity_of(word: str) -> str | None:
    """The canonical severity for the word of any shape; ``None`` where it is none."""
    upper = word.upper()
    return upper if upper in SEVERITIES else _OTHER_NAMES.get(upper)


def values_of(event: Event, *names: str) -> list[str]:
    """The values under these names as text: the event's own first, then its spans', innermost first."""
    own = [value for name, value in event.fields if name in names]
    around = [value for span in reversed(event.spans) for name, value in span.fields if name in names]
    return [value if isinstance(value, str) else str(value) for value in own + around]
