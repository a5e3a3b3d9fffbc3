"""Events on stdout: in pieces where nobody waits, at once where somebody does."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest

from fzctl.cli.logoutput import FORMS, LogOutput, event_line
from fzctl.logs.event import Event
from tests.logs.read import one

EVENT = one("2026-08-22T00:53:24.158Z  INFO a::b: hi")


def output(form: str, *, live: bool) -> LogOutput[Event]:
    args = Namespace(form=form, color="never", all_fields=False)
    return LogOutput(args, event_line(args, many=False), live=live)


@pytest.mark.parametrize(("form", "live"), [(form, live) for form in FORMS for live in (False, True)])
def test_an_event_is_shown_at_once_only_where_it_is_live(
    form: str, live: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = output(form, live=live)
    shown.show(EVENT)
    assert bool(capsys.readouterr().out) is (live and form != "json")
    shown.flush()
    shown.finish()


def test_many_events_are_handed_on_before_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    shown = output("text", live=False)
    for _ in range(1000):
        shown.show(EVENT)
    assert 500 < len(capsys.readouterr().out.splitlines()) <= 1000


@pytest.mark.parametrize("count", range(3))
def test_json_is_one_array_whatever_the_count(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    shown = output("json", live=False)
    for _ in range(count):
        shown.show(EVENT)
    shown.finish()
    assert [each["message"] for each in json.loads(capsys.readouterr().out)] == ["hi"] * count


@pytest.mark.parametrize("form", FORMS)
def test_a_long_line_does_not_wait_for_others(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = output(form, live=False)
    shown.show(one("2026-08-22T00:53:24.158Z  INFO a::b: " + "x" * 100_000))
    assert len(capsys.readouterr().out) > 100_000
    shown.finish()


def test_on_a_terminal_each_day_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    line = event_line(Namespace(form="text", color="never", all_fields=False), many=False)
    next_day = one("2026-08-23T00:00:00.000Z  INFO a::b: hi")
    assert [line(each) for each in (EVENT, EVENT, next_day)] == [
        "-- 2026-08-22 UTC --\n00:53:24.158000 INFO  hi",
        "00:53:24.158000 INFO  hi",
        "-- 2026-08-23 UTC --\n00:00:00.000000 INFO  hi",
    ]
