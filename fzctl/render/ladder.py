"""The ladder between client and gateway, as rows that text and pictures draw each in its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from fzctl.analysis.bounded import Kept
from fzctl.analysis.findings import Finding, Spot
from fzctl.analysis.ladder import Analysis, Flow, Rung, Sent
from fzctl.analysis.story import Asked, Change, Connection, Session
from fzctl.nat.client import State
from fzctl.protocol.kinds import (
    CLIENT,
    DESTINATION,
    DOMAIN,
    GATEWAY,
    GOODBYE,
    NO_AUTHORIZATION,
    PROTOCOL,
    STATUS,
)
from fzctl.render.escape import escape
from fzctl.render.marks import file_marks, not_seen_in
from fzctl.render.rows import FLOW, GAP, LEFT, MESSAGE, MISSING, MORE, RIGHT, SESSION, UNKNOWN, Row
from fzctl.render.spans import format_size, format_span
from fzctl.render.words import count_of, shorten, title_of, verdict_of

_LEAST_GAP: Final = 1_000_000_000
_GAP_OF_MEDIANS: Final = 4


def ladder_rows(analysis: Analysis, most: int) -> list[Row]:
    """The first and the last ``most`` rungs as rows, with what is to be seen between them."""
    return list(_Builder(analysis).rows(_shortened(analysis.rungs, most)))


def _shortened(kept: Kept[Rung], most: int) -> Kept[tuple[int, Rung]]:
    things = list(enumerate(kept.things))
    first, last = things[: kept.before_gap], things[kept.before_gap :]
    if not kept.left_out:
        if len(things) <= 2 * most:
            return Kept(tuple(things), 0, len(things))
        first, last = things, things
    before, after = first[:most], last[-most:]
    shown = len(before) + len(after)
    return Kept((*before, *after), len(things) + kept.left_out - shown, len(before))


class _Builder:
    """Knows the analysis; makes its rows."""

    def __init__(self, analysis: Analysis) -> None:
        story = analysis.story
        self._marks = file_marks(analysis)
        self._connections: dict[tuple[int | None, int | None], Connection] = {
            (each.tunnel, each.number): each for each in story.connections
        }
        self._sessions = [each for each in story.sessions if each.time is not None]
        self._several = len(story.connections) > 1
        self._changes = _changes_by_frame(story.connections)
        self._asked = _asked_by_number(story.connections)
        self._findings = _findings_by_frame(story.findings)
        self._last_sent = _last_questions(analysis.rungs.things)
        self._end = story.end

    def rows(self, kept: Kept[tuple[int, Rung]]) -> Iterator[Row]:
        """All rows."""
        threshold = _gap_threshold([_time_of(rung) for _, rung in kept.things])
        before: int | None = None
        sessions = list(self._sessions)
        for place, (index, rung) in enumerate(kept.things):
            if kept.left_out and place == kept.before_gap:
                yield Row(MORE, None, "", "", f"{kept.left_out:,} more", "", "", "dim")
                before = None
            time = _time_of(rung)
            while sessions and (time is None or (sessions[0].time or 0) <= time):
                found = sessions.pop(0)
                if place == 0 or before is not None:
                    yield self._session_row(found)
            if before is not None and time is not None and time - before >= threshold:
                yield Row(GAP, None, "", "", format_span(time - before), "", "", "dim")
            if isinstance(rung, Sent):
                missing = self._missing_before(rung)
                if missing is not None:
                    yield missing
                yield self._message_row(rung, index)
                unanswered = self._missing_after(rung)
                if unanswered is not None:
                    yield unanswered
            else:
                yield self._flow_row(rung, index)
            before = time if time is not None else before

    def _message_row(self, sent: Sent, index: int) -> Row:
        record, message = sent.record, sent.record.message
        fields = message.fields
        label = f"{title_of(message)} {fields.get(STATUS.name, '')}".rstrip()
        about = " ".join(str(fields[each.name]) for each in (DOMAIN, DESTINATION) if each.name in fields)
        change = self._changes.get((record.file, record.frame))
        mood = verdict_of(message)[1]
        notes = []
        if not message.accepted:
            notes.append(f"{verdict_of(message)[0]}: {message.reason}")
        elif change is not None:
            mood, words = _words_of(change, self._took(sent))
            notes.append(words)
        elif sent.exchange is not None:
            mood, words = self._words_of_exchange(sent)
            notes.append(words)
        elif message.declaration is GOODBYE:
            mood = "dim"
            notes.append("connection over")
        elif message.declaration is NO_AUTHORIZATION:
            mood = "ignored"
            denied = shorten(PROTOCOL.type.texts(PROTOCOL.type.from_json(PROTOCOL.name, fields)))
            notes.append(f"denied: {denied}")
        elif message.declaration is not None and message.declaration.answers is not None:
            mood, words = "ignored", "answers nothing that was seen"
            notes.append(words)
        missing = self._not_seen_in(sent)
        if missing:
            notes.append(f"not seen in {missing}")
            mood = "bad"
        notes += self._findings.get((record.file, record.frame), ())
        if self._several:
            notes.append(f"({sent.subject.tunnel}.{sent.subject.connection})")
        return Row(
            MESSAGE, record.time, self._frame(record.frame, record.file), self._way(sent),
            escape(label), escape(about), ", ".join(notes), mood, index,
        )  # fmt: skip

    def _flow_row(self, flow: Flow, index: int) -> Row:
        domains = ", ".join(map(escape, flow.domains))
        packets, size = flow.packets_to + flow.packets_from, flow.bytes_to + flow.bytes_from
        is_both = flow.packets_to and flow.packets_from
        label = count_of(packets, "packet") + ("" if is_both else f", {format_size(size)}")
        about = f"{flow.packets_to} there, {flow.packets_from} back" if is_both else ""
        if self._several or len(self._asked) > 1:
            about = ", ".join(filter(None, (about, domains)))
        note, mood = "passing", "good"
        if flow.state is State.FAILED:
            note, mood = "lost at the gateway", "bad"
        elif flow.buffering:
            note, mood = "early: client holds it", "ignored"
        elif flow.state is None:
            note, mood = "after the end", "ignored"
        way = RIGHT if not flow.packets_from else LEFT if not flow.packets_to else UNKNOWN
        return Row(
            FLOW, flow.first.time, self._frame(flow.first.frame, flow.first.file), way,
            label, about, note, mood, index,
        )  # fmt: skip

    def _missing_before(self, sent: Sent) -> Row | None:
        """Before a repeated question: the answer that did not come."""
        if sent.exchange is None or sent.exchange.retransmission_of is None:
            return None
        message = sent.record.message
        if message.declaration is None or message.declaration.answers is not None:
            return None
        asked = self._asked.get(sent.exchange.number)
        if asked is None or (asked.answer is not None and _is_before(asked.answer, sent.record.time)):
            return None
        return Row(MISSING, None, "", LEFT, "no answer came: lost?", "", "", "bad")

    def _missing_after(self, sent: Sent) -> Row | None:
        """After the last question of an exchange that was never answered."""
        if sent.exchange is None:
            return None
        asked = self._asked.get(sent.exchange.number)
        if asked is None or asked.answer is not None or self._last_sent.get(asked.number) is not sent:
            return None
        connection = self._connections.get((sent.subject.tunnel, sent.subject.connection))
        goodbye = None if connection is None else connection.goodbye
        waited, end = None, self._end if goodbye is None else goodbye.spot.time
        if end is not None and sent.record.time is not None:
            waited = end - sent.record.time
        within = "" if waited is None else f" within {format_span(waited)}" if waited else ": it ends here"
        return Row(MISSING, None, "", LEFT, f"no answer{within}", "", "", "bad")

    def _words_of_exchange(self, sent: Sent) -> tuple[str, str]:
        exchange = sent.exchange
        assert exchange is not None
        if exchange.response_to is not None:
            if exchange.retransmission_of is not None:
                before = self._frame(exchange.retransmission_of, sent.record.file)
                return "dim", f"answer once more (first in {before})"
            took = "" if exchange.response_time is None else f" after {format_span(exchange.response_time)}"
            return "good", f"answer{took}"
        if exchange.retransmission_of is None:
            return "", "asks"
        asked = self._asked.get(exchange.number)
        first = asked.questions[0].time if asked is not None else None
        after = ""
        if first is not None and sent.record.time is not None:
            after = f" after {format_span(sent.record.time - first)}"
        bytes_ = "" if asked is None or asked.same_bytes else ", other bytes"
        return "ignored", f"asks again{after}{bytes_}"

    def _took(self, sent: Sent) -> str:
        exchange = sent.exchange
        if exchange is None or exchange.response_time is None:
            return ""
        return f" after {format_span(exchange.response_time)}"

    def _not_seen_in(self, sent: Sent) -> str:
        """The files of a merged analysis that do not hold the message, by their letters."""
        return ", ".join(not_seen_in(sent, self._marks))

    def _session_row(self, session: Session) -> Row:
        label = f"WireGuard session {session.number}"
        note = "new keys" if session.rekeys is not None else "handshake"
        frame = session.initiation or session.response
        return Row(
            SESSION, session.time, "" if frame is None else self._frame(frame, session.file), "",
            label, "", note, "dim",
        )  # fmt: skip

    def _way(self, sent: Sent) -> str:
        record = sent.record
        connection = self._connections.get((sent.subject.tunnel, sent.subject.connection))
        if record.direction is not None and connection is not None and connection.client is not None:
            return RIGHT if record.direction[0] == connection.client else LEFT
        kind = record.message.declaration
        if kind is not None and kind.handled_by == (GATEWAY,):
            return RIGHT
        return LEFT if kind is not None and kind.handled_by == (CLIENT,) else UNKNOWN

    def _frame(self, frame: int, file: str | None) -> str:
        return f"{self._marks.get(file or '', '')}#{frame}"


def _words_of(change: Change, took: str) -> tuple[str, str]:
    if change.state is State.PENDING:
        return "", "asks: packets wait" if change.buffering else "asks anew: packets pass"
    if change.state is State.CONFIRMED:
        return "good", f"works{took}"
    if change.state is State.FAILED:
        return "bad", f"FAILED{took}"
    return "dim", "connection over"


def _time_of(rung: Rung) -> int | None:
    return rung.record.time if isinstance(rung, Sent) else rung.first.time


def _is_before(spot: Spot, time: int | None) -> bool:
    return spot.time is not None and time is not None and spot.time < time


def _gap_threshold(times: Sequence[int | None]) -> int:
    """From which span on a gap is worth a row."""
    known = [each for each in times if each is not None]
    spans = [after - before for before, after in pairwise(known)]
    usual = round(median(spans)) if spans else 0
    return _LEAST_GAP if len(spans) < 16 else max(_LEAST_GAP, _GAP_OF_MEDIANS * usual)


def _changes_by_frame(connections: Sequence[Connection]) -> Mapping[tuple[str | None, int], Change]:
    return {
        (change.spot.file, change.spot.frame): change
        for connection in connections
        for domain in connection.domains
        for change in domain.changes.things
    }


def _asked_by_number(connections: Sequence[Connection]) -> Mapping[int, Asked]:
    return {
        asked.number: asked
        for connection in connections
        for domain in connection.domains
        for asked in domain.exchanges.things
    }


def _findings_by_frame(findings: Sequence[Finding]) -> Mapping[tuple[str | None, int], list[str]]:
    found: dict[tuple[str | None, int], list[str]] = {}
    for finding in findings:
        # Of several frames the last one shows it; the others led there.
        for spot in finding.spots[-1:] if finding.times == 1 else finding.spots:
            ids = found.setdefault((spot.file, spot.frame), [])
            if finding.rule.id not in ids:
                ids.append(finding.rule.id)
    return found


def _last_questions(rungs: Sequence[Rung]) -> Mapping[int, Sent]:
    return {
        rung.exchange.number: rung
        for rung in rungs
        if isinstance(rung, Sent) and rung.exchange is not None and rung.exchange.response_to is None
    }
