"""What stands beside an operator, compiled: a type, and a function that gives its values in a packet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final, NamedTuple, TypeAlias

from . import syntax
from .addresses import ipv4_number, ipv6_number
from .errors import FilterError, quoted
from .fields import ADDRESSES, NUMBERS, SEARCHABLE, FieldType
from .lexer import encode_text
from .slices import cut

Getter: TypeAlias = Callable[[str], Sequence[object]]
# Any: what a field holds is the table's promise; nothing checks each value again.
Values: TypeAlias = Callable[[Getter], Sequence[Any]]

_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_UPPER: Final = str.maketrans(ascii_lowercase, ascii_uppercase)


class Operand(NamedTuple):
    """``values(get)`` are what it holds in the packet behind ``get``, in the form that compares.

    That form is the packet's own value, but nanoseconds for TIME and numbers for addresses.
    ``label`` names it in messages. ``name`` is set where it is a field alone, neither sliced nor
    called with; ``converted`` tells that the packet's own values differ from ``values``.
    """

    type: FieldType
    values: Values
    label: str
    name: str | None = None
    converted: bool = False


def compile_operand(node: syntax.Operand, text: str, fields: Mapping[str, FieldType]) -> Operand:
    """``node`` of the expression ``text``; raises FilterError where types do not fit."""
    if isinstance(node, syntax.FieldName):
        return _field(node.name, fields[node.name])
    if isinstance(node, syntax.Sliced):
        inner = compile_operand(node.operand, text, fields)
        if inner.type not in SEARCHABLE | ADDRESSES:
            raise FilterError(text, node.span, f"{inner.label} holds {inner.type.value}; only text, bytes "
                              "and addresses have slices")  # fmt: skip
        return _sliced(as_bytes(inner), node)
    if isinstance(node, syntax.Call):
        return _call(node, text, fields)
    raise FilterError(text, node.span, f"{quoted(node.token.text)} is a value; a field is needed here")


def as_bytes(operand: Operand) -> Operand:
    """The same as BYTES: text in UTF-8, addresses as on the wire."""
    convert = _TO_BYTES.get(operand.type)
    return operand if convert is None else _mapped(operand, FieldType.BYTES, convert, operand.label)


def _field(name: str, kind: FieldType) -> Operand:
    def values(get: Getter) -> Sequence[Any]:
        return get(name)

    convert = _TO_COMPARABLE.get(kind)
    if convert is None:
        return Operand(kind, values, name, name)
    return Operand(kind, lambda get: [convert(value) for value in get(name)], name, name, converted=True)


def _sliced(inner: Operand, node: syntax.Sliced) -> Operand:
    ranges = node.ranges
    return _mapped(inner, FieldType.BYTES, lambda value: cut(value, ranges), inner.label)


def _mapped(inner: Operand, kind: FieldType, convert: Callable[[Any], Any], label: str) -> Operand:
    values = inner.values
    return Operand(kind, lambda get: [convert(value) for value in values(get)], label)


# --- functions --------------------------------------------------------------------------------------


def _call(node: syntax.Call, text: str, fields: Mapping[str, FieldType]) -> Operand:
    """After Wireshark 4.0, epan/dfilter/dfunctions.c; len, lower and upper also take another's result."""
    build = _FUNCTIONS.get(node.function)
    if build is None:
        raise FilterError(text, node.span, f"there is no function {quoted(node.function)}(); "
                          f"there are {', '.join(sorted(_FUNCTIONS))}")  # fmt: skip
    argument = compile_operand(node.argument, text, fields)
    try:
        return build(argument)
    except ValueError as error:
        raise FilterError(
            text, node.argument.span, f"{argument.label} holds {argument.type.value}; {error}"
        ) from None


def _count(argument: Operand) -> Operand:
    name = argument.name
    if name is None:
        raise ValueError("count() takes a field alone")

    def count(get: Getter) -> Sequence[int]:
        # A field that is absent has no count either: Wireshark asks for presence first.
        number = len(get(name))
        return (number,) if number else ()

    return Operand(FieldType.UINT, count, f"count({name})")


def _len(argument: Operand) -> Operand:
    if argument.type not in SEARCHABLE:
        raise ValueError("len() takes text or bytes")
    return _mapped(as_bytes(argument), FieldType.UINT, len, f"len({argument.label})")


def _lower(argument: Operand) -> Operand:
    return _recased(argument, "lower", _LOWER)


def _upper(argument: Operand) -> Operand:
    return _recased(argument, "upper", _UPPER)


def _recased(argument: Operand, name: str, table: dict[int, int]) -> Operand:
    if argument.type is not FieldType.STRING:
        raise ValueError(f"{name}() takes text")
    return _mapped(
        argument, FieldType.STRING, lambda value: value.translate(table), f"{name}({argument.label})"
    )


def _string(argument: Operand) -> Operand:
    name = argument.name
    if name is None:
        raise ValueError("string() takes a field alone")
    if argument.type not in NUMBERS | ADDRESSES | {FieldType.GUID}:
        raise ValueError("string() takes numbers, addresses and UUIDs")

    def values(get: Getter) -> Sequence[str]:
        return [str(value) for value in get(name)]

    return Operand(FieldType.STRING, values, f"string({name})")


_FUNCTIONS: Final[Mapping[str, Callable[[Operand], Operand]]] = {
    "count": _count,
    "len": _len,
    "lower": _lower,
    "upper": _upper,
    "string": _string,
}

# --- conversions ------------------------------------------------------------------------------------


def _nanoseconds(seconds: Any) -> int:
    nanoseconds: int = round(seconds * 1_000_000_000)
    return nanoseconds


def _ipv4_bytes(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _ipv6_bytes(number: int) -> bytes:
    return number.to_bytes(16, "big")


_TO_COMPARABLE: Final[Mapping[FieldType, Callable[[Any], Any]]] = {
    FieldType.IPV4: ipv4_number,
    FieldType.IPV6: ipv6_number,
    FieldType.TIME: _nanoseconds,
}
_TO_BYTES: Final[Mapping[FieldType, Callable[[Any], bytes]]] = {
    FieldType.STRING: encode_text,
    FieldType.IPV4: _ipv4_bytes,
    FieldType.IPV6: _ipv6_bytes,
}
