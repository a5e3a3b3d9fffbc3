"""Comparisons, ``contains``, ``matches`` and ``in``, compiled.

After Wireshark 4.0, epan/dfilter/dfvm.c. A field may have many values in a packet: ``==``, ``<`` and
the rest hold where any of them does, ``!=`` and ``===`` where all do, and none of them where the field
is absent. ``not in`` alone is a negation, and holds there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from . import syntax
from .addresses import Network
from .errors import FilterError, PatternError, Span
from .fields import NUMBERS, SEARCHABLE, FieldType
from .lexer import Token
from .literals import LiteralValue, read_literal, shown
from .operands import Getter, Operand, Values, as_bytes, compile_operand
from .patterns import compile_pattern

Fields: TypeAlias = Mapping[str, FieldType]
Test: TypeAlias = Callable[[Getter], bool]
# The test of one value.
Predicate: TypeAlias = Callable[[Any], object]

# The operator of two values, and whether one pair of values is enough.
_COMPARE: Final[Mapping[str, tuple[Callable[[Any, Any], bool], syntax.Quantifier]]] = {
    "==": (operator.eq, "any"),
    "!=": (operator.ne, "all"),
    "===": (operator.eq, "all"),
    "!==": (operator.ne, "any"),
    "<": (operator.lt, "any"),
    "<=": (operator.le, "any"),
    ">": (operator.gt, "any"),
    ">=": (operator.ge, "any"),
}
_MIRRORED: Final = {
    operator.lt: operator.gt,
    operator.le: operator.ge,
    operator.gt: operator.lt,
    operator.ge: operator.le,
}


def compile_compare(node: syntax.Compare, text: str, fields: Fields) -> Test:
    """``left == right`` and its kin; raises FilterError where the two are not comparable."""
    compare, quantifier = _COMPARE[node.operator]
    quantifier = node.quantifier or quantifier
    left = compile_operand(node.left, text, fields)
    if not isinstance(node.right, syntax.Value):
        right = compile_operand(node.right, text, fields)
        if left.type is not right.type and not (left.type in NUMBERS and right.type in NUMBERS):
            raise _not_comparable(text, node.right.span, left, right)
        return _pairs(quantifier, left.values, right.values, compare)
    left, value = _meet(left, node.right.token, text)
    field = left.name
    if field is not None and not left.converted and compare is operator.eq and quantifier == "any":
        # The commonest filter of all, without a Python frame for each value.
        return lambda get: value in get(field)
    return _quantified(quantifier, left.values, _against(compare, value))


def compile_contains(node: syntax.Contains, text: str, fields: Fields) -> Test:
    """``left contains right``; raises FilterError where one of them cannot be searched."""
    left = compile_operand(node.left, text, fields)
    if left.type not in SEARCHABLE:
        raise FilterError(text, node.left.span, _no_search(left, "contains"))
    quantifier = node.quantifier or "any"
    if isinstance(node.right, syntax.Value):
        left, value = _meet(left, node.right.token, text)
        return _quantified(quantifier, left.values, lambda whole: value in whole)
    right = compile_operand(node.right, text, fields)
    if left.type is not right.type:
        raise _not_comparable(text, node.right.span, left, right)
    return _pairs(quantifier, left.values, right.values, operator.contains)


def compile_matches(node: syntax.Matches, text: str, fields: Fields) -> Test:
    """``left matches "pattern"``; raises FilterError for a bad pattern too."""
    left = compile_operand(node.left, text, fields)
    if left.type not in SEARCHABLE:
        raise FilterError(text, node.left.span, _no_search(left, "matches"))
    try:
        pattern = compile_pattern(node.pattern.content)
    except PatternError as error:
        raise FilterError(text, node.pattern.span, str(error)) from None
    return _quantified(node.quantifier or "any", as_bytes(left).values, pattern.search)


def compile_member(node: syntax.Member, text: str, fields: Fields) -> Test:
    """``left in {...}``; raises FilterError at an element that the field cannot hold."""
    left = compile_operand(node.left, text, fields)
    tokens = [value.token for element in node.elements for value in element if value is not None]
    if left.type is FieldType.STRING and any(isinstance(_read(left, token, text), bytes) for token in tokens):
        left = as_bytes(left)
    single: set[LiteralValue] = set()
    others: list[Predicate] = []
    for low, high in node.elements:
        value = _read(left, low.token, text)
        if high is not None:
            others.append(_between(value, _read(left, high.token, text)))
        elif isinstance(value, Network):
            others.append(_against(operator.eq, value))
        else:
            single.add(value)
    predicate = _one_of(frozenset(single), others)
    if node.negated:
        inside = _quantified("any", left.values, predicate)
        return lambda get: not inside(get)
    return _quantified(node.quantifier or "any", left.values, predicate)


# --- values written in the filter -----------------------------------------------------------------------


def _read(operand: Operand, token: Token, text: str) -> LiteralValue:
    try:
        return read_literal(token, operand.type)
    except ValueError as error:
        raise FilterError(
            text, token.span, f"{operand.label} holds {operand.type.value}; {shown(token)} is none ({error})"
        ) from None


def _meet(operand: Operand, token: Token, text: str) -> tuple[Operand, LiteralValue]:
    """The operand and the value in forms that compare; text meets escapes that are no UTF-8 as bytes."""
    value = _read(operand, token, text)
    if operand.type is FieldType.STRING and isinstance(value, bytes):
        return as_bytes(operand), value
    return operand, value


def _not_comparable(text: str, span: Span, left: Operand, right: Operand) -> FilterError:
    return FilterError(
        text,
        span,
        f"{left.label} holds {left.type.value}, {right.label} {right.type.value}; they do not compare",
    )


def _no_search(operand: Operand, word: str) -> str:
    problem = f"{operand.label} holds {operand.type.value}; {word} searches text and bytes"
    if operand.type in (FieldType.BOOLEAN, FieldType.TIME):
        return problem
    return f"{problem}; write string({operand.label}) {word} ..."


# --- one value ------------------------------------------------------------------------------------------


def _against(compare: Callable[[Any, Any], bool], value: LiteralValue) -> Predicate:
    if isinstance(value, Network):
        prefix, mask = value
        return lambda address: compare(address & mask, prefix)
    return partial(_MIRRORED.get(compare, compare), value)


def _between(low: LiteralValue, high: LiteralValue) -> Predicate:
    above, below = _against(operator.ge, low), _against(operator.le, high)
    return lambda value: above(value) and below(value)


def _one_of(single: frozenset[LiteralValue], others: list[Predicate]) -> Predicate:
    if not others:
        return single.__contains__
    return lambda value: value in single or any(test(value) for test in others)


# --- all the values of a field --------------------------------------------------------------------------


def _quantified(quantifier: syntax.Quantifier, values: Values, predicate: Predicate) -> Test:
    def some(get: Getter) -> bool:
        for value in values(get):  # noqa: SIM110 - a generator costs twice the time
            if predicate(value):
                return True
        return False

    def every(get: Getter) -> bool:
        found = values(get)
        for value in found:
            if not predicate(value):
                return False
        return len(found) > 0

    return some if quantifier == "any" else every


def _pairs(
    quantifier: syntax.Quantifier, left: Values, right: Values, compare: Callable[[Any, Any], bool]
) -> Test:
    def some(get: Getter) -> bool:
        others = right(get)
        return any(compare(value, other) for value in left(get) for other in others)

    def every(get: Getter) -> bool:
        ours, others = left(get), right(get)
        return len(ours) > 0 and len(others) > 0 and all(compare(a, b) for a in ours for b in others)

    return some if quantifier == "any" else every
