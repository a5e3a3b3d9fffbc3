"""The regular expressions of ``matches``.

Wireshark hands them to PCRE2 (4.0 wsutil/regex.c): caseless, on bytes, so that only ASCII letters
have two cases. Python's ``re`` on bytes does the same. PCRE2 gives up after a number of steps;
``re`` never does, so patterns that can take exponential time are refused beforehand.
"""

from __future__ import annotations

import math
import re
import warnings
from itertools import combinations, count
from typing import Final, NamedTuple

from .errors import quoted

# Two wide repeats over the same bytes cost the square of the subject's length, and so on.
MAX_CHAIN: Final = 3
# Those with little room add up, too: so many choices between two are taken.
MAX_BITS: Final = 16
WIDE_BITS: Final = 4
# Items that are looked at, and how often: groups in groups would multiply.
MAX_STEPS: Final = 1_000_000
_POSSESSIVE: Final = re.compile(rb"[+*?}]\+|\(\?>")
_REFERENCE: Final = re.compile(rb"\\[1-9]|\(\?P=|\(\?\(")
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
    looks: bool = False


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
    _Walk([MAX_STEPS]).pass_branches(branches, [])
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
        if opening == b"(" or opening.startswith(b"(?P<"):
            self.captures.append(match.span())
        if opening.startswith((b"(?P=", b"(?#")):
            branches: tuple[tuple[_Item, ...], ...] = ((),)
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
            branches = ((_Item(accepts, 1, 1, True, branches),),)
        return _Item(accepts, least, most, possessive, branches, looks)

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


class _Earlier(NamedTuple):
    """A repeat that was passed, and could have left some of what it took to what follows."""

    accepts: frozenset[int]
    room: int
    place: int


class _Walk:
    """Passes the items in the order of a subject's bytes, and refuses what has too many ways to match.

    Two items that vary have more than one way where they share bytes and nothing that must stand
    between them parts them.
    """

    def __init__(self, steps: list[int], *, is_body: bool = False) -> None:
        """``is_body``: of something that is repeated without end, where two ways are too many."""
        self._steps = steps
        self._is_body = is_body
        self._places = count()

    def pass_branches(
        self, branches: tuple[tuple[_Item, ...], ...], before: list[_Earlier]
    ) -> list[_Earlier]:
        """What is behind any of the branches."""
        behind = [each for branch in branches for each in self._pass_branch(branch, before)]
        return list(dict.fromkeys(behind))

    def _pass_branch(self, branch: tuple[_Item, ...], before: list[_Earlier]) -> list[_Earlier]:
        reach = before
        for item in branch:
            self._steps[0] -= 1 + len(reach)
            if self._steps[0] < 0:
                raise PatternError("this regular expression is too large")
            reach = self._pass_group(item, reach) if item.branches else self._pass_atom(item, reach)
        return reach

    def _pass_atom(self, item: _Item, reach: list[_Earlier]) -> list[_Earlier]:
        if item.least and item.accepts:
            reach = [earlier for earlier in reach if earlier.accepts & item.accepts]
        return reach + self._vary(item, item.accepts, item.most - item.least, reach)

    def _pass_group(self, item: _Item, reach: list[_Earlier]) -> list[_Earlier]:
        is_long = item.most >= WIDE and not item.possessive and not self._is_body
        if is_long and not _is_unambiguous(item.branches, self._steps):
            raise PatternError(
                "a repeat of something that itself repeats or varies can take forever; "
                "let a fixed sign part the repetitions, or use ++, *+ or (?>...)"
            )
        first = _first_of(item.branches)
        before = reach
        itself = self._vary(item, first, item.most - item.least, reach)
        alike = 0 if _are_told_apart(item.branches) else len(item.branches) - 1
        if alike and self._is_body:
            raise _AmbiguousError
        for turn in range(item.most if item.most < WIDE else 2):
            behind = self.pass_branches(item.branches, reach) + self._vary(item, first, alike, reach)
            if turn >= item.least:
                behind = list(dict.fromkeys((*reach, *behind)))
            if behind == reach:
                break
            reach = behind
        if item.looks:
            return before
        return [each for each in reach if each in before] if item.possessive else reach + itself

    def _vary(self, item: _Item, first: frozenset[int], room: int, reach: list[_Earlier]) -> list[_Earlier]:
        """What an item with that ``room``, which begins with ``first``, is to those behind it."""
        if room <= 0 or item.possessive or not item.accepts:
            return []
        rooms = [room, *(earlier.room for earlier in reach if earlier.accepts & first)]
        wide = sum(1 for each in rooms if each >= WIDE)
        bits = sum(math.log2(1 + each) for each in rooms if each < WIDE)
        if self._is_body and len(rooms) > 1:
            raise _AmbiguousError
        if wide > MAX_CHAIN or wide * WIDE_BITS + bits > MAX_BITS:
            raise PatternError(
                f"more than {MAX_CHAIN} open repeats over the same signs, or many that vary, can take forever"
            )
        return [_Earlier(item.accepts, room, next(self._places))]


class _AmbiguousError(Exception):
    """Something that is repeated can match one text in two ways."""


def _is_unambiguous(branches: tuple[tuple[_Item, ...], ...], steps: list[int]) -> bool:
    """Can the body of a repeat be told apart from its next turn, so that there is one way to match?"""
    if not _are_told_apart(branches):
        return False
    walk = _Walk(steps, is_body=True)
    try:
        walk.pass_branches(branches, walk.pass_branches(branches, []))
    except _AmbiguousError:
        return False
    return True


def _are_told_apart(branches: tuple[tuple[_Item, ...], ...]) -> bool:
    if len(branches) > MAX_BRANCHES:
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


def _first_of(branches: tuple[tuple[_Item, ...], ...]) -> frozenset[int]:
    """The bytes with which any of the branches may begin, or what follows where it may be empty."""
    first: frozenset[int] = frozenset()
    for branch in branches:
        for item in branch:
            first |= _first_of(item.branches) if item.branches else item.accepts
            if item.least and item.accepts and not item.branches:
                break
    return first
