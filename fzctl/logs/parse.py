"""Lines of any shape to events, each line told apart by itself. Any bytes give an event, never an error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from fzctl.logs.event import BLANK, CONTINUATION, TEXT, UNKNOWN, Event
from fzctl.logs.jsonlines import parse_json
from fzctl.logs.text import parse_text

_BOM: Final = "\ufeff"
_SPACE: Final = " \t\r\n"
# As they are and as JSON spells them: a gateway on a colour terminal puts them into its spans.
_COLOURS: Final = re.compile(r"(?:\x1b|\\u001[bB])\[[0-9;]*m")
_LITERAL: Final = re.compile(r"(?:null|true|false|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*")

_PLAIN: Final = rb"[^\s\"'\\,;&)}\]]"

# WireGuard's keys: whoever keeps a key log or a configuration beside the logs does not want them shown.
_KEY: Final = re.compile(
    rb"((?:PRIVATE|PRESHARED|TRANSPORT)_?KEY[\"']?\s*[=:]\s*[\"']?(?:[0-9A-FX]{1,10}\s+)?)"
    + _PLAIN
    + rb"{8,}",
    re.IGNORECASE,
)
_LONE_KEY: Final = re.compile(rb"\s*[A-Za-z0-9+/]{43}=\s*")
_LONGEST_LONE: Final = 64
_NOT_SHOWN: Final = rb"\1(a key, not shown)"

# Firezone hides what opens a portal or a relay. Where something else wrote it, it is not shown either: what
# is called a password or a secret, and what is called a token and looks like one. The digit that makes it
# look like one comes soon: to look for it to the end from each of many is quadratic.
_OPENS: Final = rb"\\*[\"']?\s*[=:]\s*\\*[\"']?"
_SECRET: Final = re.compile(
    rb"((?:password|passwd|secret)" + _OPENS + rb")"
    rb"(?!\(|\[|\*|Secret|Some|None|null|true|false|[0-9]+[,}])"
    rb"(?:(?<=\\\")[^\"\\]+|(?<=\")(?:[^\"\\]|\\.)+|" + _PLAIN + rb"+)"
    rb"|((?:token(?:" + _OPENS + rb"|\s+)|bearer\s+))(?=" + _PLAIN + rb"{0,255}[0-9])[A-Z0-9._~+/=-]{16,}",
    re.IGNORECASE,
)


class Line(NamedTuple):
    """One line of an input, without its end: ``left_out`` bytes were too many and are not in ``data``."""

    number: int
    data: bytes
    left_out: int = 0


def parse_lines(lines: Iterable[Line], file: str | None = None) -> Iterator[Event]:
    """The events of an input's lines, blank ones too; ``file`` is what the events call it."""
    goes_on = False
    for number, data, left_out in lines:
        for event in parse_line(data, file, number, goes_on=goes_on, left_out=left_out):
            shape = event.shape
            goes_on = shape in (TEXT, CONTINUATION) or (goes_on and shape == BLANK)
            yield event


def parse_line(
    data: bytes, file: str | None = None, number: int = 1, *, goes_on: bool = False, left_out: int = 0
) -> list[Event]:
    """The events of one line, mostly one.

    ``goes_on`` tells that a text event stands above, ``left_out`` how many bytes are missing at the end.
    """
    problem = None
    if len(data) < _LONGEST_LONE and _LONE_KEY.fullmatch(data):
        data = b"(a key, not shown)"
    lowered = data.lower()
    if b"key" in lowered:
        data = _KEY.sub(_NOT_SHOWN, data)
    if b"token" in lowered or b"passw" in lowered or b"secret" in lowered or b"bearer" in lowered:
        data = _SECRET.sub(_hidden, data)
    try:
        raw = text = data.decode()
    except UnicodeDecodeError:
        problem = "bytes that are not UTF-8"
        raw = data.decode("utf-8", "backslashreplace")
        text = "".join(map(_spell, data.decode("utf-8", "surrogateescape")))
    if text.startswith(_BOM) and number == 1:
        text = text[1:]
    if text.endswith("\r"):
        raw, text = raw[:-1], text[:-1]
    if left_out:
        problem = f"the line is {len(data) + left_out} bytes long, the last {left_out} are left out"
        return [Event(None, None, None, None, (), (), UNKNOWN, file, number, raw, problem)]
    if "\x1b" in text or "\\u001" in text:
        text = _COLOURS.sub("", text)
    first = text.strip(_SPACE)
    if not first:
        return [Event(None, None, None, None, (), (), BLANK, file, number, raw)]
    if first[0] == "{" or (not goes_on and (first[0] in '["' or _LITERAL.fullmatch(first))):
        events = parse_json(first, file, number, raw, problem)
        if not (goes_on and all(event.shape == UNKNOWN for event in events)):
            return events
    if problem is not None:
        text = raw
    return [parse_text(text, file, number, raw, problem, goes_on=goes_on)]


def _hidden(found: re.Match[bytes]) -> bytes:
    return (found[1] or found[2]) + b"(a secret, not shown)"


def _spell(character: str) -> str:
    """A byte that is no UTF-8 as a JSON string spells the text ``\\xNN``."""
    code = ord(character)
    return f"\\\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character
