"""The tree that the parser builds and the evaluator compiles. It knows names, not yet their types.

Named tuples, because twelve dataclasses cost more at start-up than the whole of a filter's work.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from .errors import Span
from .lexer import Token
from .slices import Slice

Quantifier: TypeAlias = Literal["any", "all"]


class FieldName(NamedTuple):
    """A field that exists."""

    name: str
    span: Span


class Value(NamedTuple):
    """A value written in the expression; what it means depends on the field that it meets."""

    token: Token

    @property
    def span(self) -> Span:
        return self.token.span


class Sliced(NamedTuple):
    """Some bytes of an operand: ``operand[ranges]``."""

    operand: Operand
    ranges: tuple[Slice, ...]
    span: Span


class Call(NamedTuple):
    """``function(argument)``."""

    function: str
    argument: Operand
    span: Span


Operand: TypeAlias = FieldName | Value | Sliced | Call


class Present(NamedTuple):
    """A field, or a slice of one, stands alone: is it there?"""

    operand: Operand


class AnyPresent(NamedTuple):
    """A protocol's name stands alone: is any of its fields there?"""

    names: tuple[str, ...]


class Compare(NamedTuple):
    """``left operator right``; ``operator`` in its spelling with signs."""

    left: Operand
    operator: str
    right: Operand
    quantifier: Quantifier | None


class Contains(NamedTuple):
    """``left contains right``."""

    left: Operand
    right: Operand
    quantifier: Quantifier | None


class Matches(NamedTuple):
    """``left matches "pattern"``."""

    left: Operand
    pattern: Token
    quantifier: Quantifier | None


class Member(NamedTuple):
    """``left in {low, low..high}``; an element without a range has no ``high``."""

    left: Operand
    elements: tuple[tuple[Value, Value | None], ...]
    negated: bool
    quantifier: Quantifier | None


class Not(NamedTuple):
    """``not part``."""

    part: Expression


class Logic(NamedTuple):
    """Two or more parts joined by the same operator. Flat, so that long chains stay shallow."""

    operator: Literal["and", "or", "xor"]
    parts: tuple[Expression, ...]


Expression: TypeAlias = Present | AnyPresent | Compare | Contains | Matches | Member | Not | Logic
