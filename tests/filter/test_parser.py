"""The grammar: what binds tighter, what stands where, and how errors point."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fzctl.filter import FieldType, syntax
from fzctl.filter.errors import FilterError
from fzctl.filter.parser import MAX_DEPTH, parse

NAMES = ["a", "b", "c", "d", "p.uint", "p.text", "p.deep.er"]


def brackets(tree: syntax.Expression) -> str:
    """The tree of names written with every bracket."""
    match tree:
        case syntax.Logic(operator=operator, parts=parts):
            return "(" + f" {operator} ".join(brackets(part) for part in parts) + ")"
        case syntax.Not(part=part):
            return f"!{brackets(part)}"
        case syntax.Present(operand=syntax.FieldName(name=name)):
            return name
        case syntax.Compare(left=syntax.FieldName(name=name), operator=operator):
            return f"{name}{operator}"
    raise AssertionError(tree)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and c", "(a or (b and c))"),
        ("a and b or c", "((a and b) or c)"),
        ("a or b xor c and d", "(a or (b xor (c and d)))"),
        ("a and b xor c or d", "(((a and b) xor c) or d)"),
        ("not a and b", "(!a and b)"),
        ("!(a and b)", "!(a and b)"),
        ("a and b and c or d and a", "((a and b and c) or (d and a))"),
        ("((a)) || (((b)))", "(a or b)"),
        ("!!a", "a"),
        ("! not ! a", "!a"),
        ("!a == 1", "!a=="),
        ("not(a)", "!a"),
        ("a < b < c", "(a< and b<)"),
    ],
)
def test_operators_bind_as_in_wireshark(text: str, tree: str) -> None:
    assert brackets(parse(text, NAMES)) == tree


def test_a_dotted_prefix_of_fields_is_a_protocol() -> None:
    assert parse("p", NAMES) == syntax.AnyPresent(("p.uint", "p.text", "p.deep.er"))
    assert parse("p.deep", NAMES) == syntax.AnyPresent(("p.deep.er",))


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", 0, "empty"),
        ("   ", 3, "empty"),
        ("a and", 5, "the expression ends"),
        ("and a", 0, "and stands where a field"),
        ("()", 1, ") stands"),
        ("(a", 2, "the bracket opened at character 1"),
        ("a)", 1, ") stands where and, or or the end"),
        ("(a) == 1", 4, "== stands"),
        ("a b", 2, "b stands"),
        ("a == ", 5, "the expression ends"),
        ("== 1", 0, "== stands"),
        ("a == 1 AND b", 7, "small letters"),
        ("a -1 == 0", 2, "arithmetic"),
        ("1 == a", 0, "the field stands on the left"),
        ('"x" == a', 0, "the field stands on the left"),
        ("a == 1 == 1", 5, "between two comparisons"),
        ("p == 1", 0, "p is a protocol"),
        ("p contains 7b", 0, "p is a protocol"),
        ("all a", 5, "because of all"),
        ("all not a", 4, "not stands"),
        ("a in 1", 5, "a set such as"),
        ("a in {}", 6, "a value"),
        ("a in {1,}", 8, "a value"),
        ("a in {1 2}", 8, ", or }"),
        ("a in {b}", 6, "not fields"),
        ("a not == 1", 6, "in (as in"),
        ("a matches gitlab", 10, "double quotes"),
        ("a matches b", 10, "double quotes"),
        ("a[0:0] == 1", 1, "1 or more"),
        ("a[0][0] == 1", 4, "slice of a slice"),
        ("x[0] == 1", 0, "no field x"),
        ("len(a)", 0, "always there"),
        ("len() == 1", 4, "a field or a value"),
        ("len(a, b) == 1", 5, "one argument"),
        ("p.unit == 1", 0, "did you mean p.uint?"),
        ("a == p.unit", 5, "did you mean p.uint?"),
        ("uint == 1", 0, "did you mean p.uint?"),
        ("P.UINT == 1", 0, "did you mean p.uint?"),
        ("zzzzz", 0, "no field zzzzz"),
    ],
)
def test_an_error_points_at_its_place(text: str, place: int, problem: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, NAMES)
    assert caught.value.span.start == place
    assert problem in caught.value.problem


@pytest.mark.parametrize("opening", ["(", "!(", "lower(", "(a or b xor c and !(", "[", "{"])
def test_a_hundred_thousand_openings_end_in_an_error(opening: str) -> None:
    with pytest.raises(FilterError):
        parse(opening * 100_000, NAMES)


def test_nesting_up_to_the_limit_is_read() -> None:
    assert brackets(parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH, NAMES)) == "a"
    with pytest.raises(FilterError, match=f"more than {MAX_DEPTH} brackets"):
        parse("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1), NAMES)


def test_brackets_beside_each_other_are_no_depth() -> None:
    assert isinstance(parse(" and ".join(["(a)"] * 1000), NAMES), syntax.Logic)


def test_long_chains_and_many_nots_are_no_depth(fields: Mapping[str, FieldType]) -> None:
    tree = parse(" or ".join(["p.uint == 1"] * 20_000), fields)
    assert isinstance(tree, syntax.Logic)
    assert len(tree.parts) == 20_000
    assert isinstance(parse("!" * 100_001 + "p.uint", fields), syntax.Not)
