"""Redaction of logs: no original is left, in no form, and captures and logs say the same."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.logs.event import Event
from fzctl.logs.parse import parse_line
from fzctl.logs.redaction import LogRedactor
from fzctl.redact.redactor import Redactor
from fzctl.render.logjson import to_log_json
from fzctl.render.logline import to_log_line
from tests.logs.read import DATA, SAMPLES, one, sample
from tests.records import RESOURCE, assigned, record

KEY = b"key"
STAMP = "2026-08-22T00:53:24.158Z"

# What is not Firezone's own: names, ids and addresses of the samples.
SECRETS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|(?<![0-9.:])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])|fd00:[0-9a-f:]{6,}"
    r"|mycorp|internal\.example|staging|gitlab|grafana|jira|registry|_ldap|vpn-test|api\.firezone"
)  # fmt: skip


def shown(event: Event) -> str:
    """All that any form of output holds."""
    return "\n".join(
        (to_log_json(event), to_log_line(event), to_log_line(event, whole=True, place=True), str(event))
    ).lower()


def redact(event: Event) -> Event:
    return LogRedactor(Redactor(KEY)).redact(event)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_original_of_a_sample_survives_in_any_form(name: str) -> None:
    secrets = set(SECRETS.findall((DATA / name).read_text("utf-8", "replace").lower()))
    assert len(secrets) > 20 or name == "apple_app.jsonl"
    redactor = LogRedactor(Redactor(KEY))
    text = "\n".join(shown(redactor.redact(event)) for event in sample(name))
    # Addresses as short as these are met again by chance: 10.0.0.1 may stand for another.
    assert not {secret for secret in secrets if secret in text and len(secret) > 11}
    assert not {secret for secret in secrets if secret.isalpha() and secret in text}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_the_log_itself_says_stays(name: str) -> None:
    for event in sample(name):
        after = redact(event)
        assert (after.time, after.severity, after.shape, after.line, after.problem) == (
            *(event.time, event.severity, event.shape, event.line),
            event.problem,
        )
        assert after.target == event.target
        assert [key for key, _ in after.fields] == [key for key, _ in event.fields]
        for (_, new), (_, old) in zip(after.fields, event.fields, strict=True):
            assert type(new) is type(old)
            assert len(str(new)) == len(str(old))
        assert (after.message is None) == (event.message is None)


words = st.from_regex(r"q[a-z0-9]{3,10}z", fullmatch=True)
domains = st.lists(words, min_size=2, max_size=4).map(".".join)
secrets = st.one_of(
    domains, st.uuids().map(str), st.ip_addresses().map(str).filter(lambda text: len(text) > 9)
)
places = st.sampled_from(
    [
        *("{}", "to {}.", "({})", "[{}]:443", "{}:443", "{}/24", "<{}>", "'A {}'", '"{}"', "`{}`", "a,{},b"),
        *("https://{}/x", "x={}", "Some({})", "alice@{}", "{}: refused", "{}; {}", "/logs/{}/x.log"),
        *('Name("{}.")', "{{{}}}"),
    ]
)


@given(
    secrets,
    places,
    st.sampled_from(["message", "field", "span", "broken", "text", "document", "target", "key"]),
)
def test_a_secret_anywhere_in_any_line_survives_in_no_form(secret: str, place: str, where: str) -> None:
    text = place.format(secret, secret)
    line = {"time": STAMP, "severity": "INFO", "target": "a::b", "message": "hi"}
    data = {
        "message": json.dumps({**line, "message": text}),
        "field": json.dumps({**line, "odd": text, "more": [text, {"deep": text}]}),
        "span": json.dumps({**line, "spans": [{"name": "x", "odd": text}]}),
        "broken": json.dumps({**line, "message": text})[:-3],
        "text": f"{STAMP}  INFO a::b: hi {text} cid={text}",
        "document": json.dumps({**line, "message": json.dumps({"event": "x", "payload": [text]})}),
        "target": json.dumps({**line, "target": text}),
        "key": json.dumps({**line, text: 1}),
    }[where]
    redactor = LogRedactor(Redactor(KEY))
    for event in parse_line(data.encode(), f"/x/{secret}/connlib.latest"):
        assert secret.lower() not in shown(redactor.redact(event))


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("user alice@corp.example asked", "alice"),
        ("open /home/alice/x: denied", "alice"),
        (r"open C:\Users\alice\x", "alice"),
        ("query 'A localhost'", "localhost"),
        ("ping fd00::1: timeout", "fd00::1"),
        ("gone 10.20.30.40.", "10.20.30.40"),
        ("from aa:bb:cc:dd:ee:f0", "aa:bb"),
        (f"peer gateway-{RESOURCE} gone", RESOURCE),
        (f"peer id_{RESOURCE.replace('-', '')}", RESOURCE[-12:]),
        (f"peer {RESOURCE[1:-1]} gone", RESOURCE[1:9]),
        ("up tun-10.20.30.40", "10.20"),
        ("up eth0_fd00::1", "fd00"),
    ],
)
def test_running_text_loses_what_names_somebody(text: str, gone: str) -> None:
    after = redact(one(f"{STAMP}  INFO a::b: {text}")).message or ""
    assert gone not in after
    assert len(after) == len(text)
    assert after.split()[0] == text.split()[0]


@pytest.mark.parametrize(
    "text",
    [
        "Completed wireguard handshake in 409.373ms with 3 tries, 1.5 MB",
        "Connection removed (received `goodbye`)",
        "No DNS resource NAT state, creating `Pending` entry",
        "Failed to deserialize `dns_resource_nat::AssignedIps`: invalid IP address at line 1 column 100",
    ],
)
def test_other_running_text_stays(text: str) -> None:
    assert redact(one(f"{STAMP}  INFO a::b: {text}")).message == text


def test_a_name_without_a_dot_is_known_once_a_field_had_it() -> None:
    redactor = LogRedactor(Redactor(KEY))
    before, field, after = (
        redactor.redact(one(f"{STAMP} DEBUG a::b: {text}"))
        for text in ("no intranet yet", "hi domain=Intranet", "no intranet now")
    )
    assert before.message == "no intranet yet"
    assert "ntranet" not in str(field)
    assert "intranet" not in (after.message or "")


def test_captures_and_logs_share_one_mapping() -> None:
    redactor = Redactor(KEY)
    fields = redactor.redact(record(assigned("gitlab.mycorp.example"))).message.fields
    line = f"{STAMP} DEBUG a::b: ask gitlab.mycorp.example at 100.96.0.1 rid={RESOURCE}"
    event = LogRedactor(redactor).redact(one(line))
    assert event.message == f"ask {fields['domain']} at {fields['proxy_ips'][0]}"
    assert event.fields == (("rid", fields["resource"]),)
    again = LogRedactor(Redactor(KEY)).redact(one(line))
    assert again == event != LogRedactor(Redactor(b"other")).redact(one(line))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("connlib.2026-01-01-00-00-00.log", True),
        ("gui-client.latest", True),
        ("latest", True),
        ("standard input", True),
        ("gitlab.corp.log", False),
        ("export.zip/../alice.log.gz", False),
    ],
)
def test_files_keep_the_names_that_firezone_gave(path: str, expected: bool) -> None:
    after = LogRedactor(Redactor(KEY)).redact_path(path)
    assert (after == path) is expected
    assert len(after) == len(path)
    assert after.rpartition(".")[2] == path.rpartition(".")[2]


def test_a_broken_line_keeps_its_structure_only() -> None:
    line = '{"time":"2026-08-22T00:53:24Z","severity":"INFO","message":"hello","domain":"intranet'
    raw = redact(one(line)).raw
    assert re.fullmatch(r'\{"time":"[^"]{20}","severity":"INFO","message":"[a-z]{5}","domain":"[a-z]{8}', raw)
    assert "hello" not in raw


@pytest.mark.parametrize(
    "text",
    [
        "a." * 200_000,
        "a@" * 100_000,
        ":" * 200_000,
        "'" * 200_000,
        '"\\' * 100_000,
        "1." * 200_000,
        "-" * 200_000,
        "::1." * 100_000,
        "a.." * 100_000,
        "..a" * 100_000,
        "?." * 100_000,
        "." * 200_000,
        "::" + "1." * 200_000,
        "::" + "1+" * 200_000,
        "::1 " * 100_000 + "a." * 100_000,
    ],
)
def test_hostile_text_is_replaced_in_time(text: str) -> None:
    Redactor(KEY).redact_prose(text)  # in quadratic time this would not end


def test_names_are_learned_from_fields_for_the_lines_before() -> None:
    redactor = LogRedactor(Redactor(KEY))
    before = one("2026-08-22T00:53:24.158Z DEBUG a::b: looked up intranet twice")
    assert "intranet" in (redactor.redact(before).message or "")
    redactor.learn(one("2026-08-22T00:53:24.158Z DEBUG a::b: done domain=intranet name=two words"))
    assert re.fullmatch(r"looked up \w{8} twice", redactor.redact(before).message or "")
    assert "intranet" not in (redactor.redact(before).message or "")


@pytest.mark.parametrize("depth", [90, 150, 900])
def test_json_in_a_text_loses_its_names_however_deep_it_is(depth: int) -> None:
    document = "[" * depth + json.dumps({"domain": "gitlab", "host": "jira.mycorp.com"}) + "]" * depth
    event = redact(one(json.dumps({"time": STAMP, "severity": "INFO", "message": document})))
    assert event.message is not None
    assert event.message.count("[") == depth
    assert not SECRETS.search(shown(event))


@pytest.mark.parametrize("depth", [0, 300])
@pytest.mark.parametrize("times", range(1, 9))
def test_json_in_texts_in_json_loses_its_names(times: int, depth: int) -> None:
    text = "gitlab"
    for _ in range(times):
        text = json.dumps({"domain": text, "x": {"host": "jira"}})
    text = "[" * depth + text + "]" * depth
    event = redact(one(json.dumps({"time": STAMP, "severity": "INFO", "message": text})))
    assert not SECRETS.search(shown(event))


@pytest.mark.parametrize(
    "before",
    [
        *("-0000-0000-0000-", "6b7188f5-00ac-41dc-9ddd-", "x-00ac-41dc-9ddd-57e2", "1.2.3.4-"),
        *("::", "::0", "::ffff:1.2.3.4", "::abcd.", "fd00:2021:1111::12", "a:b:c"),
    ],
)
@pytest.mark.parametrize("name", ["gitlab.mycorp.com", "gitlab@mycorp.com"])
def test_a_name_right_behind_what_looks_like_an_identifier_is_replaced(before: str, name: str) -> None:
    event = redact(one(f"2026-08-22T00:53:24.158Z DEBUG a::b: saw {before}{name} again"))
    assert "gitlab" not in shown(event)
    assert "mycorp" not in shown(event)


@pytest.mark.parametrize("before", [".", "..", "x..", "?.", "gitlab-?.", "**.", "*.gitlab?."])
def test_a_pattern_or_the_end_of_a_name_is_replaced_too(before: str) -> None:
    event = redact(one(f"2026-08-22T00:53:24.158Z DEBUG a::b: {before}mycorp.com, and more..."))
    assert "gitlab" not in shown(event)
    assert "mycorp" not in shown(event)
    assert "and more..." in shown(event)
