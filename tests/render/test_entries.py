"""A timeline's entries as lines that are told apart at first sight, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fzctl.logs.align import Offset
from fzctl.render.entries import clock_sentence, to_clock_object, to_entry_line, to_entry_object
from fzctl.timeline import Clock, Entry, Place
from tests.logs.read import one
from tests.records import HOSTILE, RESOURCE, TIME, assigned, goodbye, harmful, raw, record, status

LINE = one(
    "2026-08-22T00:53:24.158Z DEBUG tunnel_proto::client: Setting up DNS resource NAT gid=x domain=a.example"
)._replace(time=TIME, file="logs/client.log", line=12)


def packet(data: bytes, *partners: Place, **more: Any) -> Entry:
    found = record(data, **more)
    return Entry(found.time, found, None, 0, partners)


def log(*partners: Place, **more: Any) -> Entry:
    event = LINE._replace(**more)
    return Entry(event.time, None, event, 10**9, partners)


ENTRIES = [
    log(),
    log(Place(None, 4)),
    packet(assigned(), Place("logs/client.log", 12), Place("gw.log", 7), frame=4),
    packet(status("example.com", "Inactive"), frame=5, direction="b>a"),
    log(Place("b.pcap", 1234), time=None),
    packet(goodbye(), *(Place("a.log", number) for number in range(9)), frame=1234, file="b.pcap"),
]


@pytest.mark.parametrize("brief", [True, False])
def test_the_lines_are_as_they_were(brief: bool, golden: Callable[[str, str], None]) -> None:
    lines = [to_entry_line(each, brief=brief, place=not brief, whole=not brief) for each in ENTRIES]
    golden("".join(f"{line}\n" for line in lines), f"timeline{'-brief' if brief else ''}.txt")


def test_frames_of_packets_and_of_lines_about_them_stand_below_each_other() -> None:
    _, line, message, *_ = [to_entry_line(each) for each in ENTRIES]
    assert line.index("#4") == message.index("#4")
    assert line.index("=#4  DEBUG") > 0


def test_colour_paints_and_says_the_same() -> None:
    for each in ENTRIES:
        coloured = to_entry_line(each, colour=True)
        for style in ("0", "1", "2", "31", "32", "33"):
            coloured = coloured.replace(f"\x1b[{style}m", "")
        assert coloured.split() == to_entry_line(each).split()


def test_json_is_that_of_messages_and_events_with_what_belongs_to_them() -> None:
    _, line, message, *_, last = [json.loads(json.dumps(to_entry_object(each))) for each in ENTRIES]
    assert (line["type"], line["tells_of"], line["message"]) == (
        "log", {"frame": 4}, "Setting up DNS resource NAT",
    )  # fmt: skip
    assert (line["time"], line["log_time"]) == (
        "2026-11-22T12:43:01.123456789Z",
        "2026-11-22T12:43:00.123456789Z",
    )
    assert (message["type"], message["name"], message["fields"]["resource"]) == (
        "packet",
        "assigned_ips",
        RESOURCE,
    )
    assert message["told_by"] == [{"file": "logs/client.log", "line": 12}, {"file": "gw.log", "line": 7}]
    assert len(last["told_by"]) == 9
    assert json.loads(json.dumps(to_entry_object(log(time=None))))["log_time"] is None


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless(text: str) -> None:
    entries = [
        packet(
            raw(0, {"resource": RESOURCE, "domain": text, "proxy_ips": [text]}), Place(text, 1), file=text
        ),
        log(Place(text, 3), message=text, file=text),
    ]
    for each in entries:
        assert not harmful(to_entry_line(each, place=True, whole=True))
        assert not harmful(json.dumps(to_entry_object(each)))
    assert not harmful(clock_sentence(Clock(text, 1)))


SURE = Offset(3_600_000_000_000, 9, 1_900_000, True)


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        (
            Clock("a", 3_600_000_000_000, SURE),
            "is 3600.000 s behind the capture's, which is shown (9 messages",
        ),
        (Clock("a", -5_000_000, SURE), "its clock is 5 ms ahead of the capture's"),
        (Clock("a", 0, given=True), "its clock is the capture's, as given"),
        (Clock("a", 0), "too few messages stand in both"),
        (Clock("a", 1, SURE._replace(is_sure=False)), "another offset fits nearly as well: --offset"),
        (Clock("a", 1, SURE, is_own=False), "going by all logs together"),
    ],
)
def test_a_clock_is_told_with_its_certainty(clock: Clock, words: str) -> None:
    assert words in clock_sentence(clock)
    assert clock_sentence(clock).startswith("a: ")


def test_a_clock_as_json_has_seconds() -> None:
    found = to_clock_object(Clock("a", 3_600_000_000_000, SURE))
    assert (found["type"], found["offset"], found["spread"], found["sure"]) == ("clock", 3600.0, 0.0019, True)
    assert to_clock_object(Clock("a", 0))["sure"] is False
    assert to_clock_object(Clock("a", 0, given=True))["messages"] is None
