"""Findings for people and for programs: grouped by rule as text, one object each as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any, Final

from fzctl.analysis.findings import Finding, Spot
from fzctl.analysis.rules import ERROR, NOTE, SEVERITIES, WARNING, Rule
from fzctl.render.clock import format_time
from fzctl.render.escape import escape
from fzctl.render.lines import ID_LENGTH, paint
from fzctl.render.words import count_of

SCHEMA: Final = 1
MOST_LISTED: Final = 20
"""Findings of one rule that the text lists; of the others it tells their number."""

_MOST_FRAMES: Final = 4
_NARROWEST: Final = 40
_TITLE: Final = 16
"""Where a rule's title begins."""
_MOODS: Final = {ERROR: "bad", WARNING: "ignored", NOTE: "dim"}
_INDENT: Final = "    "
_MICROSECONDS: Final = len("2026-11-22T12:43:01.123456")
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def in_time(findings: Iterable[Finding]) -> list[Finding]:
    """In the order in which things happened; what has no time stands where its frame does."""
    return sorted(findings, key=_when)


def to_findings_text(
    findings: Iterable[Finding], width: int, *, colour: bool = False, brief: bool = False
) -> str:
    """The findings rule by rule, each rule where it was broken first; ends with a line end.

    ``brief`` is for a terminal: microseconds, and of the resource what tells it apart.
    """
    rules: dict[Rule, list[Finding]] = {}
    for finding in in_time(findings):
        rules.setdefault(finding.rule, []).append(finding)
    groups = [_group(rule, found, width, colour, brief) for rule, found in rules.items()]
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in groups)


def to_finding_json(finding: Finding) -> str:
    """The finding as one line of JSON, without the line's end."""
    return _ENCODER.encode(to_finding_object(finding))


def to_finding_object(finding: Finding) -> dict[str, Any]:
    """The finding as a JSON object; ``spots`` are its first frames, ``times`` is how often it occurred."""
    rule, subject = finding.rule, finding.subject
    spots = [_spot_object(spot) for spot in finding.spots]
    first: dict[str, Any] = spots[0] if spots else {"frame": None, "time": None}
    return {
        "schema": SCHEMA,
        "rule": rule.id,
        "severity": rule.severity,
        **first,
        "title": rule.title,
        "detail": finding.detail,
        "why": rule.why,
        "next": rule.look,
        "tunnel": subject.tunnel,
        "connection": subject.connection,
        "resource": subject.resource,
        "domain": subject.domain,
        "times": finding.times,
        "spots": spots,
    }


def count_sentence(counts: Counter[str]) -> str:
    """``3 findings (1 error, 2 warnings)`` out of numbers by severity."""
    parts = [count_of(counts[each], each) for each in reversed(SEVERITIES) if counts[each]]
    return count_of(counts.total(), "finding") + (f" ({', '.join(parts)})" if parts else "")


def to_rules_text(rules: Iterable[Rule], *, colour: bool = False) -> str:
    """One line a rule: identifier, severity, what is wrong."""
    return "".join(
        f"{rule.id}  {_padded(rule.severity, colour)}  {paint(rule.title, 'bold', colour)}\n"
        for rule in rules
    )


def to_rule_object(rule: Rule) -> dict[str, Any]:
    """The rule as a JSON object."""
    return {
        "rule": rule.id, "severity": rule.severity, "title": rule.title, "why": rule.why, "next": rule.look,
    }  # fmt: skip


def _when(finding: Finding) -> tuple[int, str, int, str]:
    spot = finding.spots[0] if finding.spots else Spot(0, None, None)
    return spot.time or 0, spot.file or "", spot.frame, finding.rule.id


def _group(rule: Rule, findings: Sequence[Finding], width: int, colour: bool, brief: bool) -> list[str]:
    title, *more = _wrapped(rule.title, " " * _TITLE, width)
    lines = [f"{rule.id}  {_padded(rule.severity, colour)}  {paint(title.lstrip(), 'bold', colour)}"]
    lines += [paint(line, "bold", colour) for line in more]
    for finding in findings[:MOST_LISTED]:
        lines += _finding(finding, width, colour, brief)
    if len(findings) > MOST_LISTED:
        lines.append(f"{_INDENT}and {len(findings) - MOST_LISTED} more (-T jsonl has all)")
    lines += _wrapped(f"Why it matters: {rule.why}", _INDENT, width)
    lines += _wrapped(f"Look at: {rule.look}", _INDENT, width)
    return lines


def _finding(finding: Finding, width: int, colour: bool, brief: bool) -> list[str]:
    subject = finding.subject
    time = finding.spots[0].time if finding.spots else None
    when = format_time(time) or "-"
    if brief and len(when) > _MICROSECONDS:
        when = f"{when[:_MICROSECONDS]}Z"
    resource = (subject.resource or "")[: ID_LENGTH if brief else None]
    connection = f"connection {subject.connection}" if (subject.connection or 0) > 1 else ""
    tunnel = f"tunnel {subject.tunnel}" if (subject.tunnel or 0) > 1 else ""
    parts = (when, _frames(finding), escape(subject.domain or ""), escape(resource), tunnel, connection)
    head, *more = _wrapped("  ".join(each for each in parts if each), _INDENT, width, _INDENT * 2)
    head = head.replace(when, paint(when, "dim", colour), 1)
    return [head, *more, *_wrapped(escape(finding.detail), _INDENT * 2, width)]


def _frames(finding: Finding) -> str:
    """``#4, #9 and 3 more``, with the file before them where there are several."""
    shown = [
        f"#{spot.frame}" if spot.file is None else f"{escape(spot.file)}#{spot.frame}"
        for spot in finding.spots[:_MOST_FRAMES]
    ]
    more = len(finding.spots) - len(shown)
    text = ", ".join(shown) + (f" and {more} more" if more else "")
    return text + (f" ({finding.times} times)" if finding.times > len(finding.spots) else "")


def _padded(severity: str, colour: bool) -> str:
    return paint(severity, _MOODS[severity], colour) + " " * (len(WARNING) - len(severity))


def _wrapped(text: str, indent: str, width: int, further: str | None = None) -> list[str]:
    return wrap(
        text, max(width, _NARROWEST), initial_indent=indent,
        subsequent_indent=indent if further is None else further,
        break_on_hyphens=False, replace_whitespace=False,
    )  # fmt: skip


def _spot_object(spot: Spot) -> dict[str, Any]:
    found: dict[str, Any] = {"frame": spot.frame, "time": format_time(spot.time)}
    return found if spot.file is None else {**found, "file": spot.file}
