"""``doctor``: what this machine can do."""

from __future__ import annotations

import json

import pytest

from fzctl.cli.machine import Finding
from tests.cli.conftest import Run

FINDINGS = [
    Finding("python", "ok", "fzctl on Python"),
    Finding("tshark", "missing", "not found", "apt install tshark"),
]


def test_every_finding_has_its_line_and_its_remedy(fzctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fzctl.cli.machine.examine", lambda: FINDINGS)
    assert fzctl("doctor") == (
        0,
        "ok      python  fzctl on Python\nmissing tshark  not found\n                -> apt install tshark\n",
        "",
    )
    assert json.loads(fzctl("doctor", "-T", "json").out)[1] == FINDINGS[1]._asdict()
    assert "\x1b[33mmissing" in fzctl("--color", "always", "doctor").out


def test_what_a_path_would_do_to_a_terminal_it_does_not(fzctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = Finding("tshark", "missing", "/opt/\x1b[2J/tshark does not run", "see \u202e")
    monkeypatch.setattr("fzctl.cli.machine.examine", lambda: [evil])
    out = fzctl("doctor").out
    assert "/opt/\\x1b[2J/tshark" in out
    assert "see \\u202e" in out


def test_what_fzctl_itself_needs_is_exit_code_5(fzctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fzctl.cli.machine.examine", lambda: [Finding("scapy", "broken", "not installed")])
    assert fzctl("doctor").code == 5


def test_this_machine_is_examined(shell: Run) -> None:
    found = shell("$FZCTL doctor")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("ok      python")
