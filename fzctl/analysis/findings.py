"""Findings: what the rules found, equal things together, however often they occur."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from fzctl.analysis.rules import SEVERITIES, Rule
from fzctl.records import Record

MOST_SPOTS: Final = 20
"""Frames that are kept of one finding; of the others only their number."""

# Half the price of the class itself, in a place that is passed for every message.
_new: Final = tuple.__new__


class Spot(NamedTuple):
    """A frame, its time (nanoseconds since the epoch), and its file where several are read."""

    frame: int
    time: int | None
    file: str | None


class Subject(NamedTuple):
    """What a finding is about: a connection of a tunnel, and a domain of a resource in it."""

    tunnel: int | None = None
    connection: int | None = None
    resource: str | None = None
    domain: str | None = None


class Finding(NamedTuple):
    """One thing that is wrong, and how often; ``detail`` and ``spots`` tell of the first times.

    ``names`` are the pieces of ``detail`` that came out of the input, in their order.
    """

    rule: Rule
    subject: Subject
    detail: str
    spots: tuple[Spot, ...]
    times: int
    names: tuple[str, ...] = ()

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames of the first occurrences."""
        return tuple(spot.frame for spot in self.spots)


def spot_of(record: Record) -> Spot:
    """Where a record was found."""
    return _new(Spot, (record.frame, record.time, record.file))


class Findings:
    """Collects findings; memory grows with what they are about, not with how often they occur."""

    def __init__(self, wanted: Callable[[Rule], bool] | None = None) -> None:
        self._wanted = wanted
        self._found: dict[tuple[str, Subject, object], _Found] = {}

    def add(
        self,
        rule: Rule,
        subject: Subject,
        detail: str,
        *spots: Spot,
        variant: object = None,
        names: tuple[str, ...] = (),
    ) -> None:
        """Note an occurrence. Those of one rule, subject and ``variant`` are one finding."""
        if self._wanted is not None and not self._wanted(rule):
            return
        key = rule.id, subject, variant
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = _Found(rule, subject, detail, names)
        found.count += 1
        room = MOST_SPOTS - len(found.spots)
        if room > 0:
            found.spots += spots[:room]

    def listed(self) -> list[Finding]:
        """All findings, the worst first, then in the order of their first frames."""
        found = [
            Finding(each.rule, each.subject, each.detail, tuple(each.spots), each.count, each.names)
            for each in self._found.values()
        ]
        return sorted(found, key=_order)


class _Found:
    __slots__ = ("count", "detail", "names", "rule", "spots", "subject")

    def __init__(self, rule: Rule, subject: Subject, detail: str, names: tuple[str, ...]) -> None:
        self.rule = rule
        self.subject = subject
        self.detail = detail
        self.names = names
        self.spots: list[Spot] = []
        self.count = 0


def _order(finding: Finding) -> tuple[int, int, str]:
    first = finding.spots[0].frame if finding.spots else 0
    return -SEVERITIES.index(finding.rule.severity), first, finding.rule.id
