"""The one error that a filter ends in, the picture of its place, and what is wrong with a pattern."""

from __future__ import annotations

from typing import NamedTuple

from fzctl.errors import UsageError

WINDOW = 76


class Span(NamedTuple):
    """A stretch of the expression: ``start`` inclusive, ``end`` exclusive, in characters."""

    start: int
    end: int


class FilterError(UsageError):
    """The filter expression is wrong, at ``span`` of ``text``.

    The message is one sentence, then the expression, then a line with carets under the place.
    """

    has_lines = True

    def __init__(self, text: str, span: Span, problem: str) -> None:
        self.text = text
        self.span = span
        self.problem = problem
        super().__init__(f"filter: {problem}\n{point_at(text, span)}")


class PatternError(ValueError):
    """The pattern is no regular expression, or one that may never end; the text says why."""


def point_at(text: str, span: Span) -> str:
    """Two lines: the expression around ``span``, and carets under it.

    A long expression is cut to what a terminal shows; what is not printable (it would move the
    carets, or the terminal) is shown as one replacement character.
    """
    start = min(span.start, len(text))
    first = max(0, start - WINDOW // 2) if len(text) > WINDOW else 0
    last = min(len(text), first + WINDOW)
    lead = "..." if first else ""
    tail = "..." if last < len(text) else ""
    shown = "".join(_visible(character) for character in text[first:last])
    width = max(1, min(span.end, last) - start)
    return f"  {lead}{shown}{tail}\n  {' ' * (len(lead) + start - first)}{'^' * width}"


def quoted(text: str) -> str:
    """``text`` as a message may show it: printable, and not longer than a few words."""
    shown = "".join(_visible(character) for character in text[:48])
    return shown + ("..." if len(text) > 48 else "")


def _visible(character: str) -> str:
    if character in "\t\r\n":
        return " "
    return character if character.isprintable() else "\ufffd"
