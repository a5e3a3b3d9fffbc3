"""The tree that the parser builds and the evaluator compiles. It knows names, not yet their types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .errors import Span
from .lexer import Token
from .slices import Slice

Quantifier: TypeAlias = Literal["any", "all"]


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field that exists."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Value:
    """A value written in the expression; what it means depends on the field that it meets."""

    token: Token

    @property
    def span(self) -> Span:
        return self.token.span


@dataclass(frozen=True, slots=True)
class Sliced:
    """Some bytes of an operand: ``operand[ranges]``."""

    operand: Operand
    ranges: tuple[Slice, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """``function(argument)``."""

    function: str
    argument: Operand
    span: Span


Operand: TypeAlias = FieldName | Value | Sliced | Call


@dataclass(frozen=True, slots=True)
class Present:
    """A field, or a slice of one, stands alone: is it there?"""

    operand: Operand


@dataclass(frozen=True, slots=True)
class AnyPresent:
    """A protocol's name stands alone: is any of its fields there?"""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """``left operator right``; ``operator`` in its spelling with signs."""

    left: Operand
    operator: str
    right: Operand
    quantifier: Quantifier | None


@dataclass(frozen=True, slots=True)
class Contains:
    """``left contains right``."""

    left: Operand
    right: Operand
    quantifier: Quantifier | None


@dataclass(frozen=True, slots=True)
class Matches:
    """``left matches "pattern"``."""

    left: Operand
    pattern: Token
    quantifier: Quantifier | None


@dataclass(frozen=True, slots=True)
class Member:
    """``left in {low, low..high}``; an element without a range has no ``high``."""

    left: Operand
    elements: tuple[tuple[Value, Value | None], ...]
    negated: bool
    quantifier: Quantifier | None


@dataclass(frozen=True, slots=True)
class Not:
    """``not part``."""

    part: Expression


@dataclass(frozen=True, slots=True)
class Logic:
    """Two or more parts joined by the same operator. Flat, so that long chains stay shallow."""

    operator: Literal["and", "or", "xor"]
    parts: tuple[Expression, ...]


Expression: TypeAlias = Present | AnyPresent | Compare | Contains | Matches | Member | Not | Logic
