"""One JSON object an event, the same for every shape."""

from __future__ import annotations

import json

import pytest

from fzctl.render.logjson import to_log_json, to_log_object
from tests.logs.read import SAMPLES, one, sample

KEYS = [
    *("schema", "time", "severity", "target", "message", "fields", "spans", "protocol", "shape", "location"),
    *("file", "line", "problem"),
]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_shape_has_the_same_keys(name: str) -> None:
    for event in sample(name):
        text = to_log_json(event)
        assert text.isascii()
        found = json.loads(text)
        assert list(found) == KEYS + (["raw"] if event.problem is not None else [])
        assert (found["schema"], found["line"], found["file"]) == (1, event.line, name)


def test_a_field_that_comes_twice_has_all_its_values() -> None:
    event = one("2026-08-22T00:53:24.158Z  INFO a::b: hi cid=1 rid=r cid=2")
    assert to_log_object(event)["fields"] == {"cid": ["1", "2"], "rid": "r"}


def test_an_event_of_the_protocol_is_told_in_its_own_words() -> None:
    event = next(each for each in sample("gateway.jsonl") if each.message == "Setting up DNS resource NAT")
    found = to_log_object(event)["protocol"]
    assert found["proxy_ips"][:2] == ["100.96.0.1", "100.96.0.2"]
    assert {key: found[key] for key in ("event", "role", "kind", "client", "domain")} == {
        "event": "nat_set_up",
        "role": "gateway",
        "kind": "domain_status",
        "client": "fc5639b1-6b71-4b4f-92fb-2dcfc8ae9a19",
        "domain": "gitlab.mycorp.example",
    }
    assert to_log_object(one("2026-08-22T00:53:24.158Z  INFO a::b: hi"))["protocol"] is None


def test_a_broken_line_is_there_whole() -> None:
    found = json.loads(to_log_json(one(b'{"a":\xff')))
    assert (found["raw"], found["shape"]) == ('{"a":\\xff', "unknown")
    assert found["problem"].startswith("bytes that are not UTF-8; broken JSON")
