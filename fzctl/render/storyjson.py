"""``analyze -T json``: all that an analysis tells. Times are UTC, spans nanoseconds (``..._ns``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fzctl.analysis.bounded import Kept
from fzctl.analysis.findings import Finding, Spot
from fzctl.analysis.histogram import Summary
from fzctl.analysis.ladder import Analysis
from fzctl.analysis.story import Asked, Change, Connection, Domain, Row, Session, Standing, Wipe
from fzctl.analysis.traffic import Traffic
from fzctl.nat.client import State
from fzctl.render.clock import format_time
from fzctl.render.verdict import verdict_on

SCHEMA: Final = 1
_MOST_INDENTED: Final = 50
"""Domains up to which a person may want to read it."""

_MOODS: Final = {"good": "good", "ignored": "attention", "bad": "bad"}


def to_json(
    analyses: Sequence[Analysis], timeline: Iterable[Mapping[str, Any]] | None = None
) -> Iterator[str]:
    """One object for all analyses, in pieces: indented, or of many domains one a line.

    ``timeline`` are packets and log lines in the order of time, where there are logs.
    """
    domains = sum(len(each.domains) for analysis in analyses for each in analysis.story.connections)
    if domains <= _MOST_INDENTED and timeline is None:
        found = {"schema": SCHEMA, "analyses": [to_object(each) for each in analyses]}
        yield json.dumps(found, indent=2) + "\n"
        return
    yield f'{{"schema": {SCHEMA}, "analyses": [\n'
    for place, analysis in enumerate(analyses):
        yield ",\n" if place else ""
        yield from _in_lines(_head(analysis), "connections", map(_in_one, analysis.story.connections))
    if timeline is not None:
        yield '\n], "timeline": [\n'
        for place, entry in enumerate(timeline):
            yield (",\n" if place else "") + json.dumps(entry)
    yield "\n]}\n"


def to_object(analysis: Analysis) -> dict[str, Any]:
    """One analysis as a JSON object."""
    connections = [
        {**_connection(each), "domains": [_domain(domain) for domain in each.domains]}
        for each in analysis.story.connections
    ]
    return {**_head(analysis), "connections": connections}


def _in_one(connection: Connection) -> Iterator[str]:
    domains = (iter((json.dumps(_domain(each)),)) for each in connection.domains)
    return _in_lines(_connection(connection), "domains", domains)


def _in_lines(head: dict[str, Any], name: str, elements: Iterable[Iterator[str]]) -> Iterator[str]:
    """An object whose last member is a list of elements that are never all in memory."""
    yield f'{json.dumps(head)[:-1]}, "{name}": [\n'
    for place, element in enumerate(elements):
        yield ",\n" if place else ""
        yield from element
    yield "\n]}"


def _head(analysis: Analysis) -> dict[str, Any]:
    """All but the connections."""
    story, verdict = analysis.story, verdict_on(analysis)
    moment = None
    if analysis.asked is not None and story.moment is not None:
        moment = {"asked": analysis.asked, "domains": [_standing(each) for each in story.moment]}
    return {
        "files": list(analysis.files),
        "problems": list(analysis.problems),
        "verdict": _MOODS[verdict.mood],
        "summary": [verdict.headline, *verdict.sentences],
        "look_at": list(verdict.look),
        "messages": story.messages,
        "first": format_time(story.first),
        "last": format_time(story.last),
        "sessions": [_session(each) for each in story.sessions],
        "unanswered_initiations": [spot_object(each) for each in story.unanswered_initiations],
        "findings": [finding_object(each) for each in story.findings],
        "at": moment,
    }


def finding_object(finding: Finding) -> dict[str, Any]:
    """One finding."""
    rule, subject = finding.rule, finding.subject
    return {
        "id": rule.id,
        "severity": rule.severity,
        "title": rule.title,
        "detail": finding.detail,
        "why": rule.why,
        "look": rule.look,
        "tunnel": subject.tunnel,
        "connection": subject.connection,
        "resource": subject.resource,
        "domain": subject.domain,
        "times": finding.times,
        "spots": [spot_object(each) for each in finding.spots],
    }


def spot_object(spot: Spot) -> dict[str, Any]:
    """A frame, its time, and its file where there are several."""
    found: dict[str, Any] = {"frame": spot.frame, "time": format_time(spot.time)}
    if spot.file is not None:
        found["file"] = spot.file
    return found


def _spot(spot: Spot | None) -> dict[str, Any] | None:
    return None if spot is None else spot_object(spot)


def _connection(each: Connection) -> dict[str, Any]:
    goodbye = None
    if each.goodbye is not None:
        goodbye = {
            **spot_object(each.goodbye.spot),
            "direction": each.goodbye.direction,
            "by": each.goodbye.role,
        }
    return {
        "tunnel": each.tunnel,
        "connection": each.number,
        "ends": None if each.ends is None else list(each.ends),
        "client": each.client,
        "sessions": [_place(file, number) for file, number in each.sessions],
        "first": spot_object(each.first),
        "last": spot_object(each.last),
        "goodbye": goodbye,
        "messages": dict(each.kinds),
        "refused": dict(each.refused),
        "copies": each.copies,
        "reordered": each.reordered,
        "after_goodbye": each.after_goodbye,
        "other_packets": each.other_packets,
        "gateway_table": [_row(row) for row in each.table],
        "gateway_wipes": _kept(each.wipes, [_wipe(wipe) for wipe in each.wipes.things]),
    }


def _place(file: str | None, session: int) -> dict[str, Any]:
    return {"session": session} if file is None else {"session": session, "file": file}


def _domain(each: Domain) -> dict[str, Any]:
    return {
        "resource": each.resource,
        "domain": each.domain,
        "proxy_ips": list(each.proxy_ips),
        "state": _state(each.state),
        "buffering": each.buffering,
        "at_gateway": each.is_mapped,
        "questions": each.questions,
        "retransmissions": each.retransmissions,
        "answers": each.answers,
        "unasked_answers": each.unasked,
        "active": each.active,
        "inactive": each.inactive,
        "flips": each.flips,
        "response_time_ns": _summary(each.response_times),
        "changes": _kept(each.changes, [_change(change) for change in each.changes.things]),
        "exchanges": _kept(each.exchanges, [_asked(asked) for asked in each.exchanges.things]),
        "traffic": _traffic(each.traffic),
    }


def _state(state: State | None) -> str | None:
    return None if state is None else state.value


def _kept(kept: Kept[Any], listed: list[dict[str, Any]]) -> dict[str, Any]:
    """``left_out`` are missing behind the first ``before_gap`` of those ``listed``."""
    return {"listed": listed, "left_out": kept.left_out, "before_gap": kept.before_gap}


def _change(each: Change) -> dict[str, Any]:
    return {
        **spot_object(each.spot),
        "state": _state(each.state),
        "buffering": each.buffering,
        "cause": each.cause,
    }


def _asked(each: Asked) -> dict[str, Any]:
    return {
        "exchange": each.number,
        "questions": [spot_object(spot) for spot in each.questions],
        "question_count": each.question_count,
        "same_bytes": each.same_bytes,
        "answer": _spot(each.answer),
        "status": each.status,
        "response_time_ns": each.response_time,
        "answer_count": each.answer_count,
    }


def _summary(summary: Summary) -> dict[str, Any]:
    found = summary._asdict()
    found["count"] = found.pop("values")
    return found


def _traffic(traffic: Mapping[str, Traffic]) -> dict[str, Any]:
    return {
        phase: {
            "packets_to": each.packets_to,
            "bytes_to": each.bytes_to,
            "packets_from": each.packets_from,
            "bytes_from": each.bytes_from,
            "first_frame": each.first_frame,
            "first_time": format_time(each.first_time),
        }
        for phase, each in traffic.items()
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "proxy_ip": row.proxy_ip,
        "domain": row.domain,
        "resource": row.resource,
        **spot_object(row.spot),
    }


def _wipe(wipe: Wipe) -> dict[str, Any]:
    return {
        **spot_object(wipe.spot),
        "proxy_ip": wipe.proxy_ip,
        "domain": wipe.domain,
        "before": wipe.before,
        "rows": wipe.rows,
    }


def _session(each: Session) -> dict[str, Any]:
    return {
        **_place(each.file, each.number),
        "tunnel": each.tunnel,
        "initiator": each.ends[0],
        "responder": each.ends[1],
        "time": format_time(each.time),
        "initiation_frame": each.initiation,
        "response_frame": each.response,
        "rekeys": each.rekeys,
        "control_messages": each.control,
        "paths": dict(each.paths),
        "to_responder": _datagrams(each, 0),
        "to_initiator": _datagrams(each, 1),
    }


def _datagrams(each: Session, way: int) -> dict[str, int]:
    return {
        "data": each.data[way],
        "keepalives": each.keepalives[way],
        "copies": each.copies[way],
        "not_decrypted": each.undecrypted[way],
    }


def _standing(each: Standing) -> dict[str, Any]:
    return {
        "tunnel": each.tunnel,
        "connection": each.connection,
        "resource": each.resource,
        "domain": each.domain,
        "state": _state(each.state),
        "buffering": each.buffering,
        "at_gateway": each.is_mapped,
        "since": _spot(each.since),
    }
