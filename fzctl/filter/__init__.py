"""``-Y``: Wireshark's display-filter language over fields that the caller names.

    compile_filter('fzp2p.domain contains "gitlab" and fzp2p.kind == 1', FIELDS)(values_of)

Knows no packet, no file and no field of its own. Where nothing else is said, the meaning of an
expression is what tshark 4.0 does with fields of the same types; tests/filter/test_tshark.py holds it
to that.

Beyond Wireshark 4.0: ``xor`` (from 4.2), UUIDs in quotes, ``len``, ``lower`` and ``upper`` of another's
result. Not taken over: arithmetic, layers (``field#2``), ``min``, ``max`` and ``abs``, fields in a set,
comparisons of a protocol's bytes, host names. Python's regular expressions stand in for PCRE2.
Different on purpose: bytes are ordered as a dictionary orders them (4.0 puts the shorter first), every
text contains the empty text, and numbers compared with a negative one are an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .errors import FilterError, Span
from .evaluate import compile_expression, fields_of
from .fields import FieldType
from .parser import parse

__all__ = ["FieldType", "Filter", "FilterError", "Span", "compile_filter"]


class Filter:
    """A compiled filter: call it with a packet's values.

    ``text`` is the expression, ``fields`` the names that it asks for (all of a protocol's, where
    a protocol stands alone), so that the caller may leave the others undecoded.
    """

    __slots__ = ("_test", "fields", "text")

    def __init__(
        self, text: str, fields: frozenset[str], test: Callable[[Callable[[str], Sequence[object]]], bool]
    ) -> None:
        self.text = text
        self.fields = fields
        self._test = test

    def __call__(self, get: Callable[[str], Sequence[object]]) -> bool:
        """Does the packet match? ``get(name)`` gives the field's values in it, as FieldType describes
        them, in order, and nothing where it is absent."""
        return self._test(get)

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"


def compile_filter(text: str, fields: Mapping[str, FieldType]) -> Filter:
    """The filter that ``text`` describes, over ``fields``: the names that exist and their types.

    Raises FilterError (a UsageError) with the place of the first error; nothing else, whatever the text.
    """
    tree = parse(text, fields)
    return Filter(text, fields_of(tree), compile_expression(tree, text, fields))
