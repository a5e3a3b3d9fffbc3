"""The tree: places survive, and long chains are flat."""

from __future__ import annotations

from fzctl.filter import syntax
from fzctl.filter.errors import Span
from fzctl.filter.lexer import Kind, Token


def test_a_value_stands_where_its_token_stands() -> None:
    assert syntax.Value(Token(Kind.WORD, "1", Span(4, 5))).span == Span(4, 5)


def test_trees_compare_by_content() -> None:
    name = syntax.FieldName("p.uint", Span(0, 6))
    assert syntax.Not(syntax.Present(name)) == syntax.Not(syntax.Present(name))
    assert hash(syntax.Present(name)) == hash(syntax.Present(name))
