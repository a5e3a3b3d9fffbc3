"""What held in a run, what held in all runs of a scenario, and what to call that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from fzctl.live.scenarios import AGREES, ANSWERS, ENDED, FRESH, ORDER, PROPERTIES, SET_UP, Scenario
from fzctl.live.subject import Course
from fzctl.live.trial import GRACE, Outcome
from fzctl.nat.client import State
from fzctl.nat.names import name_key, resource_key
from fzctl.nat.table import Mapped
from fzctl.protocol.fields import Status
from fzctl.protocol.values import format_ip, ip_to_bytes

HELD: Final = "held"
WEAK: Final = "known weakness"
BROKEN: Final = "broken"
UNDECIDED: Final = "undecided"
NOT_RUN: Final = "not run"

_KEPT_NOTES: Final = 3


class Finding(NamedTuple):
    """A property in one run: ``holds`` is ``None`` where the run does not tell."""

    holds: bool | None
    notes: tuple[str, ...] = ()


class Tally(NamedTuple):
    """A property over all runs: in how many it held, failed, or was not to be told; the first notes."""

    held: int = 0
    failed: int = 0
    undecided: int = 0
    notes: tuple[str, ...] = ()


class Row(NamedTuple):
    """A scenario and what was seen.

    ``recoveries`` are seconds, one for each domain of each run that was confirmed in the end, in
    ascending order; ``resends`` of each the questions beyond the first one of an exchange.
    ``answered`` counts the gateway's answers; ``reason`` says why a scenario was not run.
    """

    scenario: Scenario
    runs: int
    tallies: dict[str, Tally]
    recoveries: tuple[float, ...]
    resends: tuple[int, ...]
    answered: int
    reason: str = ""

    @property
    def verdict(self) -> str:
        """One of the five words above."""
        if not self.runs:
            return NOT_RUN
        if self.broken:
            return BROKEN
        if any(self.tallies[name].undecided for name in self.scenario.must if name in self.tallies):
            return UNDECIDED
        return WEAK if self.weaknesses else HELD

    @property
    def broken(self) -> tuple[str, ...]:
        """The properties that had to hold and did not."""
        return tuple(name for name in self.scenario.must if self._failed(name))

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """The properties that did not hold and need not, by the protocol's rules."""
        return tuple(name for name in self.scenario.weak if self._failed(name))

    def _failed(self, name: str) -> int:
        tally = self.tallies.get(name)
        return 0 if tally is None else tally.failed


def judge(outcome: Outcome) -> dict[str, Finding]:
    """What held in one run, by property."""
    courses = outcome.courses
    return {
        SET_UP: _all(_is_set_up(outcome, index) for index in range(len(courses))),
        AGREES: _all(_agrees(outcome, index) for index in range(len(courses))),
        FRESH: _none_of(note for course in courses for note in course.stale),
        ORDER: _none_of(note for course in courses for note in course.out_of_order),
        ENDED: _none_of(note for course in courses for note in course.after_goodbye),
        ANSWERS: _answers(outcome),
    }


def tally(scenario: Scenario, outcomes: Iterable[Outcome]) -> Row:
    """All runs of a scenario in one row; each is looked at as it comes, and not kept."""
    tallies = {name: Tally() for name in PROPERTIES}
    recoveries: list[float] = []
    resends: list[int] = []
    runs = answered = 0
    for outcome in outcomes:
        runs += 1
        answered += outcome.wire.answered
        for name, finding in judge(outcome).items():
            tallies[name] = _counted(tallies[name], finding)
        for course in outcome.courses:
            if course.confirmed_at is not None and course.since is not None:
                recoveries.append(course.confirmed_at - course.since)
            resends.append(max(0, course.sent - course.exchange))
    return Row(scenario, runs, tallies, tuple(sorted(recoveries)), tuple(sorted(resends)), answered)


def not_run(scenario: Scenario, reason: str) -> Row:
    """A scenario that was left out."""
    return Row(scenario, 0, {}, (), (), 0, reason)


def all_held(rows: Iterable[Row]) -> bool:
    """Did everything hold that must? What is undecided did not."""
    return not any(row.verdict in (BROKEN, UNDECIDED) for row in rows)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest of the ascending ``values`` that ``share`` of them (0 to 1) do not exceed."""
    if not values:
        return None
    # Rounded, because 0.95 of 20 is more than 19 in floating point.
    rank = -int(-round(share * len(values), 9) // 1)
    return values[max(0, rank - 1)]


# --- the properties ---


def _is_set_up(outcome: Outcome, index: int) -> Finding:
    course = outcome.courses[index]
    if course.state is State.CONFIRMED:
        return Finding(True)
    domain = course.target.domain
    state = "unknown" if course.state is None else course.state.value
    words = outcome.wire.words[index]
    if words and words[-1] != Status.ACTIVE:
        return Finding(False, (f"{domain}: {state} in the end, the gateway said {words[-1]}",))
    # One that left damaged needs no answer.
    open_since = [question.time for question in outcome.wire.open_questions(index) if question.exchange]
    if open_since and outcome.time - open_since[0] >= GRACE:
        return Finding(False, (f"{domain}: {state} in the end, a question was never answered",))
    if outcome.scenario.silent:
        return Finding(False, (f"{domain}: {state} in the end, nothing repeated the question",))
    return Finding(None, (f"{domain}: {state} when the time was up",))


def _agrees(outcome: Outcome, index: int) -> Finding:
    course = outcome.courses[index]
    domain = course.target.domain
    given = outcome.wire.given[index]
    said = given[-1] if given else None
    if course.state is State.CONFIRMED:
        if said != Status.ACTIVE:
            return Finding(False, (f"{domain}: confirmed, but the gateway's last word was {said or 'none'}",))
        if outcome.table is not None and not _maps(outcome.table, course):
            return Finding(False, (f"{domain}: confirmed, but the gateway lacks proxy IPs of it",))
    elif course.state is State.FAILED and said == Status.ACTIVE:
        return Finding(None, (f"{domain}: failed when the time was up, and not asked for again yet",))
    return Finding(True)


def _maps(table: Iterable[Mapped], course: Course) -> bool:
    key = course.target.key
    mine = {row.proxy_ip for row in table if (resource_key(row.resource), name_key(row.domain)) == key}
    return {format_ip(ip_to_bytes(each)) for each in course.target.proxy_ips} <= mine


def _answers(outcome: Outcome) -> Finding:
    notes = list(outcome.wire.wrong)
    for index, course in enumerate(outcome.courses):
        waiting = outcome.wire.open_questions(index)
        if waiting and not outcome.wire.given[index] and outcome.time - waiting[0].time >= GRACE:
            notes.append(f"{course.target.domain}: no question was ever answered")
    return _none_of(notes)


# --- helpers ---


def _all(findings: Iterable[Finding]) -> Finding:
    found = list(findings)
    bad = tuple(note for finding in found if finding.holds is False for note in finding.notes)
    if bad:
        return Finding(False, bad)
    unclear = tuple(note for finding in found if finding.holds is None for note in finding.notes)
    return Finding(None, unclear) if unclear else Finding(True)


def _none_of(notes: Iterable[str]) -> Finding:
    found = tuple(notes)
    return Finding(not found, found)


def _counted(before: Tally, finding: Finding) -> Tally:
    notes = before.notes
    if finding.holds is not True and len(notes) < _KEPT_NOTES:
        notes = (*notes, *finding.notes)[:_KEPT_NOTES]
    return Tally(
        before.held + (finding.holds is True),
        before.failed + (finding.holds is False),
        before.undecided + (finding.holds is None),
        notes,
    )
