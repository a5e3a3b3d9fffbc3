"""What an analysis tells as tables, which text and HTML show each in its way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from fzctl.analysis.ladder import Analysis
from fzctl.analysis.story import Asked, Connection, Domain, Standing
from fzctl.analysis.traffic import CONFIRMED, ENDED, FAILED, PENDING, REFRESHING
from fzctl.nat.client import State
from fzctl.render.clock import format_story_moment
from fzctl.render.escape import escape
from fzctl.render.lines import ID_LENGTH
from fzctl.render.marks import file_marks
from fzctl.render.spans import format_span
from fzctl.render.verdict import last_answer


class Cell(NamedTuple):
    """A text, escaped for a terminal, and its mood (``good``, ``bad``, ``ignored``, ``dim`` or none)."""

    text: str
    mood: str = ""


class Table(NamedTuple):
    """``right`` are the columns of numbers; ``left_out`` rows are missing at the end.

    ``spare`` are columns that go first where there is little room, in this order.
    """

    title: str
    about: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: frozenset[str] = frozenset()
    left_out: int = 0
    spare: tuple[str, ...] = ()


_WORDS: Final = {
    State.PENDING: Cell("asked", "ignored"),
    State.CONFIRMED: Cell("works", "good"),
    State.FAILED: Cell("FAILED", "bad"),
    None: Cell("ended", "dim"),
}


def tables_of(analysis: Analysis, most: int) -> list[Table]:
    """All tables that have something to say, with at most that many rows each."""
    found = [
        _connections(analysis),
        _moment(analysis, most),
        _domains(analysis, most),
        _exchanges(analysis, most),
        _traffic(analysis, most),
        _sessions(analysis, most),
    ]
    return [table for table in found if table is not None and table.rows]


def state_cell(state: State | None, *, buffering: bool) -> Cell:
    """A domain's state in a word."""
    if state is State.PENDING and not buffering:
        return Cell("asked anew", "ignored")
    return _WORDS.get(state, Cell("asked anew", "ignored"))


def _each_domain(analysis: Analysis) -> list[tuple[Connection, Domain]]:
    """The domains, those with troubles first."""
    found = [
        (connection, domain) for connection in analysis.story.connections for domain in connection.domains
    ]
    return sorted(found, key=lambda each: _badness(each[1]))


def _badness(domain: Domain) -> int:
    if last_answer(domain) is State.FAILED:
        return 0
    if last_answer(domain) is None:
        return 1
    return 2 if domain.inactive or domain.retransmissions else 3


def _connections(analysis: Analysis) -> Table | None:
    story = analysis.story
    if len(story.connections) < 2 and not any(each.ends for each in story.connections):
        return None
    rows = []
    for each in story.connections:
        ends = each.ends or ("in plain", "")
        client, gateway = ends if each.client != "b" else ends[::-1]
        ended = Cell("-", "dim")
        if each.goodbye is not None:
            when = format_story_moment(story, each.goodbye.spot.time, 8)
            ended = Cell(f"{each.goodbye.role or 'one side'} {when}")
        rows.append((
            Cell(f"{each.tunnel}.{each.number}"), Cell(escape(client)), Cell(escape(gateway)),
            Cell(str(sum(each.kinds.values()))), Cell(str(each.other_packets)),
            Cell(format_story_moment(story, each.first.time)), ended,
        ))  # fmt: skip
    return Table(
        "Connections", "Each Goodbye ends one; tunnel.connection numbers them.",
        ("No.", "Client", "Gateway", "Messages", "Other packets", "First", "Goodbye by"), tuple(rows),
        frozenset(("Messages", "Other packets")), spare=("First", "Other packets"),
    )  # fmt: skip


def _moment(analysis: Analysis, most: int) -> Table | None:
    moment = analysis.story.moment
    if moment is None or analysis.asked is None:
        return None
    rows = tuple(_standing(each, analysis) for each in moment[:most])
    if not rows:
        rows = ((Cell("no domain was known yet", "dim"), *(Cell(""),) * 3),)
    return Table(
        f"The state at {escape(analysis.asked)}", "", ("Domain", "Resource", "State", "Since"), rows,
        left_out=max(0, len(moment) - most),
    )  # fmt: skip


def _standing(each: Standing, analysis: Analysis) -> tuple[Cell, ...]:
    since = ""
    if each.since is not None:
        since = f"{format_story_moment(analysis.story, each.since.time)} #{each.since.frame}"
    state = state_cell(each.state, buffering=each.buffering)
    if each.buffering:
        state = Cell("asked, packets wait", "ignored")
    number = f" ({each.tunnel}.{each.connection})" if len(analysis.story.connections) > 1 else ""
    return (
        Cell(escape(each.domain) + number), Cell(escape(each.resource[:ID_LENGTH]), "dim"), state,
        Cell(since),
    )  # fmt: skip


def _domains(analysis: Analysis, most: int) -> Table | None:
    several = len(analysis.story.connections) > 1
    domains = _each_domain(analysis)
    rows = []
    for connection, domain in domains[:most]:
        number = (Cell(f"{connection.tunnel}.{connection.number}"),) if several else ()
        rows.append((
            Cell(escape(domain.domain)), Cell(escape(domain.resource[:ID_LENGTH]), "dim"), *number,
            state_cell(domain.state, buffering=domain.buffering), _last_words(domain),
            Cell(str(domain.questions)), Cell(str(domain.answers)),
            Cell(_span(domain.response_times.median)), Cell(_span(domain.response_times.greatest)),
        ))  # fmt: skip
    return Table(
        "Domains", "",
        ("Domain", "Resource", *(("No.",) if several else ()), "State", "Last answer", "Asked", "Answers",
         "Usual time", "Longest"),
        tuple(rows), frozenset(("Asked", "Answers", "Usual time", "Longest")), max(0, len(domains) - most),
        ("Usual time", "Resource", "Answers"),
    )  # fmt: skip


def _last_words(domain: Domain) -> Cell:
    state = last_answer(domain)
    if state is None:
        return Cell("answered" if domain.answers else "none", "" if domain.answers else "bad")
    return Cell("Active", "good") if state is State.CONFIRMED else Cell("Inactive", "bad")


def _exchanges(analysis: Analysis, most: int) -> Table | None:
    """Those that are not as they should be, and those that took longest."""
    found = [
        (domain, asked)
        for _, domain in _each_domain(analysis)
        for asked in domain.exchanges.things
        if asked.question_count > 1 or asked.answer is None or asked.status not in (None, "Active")
        or asked.answer_count > asked.question_count
    ]  # fmt: skip
    marks = file_marks(analysis)
    rows = []
    for domain, asked in found[:most]:
        rows.append((
            Cell(escape(domain.domain)), Cell(format_story_moment(analysis.story, asked.questions[0].time)),
            Cell(_frames(asked, marks)), Cell(str(asked.question_count)), _answer_cell(asked),
            Cell(_span(asked.response_time)),
            _same_cell(asked),
        ))  # fmt: skip
    return Table(
        "Exchanges to look at", "Asked more than once, not answered, or answered Inactive.",
        ("Domain", "Asked at", "Frames", "Times", "Answer", "After", "Same bytes"), tuple(rows),
        frozenset(("Times", "After")), max(0, len(found) - most), ("Same bytes", "Times"),
    )  # fmt: skip


def _same_cell(asked: Asked) -> Cell:
    if asked.question_count < 2:
        return Cell("")
    return Cell("yes") if asked.same_bytes else Cell("NO", "bad")


def _frames(asked: Asked, marks: dict[str, str]) -> str:
    spots = [f"{marks.get(spot.file or '', '')}#{spot.frame}" for spot in asked.questions[:3]]
    if asked.question_count > len(spots):
        spots.append("..")
    if asked.answer is not None:
        spots.append(f"> {marks.get(asked.answer.file or '', '')}#{asked.answer.frame}")
    return " ".join(spots)


def _answer_cell(asked: Asked) -> Cell:
    if asked.answer is None:
        return Cell("none", "bad")
    return Cell(escape(asked.status or "yes"), "good" if asked.status in (None, "Active") else "bad")


def _traffic(analysis: Analysis, most: int) -> Table | None:
    domains = [(connection, domain) for connection, domain in _each_domain(analysis) if domain.traffic]
    rows = tuple(tuple(_traffic_row(domain)) for _, domain in domains[:most])
    return Table(
        "Packets to and from the proxy IPs",
        "To the domain / back from it. Early: the client holds them back until the answer. Lost: after "
        "Inactive.",
        ("Domain", "Early", "Asked anew", "Working", "Lost", "After the end"), rows,
        frozenset(("Early", "Asked anew", "Working", "Lost", "After the end")), max(0, len(domains) - most),
    )  # fmt: skip


def _traffic_row(domain: Domain) -> Iterator[Cell]:
    yield Cell(escape(domain.domain))
    moods = {PENDING: "ignored", REFRESHING: "", CONFIRMED: "good", FAILED: "bad", ENDED: "ignored"}
    for phase, mood in moods.items():
        counts = domain.traffic.get(phase)
        if counts is None:
            yield Cell("-", "dim")
        else:
            yield Cell(f"{counts.packets_to:,} / {counts.packets_from:,}", mood)


def _sessions(analysis: Analysis, most: int) -> Table | None:
    sessions = analysis.story.sessions
    rows = []
    for each in sessions[:most]:
        paths = [f"{count:,} {path}" for path, count in each.paths.items() if count]
        rows.append((
            Cell(str(each.number)), Cell("" if each.tunnel is None else str(each.tunnel)),
            Cell(f"{escape(each.ends[0])} > {escape(each.ends[1])}"),
            Cell(format_story_moment(analysis.story, each.time)),
            Cell("" if each.rekeys is None else f"of {each.rekeys}"),
            Cell(f"{each.control:,}"), Cell(", ".join(paths)),
            Cell(f"{sum(each.undecrypted):,}", "bad" if sum(each.undecrypted) else ""),
        ))  # fmt: skip
    return Table(
        "WireGuard sessions", "A rekey begins a new one in the same tunnel.",
        ("No.", "Tunnel", "Initiator > responder", "Begun", "Rekey", "Messages", "Packets", "Not opened"),
        tuple(rows), frozenset(("No.", "Tunnel", "Messages", "Not opened")), max(0, len(sessions) - most),
        ("Tunnel", "Not opened"),
    )  # fmt: skip


def _span(nanoseconds: int | None) -> str:
    return "-" if nanoseconds is None else format_span(nanoseconds)


def without_empty_columns(table: Table) -> Table:
    """The table without columns that say nothing in any row."""
    kept = [
        place
        for place in range(len(table.headings))
        if any(row[place].text not in ("", "-") for row in table.rows)
    ]
    return table._replace(
        headings=tuple(table.headings[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
    )
