"""The text shapes and their variants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.logs.text import split_fields
from tests.logs.read import one

STAMP = "2026-08-22T00:53:24.158Z"


@pytest.mark.parametrize(
    ("line", "shape", "severity", "target", "message"),
    [
        (f"{STAMP}  INFO a_b::c: hi", "text", "INFO", "a_b::c", "hi"),
        (f"{STAMP} DEBUG a_b::c: hi", "text", "DEBUG", "a_b::c", "hi"),
        (f"{STAMP} TRACE phoenix: hi", "text", "TRACE", "phoenix", "hi"),
        (f"{STAMP}  WARN no target here", "text", "WARN", None, "no target here"),
        (f"{STAMP}  INFO a_b::c:", "text", "INFO", "a_b::c", None),
        (" INFO a_b::c: hi", "text", "INFO", "a_b::c", "hi"),
        ("ERROR a_b::c: hi", "text", "ERROR", "a_b::c", "hi"),
        ("tunnel_proto::client: hi", "text", None, "tunnel_proto::client", "hi"),
        ("connlib: hi", "text", None, "connlib", "hi"),
        (f"{STAMP} INFO App launched", "apple_text", "INFO", None, "App launched"),
        (f"{STAMP} ERROR The operation failed", "apple_text", "ERROR", None, "The operation failed"),
        (f"{STAMP} WARN note: a=b", "apple_text", "WARN", None, "note: a=b"),
        ("2026-08-22T00:53:24+02:00  INFO a::b: hi", "text", "INFO", "a::b", "hi"),
    ],
)
def test_the_variants(
    line: str, shape: str, severity: str | None, target: str | None, message: str | None
) -> None:
    event = one(line)
    assert (event.shape, event.severity, event.target, event.message) == (shape, severity, target, message)
    assert event.problem is None
    assert (event.time is not None) == line.startswith("2026")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2026-08-22T00:5", "the line is cut short in its time"),
        ("2026-08-99T00:53:24Z  INFO a::b: hi", "the line is cut short in its time"),
        (STAMP, "a time without a level"),
        (f"{STAMP} hello", "a time without a level"),
        ("hello", "no log line of a known shape"),
        ("error: something else", "no log line of a known shape"),
    ],
)
def test_what_is_no_log_line_says_why(line: str, problem: str) -> None:
    event = one(line)
    assert (event.shape, event.problem, event.raw) == ("unknown", problem, line)


@pytest.mark.parametrize(
    ("text", "message", "fields"),
    [
        ("hi", "hi", []),
        ("", None, []),
        ("a=1", None, [("a", "1")]),
        (
            "Activating name=My Resource address=*.a.b",
            "Activating",
            [("name", "My Resource"), ("address", "*.a.b")],
        ),
        ('hi arch="x \\"y\\" z=1" b=2', "hi", [("arch", 'x "y" z=1'), ("b", "2")]),
        ("hi ips=[a=1, b=2] c={d=3} e=4", "hi", [("ips", "[a=1, b=2]"), ("c", "{d=3}"), ("e", "4")]),
        (
            "hi p=Packet { src: 1, x=2 } cid=a cid=a",
            "hi",
            [("p", "Packet { src: 1, x=2 }"), ("cid", "a"), ("cid", "a")],
        ),
        ("smile :( a=1", "smile :(", [("a", "1")]),
        ('half " a=1', 'half "', [("a", "1")]),
        ('a="\\u{1b}[31m\\n\\t"', None, [("a", "\x1b[31m\n\t")]),
        ('a="\\u{d800}"', None, [("a", "\\u{d800}")]),
        ("a.b=1 C_d=2 x-y=3", None, [("a.b", "1"), ("C_d", "2 x-y=3")]),
    ],
)
def test_fields_are_told_from_the_message(
    text: str, message: str | None, fields: list[tuple[str, str]]
) -> None:
    assert split_fields(text) == (message, tuple(fields))


@given(st.text())
def test_any_text_is_parted_without_an_error(text: str) -> None:
    split_fields(text)


@pytest.mark.parametrize(
    "text", ['"' * 200_000, '"\\' * 200_000, "[" * 200_000, " a=" * 100_000, '"\\"' * 100_000]
)
def test_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    split_fields(text)  # in quadratic time this would not end


def test_records_of_the_log_crate_have_their_real_target() -> None:
    event = one(
        f'{STAMP}  INFO log: hi log.target="tao::x" log.module_path="tao" log.file="a.rs" log.line=3 b=1'
    )
    assert (event.target, event.location, event.fields) == ("tao::x", "a.rs:3", (("b", "1"),))
