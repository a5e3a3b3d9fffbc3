"""Lines to events: every class of line of the samples, and any bytes at all."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fzctl.logs.event import SHAPES, Event
from fzctl.logs.parse import Line, parse_line, parse_lines
from tests.logs.read import DATA, SAMPLES, TEXT_LINE, one, sample

EXPECT = json.loads((DATA / "client_stackdriver.expect.json").read_text())
LINES = (DATA / EXPECT["file"]).read_bytes().split(b"\n")[:-1]
CLASSES = {each["class"]: each["line"] for each in EXPECT["special"]}

# By class: shape, problem, and what else must be so.
VERDICTS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "bom_before_valid_object": ("stackdriver", None, {"message": "`gui-client` started logging"}),
    "blank_line": ("blank", None, {}),
    "whitespace_line": ("blank", None, {}),
    "message_json_null": ("stackdriver", None, {"message": None, "severity": "INFO"}),
    "message_key_missing": ("stackdriver", None, {"message": None, "severity": "INFO"}),
    "truncated_mid_line": ("unknown", "broken JSON: the line is cut short", {"message": None}),
    "invalid_utf8": ("stackdriver", "bytes that are not UTF-8", {"message": r"bad \xff\xfe bytes"}),
    "lone_surrogate_escape": (
        "stackdriver",
        "half of a surrogate pair",
        {"message": "lone \ud800 surrogate"},
    ),
    "human_line_in_jsonl": (
        "text",
        None,
        {"message": "Setting up DNS resource NAT", "target": "firezone_tunnel::client"},
    ),
    "json_array": ("unknown", "an array, not an object", {}),
    "json_string": ("unknown", "a string, not an object", {}),
    "json_null": ("unknown", "null, not an object", {}),
    "json_number": ("unknown", "a number, not an object", {}),
    "time_number": (
        "stackdriver",
        "a time that is a number",
        {"time": None, "fields": (("time", 1734689999),)},
    ),
    "time_unparsable": (
        "stackdriver",
        "a time that is none",
        {"time": None, "fields": (("time", "yesterday"),)},
    ),
    "time_missing": ("stackdriver", "no time", {"time": None, "message": "no time"}),
    "severity_missing": ("stackdriver", "no severity", {"severity": None, "message": "no severity"}),
    "severity_unusual": ("stackdriver", None, {"severity": "INFO", "fields": (("severity", "NOTICE"),)}),
    "message_number": ("stackdriver", None, {"message": "12"}),
    "message_object": ("stackdriver", None, {"message": '{"a":1}'}),
    "crlf_line_ending": ("stackdriver", None, {"message": "Setting up DNS resource NAT"}),
}


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "two_objects_on_one_line"])
def test_each_class_of_line_has_its_verdict(name: str) -> None:
    number = CLASSES[name]
    (event,) = parse_line(LINES[number - 1], "f", number)
    shape, problem, more = VERDICTS[name]
    assert (event.shape, event.problem, event.line, event.file) == (shape, problem, number, "f")
    assert {key: getattr(event, key) for key in more} == more


def test_two_objects_on_one_line_are_two_events() -> None:
    number = CLASSES["two_objects_on_one_line"]
    both = parse_line(LINES[number - 1], None, number)
    apart = [event for line in (number, number + 1) for event in parse_line(LINES[line], None, number)]
    assert [event[:7] for event in both] == [event[:7] for event in apart]
    assert {event.problem for event in both} == {"2 JSON values on one line"}


def test_every_special_line_has_a_verdict_and_no_other_line_a_problem() -> None:
    assert set(CLASSES) == {*VERDICTS, "two_objects_on_one_line"}
    assert len(LINES) == EXPECT["lines"]
    broken = {event.line for event in sample(EXPECT["file"]) if event.problem is not None}
    expected = {CLASSES[name] for name, (_, problem, _) in VERDICTS.items() if problem is not None}
    assert broken == expected | {CLASSES["two_objects_on_one_line"]}


def test_ordinary_lines_without_a_message_have_none_and_are_whole() -> None:
    numbers = {number for number in EXPECT["ordinary_lines_without_message_key"] if number <= EXPECT["lines"]}
    special = set(CLASSES.values())
    for number in numbers - special:
        event = one(LINES[number - 1])
        assert (event.message is None) == ('"message"' not in LINES[number - 1].decode())


@pytest.mark.parametrize("name", SAMPLES)
def test_every_line_of_a_sample_is_of_its_shape(name: str) -> None:
    shapes = {
        "client_stackdriver.jsonl": {"stackdriver", "text", "unknown", "blank"},
        "gateway.jsonl": {"flat"},
        "relay.jsonl": {"nested"},
        "client.log": {"text"},
        "gateway.log": {"text"},
        "apple_app.jsonl": {"apple_json"},
    }
    events = sample(name)
    assert {event.shape for event in events} == shapes[name]
    if name != "client_stackdriver.jsonl":
        assert not [event.problem for event in events if event.problem is not None]
        assert all(event.time is not None and event.severity is not None for event in events)


def test_the_same_gateway_in_text_and_json_says_the_same() -> None:
    def words(event: Event) -> tuple[object, ...]:
        fields = [*event.fields, *(field for span in event.spans for field in span.fields)]
        return (
            event.severity,
            event.target,
            event.message,
            Counter((key, str(value)) for key, value in fields),
        )

    for text, flat in zip(sample("gateway.log"), sample("gateway.jsonl"), strict=True):
        assert words(text) == words(flat)


@given(st.binary(), st.booleans())
@example(b'{"a":' + b"[" * 100_000, False)
@example(b"[" * 100_000 + b"]" * 100_000, False)
@example(b'{"time":' + b"1" * 5000 + b"}", False)
@example(b'{"time":1e999,"message":NaN}', False)
@example(b'{"severity":"INFO","message":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}", False)
def test_any_bytes_give_events_and_never_an_error(data: bytes, goes_on: bool) -> None:
    events = parse_line(data, "f", 7, goes_on=goes_on)
    assert events
    for event in events:
        assert event.shape in SHAPES
        assert (event.file, event.line) == ("f", 7)
        assert (event.shape == "unknown") <= (event.problem is not None)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    [
        *("time", "timestamp", "severity", "level", "target", "message", "fields", "span", "spans", "domain"),
        *("logTarget", "log.target", "logging.googleapis.com/sourceLocation"),
    ]
)


@given(st.dictionaries(names, json_values))
def test_objects_with_any_values_under_known_names_lose_none_of_them(found: dict[str, Any]) -> None:
    line = json.dumps(found).encode()
    for event in parse_line(line):
        assert event.raw.encode() == line
        assert (event.message is None) <= (
            found.get("message") is None or "fields" in found or event.shape == "unknown"
        )


def test_a_line_cut_anywhere_is_read_or_has_a_problem() -> None:
    line = LINES[1]
    for end in range(1, len(line)):
        events = parse_line(line[:end])
        assert events[-1].problem is not None


def test_a_line_that_is_too_long_says_how_much_is_left_out() -> None:
    (event,) = parse_line(b"x" * 10, left_out=5)
    assert event.problem == "the line is 15 bytes long, the last 5 are left out"


def test_a_bom_counts_at_the_beginning_of_a_file_only() -> None:
    assert one(b"\xef\xbb\xbf" + TEXT_LINE.encode()).shape == "text"
    (event,) = parse_line(b"\xef\xbb\xbf" + TEXT_LINE.encode(), number=2)
    assert event.shape == "unknown"


def test_colours_of_a_terminal_are_no_part_of_names_and_values() -> None:
    event = one("\x1b[2m2026-08-22T00:53:24.158Z\x1b[0m \x1b[32m INFO\x1b[0m a::b: hi \x1b[3mcid\x1b[0m=a")
    assert (event.message, event.fields) == ("hi", (("cid", "a"),))
    spans = '[{"\\u001b[3mcid\\u001b[0m":"a","name":"x"}]'
    flat = one(f'{{"timestamp":"2026-08-22T00:53:20.769185Z","level":"INFO","target":"a","spans":{spans}}}')
    assert flat.spans[0].fields == (("cid", "a"),)


def test_a_value_with_line_ends_goes_on_below_its_event() -> None:
    lines = [
        TEXT_LINE + " packet=Packet {",
        "    src: 1,",
        "",
        "}",
        '{"severity":"INFO","time":"2026-08-22T00:53:24Z","message":"a"}',
    ]
    found = list(parse_lines([Line(number, line.encode()) for number, line in enumerate(lines, 1)]))
    assert [event.shape for event in found] == ["text", "continuation", "blank", "continuation", "apple_json"]
    assert [event.message for event in found[1:4:2]] == ["    src: 1,", "}"]


KEY = "LbLzoAFK62lYEhsA9xSNLvGme8pb8rQV2Z7WZMq3020="


@pytest.mark.parametrize(
    "line",
    [
        "LOCAL_STATIC_PRIVATE_KEY = {}",
        "LOCAL_EPHEMERAL_PRIVATE_KEY={}",
        "PRESHARED_KEY = {}",
        "TRANSPORT_KEY = 0a1b2c3d {}",
        "PrivateKey = {}",
        "{}",
        "  {}\r",
        '{{"severity":"INFO","message":"m","privateKey":"{}"}}',
        f"{TEXT_LINE} preshared_key={{}}",
    ],
)
def test_a_key_that_lies_beside_the_logs_is_not_shown(line: str) -> None:
    event = one(line.format(KEY))
    assert KEY[:8] not in str(event)
    assert "(a key, not shown)" in str(event)


@pytest.mark.parametrize("key", [KEY[:-1], KEY[1:], KEY[:20] + "!" + KEY[20:], KEY + "=", KEY[:12]])
def test_a_key_that_was_spoiled_is_not_shown_either(key: str) -> None:
    event = one(f"PrivateKey = {key}")
    assert key[:8] not in str(event)
    assert key[-8:] not in str(event)


TOKEN = "SFMyNTY.g2gDaANtAAAAJDNhYWNlYj"


@pytest.mark.parametrize(
    "line",
    [
        "token={}",
        "FIREZONE_TOKEN={}",
        f"{TEXT_LINE} token={{}}",
        "GET wss://api.example.com/client?token={}&external_id=1",
        "Authorization: Bearer {}",
        "with token {}",
        "token=token=token={}",
        "token=" + "x" * 100 + "{}",
        "password={}",
        f'{TEXT_LINE} relay_password="{{}}"',
        '{{"severity":"INFO","time":"2026-08-22T00:53:24Z","message":"m","token":"{}"}}',
        '{{"severity":"INFO","time":"2026-08-22T00:53:24Z","message":"m","client_secret": "{}"}}',
        '{{"severity":"INFO","time":"2026-08-22T00:53:24Z","message":"{{\\"password\\":\\"{}\\"}}"}}',
    ],
)
def test_what_opens_a_portal_or_a_relay_is_not_shown(line: str) -> None:
    event = one(line.format(TOKEN))
    assert TOKEN[:8] not in str(event)
    assert "(a secret, not shown)" in str(event)
    assert event.problem is None or not line.startswith("{")


@pytest.mark.parametrize("value", ["correct horse battery", "a\\\\b c", "x"])
def test_a_password_in_quotes_is_hidden_to_its_end(value: str) -> None:
    event = one(
        f'{{"severity":"INFO","time":"2026-08-22T00:53:24Z","message":"m","password":"{value}","n":"1"}}'
    )
    assert event.fields == (("password", "(a secret, not shown)"), ("n", "1"))


@pytest.mark.parametrize(
    "line",
    [
        "Invalid token: unauthorized_client_error",
        "No token / actor_name on disk, starting in signed-out state",
        "secret=Secret([REDACTED alloc::string::String])",
        "password: None, token: Some(..)",
        "the secret is out",
        '{"severity":"INFO","time":"2026-08-22T00:53:24Z","message":"m","secret": 5}',
    ],
)
def test_a_word_about_secrets_is_none(line: str) -> None:
    assert "not shown" not in str(one(line))
    assert one(line).problem is None or not line.startswith("{")


def test_a_word_about_keys_is_no_key() -> None:
    assert one(f"{TEXT_LINE} key=a public_key=b").fields[-2:] == (("key", "a"), ("public_key", "b"))
