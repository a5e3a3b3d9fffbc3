"""What is read of logs, counted and told at the end, whoever shows them."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path

import pytest

from fzctl.cli.loginputs import LogInputs
from fzctl.errors import CaptureError
from fzctl.logs.redaction import LogRedactor
from fzctl.redact.redactor import Redactor
from tests.logs.read import DATA

ARGS = Namespace(quiet=False, verbose=False, form="text")


def read(inputs: LogInputs, *paths: str) -> int:
    with ExitStack() as stack:
        sources = inputs.find(list(paths), stack)
        return sum(len(list(inputs.counted(inputs.events_of(source)))) for source in sources)


def test_events_are_counted_as_they_pass(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = LogInputs(ARGS, None)
    assert read(inputs, str(DATA / "client.log"), str(DATA / "gateway.log")) == 126 + 134
    inputs.shown = 7
    inputs.report()
    assert capsys.readouterr().err == "fzctl: 260 events in 2 files, 7 shown\n"
    assert inputs.exit_code == 0


def test_a_problem_is_told_once_however_often_it_is_met(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    inputs = LogInputs(ARGS, None)
    path = str(tmp_path / "gone.log")
    assert read(inputs, path) + read(inputs, path) == 0
    inputs.complain(CaptureError(path, "cannot be opened: No such file or directory"))
    inputs.report()
    assert capsys.readouterr().err.count("gone.log") == 1
    assert inputs.exit_code == 3


def test_quiet_tells_problems_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    inputs = LogInputs(Namespace(**{**vars(ARGS), "quiet": True}), None)
    read(inputs, str(DATA / "client_stackdriver.jsonl"), str(tmp_path / "gone.log"))
    inputs.report()
    [line] = capsys.readouterr().err.splitlines()
    assert "gone.log: cannot be opened" in line


def test_what_is_told_is_redacted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "acme.json").write_text("{}")
    (folder / "acme.log").write_text('{"broken": \n')
    inputs = LogInputs(ARGS, LogRedactor(Redactor(b"key")))
    read(inputs, str(folder), str(folder / "acme.zip"))
    inputs.report()
    told = capsys.readouterr().err
    assert "broken line" in told
    assert "left out as no log" in told
    assert "cannot be opened" in told
    assert "acme" not in told


def test_of_many_problems_the_first_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = LogInputs(ARGS, None)
    for number in range(30):
        inputs.complain(CaptureError(f"{number}.log", "is damaged"))
    inputs.report()
    said = capsys.readouterr().err.splitlines()
    assert sum("is damaged" in line for line in said) == 20
    assert "fzctl: 10 more of the logs could not be read" in said
