"""The text shapes: every Rust component today, and Apple's app since 1.5.13.

Firezone at df8139e82d: ``rust/libs/logging/src/format.rs``. Values that were written with Display
are bare and may hold spaces, so names and values are told apart by their look, not by a grammar.
"""

from __future__ import annotations

import re
from typing import Final

from fzctl.logs.event import APPLE_TEXT, CONTINUATION, TEXT, UNKNOWN, Event, Fields
from fzctl.logs.times import parse_time

_STAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[0-9.]*(?:Z|[+-][0-9]{2}:?[0-9]{2}))(?: |$)"
)
_LIKE_A_STAMP: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
_LEVEL: Final = re.compile(r"( ?)(TRACE|DEBUG|INFO|WARN|ERROR)(?: |$)")
_TARGET: Final = re.compile(r"([a-z_][a-z0-9_]*(?:(?:::|-)[A-Za-z0-9_]+)*):(?: |$)")
_TOKEN: Final = re.compile(r'"|[\[{(]|[\]})]|(?:(?<= )|\A)([A-Za-z_][A-Za-z0-9_.]*)=')
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|(.))", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
# Crates whose names are one plain word; a word before a colon is otherwise any word.
_CRATES: Final = frozenset(("connlib", "snownet", "boringtun", "wire", "log", "tunnel", "telemetry", "relay"))


def parse_text(
    text: str, file: str | None, line: int, raw: str, problem: str | None, *, goes_on: bool
) -> Event:
    """The event of a line that is no JSON.

    ``goes_on`` tells that a text event stands above, whose last value may reach into this line.
    """
    stamp = _STAMP.match(text)
    time = None if stamp is None else parse_time(stamp[1])
    start = stamp.end() if stamp is not None and time is not None else 0
    level = _LEVEL.match(text, start)
    if time is None:
        if _LIKE_A_STAMP.match(text):
            return _unknown(None, file, line, raw, _join(problem, "the line is cut short in its time"))
        if level is None or _TARGET.match(text, level.end()) is None:
            return _without_time(text, file, line, raw, problem, goes_on)
    if level is None:
        return _unknown(time, file, line, raw, _join(problem, "a time without a level"))
    rest = text[level.end() :]
    target = _TARGET.match(rest)
    shape = _shape_of(level[2], bool(level[1]), target, time)
    if shape == APPLE_TEXT:
        return Event(time, level[2], None, rest, (), (), shape, file, line, raw, problem)
    return _event(time, level[2], rest, file, line, raw, problem)


def split_fields(text: str) -> tuple[str | None, Fields]:
    """A message and the ``k=v`` behind it, in linear time; the message is ``None`` where there is none."""
    keys = _keys(text, nested=True)
    if not keys:
        return text or None, ()
    message = text[: keys[0][0]].rstrip(" ")
    ends = [start for start, _, _ in keys[1:]] + [len(text)]
    fields = [
        (name, _value(text[begin:end].rstrip(" "))) for (_, name, begin), end in zip(keys, ends, strict=True)
    ]
    return message or None, tuple(fields)


def _event(
    time: int | None, level: str | None, rest: str, file: str | None, line: int, raw: str, problem: str | None
) -> Event:
    target = _TARGET.match(rest)
    message, fields = split_fields(rest if target is None else rest[target.end() :])
    name = None if target is None else target[1]
    location = None
    if any(key == "log.target" for key, _ in fields):
        told = dict(fields)
        fields = tuple([each for each in fields if not each[0].startswith("log.")])
        name = told["log.target"]
        location = f"{told['log.file']}:{told.get('log.line')}" if "log.file" in told else None
    return Event(time, level, name, message, fields, (), TEXT, file, line, raw, problem, location)


def _without_time(
    text: str, file: str | None, line: int, raw: str, problem: str | None, goes_on: bool
) -> Event:
    """System logs know neither time nor level; what is none of those goes on with the value above."""
    target = _TARGET.match(text)
    if target is not None and ("::" in target[1] or "_" in target[1] or target[1] in _CRATES):
        return _event(None, None, text, file, line, raw, problem)
    if goes_on:
        return Event(None, None, None, text, (), (), CONTINUATION, file, line, raw, problem)
    return _unknown(None, file, line, raw, _join(problem, "no log line of a known shape"))


def _shape_of(level: str, padded: bool, target: re.Match[str] | None, time: int | None) -> str:
    """Rust pads the level to five characters and names a target; Apple's app does neither."""
    if time is None or padded:
        return TEXT
    return TEXT if len(level) == 5 and target is not None else APPLE_TEXT


def _keys(text: str, *, nested: bool) -> list[tuple[int, str, int]]:
    """Where each key starts, its name, and where its value starts; none inside quotes and brackets."""
    keys: list[tuple[int, str, int]] = []
    depth = position = 0
    quotes = True
    while (found := _TOKEN.search(text, position)) is not None:
        position = found.end()
        token = found[0]
        if token == '"':
            closed = _QUOTED.match(text, found.start()) if quotes else None
            if closed is None:
                quotes = False
            else:
                position = closed.end()
        elif found[1] is not None:
            if not depth:
                keys.append((found.start(), found[1], found.end()))
        elif nested:
            depth = depth + 1 if token in "[{(" else max(0, depth - 1)
    # A bracket that is never closed is a character like any other.
    return _keys(text, nested=False) if depth else keys


def _value(text: str) -> str:
    """A value; one that was written with Debug without its quotes and escapes."""
    if len(text) > 1 and _QUOTED.fullmatch(text):
        return _ESCAPE.sub(_unescape, text[1:-1])
    return text


def _unescape(found: re.Match[str]) -> str:
    if found[1] is None:
        return _ESCAPES.get(found[2], found[2])
    code = int(found[1], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else found[0]


def _unknown(time: int | None, file: str | None, line: int, raw: str, problem: str | None) -> Event:
    return Event(time, None, None, None, (), (), UNKNOWN, file, line, raw, problem)


def _join(before: str | None, problem: str) -> str:
    return problem if before is None else f"{before}; {problem}"
