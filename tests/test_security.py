"""SECURITY.md promises nothing that no test holds."""

from __future__ import annotations

import re
from pathlib import Path

from fzctl.cli.main import VERBS
from fzctl.cli.parser import build_parser
from fzctl.cli.target import PASSWORD_VARIABLE
from tests.hostile import options_of

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_promise_names_tests_and_these_exist() -> None:
    promises = re.split(r"^- ", section("What fzctl promises"), flags=re.MULTILINE)[1:]
    assert len(promises) >= 8
    for promise in promises:
        held = promise.partition("Held by")[2]
        named = re.findall(r"`(tests/[\w/]+\.py)`", held)
        assert named, promise
        for path in named:
            assert (ROOT / path).is_file(), path
            assert "\ndef test_" in (ROOT / path).read_text(encoding="utf-8"), path


def test_every_option_that_it_names_exists() -> None:
    known = {
        each
        for verb in VERBS
        for _, action in options_of(build_parser(verb))
        for each in action.option_strings
    }
    assert {*re.findall(r"`(--?[\w-]+)", TEXT)} <= known
    assert f"${PASSWORD_VARIABLE}" in TEXT


def test_it_tells_how_to_report_and_invents_no_address() -> None:
    assert "private vulnerability" in section("How to report")
    assert not re.search(r"[\w.]+@\w|https?://", TEXT)
