"""One event as one line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from fzctl.render.logline import to_log_line
from tests.logs.read import SAMPLES, one, sample
from tests.records import HOSTILE, harmful

STAMP = "2026-08-22T00:53:24.158Z"
# Lines of the samples that show what each has to show.
EXCERPTS = {
    "client_stackdriver.jsonl": (
        *(1, 4, 7, 11, 16, 22, 23, 24, 26, 37, 46, 48, 78, 80, 100, 111, 115),
        *(135, 137, 139, 141, 143, 145, 147, 172),
    ),
    "gateway.jsonl": (*range(1, 10), 30, 60, 90, 120),
    "relay.jsonl": range(1, 9),
    "client.log": (*range(1, 14), 47, 60, 90),
    "gateway.log": (*range(1, 10), 30, 60, 90, 120),
    "apple_app.jsonl": range(1, 8),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_the_default_line_of_each_shape_looks_like_this(
    name: str, golden: Callable[[str, str], None]
) -> None:
    lines = [to_log_line(event) for event in sample(name) if event.line in EXCERPTS[name]]
    golden("\n".join(lines).encode("utf-8", "backslashreplace").decode() + "\n", f"logs_{name}.txt")


def test_an_event_without_a_message_is_never_null_but_its_fields() -> None:
    for name in SAMPLES:
        for event in sample(name):
            if event.message is None and event.shape not in ("unknown", "blank"):
                line = to_log_line(event)
                assert "null" not in line
                assert all(f"{key}=" in line for key, _ in event.fields)


def test_a_terminal_needs_no_date_and_has_colours() -> None:
    event = one(f"{STAMP}  WARN a::b: hi")
    assert to_log_line(event, brief=True) == "00:53:24.158000 WARN  hi"
    assert (
        to_log_line(event, brief=True, colour=True) == "\x1b[2m00:53:24.158000\x1b[0m \x1b[33mWARN \x1b[0m hi"
    )


def test_the_whole_line_has_the_module_and_every_field() -> None:
    event = one(f"{STAMP}  INFO a::b: hi odd=1 cid=2 cid=2")
    assert to_log_line(event).endswith("INFO  hi cid=2")
    assert to_log_line(event, whole=True, place=True).endswith("INFO  a::b hi odd=1 cid=2 line:1")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("colour", [False, True])
def test_hostile_text_is_shown_escaped(text: str, colour: bool) -> None:
    fields = {"time": STAMP, "severity": "INFO", "target": text, "message": text, text: text, "more": [text]}
    lines = [json.dumps({**fields, "spans": [{"name": text, text: text}]}).encode()]
    lines += [
        f"{STAMP}  INFO a::b: {text} a={text}".encode(errors="surrogatepass"),
        text.encode(errors="surrogatepass"),
    ]
    for line in lines:
        shown = to_log_line(one(line, goes_on=True), colour=colour, whole=True)
        for style in ("0", "1", "2", "31", "32"):
            shown = shown.replace(f"\x1b[{style}m", "") if colour else shown
        assert not harmful(shown)
        assert "\n" not in shown
