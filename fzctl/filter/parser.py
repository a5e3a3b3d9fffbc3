"""A filter expression read into its tree.

Precedence after Wireshark (4.0 epan/dfilter/grammar.lemon; xor from 4.2): not, and, xor, or.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, cast

from . import syntax
from .errors import FilterError, Span, quoted
from .lexer import COMPARISONS, Kind, Token, read_tokens
from .slices import read_slice

# Brackets and calls may nest this deep: far beyond what anybody writes, well below Python's stack.
MAX_DEPTH: Final = 64

# Loosest first.
_LEVELS: Final[tuple[tuple[Kind, Literal["and", "or", "xor"]], ...]] = (
    (Kind.OR, "or"),
    (Kind.XOR, "xor"),
    (Kind.AND, "and"),
)
_VALUES: Final = (Kind.WORD, Kind.STRING, Kind.CHARACTER)


def parse(text: str, names: Collection[str]) -> syntax.Expression:
    """The tree of ``text``, where ``names`` are the fields that exist.

    Raises FilterError, with the place of the first error.
    """
    return _Parser(text, names).parse()


class _Parser:
    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text = text
        self.names = names
        self.protocols = _protocols(names)
        self.tokens = read_tokens(text)
        self.index = 0
        self.depth = 0

    def parse(self) -> syntax.Expression:
        if self._peek().kind is Kind.END:
            raise self._error(self._peek().span, "the expression is empty")
        tree = self._expression(0)
        if self._peek().kind is not Kind.END:
            raise self._unexpected("and, or or the end")
        return tree

    # --- logic ----------------------------------------------------------------------------------

    def _expression(self, level: int) -> syntax.Expression:
        """Parts joined by operators of ``level`` and tighter.

        It calls itself only for the part after an operator, so that a bracket costs few Python frames.
        """
        tree = self._negation()
        for tighter in range(len(_LEVELS) - 1, level - 1, -1):
            kind, operator = _LEVELS[tighter]
            parts = [tree]
            while self._accept(kind):
                parts.append(self._expression(tighter + 1))
            if len(parts) > 1:
                tree = syntax.Logic(operator, tuple(parts))
        return tree

    def _negation(self) -> syntax.Expression:
        negated = False
        while self._accept(Kind.NOT):
            negated = not negated
        if opening := self._accept(Kind.OPEN):
            self._deeper(opening.span)
            tree = self._expression(0)
            if not self._accept(Kind.CLOSE):
                raise self._unexpected(
                    "and, or or )", f"the bracket opened at character {opening.span.start + 1}"
                )
            self.depth -= 1
        else:
            tree = self._relation()
        return syntax.Not(tree) if negated else tree

    # --- relations ------------------------------------------------------------------------------

    def _relation(self) -> syntax.Expression:
        quantifier = self._quantifier()
        start = self._peek()
        if start.kind is Kind.WORD and start.text in self.protocols and quantifier is None:
            return self._protocol()
        left = self._field_operand()
        token = self._peek()
        if token.kind is Kind.COMPARE:
            return self._comparisons(left, quantifier)
        if self._accept(Kind.CONTAINS):
            return syntax.Contains(left, self._operand(), quantifier)
        if self._accept(Kind.MATCHES):
            return syntax.Matches(left, self._pattern(), quantifier)
        if token.kind in (Kind.IN, Kind.NOT):
            negated = self._accept(Kind.NOT) is not None
            if not self._accept(Kind.IN):
                raise self._unexpected("in (as in: field not in {1, 2})")
            return syntax.Member(left, self._set(), negated, quantifier)
        if quantifier is not None:
            raise self._unexpected(f"a comparison, because of {quantifier}")
        if isinstance(left, syntax.Call):
            raise self._error(
                left.span, f"{left.function}() is always there; compare what it gives, as in > 1"
            )
        return syntax.Present(left)

    def _comparisons(self, left: syntax.Operand, quantifier: syntax.Quantifier | None) -> syntax.Expression:
        """``a < b`` or a chain ``a < b < c``, which means ``a < b and b < c``."""
        parts: list[syntax.Expression] = []
        while sign := self._accept(Kind.COMPARE):
            if parts and isinstance(left, syntax.Value):
                raise self._error(left.span, "only a field can stand between two comparisons")
            right = self._operand()
            parts.append(syntax.Compare(left, COMPARISONS[sign.text], right, quantifier))
            left = right
        return parts[0] if len(parts) == 1 else syntax.Logic("and", tuple(parts))

    def _protocol(self) -> syntax.Expression:
        token = self._next()
        following = self._peek()
        if following.kind in (Kind.COMPARE, Kind.CONTAINS, Kind.MATCHES, Kind.IN, Kind.SLICE, Kind.OPEN):
            raise self._error(
                token.span, f"{token.text} is a protocol, which has no value; name one of its fields"
            )
        return syntax.AnyPresent(self.protocols[token.text])

    def _quantifier(self) -> syntax.Quantifier | None:
        token = self._accept(Kind.QUANTIFIER)
        return None if token is None else cast("syntax.Quantifier", token.text)

    def _pattern(self) -> Token:
        token = self._peek()
        if token.kind is not Kind.STRING:
            raise self._unexpected('a regular expression in double quotes, such as "^a" or r"\\.com$"')
        return self._next()

    def _set(self) -> tuple[tuple[syntax.Value, syntax.Value | None], ...]:
        if not self._accept(Kind.OPEN_SET):
            raise self._unexpected("a set such as {1, 2, 5..9}")
        elements: list[tuple[syntax.Value, syntax.Value | None]] = []
        while True:
            low = self._set_value()
            elements.append((low, self._set_value() if self._accept(Kind.RANGE) else None))
            if self._accept(Kind.CLOSE_SET):
                return tuple(elements)
            if not self._accept(Kind.COMMA):
                raise self._unexpected(", or }")

    def _set_value(self) -> syntax.Value:
        if self._peek().kind not in _VALUES:
            raise self._unexpected("a value")
        token = self._next()
        if token.kind is Kind.WORD and token.text in self.names:
            raise self._error(token.span, "a set holds values, not fields; compare fields with ==")
        return syntax.Value(token)

    # --- operands -------------------------------------------------------------------------------

    def _field_operand(self) -> syntax.Operand:
        """What may stand on the left: not a value."""
        operand = self._operand()
        if isinstance(operand, syntax.Value):
            token = operand.token
            if token.kind is Kind.WORD and any(character.isalpha() for character in token.text):
                raise self._unknown(token)
            raise self._error(token.span, f"{quoted(token.text)} is no field; the field stands on the left")
        return operand

    def _operand(self) -> syntax.Operand:
        token = self._peek()
        if token.kind not in _VALUES:
            raise self._unexpected("a field or a value")
        self._next()
        operand: syntax.Operand
        if token.kind is Kind.WORD and self._peek().kind is Kind.OPEN:
            operand = self._call(token)
        elif token.kind is Kind.WORD and token.text in self.names:
            operand = syntax.FieldName(token.text, token.span)
        elif token.kind is Kind.WORD and self._names_a_field(token.text):
            raise self._unknown(token)
        else:
            operand = syntax.Value(token)
        while bracket := self._accept(Kind.SLICE):
            if isinstance(operand, syntax.Value):
                raise self._unknown(token)
            if isinstance(operand, syntax.Sliced):
                raise self._error(bracket.span, "a slice of a slice; write one slice")
            try:
                ranges = read_slice(bracket.text)
            except ValueError as error:
                raise self._error(bracket.span, str(error)) from None
            operand = syntax.Sliced(operand, ranges, Span(token.span.start, bracket.span.end))
        return operand

    def _call(self, name: Token) -> syntax.Call:
        self._deeper(self._next().span)
        argument = self._operand()
        closing = self._accept(Kind.CLOSE)
        if closing is None:
            raise self._unexpected(f") after the one argument of {quoted(name.text)}")
        self.depth -= 1
        return syntax.Call(name.text, argument, Span(name.span.start, closing.span.end))

    def _names_a_field(self, word: str) -> bool:
        """Does it begin as our fields do? Then it is a misspelt field and no text."""
        prefix, dot, _ = word.partition(".")
        return bool(dot) and prefix in self.protocols

    # --- tokens and errors ----------------------------------------------------------------------

    def _peek(self) -> Token:
        return self.tokens[self.index]

    def _next(self) -> Token:
        token = self.tokens[self.index]
        self.index += 1
        return token

    def _accept(self, kind: Kind) -> Token | None:
        return self._next() if self.tokens[self.index].kind is kind else None

    def _deeper(self, span: Span) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(span, f"more than {MAX_DEPTH} brackets inside each other")

    def _error(self, span: Span, problem: str) -> FilterError:
        return FilterError(self.text, span, problem)

    def _unexpected(self, expected: str, because: str = "") -> FilterError:
        token = self._peek()
        found = "the expression ends" if token.kind is Kind.END else f"{quoted(token.text)} stands"
        reason = f" ({because} is still open)" if because else ""
        hint = ""
        if token.text.lower() in (
            "and",
            "or",
            "xor",
            "not",
            "in",
            "contains",
            "matches",
            "eq",
            "ne",
            "any",
            "all",
        ):
            hint = "; operators are written in small letters" if token.text != token.text.lower() else ""
        elif token.kind is Kind.WORD and token.text.startswith("-"):
            hint = "; arithmetic is not part of this filter language"
        return self._error(token.span, f"{found} where {expected} should{reason}{hint}")

    def _unknown(self, token: Token) -> FilterError:
        near = _nearest(token.text, self.names)
        hint = f"; did you mean {near}?" if near else ""
        return self._error(token.span, f"there is no field {quoted(token.text)}{hint}")


def _protocols(names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Every proper dotted prefix of a field that is no field itself, with the fields under it."""
    found: dict[str, list[str]] = {}
    for name in names:
        labels = name.split(".")
        for count in range(1, len(labels)):
            found.setdefault(".".join(labels[:count]), []).append(name)
    return {prefix: tuple(under) for prefix, under in found.items() if prefix not in names}


def _nearest(word: str, names: Collection[str]) -> str | None:
    from difflib import get_close_matches  # 3 ms, needed on the way to an error only

    wanted = word[:64].lower()
    for name in sorted(names):
        if name.lower() == wanted or name.rpartition(".")[2] == wanted:
            return name
    return next(iter(get_close_matches(wanted, sorted(names), 1)), None)
