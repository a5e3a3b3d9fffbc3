"""The demo, as users start it: two ends on loopback, a capture, and commands that work."""

from __future__ import annotations

import re
import shlex
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.cli.demo import GIT, PAY, WIKI, Files, commands
from tests.cli.conftest import Run
from tests.records import harmful


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "made here"


@pytest.fixture(scope="module")
def shown(folder: Path) -> str:
    """What it prints; played once for all tests."""
    import contextlib
    import io

    from fzctl.cli.main import main

    out = io.StringIO()
    before = time.monotonic()
    with contextlib.redirect_stdout(out):
        assert main(["demo", "-o", str(folder)]) == 0
    assert time.monotonic() - before > 1.9  # the resend is a real one
    return out.getvalue()


def test_the_screen_looks_like_this(shown: str, folder: Path, golden: Callable[[str, str], None]) -> None:
    text = shown.replace(str(folder), "FOLDER")
    text = re.sub(r"\d\d:\d\d:\d\d\.\d{6}", "12:00:00.000000", text)
    text = re.sub(r"\d{4}-\d\d-\d\d UTC", "2026-11-22 UTC", text)
    text = re.sub(r"^ \d\.\d{3} s", " 0.000 s", text, flags=re.MULTILINE)
    text = re.sub(r"\S+(?: -m)? ?fzctl (decode|respond|client|analyze|check|stats) ", r"fzctl \1 ", text)
    kept = [line for line in text.splitlines() if not re.search(r"fzctl (analyze|check|stats) ", line)]
    golden("\n".join(kept) + "\n", "demo-screen.txt")


def test_messages_go_both_ways_with_an_inactive_a_loss_and_a_goodbye(shown: str) -> None:
    played = shown.partition("holds, opened")[0].splitlines()
    assert sum("client -->" in line for line in played) == 5
    assert any(PAY in line and "Inactive" in line for line in played)
    assert [line for line in played if GIT in line and "lost on purpose" in line]
    assert "Goodbye" in played[-2] or "Goodbye" in played[-3]


def test_the_files_are_the_owners_and_no_key_is_printed(shown: str, folder: Path) -> None:
    files = Files.of(str(folder))
    for path in map(Path, files):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for line in Path(files.client).read_text().splitlines() + Path(files.keys).read_text().splitlines():
        word, _, value = line.partition(" = ")
        if "KEY" in word.upper():
            assert value not in shown


def test_the_commands_work_when_they_are_pasted(shown: str, folder: Path, shell: Run) -> None:
    pasted = [line.strip() for line in shown.partition("To look closer:")[2].splitlines() if line.strip()]
    *decodes, respond, client = [re.sub(r"^.*?fzctl (?=\w)", "$FZCTL ", line) for line in pasted]
    for command in decodes:
        found = shell(command)
        assert found.code in (0, 1), command
        assert found.out
    assert "$FZCTL respond" in respond
    script = (
        f"{respond.partition('#')[0]} > gateway.txt 2>&1 & other=$!\n"
        "until grep -q Ctrl-C gateway.txt; do sleep 0.05; done\n"
        f"{client}; code=$?\nkill -INT $other; wait $other; exit $code"
    )
    found = shell(script)
    assert found.code == 0, found
    assert WIKI in found.out
    assert "Confirmed" in found.out


def test_it_overwrites_nothing(fzctl: Run, tmp_path: Path) -> None:
    (tmp_path / "client.conf").write_text("mine")
    found = fzctl("demo", "-o", str(tmp_path))
    assert (found.code, found.out) == (2, "")
    assert "client.conf is there already" in found.err
    assert (tmp_path / "client.conf").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told(fzctl: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = fzctl("demo", "-o", str(tmp_path / "file" / "below"))
    assert (found.code, found.out) == (4, "")
    assert "cannot write into" in found.err


def test_without_a_folder_for_temporary_files_that_is_told(
    fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    found = fzctl("demo")
    assert (found.code, found.out) == (4, "")
    assert "cannot write into the folder for temporary files: No such file" in found.err


def test_commands_are_quoted_for_a_shell() -> None:
    for command in commands(Files.of("/tmp/a folder; $(x)")):
        words = shlex.split(command, comments=True)
        assert any(word.startswith("/tmp/a folder; $(x)/") for word in words)


def test_commands_with_a_hostile_folder_are_harmless_to_see() -> None:
    for command in commands(Files.of("/tmp/\x1b]0;x\x07\u202e")):
        assert "/tmp/\\033]0;x\\007\\342\\200\\256/" in command
        assert not harmful(command)
