"""``analyze -T json``: stable names, and the same content in both layouts."""

from __future__ import annotations

import json

import pytest

from fzctl.analysis.ladder import Analysis
from fzctl.render import storyjson
from fzctl.render.storyjson import to_json, to_object
from tests.analysis.scenario import Scene, two_sessions
from tests.records import harmful
from tests.render.analyses import analysis_of, hostile, inactive, with_traffic, working

TOP = [
    "files", "problems", "verdict", "summary", "look_at", "messages", "first", "last", "sessions",
    "unanswered_initiations", "findings", "at", "connections",
]  # fmt: skip
CONNECTION = [
    "tunnel", "connection", "ends", "client", "sessions", "first", "last", "goodbye", "messages", "refused",
    "copies", "reordered", "after_goodbye", "other_packets", "gateway_table", "gateway_wipes", "domains",
]  # fmt: skip
DOMAIN = [
    "resource", "domain", "proxy_ips", "state", "buffering", "at_gateway", "questions", "retransmissions",
    "answers",
    "unasked_answers", "active", "inactive", "flips", "response_time_ns", "changes", "exchanges", "traffic",
]  # fmt: skip


def parsed(*analyses: Analysis) -> list[dict[str, object]]:
    found = json.loads("".join(to_json(analyses)))
    assert found["schema"] == 1
    listed: list[dict[str, object]] = found["analyses"]
    return listed


def test_the_names_are_those_of_the_contract() -> None:
    [found] = parsed(analysis_of(inactive().records, asked="+5"))
    assert list(found) == TOP
    connections = found["connections"]
    assert isinstance(connections, list)
    [connection] = connections
    assert list(connection) == CONNECTION
    [domain] = connection["domains"]
    assert list(domain) == DOMAIN
    assert found["verdict"] == "bad"
    assert domain["exchanges"]["listed"][0]["response_time_ns"] == 12_040_000_000
    assert found["at"]["asked"] == "+5"  # type: ignore[index]


def test_sessions_and_goodbye_are_told() -> None:
    scene = Scene(session=1)
    scene.ask(0)
    scene.goodbye(1)
    [found] = parsed(analysis_of(scene.records, decryptors={None: two_sessions()}))
    sessions = found["sessions"]
    assert isinstance(sessions, list)
    assert [each["rekeys"] for each in sessions][1:] == [1]
    assert found["connections"][0]["goodbye"]["by"] == "client"  # type: ignore[index]


def test_traffic_stands_by_what_the_nat_was() -> None:
    [found] = parsed(with_traffic())
    traffic = found["connections"][0]["domains"][0]["traffic"]  # type: ignore[index]
    assert {phase: (each["packets_to"], each["packets_from"]) for phase, each in traffic.items()} == {
        "pending": (1, 0), "confirmed": (1, 1), "failed": (1, 0),
    }  # fmt: skip


@pytest.mark.parametrize("domains", [0, 1, 3])
def test_many_domains_are_the_same_object_line_by_line(domains: int, monkeypatch: pytest.MonkeyPatch) -> None:
    analyses = [analysis_of(working(domains).records), analysis_of(inactive().records)]
    monkeypatch.setattr(storyjson, "_MOST_INDENTED", -1)
    assert parsed(*analyses) == json.loads(json.dumps([to_object(each) for each in analyses]))


def test_hostile_texts_are_escaped_by_json() -> None:
    text = "".join(to_json([hostile()]))
    assert text.isascii()
    assert harmful(text) == set()
