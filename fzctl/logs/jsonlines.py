"""The JSON shapes: stackdriver (clients up to 1.4.0), flat (gateway), nested (relay), Apple's old app log.

Firezone at a5086af352^ ``rust/logging/src/file.rs``, at df8139e82d
``rust/libs/logging/src/lib.rs`` and ``swift/apple/FirezoneKit/Sources/FirezoneKit/Helpers/Log.swift``.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any, Final

from fzctl.logs.event import (
    APPLE_JSON,
    FLAT,
    NESTED,
    STACKDRIVER,
    UNKNOWN,
    Event,
    Fields,
    Span,
    severity_of,
)
from fzctl.logs.times import parse_time

_LOCATION: Final = "logging.googleapis.com/sourceLocation"
_APPLE: Final = frozenset(("message", "severity", "time"))
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])[A-Z]")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_MISSING: Final = object()

# What the log crate's records say of themselves, by shape.
_OF_LOG_CRATE: Final = {
    STACKDRIVER: ("logTarget", "logModulePath", "logFile", "logLine"),
    FLAT: ("log.target", "log.module_path", "log.file", "log.line"),
}
_DEEPEST: Final = 100
_MOST_IN_ROW: Final = 1000
_TOO_DEEP: Final = "JSON that is nested too deeply"
_TYPES: Final = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def parse_json(text: str, file: str | None, line: int, raw: str, problem: str | None) -> list[Event]:
    """The events of a line that begins like JSON; never none, and more than one where objects stand in a row.

    ``text`` is the line, ``raw`` what to keep of it, ``problem`` what is wrong with it already. At most
    one event stands for what was not understood.
    """
    try:
        value, end = _DECODER.raw_decode(text)
        if end == len(text) and type(value) is dict and "\\u" not in text and _brackets(text) <= _DEEPEST:
            return [_event(value, file, line, raw, problem)]
    except (ValueError, RecursionError):
        pass
    values: list[Any] = []
    pieces: list[str] = []
    position = 0
    try:
        while position < len(text) and len(values) < _MOST_IN_ROW:
            value, end = _DECODER.raw_decode(text, position)
            values.append(value)
            pieces.append(text[position:end])
            position = _behind_space(text, end)
    except ValueError as error:
        problem = _join(problem, f"broken JSON: {_words(error)}")
        return [*_known(values, pieces, file, line), _unknown(file, line, raw, problem)]
    except RecursionError:
        return [_unknown(file, line, raw, _join(problem, _TOO_DEEP))]
    if _brackets(text) > _DEEPEST and is_deep(values):
        return [_unknown(file, line, raw, _join(problem, _TOO_DEEP))]
    if position < len(text):
        problem = _join(problem, f"more than {_MOST_IN_ROW} JSON values on one line")
        return [*_known(values, pieces, file, line), _unknown(file, line, raw, problem)]
    if len(values) > 1:
        problem = _join(problem, f"{len(values)} JSON values on one line")
    else:
        pieces = [raw]
    if "\\u" in text and _has_half_a_pair(values):
        problem = _join(problem, "half of a surrogate pair")
    return _events(values, pieces, file, line, raw, problem)


def is_deep(values: list[Any]) -> bool:
    """Is there more nesting than whoever writes it out again should have to bear?"""
    level: list[Any] = values
    for _ in range(_DEEPEST):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _events(
    values: list[Any], pieces: list[str], file: str | None, line: int, raw: str, problem: str | None
) -> list[Event]:
    """The events of values and their texts; the first that is not understood stands for all such."""
    events: list[Event] = []
    is_known = True
    for value, piece in zip(values, pieces, strict=True):
        if isinstance(value, dict):
            event = _event(value, file, line, piece, problem)
        else:
            event = _unknown(file, line, piece, _join(problem, f"{_type_of(value)}, not an object"))
        if event.shape != UNKNOWN:
            events.append(event)
        elif is_known:
            events.append(event._replace(raw=raw))
            is_known = False
    return events


def _known(values: list[Any], pieces: list[str], file: str | None, line: int) -> list[Event]:
    return [event for event in _events(values, pieces, file, line, "", None) if event.shape != UNKNOWN]


def _behind_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return position if found is None else found.end()


def _event(found: dict[str, Any], file: str | None, line: int, raw: str, problem: str | None) -> Event:
    """One object; what is not understood stays among the fields."""
    shape = _shape_of(found)
    if shape == UNKNOWN:
        return _unknown(file, line, raw, _join(problem, "an object without time, severity and message"))
    kept: list[tuple[str, Any]] = []
    google = shape in (STACKDRIVER, APPLE_JSON)
    stamp_name, level_name = ("time", "severity") if google else ("timestamp", "level")

    stamp = found.pop(stamp_name, None)
    time = parse_time(stamp) if isinstance(stamp, str) else None
    if time is None:
        if stamp is not None:
            kept.append((stamp_name, stamp))
        problem = _join(problem, _time_problem(stamp))

    level = found.pop(level_name, None)
    severity = severity_of(level) if isinstance(level, str) else None
    if level is None:
        problem = _join(problem, f"no {level_name}")
    elif severity != level and level != "WARNING":
        kept.append((level_name, level))

    target = found.pop("target", None)
    spans = _spans(found.pop("spans", None), found.pop("span", None))
    place = found.pop(_LOCATION, None)
    inner = found.pop("fields") if shape == NESTED else found
    message = inner.pop("message", None)
    location = _location(place)
    of_crate = _OF_LOG_CRATE[STACKDRIVER if google else FLAT]
    if isinstance(inner.get(of_crate[0]), str):
        target, _, source, number = (inner.pop(name, None) for name in of_crate)
        location = _location({"file": source, "line": number})
    if target is not None and not isinstance(target, str):
        kept.append(("target", target))
        target = None
    if inner is not found:
        kept += found.items()
    fields: Fields = (*kept, *_plain(inner, google))
    text = message if message is None or isinstance(message, str) else _dumps(message)
    return Event(time, severity, target, text, fields, spans, shape, file, line, raw, problem, location)


def _shape_of(found: dict[str, Any]) -> str:
    if "severity" in found or "time" in found:
        return APPLE_JSON if found.keys() <= _APPLE and len(found) == 3 else STACKDRIVER
    if "level" in found or "timestamp" in found:
        return NESTED if isinstance(found.get("fields"), dict) else FLAT
    return STACKDRIVER if "message" in found and "target" in found else UNKNOWN


def _plain(fields: dict[str, Any], google: bool) -> list[tuple[str, Any]]:
    return [(_snake(name), value) for name, value in fields.items()] if google else list(fields.items())


def _spans(spans: Any, innermost: Any) -> tuple[Span, ...]:
    if not isinstance(spans, list):
        spans = [] if innermost is None else [innermost]
    return tuple(map(_span, spans))


def _span(span: Any) -> Span:
    if not isinstance(span, dict):
        return Span(None, (("span", span),))
    name = span.get("name")
    if not isinstance(name, str):
        return Span(None, tuple(span.items()))
    return Span(name, tuple([item for item in span.items() if item[0] != "name"]))


def _location(place: Any) -> str | None:
    if not isinstance(place, dict) or not isinstance(place.get("file"), str):
        return None
    return f"{place['file']}:{place.get('line')}"


@lru_cache(maxsize=1024)
def _snake(name: str) -> str:
    """tracing-stackdriver writes names in camel case; everything else has them as in the source."""
    return _CAMEL.sub(lambda found: f"_{found[0].lower()}", name)


def _unknown(file: str | None, line: int, raw: str, problem: str | None) -> Event:
    return Event(None, None, None, None, (), (), UNKNOWN, file, line, raw, problem)


def _time_problem(stamp: Any) -> str:
    if stamp is None:
        return "no time"
    return "a time that is none" if isinstance(stamp, str) else f"a time that is {_type_of(stamp)}"


def _type_of(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return _TYPES.get(type(value), "a number")


def _words(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        ended = error.pos >= len(error.doc) or error.msg.startswith("Unterminated")
        return "the line is cut short" if ended else f"{error.msg.lower()} at character {error.pos + 1}"
    return "a number that cannot be"


def _brackets(text: str) -> int:
    return text.count("{") + text.count("[")


def _has_half_a_pair(values: list[Any]) -> bool:
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _join(before: str | None, problem: str) -> str:
    return problem if before is None else f"{before}; {problem}"


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError
    return number


def _constant(text: str) -> float:
    raise ValueError(text)


_DECODER: Final = json.JSONDecoder(parse_float=_float, parse_constant=_constant)
