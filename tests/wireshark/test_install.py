"""Installing into folders of somebody else, and taking back exactly that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fzctl.errors import CaptureError
from fzctl.wireshark.install import MANIFEST, Manifest, Piece, Step, install, uninstall


class Machine:
    """A home without anything, and two things to install into it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.manifest = home / "config" / MANIFEST
        self.script = home / "lib" / "plugins" / "a.lua"
        self.program = home / "config" / "extcap" / "a"
        self.pieces = [
            Piece("the script", str(self.script), b"one"),
            Piece("the program", str(self.program), b"#!/bin/sh\n", program=True),
        ]

    def install(self, dry_run: bool = False) -> list[str]:
        return actions(install(self.pieces, Manifest(str(self.manifest)), dry_run=dry_run))

    def uninstall(self, dry_run: bool = False) -> list[str]:
        return actions(uninstall(Manifest(str(self.manifest)), dry_run=dry_run))

    def everything(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))


def actions(steps: list[Step]) -> list[str]:
    return [f"{step.action} {os.path.basename(step.path)}" for step in steps]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_is_installed_is_there_and_programs_may_be_run(machine: Machine) -> None:
    assert machine.install() == ["write a.lua", "write a"]
    assert machine.script.read_bytes() == b"one"
    assert os.access(machine.program, os.X_OK)
    assert not os.access(machine.script, os.X_OK)


def test_a_second_time_changes_nothing(machine: Machine) -> None:
    machine.install()
    before = machine.manifest.read_bytes()
    assert machine.install() == ["keep a.lua", "keep a"]
    assert machine.manifest.read_bytes() == before


def test_uninstall_leaves_nothing_behind(machine: Machine) -> None:
    machine.install()
    assert machine.uninstall()[:2] == ["remove a.lua", "remove a"]
    assert machine.everything() == []
    assert machine.uninstall() == []


def test_folders_that_were_there_before_stay(machine: Machine) -> None:
    machine.script.parent.mkdir(parents=True)
    machine.install()
    machine.uninstall()
    assert machine.everything() == ["lib", "lib/plugins"]


def test_a_folder_that_holds_something_else_by_now_stays(machine: Machine) -> None:
    machine.install()
    (machine.script.parent / "theirs.lua").write_text("x")
    assert "leave plugins" in machine.uninstall()
    assert machine.everything() == ["lib", "lib/plugins", "lib/plugins/theirs.lua"]


def test_an_outdated_file_of_ours_is_updated(machine: Machine) -> None:
    machine.install()
    machine.pieces[0] = machine.pieces[0]._replace(data=b"two")
    assert machine.install() == ["update a.lua", "keep a"]
    assert machine.script.read_bytes() == b"two"
    machine.uninstall()
    assert machine.everything() == []


def test_a_file_that_the_user_changed_is_kept_by_both(machine: Machine) -> None:
    machine.install()
    machine.script.write_text("mine")
    machine.pieces[0] = machine.pieces[0]._replace(data=b"two")
    assert machine.install() == ["leave a.lua", "keep a"]
    assert machine.uninstall()[:2] == ["leave a.lua", "remove a"]
    assert machine.script.read_text() == "mine"
    assert not machine.manifest.exists()


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_not_ours_is_in_the_way_and_is_never_touched(machine: Machine, kind: str) -> None:
    machine.script.parent.mkdir(parents=True)
    if kind == "file":
        machine.script.write_text("theirs")
    elif kind == "link":
        machine.script.symlink_to(machine.home / "elsewhere")
    else:
        machine.script.mkdir()
    steps = install(machine.pieces, Manifest(str(machine.manifest)))
    assert (steps[0].action, steps[0].blocked) == ("leave", True)
    machine.uninstall()
    assert machine.everything() == ["lib", "lib/plugins", "lib/plugins/a.lua"]


def test_an_equal_file_that_no_manifest_names_is_taken_for_ours(machine: Machine) -> None:
    """An earlier run did not come to its end."""
    machine.install()
    machine.manifest.unlink()
    machine.program.chmod(0o644)
    assert machine.install() == ["keep a.lua", "keep a"]
    assert os.access(machine.program, os.X_OK)
    assert machine.uninstall()[:2] == ["remove a.lua", "remove a"]


def test_what_moves_to_another_folder_is_taken_away_from_the_old_one(machine: Machine) -> None:
    machine.install()
    machine.pieces[1] = machine.pieces[1]._replace(path=str(machine.home / "lib" / "extcap" / "a"))
    assert machine.install() == ["remove a", "keep a.lua", "write a"]
    machine.uninstall()
    assert machine.everything() == []


def test_a_dry_run_tells_the_same_and_changes_nothing(machine: Machine) -> None:
    assert machine.install(dry_run=True) == ["write a.lua", "write a"]
    assert machine.everything() == []
    machine.install()
    before = machine.everything()
    assert machine.uninstall(dry_run=True) == ["remove a.lua", "remove a"]
    assert machine.everything() == before
    assert machine.uninstall()[:2] == ["remove a.lua", "remove a"]


def test_what_is_gone_already_is_said(machine: Machine) -> None:
    machine.install()
    machine.script.unlink()
    assert machine.uninstall()[:2] == ["miss a.lua", "remove a"]


@pytest.mark.parametrize("text", ["", "[]", '{"files": 1}', '{"files": {}, "folders": 3}', "\x00"])
def test_a_broken_manifest_is_an_error(machine: Machine, text: str) -> None:
    machine.manifest.parent.mkdir()
    machine.manifest.write_text(text)
    with pytest.raises(CaptureError, match="not as fzctl wrote it"):
        machine.install()


def test_what_cannot_be_written_is_named_and_what_was_done_is_remembered(machine: Machine) -> None:
    (machine.home / "config").mkdir()
    (machine.home / "config" / "extcap").write_text("a file in place of a folder")
    with pytest.raises(CaptureError, match="extcap"):
        machine.install()
    assert machine.uninstall()[:1] == ["remove a.lua"]
    assert machine.everything() == ["config", "config/extcap"]
