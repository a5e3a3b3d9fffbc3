"""Logic and presence; and the closures against a reference that walks its own tree."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.filter import FieldType, compile_filter
from fzctl.filter.evaluate import compile_expression, fields_of
from fzctl.filter.parser import MAX_DEPTH, parse

Holds = Callable[..., bool]
Packet = Mapping[str, Sequence[Any]]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("third", [False, True])
def test_logic_is_logic(holds: Holds, first: bool, second: bool, third: bool) -> None:
    values = {"uint": int(first), "other": int(second), "frame": int(third)}
    a, b, c = "p.uint == 1", "p.other == 1", "p.frame == 1"
    assert holds(f"{a} and {b}", **values) is (first and second)
    assert holds(f"{a} or {b}", **values) is (first or second)
    assert holds(f"{a} xor {b}", **values) is (first != second)
    assert holds(f"{a} && {b} && {c}", **values) is (first and second and third)
    assert holds(f"{a} || {b} || {c}", **values) is (first or second or third)
    assert holds(f"{a} ^^ {b} ^^ {c}", **values) is (first ^ second ^ third)
    assert holds(f"not ({a} or not {b}) xor {c}", **values) is ((not (first or not second)) ^ third)


def test_presence_asks_for_the_field_not_for_its_truth(holds: Holds) -> None:
    assert holds("p.flag", flag=False)
    assert holds("p.uint", uint=0)
    assert holds("p.ip4", ip4="1.1.1.1")
    assert not holds("p.flag", uint=0)
    assert not holds("p.ip4", ip4=[])


def test_a_protocol_is_there_with_any_of_its_fields(holds: Holds) -> None:
    assert holds("p", time=0.0)
    assert not holds("p")
    assert holds("p and not p.uint", text="")


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("p.uint == 1 and (p.text contains p.more or not p.ip4)", {"p.uint", "p.text", "p.more", "p.ip4"}),
        ('len(p.bytes) > 1 xor p.text[1:] matches "a"', {"p.bytes", "p.text"}),
        ("p.uint in {1} and p.flag", {"p.uint", "p.flag"}),
    ],
)
def test_a_filter_names_the_fields_that_it_uses(
    fields: Mapping[str, FieldType], expression: str, names: set[str]
) -> None:
    assert fields_of(parse(expression, fields)) == names
    assert fields_of(parse("p", fields)) == set(fields)


def test_the_deepest_nesting_that_is_read_is_also_evaluated(fields: Mapping[str, FieldType]) -> None:
    opening = "(p.uint == 0 or p.uint == 0 xor p.uint == 1 and !"
    text = opening * MAX_DEPTH + "p.text" + ")" * MAX_DEPTH
    test = compile_expression(parse(text, fields), text, fields)
    assert isinstance(test(lambda name: [1] if name == "p.uint" else []), bool)


# --- the reference ----------------------------------------------------------------------------------

COMPARISONS: dict[str, tuple[Callable[[Any, Any], bool], Callable[..., bool]]] = {
    "==": (operator.eq, any), "!=": (operator.ne, all), "===": (operator.eq, all), "!==": (operator.ne, any),
    "<": (operator.lt, any), "<=": (operator.le, any), ">": (operator.gt, any), ">=": (operator.ge, any),
}  # fmt: skip
Reference = tuple[str, Callable[[Packet], bool]]

numbers = st.integers(0, 3)
words = st.text("ab", max_size=3)
packets = st.fixed_dictionaries(
    {},
    optional={
        "p.uint": st.lists(numbers, max_size=3),
        "p.other": st.lists(numbers, max_size=2),
        "p.text": st.lists(words, max_size=3),
    },
)


def compared(name: str, sign: str, value: int | str) -> Reference:
    compare, quantifier = COMPARISONS[sign]

    def check(packet: Packet) -> bool:
        found = packet.get(name, ())
        return bool(found) and quantifier(compare(one, value) for one in found)

    return (f'{name} {sign} "{value}"' if isinstance(value, str) else f"{name} {sign} {value}"), check


def fields_compared(sign: str) -> Reference:
    compare, quantifier = COMPARISONS[sign]

    def check(packet: Packet) -> bool:
        pairs = [(a, b) for a in packet.get("p.uint", ()) for b in packet.get("p.other", ())]
        return bool(pairs) and quantifier(compare(a, b) for a, b in pairs)

    return f"p.uint {sign} p.other", check


def among(low: int, high: int, negated: bool) -> Reference:
    def check(packet: Packet) -> bool:
        return any(low <= one <= high or one == 3 for one in packet.get("p.uint", ())) is not negated

    return f"p.uint {'not ' * negated}in {{{low}..{high}, 3}}", check


def contained(value: str) -> Reference:
    return f'p.text contains "{value}"', lambda packet: any(value in one for one in packet.get("p.text", ()))


def present(name: str) -> Reference:
    return name, lambda packet: bool(packet.get(name))


def negated(part: Reference) -> Reference:
    return f"not ({part[0]})", lambda packet: not part[1](packet)


def joined(parts: list[Reference], word: str) -> Reference:
    def check(packet: Packet) -> bool:
        answers = [part[1](packet) for part in parts]
        if word == "xor":
            return sum(answers) % 2 == 1
        return all(answers) if word == "and" else any(answers)

    return f" {word} ".join(f"({part[0]})" for part in parts), check


signs = st.sampled_from(sorted(COMPARISONS))
relations = st.one_of(
    st.builds(compared, st.sampled_from(["p.uint", "p.other"]), signs, numbers),
    st.builds(compared, st.just("p.text"), signs, words),
    st.builds(fields_compared, signs),
    st.builds(among, numbers, numbers, st.booleans()),
    st.builds(contained, words),
    st.builds(present, st.sampled_from(["p.uint", "p.text"])),
)
expressions = st.recursive(
    relations,
    lambda parts: st.one_of(
        st.builds(negated, parts),
        st.builds(joined, st.lists(parts, min_size=2, max_size=4), st.sampled_from(["and", "or", "xor"])),
    ),
    max_leaves=12,
)


@given(expressions, packets)
def test_any_expression_says_what_the_reference_says(
    fields: Mapping[str, FieldType], expression: Reference, packet: Packet
) -> None:
    text, check = expression
    assert compile_filter(text, fields)(lambda name: packet.get(name, ())) is check(packet)
