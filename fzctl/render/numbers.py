"""``stats``: tables with bars for people, one object for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any, Final, NamedTuple

from fzctl.analysis.histogram import Summary
from fzctl.analysis.stats import Numbers, Report
from fzctl.protocol.kinds import kind_by_name
from fzctl.render.clock import format_time
from fzctl.render.escape import escape
from fzctl.render.lines import ID_LENGTH, paint
from fzctl.render.words import count_of

SCHEMA: Final = 1
MOST_LISTED: Final = 20
"""Rows of a table; of the others the text tells their number."""

BLOCKS: Final = " ▏▎▍▌▋▊▉█"
"""Eighths of a character, for terminals that have them."""
ASCII: Final = " #"

_SECOND: Final = 10**9
_LONGEST_NAME: Final = 44
_SHORTEST_NAME: Final = 16
_SHORTEST_BAR: Final = 5
_LONGEST_BAR: Final = 30
_QUANTILES: Final = {
    "median": "median", "90 %": "p90", "95 %": "p95", "99 %": "p99", "longest": "greatest",
}  # fmt: skip
_LEAST_WANTED: Final = ("bytes", "answers", "a second", "95 %")
"""Columns that are left out, in this order, where names would have to be cut."""
_HEADS: Final = ("messages", "a second", "bytes", "answers", "median", "95 %", "longest")


class _Row(NamedTuple):
    name: str
    weight: int
    cells: tuple[str, ...]


def to_numbers_text(report: Report, width: int, *, colour: bool = False, blocks: str = BLOCKS) -> str:
    """Everything in ``width`` columns; ends with a line end. ``blocks`` are a bar's parts."""
    total = report.total
    parts = [wrap(_head(total), width)]
    kinds = [_row(_title(name), each) for name, each in report.kinds.items()]
    parts.append(_table("kinds", kinds, width, colour, blocks))
    if len(report.sessions) > 1 or all(session is not None for _, session in report.sessions):
        rows = [_row(each.name, each) for each in report.sessions.values()]
        parts.append(_table("sessions", rows, width, colour, blocks))
    parts.append(_table("domains", _domains(report), width, colour, blocks))
    parts.append(_times(total.answers, width, colour, blocks))
    refusals = [_Row(reason, count, (str(count),)) for reason, count in report.reasons.items()]
    parts.append(_bars(("not accepted", "messages"), refusals, width, colour, blocks))
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in parts if lines)


def to_numbers_object(report: Report) -> dict[str, Any]:
    """Everything as one JSON object; sizes in bytes, response times in seconds."""
    return {
        "schema": SCHEMA,
        "total": _object(report.total),
        "kinds": [{"name": name, **_object(each)} for name, each in report.kinds.items()],
        "sessions": [
            {"file": file, "session": session, **_object(each)}
            for (file, session), each in report.sessions.items()
        ],
        "domains": [
            {"resource": resource, "domain": each.name, **_object(each)}
            for (resource, _), each in report.domains.items()
        ],
        "reasons": report.reasons,
    }


def bar(weight: float, most: float, width: int, blocks: str = BLOCKS) -> str:
    """A bar of ``width`` characters for ``most``; what is more than nothing shows."""
    steps = len(blocks) - 1
    length = round(weight / most * width * steps) if most > 0 else 0
    if weight > 0:
        length = max(length, 1)
    whole, part = divmod(length, steps)
    return (blocks[-1] * whole + (blocks[part] if part else "")).ljust(width)


def span(nanoseconds: float | None) -> str:
    """A span of time in three digits or more: ``37.0 ms``; ``-`` where there is none."""
    if nanoseconds is None:
        return "-"
    for unit, size in (("s", _SECOND), ("ms", 10**6), ("us", 10**3)):
        if nanoseconds >= size:
            return f"{_digits(nanoseconds / size)} {unit}"
    return f"{nanoseconds:.0f} ns"


def _head(total: Numbers) -> str:
    text = count_of(total.messages, "message")
    if total.first is not None and total.last is not None and total.last > total.first:
        text += f" in {span(total.last - total.first)}, the first at {format_time(total.first)}"
        if _rate(total) != "-":
            text += f": {_rate(total)} a second, {total.busiest} in the busiest"
    more = [f"{total.refused} not accepted"] if total.refused else []
    if total.copies:
        more.append(f"{total.copies} {'copy' if total.copies == 1 else 'copies'}")
    return "; ".join((text, *more))


def _row(name: str, numbers: Numbers) -> _Row:
    answers = numbers.answers
    cells = (
        str(numbers.messages), _rate(numbers), _bytes(numbers.sizes), str(answers.values or "-"),
        span(answers.median), span(answers.p95), span(answers.greatest),
    )  # fmt: skip
    return _Row(name, numbers.messages, cells)


def _domains(report: Report) -> list[_Row]:
    """The domains, with the resource's id where one domain has several."""
    counts = Counter(domain for _, domain in report.domains)
    return [
        _row(f"{each.name}  {resource[:ID_LENGTH]}" if counts[domain] > 1 else each.name, each)
        for (resource, domain), each in report.domains.items()
    ]


def _table(title: str, rows: Iterable[_Row], width: int, colour: bool, blocks: str) -> list[str]:
    return _bars((title, *_HEADS), rows, width, colour, blocks)


def _times(answers: Summary, width: int, colour: bool, blocks: str) -> list[str]:
    """How long answers took, from the median to the longest."""
    if not answers.values:
        return []
    found = {name: getattr(answers, field) for name, field in _QUANTILES.items()}
    rows = [_Row(name, value, (span(value),)) for name, value in found.items()]
    return _bars(("time until the answer", ""), rows, width, colour, blocks, in_order=True)


def _bars(
    heads: Sequence[str],
    rows: Iterable[_Row],
    width: int,
    colour: bool,
    blocks: str,
    *,
    in_order: bool = False,
) -> list[str]:
    """Names, bars and cells in columns, the longest bars first; what no row has is left out."""
    found = list(rows) if in_order else sorted(rows, key=lambda row: -row.weight)
    if not found:
        return []
    shown = found[:MOST_LISTED]
    columns = [
        [head, *cells]
        for head, cells in zip(heads[1:], zip(*(row.cells for row in shown), strict=True), strict=True)
        if set(cells) != {"-"}
    ]
    names = [escape(row.name) for row in shown]
    longest = min(max(map(len, (heads[0], *names))), _LONGEST_NAME)
    for head in _LEAST_WANTED:
        if _width_of(columns) + 2 + longest + _SHORTEST_BAR > width:
            columns = [column for column in columns if column[0] != head]
    cells_width = _width_of(columns)
    name_width = min(longest, max(width - cells_width - 2 - _SHORTEST_BAR, _SHORTEST_NAME))
    bar_width = min(max(width - cells_width - 2 - name_width, _SHORTEST_BAR), _LONGEST_BAR)
    lines = []
    most = max(row.weight for row in found)
    for number, (name, weight) in enumerate(
        zip((heads[0], *names), (0, *(row.weight for row in shown)), strict=True)
    ):
        cells_text = "".join(f"  {column[number]:>{max(map(len, column))}}" for column in columns)
        line = f"{_cut(name, name_width):<{name_width}}  {bar(weight, most, bar_width, blocks)}{cells_text}"
        lines.append(paint(line.rstrip(), "dim", colour) if number == 0 else line.rstrip())
    if len(found) > MOST_LISTED:
        lines.append(f"and {len(found) - MOST_LISTED} more (-T json has all of them)")
    return lines


def _width_of(columns: Iterable[Sequence[str]]) -> int:
    return sum(2 + max(map(len, column)) for column in columns)


def _cut(name: str, width: int) -> str:
    """The name in ``width`` characters: of one that is too long, the beginning and the end."""
    if len(name) <= width:
        return name
    tail = (width - 2) // 2
    return f"{name[: width - 2 - tail]}..{name[-tail:]}"


def _title(name: str) -> str:
    kind = kind_by_name(name)
    return name if kind is None else kind.title


def _rate(numbers: Numbers) -> str:
    """Messages a second, where they went on for at least one."""
    if numbers.rate is None or (numbers.last or 0) - (numbers.first or 0) < _SECOND:
        return "-"
    return _digits(numbers.rate)


def _bytes(sizes: Summary) -> str:
    if sizes.least is None or sizes.greatest is None:
        return "-"
    return str(sizes.least) if sizes.least == sizes.greatest else f"{sizes.least}-{sizes.greatest}"


def _digits(number: float) -> str:
    """Three digits that count."""
    if number >= 100:
        return f"{number:.0f}"
    if number >= 10:
        return f"{number:.1f}"
    return f"{number:.2f}" if number >= 0.01 or not number else f"{number:.1g}"


def _object(numbers: Numbers) -> dict[str, Any]:
    return {
        "messages": numbers.messages,
        "copies": numbers.copies,
        "refused": numbers.refused,
        "first": format_time(numbers.first),
        "last": format_time(numbers.last),
        "rate": numbers.rate,
        "busiest_second": numbers.busiest,
        "bytes": _summary(numbers.sizes, 1),
        "response_seconds": _summary(numbers.answers, _SECOND),
    }


def _summary(summary: Summary, unit: int) -> Mapping[str, Any]:
    names = {"least": "min", "mean": "mean", "median": "median", "greatest": "max"}
    found: dict[str, Any] = {"count": summary.values}
    for name, value in summary._asdict().items():
        if name != "values":
            found[names.get(name, name)] = value if unit == 1 or value is None else value / unit
    return found
