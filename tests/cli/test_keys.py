"""Key logs from files: read, warned about, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from fzctl.cli.keys import GrowingKeys, cut_sentence, load_keylogs, warn
from fzctl.errors import CaptureError
from fzctl.wireguard.keylog import MOST_LINES

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def write(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def test_a_sound_log_is_read_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a", f"LOCAL_STATIC_PRIVATE_KEY = {KEY}\r\n# comment\n")
    logs, problems = load_keylogs([path], quiet=False)
    assert [len(log.entries) for log in logs] == [1]
    assert problems == []
    assert capsys.readouterr().err == ""


def test_bad_lines_are_named_by_number_and_their_text_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a", f"LOCAL_STATIC_PRIVATE_KEY = {KEY}\nPRESHARED_KEY = {KEY[:30]}\n")
    load_keylogs([path], quiet=False)
    said = capsys.readouterr().err
    assert "line 2" in said
    assert KEY[:30] not in said


def test_a_preshared_key_before_its_ephemeral_key_is_warned_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a", f"PRESHARED_KEY = {KEY}\nLOCAL_EPHEMERAL_PRIVATE_KEY = {KEY}\n")
    load_keylogs([path], quiet=False)
    assert "line 1" in capsys.readouterr().err


def test_an_empty_log_is_warned_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_keylogs([write(tmp_path / "a", "")], quiet=False)
    assert "holds no key" in capsys.readouterr().err


def test_quiet_means_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_keylogs([write(tmp_path / "a", "nonsense\n")], quiet=True)
    assert capsys.readouterr().err == ""


def test_what_cannot_be_read_is_a_sentence_and_the_others_are_read(tmp_path: Path) -> None:
    good = write(tmp_path / "good", f"LOCAL_STATIC_PRIVATE_KEY = {KEY}\n")
    logs, problems = load_keylogs([str(tmp_path / "no"), str(tmp_path), good], quiet=True)
    assert [log.name for log in logs] == [good]
    assert [problem.rpartition(": ")[2] for problem in problems] == [
        "No such file or directory",
        "Is a directory",
    ]


def test_many_warnings_become_a_few_and_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    warn("keys", [f"line {number}" for number in range(9)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "fzctl: keys: 4 more of the like"


def test_a_log_that_grows_is_read_again_when_it_has(tmp_path: Path) -> None:
    path = write(tmp_path / "a", f"LOCAL_STATIC_PRIVATE_KEY = {KEY}\n")
    keys = GrowingKeys([path], quiet=True)
    assert keys.refresh() == []
    with open(path, "a", encoding="ascii") as file:
        file.write(f"PRESHARED_KEY = {KEY}\n")
    assert [len(log.entries) for log in keys.refresh()] == [2]
    assert keys.refresh() == []
    assert [len(log.entries) for log in keys.logs] == [2]


def test_a_log_that_is_just_being_replaced_is_left_for_the_next_look(tmp_path: Path) -> None:
    path = write(tmp_path / "a", f"LOCAL_STATIC_PRIVATE_KEY = {KEY}\n")
    keys = GrowingKeys([path], quiet=True)
    (tmp_path / "a").unlink()
    assert keys.refresh() == []
    write(tmp_path / "a", "")
    assert [len(log.entries) for log in keys.refresh()] == [0]


def test_a_log_that_is_missing_from_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="the keys cannot be read"):
        GrowingKeys([str(tmp_path / "no")], quiet=True)


def test_a_log_that_is_too_long_is_used_as_far_as_it_goes_and_is_a_problem(tmp_path: Path) -> None:
    path = write(tmp_path / "a", f"REMOTE_STATIC_PUBLIC_KEY = {KEY}\n" * (MOST_LINES + 1))
    logs, problems = load_keylogs([path], quiet=True)
    assert [len(log.entries) for log in logs] == [MOST_LINES]
    assert problems == [f"{path}: {cut_sentence()}"]


def test_of_a_device_without_end_only_the_beginning_is_read() -> None:
    logs, problems = load_keylogs(["/dev/zero"], quiet=True)
    assert [log.entries for log in logs] == [()]
    assert problems == [f"/dev/zero: {cut_sentence()}"]
