"""The JSON shapes in detail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fzctl.logs.event import Span
from fzctl.logs.parse import parse_line
from tests.logs.read import one, sample

TIME = "2024-12-20T10:15:12.006549753Z"


def stackdriver(**more: Any) -> str:
    return json.dumps({"time": TIME, "target": "a::b", "severity": "INFO", **more})


def test_stackdriver_has_its_names_as_in_the_source() -> None:
    event = one(stackdriver(numBufferedPackets="2", ip4="x", userAgent="y", message="m"))
    assert event.fields == (("num_buffered_packets", "2"), ("ip4", "x"), ("user_agent", "y"))
    assert (event.time, event.message) == (1_734_689_712_006_549_753, "m")


def test_a_warning_is_a_warn_and_no_field() -> None:
    event = one(stackdriver(severity="WARNING"))
    assert (event.severity, event.fields, event.problem) == ("WARN", (), None)


def test_source_location_and_spans() -> None:
    spans = [{"gateway_id": "g", "name": "outer"}, {"cid": "c", "name": "inner"}]
    place = {"file": "connlib/tunnel/src/client.rs", "line": "430"}
    event = one(stackdriver(span=spans[1], spans=spans, **{"logging.googleapis.com/sourceLocation": place}))
    assert event.location == "connlib/tunnel/src/client.rs:430"
    assert event.spans == (Span("outer", (("gateway_id", "g"),)), Span("inner", (("cid", "c"),)))
    assert one(stackdriver(span=spans[1])).spans == (Span("inner", (("cid", "c"),)),)


@pytest.mark.parametrize(
    "line",
    [
        stackdriver(
            target="log", logTarget="tao::x", logModulePath="tao", logFile="a.rs", logLine=6, message="m"
        ),
        (
            '{"timestamp":"2024-12-20T10:15:12.006549Z","level":"INFO","message":"m","log.target":"tao::x",'
            '"log.module_path":"tao","log.file":"a.rs","log.line":6,"target":"tao::x"}'
        ),
    ],
)  # fmt: skip
def test_records_of_the_log_crate_have_their_real_target(line: str) -> None:
    event = one(line)
    assert (event.target, event.location, event.fields, event.message) == ("tao::x", "a.rs:6", (), "m")


def test_nested_is_flat_with_fields_inside() -> None:
    flat, nested = sample("gateway.jsonl")[7], sample("relay.jsonl")[6:]
    again = next(event for event in nested if event.message is None)
    assert flat.fields[0] == again.fields[0] == ("name", "gitlab.mycorp.example")
    assert flat.spans == again.spans


def test_strangers_in_known_places_stay_visible() -> None:
    event = one(stackdriver(target=5, span="odd", severity="LOUD", logTarget=None))
    assert ("target", 5) in event.fields
    assert ("severity", "LOUD") in event.fields
    assert event.spans == (Span(None, (("span", "odd"),)),)


def test_an_object_that_is_no_event_is_broken_and_kept() -> None:
    event = one('{"a": 1}')
    assert (event.shape, event.raw) == ("unknown", '{"a": 1}')
    assert event.problem == "an object without time, severity and message"


def test_what_came_before_the_damage_is_still_an_event() -> None:
    events = parse_line(f"{stackdriver(message='a')}{stackdriver()[:40]}".encode())
    assert [event.message for event in events] == ["a", None]
    assert [event.problem for event in events] == [None, "broken JSON: the line is cut short"]


def test_values_in_a_row_that_are_no_events_are_one_broken_event() -> None:
    for text in ("{}" * 3, "{} [] 1", "[1] [2]"):
        [event] = parse_line(text.encode())
        assert (event.shape, event.raw) == ("unknown", text)
    found = parse_line(f"{{}}{stackdriver(message='a')}[]{stackdriver(message='b')}".encode())
    assert [event.message for event in found] == [None, "a", "b"]


@pytest.mark.parametrize("value", ["{} ", "[]", '{"a":[]}'])
def test_a_long_row_is_read_in_linear_time_up_to_a_bound(value: str) -> None:
    text = value * 300_000
    [event] = parse_line(text.encode())
    assert (event.raw, event.problem) == (text, "more than 1000 JSON values on one line")


def test_of_a_long_row_of_events_the_first_are_shown() -> None:
    *events, last = parse_line((stackdriver(message="m") * 1001).encode())
    assert [event.message for event in events] == ["m"] * 1000
    assert {event.raw for event in events} == {stackdriver(message="m")}
    assert last.problem == "more than 1000 JSON values on one line"
