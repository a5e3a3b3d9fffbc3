"""The JSON contract: members, their order and their values."""

from __future__ import annotations

import json

import pytest

from fzctl.protocol.codec import decode_truncated
from fzctl.records import Exchange, Outer, Record
from fzctl.render.jsonform import to_json, to_jsonl, to_object
from tests.records import RESOURCE, TIME, WHEN, assigned, goodbye, hostile_packets, raw, record, status

MEMBERS = [
    *("schema", "frame", "time", "control", "kind", "name", "dialect", "reserved", "payload_length"),
    *("accepted", "reason", "error", "fields", "path", "outer", "direction"),
]
MESSAGES = {
    "compact": assigned(),
    "escaped": status("a\\ b"),
    "empty": goodbye(),
    "unknown": raw(9, "{}"),
    "refused": raw(1, {"resource": RESOURCE, "domain": "example.com"}),
    "no JSON": raw(0, b"\xff{"),
    "positional": raw(1, json.dumps([RESOURCE, "example.com", "Active"])),
    "no packet": b"",
    "too short": goodbye()[:45],
}


@pytest.mark.parametrize("packet", MESSAGES.values(), ids=MESSAGES)
def test_every_record_has_the_members_of_the_contract_in_order(packet: bytes) -> None:
    assert list(json.loads(to_jsonl(record(packet)))) == MEMBERS


def test_a_message_in_full() -> None:
    found = record(assigned("example.com", "100.96.0.1", "100.96.0.2", "fd00::", "fd00::1"), frame=4)
    outer = Outer("192.0.2.1:51820", "192.0.2.2:51820", 1, 0)
    assert to_object(
        found._replace(path=("ethernet", "ipv4", "udp", "wireguard"), outer=outer, direction="a>b")
    ) == {
        "schema": 1,
        "frame": 4,
        "time": WHEN,
        "control": True,
        "kind": 0,
        "name": "assigned_ips",
        "dialect": "current",
        "reserved": "00000000000000",
        "payload_length": 133,
        "accepted": True,
        "reason": "ok",
        "error": None,
        "fields": {
            "resource": RESOURCE,
            "domain": "example.com",
            "proxy_ips": ["100.96.0.1", "100.96.0.2", "fd00::", "fd00::1"],
        },
        "path": ["ethernet", "ipv4", "udp", "wireguard"],
        "outer": {"src": "192.0.2.1:51820", "dst": "192.0.2.2:51820", "session": 1, "counter": 0},
        "direction": "a>b",
    }


def test_what_is_not_there_is_null() -> None:
    found = to_object(Record(1, None, record(b"\x45").message))
    assert {name: found[name] for name in ("time", "kind", "reserved", "outer", "direction")} == {
        "time": None,
        "kind": None,
        "reserved": None,
        "outer": None,
        "direction": None,
    }
    assert (found["control"], found["name"], found["path"], found["fields"]) == (False, "unknown", [], {})


def test_a_copy_and_one_of_several_files_say_so() -> None:
    found = to_object(record(goodbye(), copy_of=2, file='a "b"\x1b.pcap'))
    assert list(found) == [*MEMBERS, "copy_of", "file"]
    assert (found["copy_of"], found["file"]) == (2, 'a "b"\x1b.pcap')
    other = to_object(record(goodbye(), copy_of=2, file="a", copy_in="b"))
    assert list(other) == [*MEMBERS, "copy_of", "copy_in", "file"]
    assert other["copy_in"] == "b"


@pytest.mark.parametrize("packet", MESSAGES.values(), ids=MESSAGES)
def test_fields_are_those_of_the_message_on_the_fast_path_too(packet: bytes) -> None:
    found = record(packet)
    assert to_object(found)["fields"] == found.message.fields


@pytest.mark.parametrize(
    ("found", "member", "value"),
    [
        (record(assigned(), direction="a>b"), "direction", "a>b"),
        (record(assigned(), copy_of=3), "copy_of", 3),
        (record(assigned(), file="a.pcap"), "file", "a.pcap"),
        (record(assigned(), frame=9), "frame", 9),
        (record(assigned(), time=None), "time", None),
    ],
)
def test_no_member_is_lost_on_the_fast_path(found: Record, member: str, value: object) -> None:
    assert to_object(found)[member] == value
    assert {**to_object(found), member: 0} == {**to_object(record(assigned())), member: 0}


def test_a_cut_message_shows_what_could_be_read() -> None:
    found = record(b"")._replace(message=decode_truncated(status()[:-4]))
    assert to_object(found)["fields"] == {"resource": RESOURCE, "domain": "example.com"}
    assert to_object(found)["reason"] == "truncated"


def test_a_line_is_one_line_of_ascii() -> None:
    for packet in hostile_packets():
        line = to_jsonl(record(packet, file="\x1b\u202e\n\udc80"))
        assert line.isascii()
        assert line.isprintable()


def test_the_indented_form_says_the_same() -> None:
    found = record(assigned())
    assert json.loads(to_json(found)) == json.loads(to_jsonl(found))
    assert to_json(found).startswith('{\n  "schema": 1,')


def test_outer_names_its_members() -> None:
    assert to_object(record(assigned(), outer=Outer("a", "b", None, None)))["outer"] == {
        "src": "a",
        "dst": "b",
        "session": None,
        "counter": None,
    }


def test_a_time_beyond_four_digit_years_is_null() -> None:
    assert to_object(record(goodbye(), time=TIME * 1000))["time"] is None


@pytest.mark.parametrize(
    ("nanoseconds", "text"), [(3_123_456, "0.003123456"), (12 * 10**9, "12.000000000"), (-1, "-0.000000001")]
)
@pytest.mark.parametrize("packet", [status(), raw(1, {"resource": RESOURCE})])
def test_a_response_time_is_seconds_to_the_nanosecond(packet: bytes, nanoseconds: int, text: str) -> None:
    answer = record(packet)._replace(exchange=Exchange(1, response_to=1, response_time=nanoseconds))
    assert to_jsonl(answer).endswith(f',"response_time":{text}}}')
    assert list(json.loads(to_jsonl(answer))) == [*MEMBERS, "response_time"]


def test_a_question_has_none() -> None:
    assert list(json.loads(to_jsonl(record(assigned())._replace(exchange=Exchange(1))))) == MEMBERS
