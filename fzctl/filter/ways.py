"""How many ways a regular expression has to match: those with too many can take forever, and are refused."""

from __future__ import annotations

import math
from itertools import combinations, count
from typing import Final, NamedTuple

from .errors import PatternError

# Two wide repeats over the same bytes cost the square of the subject's length, and so on.
MAX_CHAIN: Final = 3
# Those with little room add up, too: so many choices between two are taken.
MAX_BITS: Final = 16
WIDE_BITS: Final = 4
# Items that are looked at, and how often: groups in groups would multiply.
MAX_STEPS: Final = 1_000_000
# A repeat with this much room counts as one without end.
WIDE: Final = 10
# Alternatives are compared pair by pair.
MAX_BRANCHES: Final = 100


class Item(NamedTuple):
    """One repeated thing: the bytes it may consist of, and how often; a group has branches."""

    accepts: frozenset[int]
    least: int
    most: int
    possessive: bool
    branches: tuple[tuple[Item, ...], ...] = ()
    looks: bool = False


Branches = tuple[tuple[Item, ...], ...]


def refuse_many_ways(branches: Branches) -> None:
    """Raises PatternError where a subject can be matched in so many ways that to try them has no end."""
    _Walk([MAX_STEPS]).pass_branches(branches, [])


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

    def pass_branches(self, branches: Branches, before: list[_Earlier]) -> list[_Earlier]:
        """What is behind any of the branches."""
        behind = [each for branch in branches for each in self._pass_branch(branch, before)]
        return list(dict.fromkeys(behind))

    def _pass_branch(self, branch: tuple[Item, ...], before: list[_Earlier]) -> list[_Earlier]:
        reach = before
        for item in branch:
            self._steps[0] -= 1 + len(reach)
            if self._steps[0] < 0:
                raise PatternError("this regular expression is too large")
            reach = self._pass_group(item, reach) if item.branches else self._pass_atom(item, reach)
        return reach

    def _pass_atom(self, item: Item, reach: list[_Earlier]) -> list[_Earlier]:
        if item.least and item.accepts:
            reach = [earlier for earlier in reach if earlier.accepts & item.accepts]
        return reach + self._vary(item, item.accepts, item.most - item.least, reach)

    def _pass_group(self, item: Item, reach: list[_Earlier]) -> list[_Earlier]:
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

    def _vary(self, item: Item, first: frozenset[int], room: int, reach: list[_Earlier]) -> list[_Earlier]:
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


def _is_unambiguous(branches: Branches, steps: list[int]) -> bool:
    """Can the body of a repeat be told apart from its next turn, so that there is one way to match?"""
    if not _are_told_apart(branches):
        return False
    walk = _Walk(steps, is_body=True)
    try:
        walk.pass_branches(branches, walk.pass_branches(branches, []))
    except _AmbiguousError:
        return False
    return True


def _are_told_apart(branches: Branches) -> bool:
    if len(branches) > MAX_BRANCHES:
        return False
    return all(_differ(first, second) for first, second in combinations(branches, 2))


def _differ(first: tuple[Item, ...], second: tuple[Item, ...]) -> bool:
    """Is there a place among the first fixed signs of both at which no byte suits both?"""
    for one, other in zip(first, second, strict=False):
        if not (one.least == one.most == other.least == other.most == 1) or one.branches or other.branches:
            return not one.accepts & other.accepts and one.least > 0 and other.least > 0
        if not one.accepts & other.accepts:
            return bool(one.accepts and other.accepts)
    return False


def _first_of(branches: Branches) -> frozenset[int]:
    """The bytes with which any of the branches may begin, or what follows where it may be empty."""
    first: frozenset[int] = frozenset()
    for branch in branches:
        for item in branch:
            first |= _first_of(item.branches) if item.branches else item.accepts
            if item.least and item.accepts and not item.branches:
                break
    return first
