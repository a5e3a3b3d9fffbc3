"""The tree compiled to closures: a function of a packet's values that says yes or no."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from . import syntax
from .fields import FieldType
from .operands import Getter, compile_operand
from .relations import compile_compare, compile_contains, compile_matches, compile_member

Test: TypeAlias = Callable[[Getter], bool]


def compile_expression(tree: syntax.Expression, text: str, fields: Mapping[str, FieldType]) -> Test:
    """``tree`` of the expression ``text`` as a function; raises FilterError where types do not fit."""
    match tree:
        case syntax.Logic(operator=operator, parts=parts):
            tests: list[Test] = []
            # No comprehension: before Python 3.12 it is one more frame of the stack for each bracket.
            for part in parts:
                tests.append(compile_expression(part, text, fields))  # noqa: PERF401
            return _LOGIC[operator](tests)
        case syntax.Not(part=part):
            return _negate(compile_expression(part, text, fields))
        case syntax.AnyPresent(names=names):
            return _any_present(names)
        case syntax.Present(operand=operand):
            return _present(operand, text, fields)
        case syntax.Compare():
            return compile_compare(tree, text, fields)
        case syntax.Contains():
            return compile_contains(tree, text, fields)
        case syntax.Matches():
            return compile_matches(tree, text, fields)
        case syntax.Member():
            return compile_member(tree, text, fields)


def fields_of(tree: syntax.Expression) -> frozenset[str]:
    """The names of all fields that ``tree`` asks for."""
    found: set[str] = set()
    # A list of its own in place of recursion: it costs less, and the order does not matter.
    waiting: list[syntax.Expression | syntax.Operand] = [tree]
    while waiting:
        match waiting.pop():
            case syntax.Logic(parts=parts):
                waiting.extend(parts)
            case syntax.Not(part=part):
                waiting.append(part)
            case syntax.AnyPresent(names=names):
                found.update(names)
            case syntax.FieldName(name=name):
                found.add(name)
            case syntax.Present(operand=operand) | syntax.Sliced(operand=operand):
                waiting.append(operand)
            case syntax.Call(argument=argument):
                waiting.append(argument)
            case syntax.Compare(left=left, right=right) | syntax.Contains(left=left, right=right):
                waiting += (left, right)
            case syntax.Matches(left=left) | syntax.Member(left=left):
                waiting.append(left)
            case syntax.Value():
                pass
    return frozenset(found)


def _all_of(tests: Sequence[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda get: first(get) and second(get)

    def every(get: Getter) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs twice the time
            if not test(get):
                return False
        return True

    return every


def _any_of(tests: Sequence[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda get: first(get) or second(get)

    def some(get: Getter) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs twice the time
            if test(get):
                return True
        return False

    return some


def _odd_of(tests: Sequence[Test]) -> Test:
    def odd(get: Getter) -> bool:
        result = False
        for test in tests:
            result ^= test(get)
        return result

    return odd


_LOGIC: Mapping[str, Callable[[Sequence[Test]], Test]] = {"and": _all_of, "or": _any_of, "xor": _odd_of}


def _negate(test: Test) -> Test:
    return lambda get: not test(get)


def _any_present(names: Sequence[str]) -> Test:
    return lambda get: any(get(name) for name in names)


def _present(operand: syntax.Operand, text: str, fields: Mapping[str, FieldType]) -> Test:
    compiled = compile_operand(operand, text, fields)
    values = compiled.values
    name = compiled.name
    if name is not None:
        return lambda get: len(get(name)) > 0
    # A slice is there where the bytes are; for a comparison it is always there, maybe empty.
    return lambda get: any(values(get))
