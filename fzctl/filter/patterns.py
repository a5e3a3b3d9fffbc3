"""The regular expressions of ``matches``.

Wireshark hands them to PCRE2 (4.0 wsutil/regex.c): caseless, on bytes, so that only ASCII letters
have two cases. Python's ``re`` on bytes does the same. PCRE2 gives up after a number of steps;
``re`` never does, so patterns that can take exponential time are refused beforehand.
"""

from __future__ import annotations

import re
import warnings
from typing import Final

from .errors import PatternError, quoted
from .ways import Branches, Item, refuse_many_ways

ENDLESS: Final = 1 << 32

_LEADING_FLAGS: Final = re.compile(rb"\(\?([imsx]*)(?:-([imsx]+))?\)")
_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
_POSIX_CLASS: Final = re.compile(rb"\[[:.=]\^?[a-z]+[:.=]\]")
_ATOM: Final = re.compile(
    rb"\[\^?\]?(?:\\.|[^\]\\])*\]|\\x[0-9A-Fa-f]{2}|\\[0-3]?[0-7]{1,2}|\\.|.",
    re.DOTALL,
)
_QUANTIFIER: Final = re.compile(rb"([*+?]|\{(\d*)(?:(,)(\d*))?\})([?+]?)")
_GROUP: Final = re.compile(rb"\((?:\?(?:P<\w+>|P=\w+|[aiLmsux-]*:|>|<?[=!]|#[^)]*|\(\w+\)))?")
_POSSESSIVE: Final = re.compile(rb"[+*?}]\+|\(\?>")
_REFERENCE: Final = re.compile(rb"\\[1-9]|\(\?P=|\(\?\(")
_EVERYTHING: Final = frozenset(range(256))


def compile_pattern(pattern: bytes) -> re.Pattern[bytes]:
    """``pattern`` ready to search with, without regard to case; raises PatternError."""
    flags = re.IGNORECASE
    body = pattern
    if leading := _LEADING_FLAGS.match(pattern):
        body = pattern[leading.end() :]
        for letter in leading[1].decode():
            flags |= _FLAGS[letter]
        for letter in (leading[2] or b"").decode():
            flags &= ~_FLAGS[letter]
    if _POSIX_CLASS.search(body):
        raise PatternError(r"classes such as [:alpha:] are not known; write [a-z], \d, \w or \s")
    try:
        compiled = _compile(body, flags)
        scanner = _Scanner(body, flags)
        branches = scanner.read()
    except re.error as error:
        raise PatternError(f"this is no regular expression: {quoted(error.msg)}") from None
    except (RecursionError, OverflowError, MemoryError, ValueError):  # ValueError: a count of 5000 digits
        raise PatternError("this regular expression is too large") from None
    if scanner.captures and _POSSESSIVE.search(body):
        # CPython may lose count there: "SystemError: The span of capturing group is wrong".
        if _REFERENCE.search(body):
            raise PatternError("a pattern with ++, *+ or (?>...) cannot refer back to a group")
        compiled = _compile(_without_captures(body, scanner.captures), flags)
    refuse_many_ways(branches)
    return compiled


class _Scanner:
    """Reads a pattern that ``re`` has accepted into items. What it does not know it takes for text."""

    def __init__(self, pattern: bytes, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags
        self.position = 0
        self.known: dict[bytes, frozenset[int]] = {}
        # Where the openings stand of groups that hold what they match.
        self.captures: list[tuple[int, int]] = []

    def read(self) -> Branches:
        """The branches up to the closing bracket or the end."""
        branches: list[tuple[Item, ...]] = []
        items: list[Item] = []
        while self.position < len(self.pattern) and self.pattern[self.position] != ord(")"):
            if self.pattern[self.position] == ord("|"):
                self.position += 1
                branches.append(tuple(items))
                items = []
            elif (item := self._item()) is not None:
                items.append(item)
        return (*branches, tuple(items))

    def _item(self) -> Item | None:
        if self.pattern[self.position] == ord("("):
            return self._group()
        match = _ATOM.match(self.pattern, self.position)
        assert match is not None
        self.position = match.end()
        accepts = self._accepts(match[0])
        least, most, possessive = self._repeat()
        return Item(accepts, least, most, possessive)

    def _group(self) -> Item | None:
        match = _GROUP.match(self.pattern, self.position)
        assert match is not None
        self.position = match.end()
        opening = match[0]
        if opening == b"(" or opening.startswith(b"(?P<"):
            self.captures.append(match.span())
        if opening.startswith((b"(?P=", b"(?#")):
            branches: Branches = ((),)
        else:
            branches = self.read()
        self.position += 1
        least, most, possessive = self._repeat()
        if opening.startswith(b"(?#"):
            return None
        looks = opening.endswith((b"=", b"!")) and not opening.startswith(b"(?P=")
        if looks:
            least = most = 1  # what is repeated in it still counts
        accepts = frozenset().union(*(item.accepts for branch in branches for item in branch))
        if opening == b"(?>":
            branches = ((Item(accepts, 1, 1, True, branches),),)
        return Item(accepts, least, most, possessive, branches, looks)

    def _repeat(self) -> tuple[int, int, bool]:
        match = _QUANTIFIER.match(self.pattern, self.position)
        if match is None or match[0] in (b"{}", b"{}?", b"{}+", b"{,}"):
            return 1, 1, False
        self.position = match.end()
        possessive = match[5] == b"+"
        sign = match[1][:1]
        if sign == b"{":
            least = int(match[2] or 0)
            if match[3] is None:
                return least, least, possessive
            return least, int(match[4]) if match[4] else ENDLESS, possessive
        return (1 if sign == b"+" else 0), (1 if sign == b"?" else ENDLESS), possessive

    def _accepts(self, atom: bytes) -> frozenset[int]:
        """The bytes that ``atom`` matches; none for what has no width, such as ``^`` and ``\\b``."""
        known = self.known.get(atom)
        if known is None:
            try:
                single = _compile(atom, self.flags & ~re.VERBOSE)
                known = frozenset(byte for byte in range(256) if single.fullmatch(bytes([byte])))
            except re.error:  # a reference to a group: it may be anything
                known = _EVERYTHING
            self.known[atom] = known
        return known


def _compile(pattern: bytes, flags: int) -> re.Pattern[bytes]:
    with warnings.catch_warnings():
        # Python warns of sets that it may once read differently; Wireshark reads them as it does today.
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(pattern, flags)


def _without_captures(pattern: bytes, captures: list[tuple[int, int]]) -> bytes:
    """The same, with groups that hold nothing; ``captures`` is where those begin that do."""
    for start, end in sorted(captures, reverse=True):
        pattern = pattern[:start] + b"(?:" + pattern[end:]
    return pattern
