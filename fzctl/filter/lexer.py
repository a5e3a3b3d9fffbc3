"""A filter expression cut into tokens.

After Wireshark 4.0, epan/dfilter/scanner.l, as far as our fields need it.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, NamedTuple

from .errors import FilterError, Span, quoted


class Kind(Enum):
    """What a token is. WORD is any unquoted name, number or address."""

    WORD = auto()
    STRING = auto()
    CHARACTER = auto()
    SLICE = auto()
    COMPARE = auto()
    CONTAINS = auto()
    MATCHES = auto()
    IN = auto()
    AND = auto()
    OR = auto()
    XOR = auto()
    NOT = auto()
    QUANTIFIER = auto()
    OPEN = auto()
    CLOSE = auto()
    OPEN_SET = auto()
    CLOSE_SET = auto()
    COMMA = auto()
    RANGE = auto()
    END = auto()


class Token(NamedTuple):
    """One token: ``text`` as written, ``content`` the bytes of a string or character."""

    kind: Kind
    text: str
    span: Span
    content: bytes = b""


# Every spelling of a comparison, and the one that the rest of the program knows.
COMPARISONS: Final = {
    "==": "==", "eq": "==", "any_eq": "==",
    "!=": "!=", "ne": "!=", "all_ne": "!=",
    "===": "===", "all_eq": "===",
    "!==": "!==", "any_ne": "!==", "~=": "!==",
    ">": ">", "gt": ">", "<": "<", "lt": "<",
    ">=": ">=", "ge": ">=", "<=": "<=", "le": "<=",
}  # fmt: skip

_KEYWORDS: Final = {
    **dict.fromkeys(COMPARISONS, Kind.COMPARE),
    "contains": Kind.CONTAINS,
    "matches": Kind.MATCHES, "~": Kind.MATCHES,
    "in": Kind.IN,
    "and": Kind.AND, "&&": Kind.AND,
    "or": Kind.OR, "||": Kind.OR,
    "xor": Kind.XOR, "^^": Kind.XOR,
    "not": Kind.NOT, "!": Kind.NOT,
    "any": Kind.QUANTIFIER, "all": Kind.QUANTIFIER,
    "(": Kind.OPEN, ")": Kind.CLOSE,
    "{": Kind.OPEN_SET, "}": Kind.CLOSE_SET,
    ",": Kind.COMMA, "..": Kind.RANGE,
}  # fmt: skip

# A word stops before "..", so that 1..5 and 10.0.0.1..10.0.0.9 are ranges.
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<string>[rR]?"(?:[^"\\]|\\.)*")
      | (?P<character>'(?:[^'\\]|\\.)*')
      | (?P<slice>\[[^\[\]"']*\])
      | (?P<word>-?(?:[A-Za-z0-9_:]|(?<=-)\.(?=[0-9]))(?:[A-Za-z0-9_:/-]|\.(?!\.))*)
      | (?P<symbol>===|!==|==|!=|~=|>=|<=|&&|\|\||\^\^|\.\.|[><~!(){},])
    """,
    re.VERBOSE | re.DOTALL,
)

_UNFINISHED: Final = {
    '"': 'the closing " is missing',
    "'": "the closing ' is missing",
    "[": "the slice is not closed by ]",
}
_ARITHMETIC: Final = "arithmetic (+ - * / % &) is not part of this filter language"
_NO_TOKEN: Final = {
    "=": "= alone compares nothing; write ==",
    "|": "write || or the word or",
    "^": "write ^^ or the word xor",
    "#": "layers (field#1) are not part of this filter language",
    "$": "references (${field}) need a selected frame, which only Wireshark's window has",
    **dict.fromkeys("+-*/%&", _ARITHMETIC),
}
_ESCAPE: Final = re.compile(
    r"\\(?:x(?P<hex>[0-9A-Fa-f]{1,2})|(?P<octal>[0-7]{1,3})|u(?P<u4>[0-9A-Fa-f]{4})"
    r"|U(?P<u8>[0-9A-Fa-f]{8})|(?P<letter>['\"\\abfnrtv])|(?P<bad>.))",
    re.DOTALL,
)
_LETTERS: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "'": 39, '"': 34, "\\": 92}


def read_tokens(text: str) -> list[Token]:
    """The tokens of ``text``, an END token last; raises FilterError at the first that is none."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _no_token(text, position)
        span = Span(position, match.end())
        position = match.end()
        spelling = match[0]
        group = match.lastgroup
        if group == "word" or group == "symbol":
            tokens.append(Token(_KEYWORDS.get(spelling, Kind.WORD), spelling, span))
        elif group == "string":
            tokens.append(Token(Kind.STRING, spelling, span, _string_content(text, spelling, span)))
        elif group == "character":
            tokens.append(Token(Kind.CHARACTER, spelling, span, _character_content(text, spelling, span)))
        elif group == "slice":
            tokens.append(Token(Kind.SLICE, spelling, span))
    tokens.append(Token(Kind.END, "", Span(len(text), len(text))))
    return tokens


def encode_text(text: str) -> bytes:
    """``text`` in UTF-8; bytes that were not UTF-8 on the command line come back as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _no_token(text: str, position: int) -> FilterError:
    character = text[position]
    if character in _UNFINISHED:
        return FilterError(text, Span(position, len(text)), _UNFINISHED[character])
    problem = _NO_TOKEN.get(character, f'"{quoted(character)}" has no meaning here; text goes in "quotes"')
    return FilterError(text, Span(position, position + 1), problem)


def _string_content(text: str, spelling: str, span: Span) -> bytes:
    if spelling[0] in "rR":
        # A raw string keeps every backslash, also the one before a quote.
        return encode_text(spelling[2:-1])
    return _unescape(text, spelling[1:-1], span.start + 1)


def _character_content(text: str, spelling: str, span: Span) -> bytes:
    content = _unescape(text, spelling[1:-1], span.start + 1)
    if len(content) != 1:
        raise FilterError(text, span, "a character in 'single quotes' is exactly one byte")
    return content


def _unescape(text: str, body: str, offset: int) -> bytes:
    """The bytes that ``body`` stands for; ``offset`` is its place in ``text``, for errors."""
    parts: list[bytes] = []
    position = 0
    for match in _ESCAPE.finditer(body):
        parts.append(encode_text(body[position : match.start()]))
        position = match.end()
        group, digits = match.lastgroup, match[match.lastgroup or 0]
        span = Span(offset + match.start(), offset + match.end())
        if group == "bad":
            raise FilterError(
                text,
                span,
                f'{quoted(match[0])} is no escape; write \\{quoted(match[0])} or a raw string r"..."',
            )
        if group == "letter":
            parts.append(bytes([_LETTERS[digits]]))
            continue
        code = int(digits, 8 if group == "octal" else 16)
        if group in ("u4", "u8"):
            if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                raise FilterError(text, span, f"{match[0]} is no Unicode character")
            parts.append(chr(code).encode())
        elif code > 255:
            raise FilterError(text, span, f"{match[0]} is larger than a byte; \\377 is the largest")
        else:
            parts.append(bytes([code]))
    parts.append(encode_text(body[position:]))
    return b"".join(parts)
