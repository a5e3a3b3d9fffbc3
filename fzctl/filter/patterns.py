"""The regular expressions of ``matches``.

Wireshark hands them to PCRE2 (4.0 wsutil/regex.c): caseless, on bytes, so that only ASCII letters
have two cases. Python's ``re`` on bytes does the same. PCRE2 gives up after a number of steps;
``re`` never does, so patterns that can take exponential time are refused beforehand.
"""

from __future__ import annotations

import re
import warnings
from itertools import combinations
from typing import Final, NamedTuple

from .errors import quoted

# Two wide repeats over the same bytes cost the square of the subject's length, and so on.
MAX_CHAIN: Final = 3
# A repeat with this much room counts as one without end.
WIDE: Final = 10
# Alternatives are compared pair by pair.
MAX_BRANCHES: Final = 100
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
_EVERYTHING: Final = frozenset(range(256))


class PatternError(ValueError):
    """The pattern is no regular expression, or one that may never end; the text says why."""


class _Item(NamedTuple):
    """One repeated thing: the bytes it may consist of, and how often; a group has branches."""

    accepts: frozenset[int]
    least: int
    most: int
    possessive: bool
    branches: tuple[tuple[_Item, ...], ...] = ()


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
        with warnings.catch_warnings():
            # Python warns of sets that it may once read differently; Wireshark reads them as it does today.
            warnings.simplefilter("ignore", FutureWarning)
            compiled = re.compile(body, flags)
            branches = _Scanner(body, flags).read()
    except re.error as error:
        raise PatternError(f"this is no regular expression: {quoted(error.msg)}") from None
    except (RecursionError, OverflowError, MemoryError, ValueError):  # ValueError: a count of 5000 digits
        raise PatternError("this regular expression is too large") from None
    _refuse_explosion(branches)
    return compiled


class _Scanner:
    """Reads a pattern that ``re`` has accepted into items. What it does not know it takes for text."""

    def __init__(self, pattern: bytes, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags
        self.position = 0
        self.known: dict[bytes, frozenset[int]] = {}

    def read(self) -> tuple[tuple[_Item, ...], ...]:
        """The branches up to the closing bracket or the end."""
        branches: list[tuple[_Item, ...]] = []
        items: list[_Item] = []
        while self.position < len(self.pattern) and self.pattern[self.position] != ord(")"):
            if self.pattern[self.position] == ord("|"):
                self.position += 1
                branches.append(tuple(items))
                items = []
            elif (item := self._item()) is not None:
                items.append(item)
        return (*branches, tuple(items))

    def _item(self) -> _Item | None:
        if self.pattern[self.position] == ord("("):
            return self._group()
        match = _ATOM.match(self.pattern, self.position)
        assert match is not None
        self.position = match.end()
        accepts = self._accepts(match[0])
        least, most, possessive = self._repeat()
        return _Item(accepts, least, most, possessive)

    def _group(self) -> _Item | None:
        match = _GROUP.match(self.pattern, self.position)
        assert match is not None
        self.position = match.end()
        opening = match[0]
        if opening.startswith((b"(?P=", b"(?#")):
            branches: tuple[tuple[_Item, ...], ...] = ((),)
        else:
            branches = self.read()
        self.position += 1
        least, most, possessive = self._repeat()
        if opening.startswith(b"(?#"):
            return None
        if opening.endswith((b"=", b"!")) and not opening.startswith(b"(?P="):
            least = most = 1  # a look around; what is repeated in it still counts
        accepts = frozenset().union(*(item.accepts for branch in branches for item in branch))
        return _Item(accepts, least, most, possessive or opening == b"(?>", branches)

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
                single = re.compile(atom, self.flags & ~re.VERBOSE)
                known = frozenset(byte for byte in range(256) if single.fullmatch(bytes([byte])))
            except re.error:  # a reference to a group: it may be anything
                known = _EVERYTHING
            self.known[atom] = known
        return known


def _refuse_explosion(branches: tuple[tuple[_Item, ...], ...]) -> None:
    for branch in branches:
        for item in branch:
            if item.branches:
                if (
                    item.most - item.least >= WIDE
                    and not item.possessive
                    and not _is_unambiguous(item.branches)
                ):
                    raise PatternError(
                        "a repeat of something that itself repeats or varies can take forever; "
                        "let a fixed sign part the repetitions, or use ++, *+ or (?>...)"
                    )
                _refuse_explosion(item.branches)
        if _longest_chain(branch) > MAX_CHAIN:
            raise PatternError(f"more than {MAX_CHAIN} open repeats over the same signs can take forever")


def _is_unambiguous(branches: tuple[tuple[_Item, ...], ...]) -> bool:
    """Can the body of a repeat be told apart from its next turn, so that there is one way to match?"""
    if len(branches) > MAX_BRANCHES:
        return False
    for branch in branches:
        varying = [item for item in _flat(branch) if item.least != item.most and not item.possessive]
        loose = frozenset().union(*(item.accepts for item in varying))
        parted = any(
            item.least == item.most >= 1 and not item.branches and item.accepts and not item.accepts & loose
            for item in branch
        )
        if varying and not parted:
            return False
        if any(len(item.branches) > 1 and not _is_unambiguous(item.branches) for item in _flat(branch)):
            return False
    return all(_differ(first, second) for first, second in combinations(branches, 2))


def _differ(first: tuple[_Item, ...], second: tuple[_Item, ...]) -> bool:
    """Is there a place among the first fixed signs of both at which no byte suits both?"""
    for one, other in zip(first, second, strict=False):
        if not (one.least == one.most == other.least == other.most == 1) or one.branches or other.branches:
            return not one.accepts & other.accepts and one.least > 0 and other.least > 0
        if not one.accepts & other.accepts:
            return bool(one.accepts and other.accepts)
    return False


def _flat(branch: tuple[_Item, ...]) -> list[_Item]:
    found: list[_Item] = []
    for item in branch:
        found.append(item)
        inner = [each for inner_branch in item.branches for each in _flat(inner_branch)]
        # (a*b){3} is a*ba*ba*b; not where it is long already, or nested groups explode.
        bounded = item.most < ENDLESS and len(inner) <= 64
        found.extend(inner * min(item.most, MAX_CHAIN + 1) if bounded else inner)
    return found


def _longest_chain(branch: tuple[_Item, ...]) -> int:
    """How many wide repeats share signs, with nothing between them that must be there and none shares."""
    longest = 0
    reach: list[frozenset[int]] = []
    for item in _flat(branch):
        if item.least >= 1 and item.accepts and not item.branches:
            reach = [earlier for earlier in reach if earlier & item.accepts]
        if item.most - item.least >= WIDE and not item.possessive:
            longest = max(longest, 1 + sum(1 for earlier in reach if earlier & item.accepts))
            reach.append(item.accepts)
    return longest
