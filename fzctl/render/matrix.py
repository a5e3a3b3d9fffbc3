"""What ``resilience`` has seen: a matrix for people, an object for scripts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Final

from fzctl.live.scenarios import PROPERTIES, Scenario
from fzctl.live.verdicts import BROKEN, HELD, NOT_RUN, UNDECIDED, WEAK, Row, all_held, percentile
from fzctl.render.escape import escape
from fzctl.render.lines import paint
from fzctl.render.words import count_of

WIDTH: Final = 80

_SCHEMA: Final = 1
_INDENT: Final = 4
_SHORT: Final = 0.1
"""Below so many seconds milliseconds are told."""
_STYLES: Final = {HELD: "good", WEAK: "ignored", BROKEN: "bad", UNDECIDED: "ignored", NOT_RUN: "dim"}
_COLUMNS: Final = ("set up", "median", "95 %", "worst", "resent")
_LEGEND: Final = """\
set up: domains confirmed in the end; median, 95 %, worst: from the moment a
domain was asked for, or last ceased to be confirmed, until it was for good;
resent: questions repeated, for each domain
known weakness: the protocol's own rules do not prevent it (no timer, no
sequence numbers); BROKEN: the rules promise it, and it did not hold;
undecided: the time was up (--timeout) before it could be told"""


def heading(colour: bool) -> str:
    """The names of the columns."""
    return paint(f"{'scenario':<15}{'verdict':<16}{_numbers(_COLUMNS)}", "bold", colour)


def row_text(row: Row, *, colour: bool, details: bool = False) -> str:
    """One scenario, without its end; what did not hold is told below it, with ``details`` everything."""
    verdict = row.verdict
    word = verdict.upper() if verdict == BROKEN else verdict
    text = f"{row.scenario.name:<15}{paint(f'{word:<16}', _STYLES[verdict], colour)}"
    if verdict != NOT_RUN:
        text += _numbers(_cells(row))
    lines = [text.rstrip()]
    if verdict == NOT_RUN:
        lines += _wrapped("why", row.reason)
        return "\n".join(lines)
    if details or verdict != HELD:
        lines += _wrapped("done", row.scenario.done)
        lines += _wrapped("rule", row.scenario.rule)
        seen = list(_seen(row)) or ["everything held in every run"]
        for sentence in seen:
            lines += _wrapped("seen", sentence)
    return "\n".join(lines)


def summary(rows: Sequence[Row]) -> str:
    """How many rows have which verdict, and what the words mean."""
    counts = [(verdict, sum(row.verdict == verdict for row in rows)) for verdict in _STYLES]
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts if count or verdict in (HELD, BROKEN))
    return f"{said}\n\n{_LEGEND}"


def list_text(scenarios: Iterable[Scenario]) -> str:
    """All scenarios: what is done, what the rules say, what need not hold; and the properties."""
    lines = []
    for scenario in scenarios:
        lines.append(scenario.name)
        lines += _wrapped("done", scenario.done)
        lines += _wrapped("rule", scenario.rule)
        if scenario.weak:
            lines += _wrapped("weak", ", ".join(map(_title, scenario.weak)))
    lines += ["", "What must hold in every run, where it is not named as weak:"]
    for name, sentence in PROPERTIES.items():
        lines += _wrapped(_title(name), sentence)
    return "\n".join(lines)


def list_object(scenarios: Iterable[Scenario]) -> dict[str, Any]:
    """The same for scripts."""
    return {
        "schema": _SCHEMA,
        "properties": dict(PROPERTIES),
        "scenarios": [_about(scenario) for scenario in scenarios],
    }


def matrix_object(rows: Iterable[Row], *, gateway: str, simulated: bool, seed: int) -> dict[str, Any]:
    """Everything for scripts; seconds are numbers, ``null`` where there are none."""
    rows = list(rows)
    return {
        "schema": _SCHEMA,
        "gateway": gateway,
        "simulated": simulated,
        "seed": seed,
        "ok": all_held(rows),
        "properties": dict(PROPERTIES),
        "scenarios": [_row_object(row) for row in rows],
    }


def _row_object(row: Row) -> dict[str, Any]:
    median, most, worst = _recovery(row)
    return {
        **_about(row.scenario),
        "verdict": row.verdict.replace(" ", "_"),
        "reason": row.reason or None,
        "runs": row.runs,
        "seen": {
            name: {
                "held": tally.held,
                "failed": tally.failed,
                "undecided": tally.undecided,
                "notes": list(tally.notes),
            }
            for name, tally in row.tallies.items()
        },
        "domains": len(row.resends),
        "recovery": {"count": len(row.recoveries), "median": median, "p95": most, "worst": worst},
        "resends": {"mean": _mean(row.resends), "worst": max(row.resends, default=None)},
        "answers": row.answered,
    }


def _about(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "done": scenario.done,
        "rule": scenario.rule,
        "must_hold": list(scenario.must),
        "weak": list(scenario.weak),
    }


def _seen(row: Row) -> Iterable[str]:
    for name, tally in row.tallies.items():
        if tally.failed:
            what = "as the rules let it be" if name in row.scenario.weak else "AGAINST THE RULES"
            yield _told(f'"{_title(name)}" failed in {tally.failed} of {row.runs} runs, {what}', tally.notes)
        elif tally.undecided:
            share = f'"{_title(name)}" is undecided in {tally.undecided} of {row.runs} runs'
            yield _told(share, tally.notes)


def _told(head: str, notes: Sequence[str]) -> str:
    return f"{head} ({escape(notes[0])})" if notes else head


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cells(row: Row) -> tuple[str, ...]:
    domains = len(row.resends)
    # Rounded down: what failed once in a thousand times has not been set up always.
    share = f"{100 * len(row.recoveries) // domains} %" if domains else "-"
    times = tuple(map(_seconds, _recovery(row)))
    mean = _mean(row.resends)
    return share, *times, "-" if mean is None else f"{mean:.2f}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} s" if value >= _SHORT else f"{1000 * value:.1f} ms"


def _recovery(row: Row) -> tuple[float | None, float | None, float | None]:
    shares = (0.5, 0.95, 1.0)
    values = (percentile(row.recoveries, share) for share in shares)
    median, most, worst = (None if value is None else round(value, 6) for value in values)
    return median, most, worst


def _mean(values: Sequence[int]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _numbers(cells: Sequence[str]) -> str:
    widths = (7, 10, 10, 10, 9)
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _wrapped(label: str, text: str) -> list[str]:
    indent = " " * _INDENT
    return textwrap.wrap(
        f"{label}: {text}", WIDTH, initial_indent=indent, subsequent_indent=indent + "      "
    )


def runs_text(runs: int, domains: int) -> str:
    """``200 runs of 3 domains each``."""
    return f"{count_of(runs, 'run')} of {count_of(domains, 'domain')} each"
