"""``fzctl wireshark install`` and ``uninstall``, with the real tshark in a home of its own."""

from __future__ import annotations

import subprocess
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.cli import wiresharkinstall
from fzctl.cli.wiresharkinstall import NO_LUA, pieces, run_install, run_uninstall, warnings
from fzctl.errors import ToolError
from fzctl.wireshark.folders import Folders
from fzctl.wireshark.install import MANIFEST

LUA = 'local fzp2p = Proto("fzp2p", "Firezone")\n'


def options(*, dry_run: bool = False, quiet: bool = False) -> Namespace:
    return Namespace(dry_run=dry_run, quiet=quiet)


def files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "WIRESHARK_CONFIG_DIR", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(wiresharkinstall, "dissector_text", lambda: LUA)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return tmp_path


@pytest.fixture
def tshark(require_peer: Callable[[str], str]) -> str:
    return require_peer("tshark")


def test_install_says_what_it_writes_and_uninstall_what_it_removes(
    home: Path, tshark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_install(options()) == 0
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()] == ["write"] * 5
    assert f"write   {home}/.local/lib/wireshark/plugins/fzctl.lua  (the dissector)\n" in told.out
    assert told.err == (
        "fzctl: start Wireshark anew and choose the profile Firezone, or: fzctl wireshark open FILE\n"
    )
    assert len(files(home)) == 6

    assert run_install(options()) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["keep"] * 5

    assert run_uninstall(options()) == 0
    told = capsys.readouterr()
    assert {line.split()[0] for line in told.out.splitlines()} == {"remove"}
    assert list(home.iterdir()) == []
    assert run_uninstall(options()) == 0
    assert capsys.readouterr() == ("", "fzctl: nothing is installed\n")


def test_a_dry_run_says_so_and_writes_nothing(
    home: Path, tshark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_install(options(dry_run=True)) == 0
    assert capsys.readouterr().out.startswith("nothing is changed; this would happen:\nwrite ")
    assert list(home.iterdir()) == []


def test_a_file_of_somebody_else_is_left_and_the_exit_code_tells(
    home: Path, tshark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = home / ".local/lib/wireshark/plugins/fzctl.lua"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    assert run_install(options(quiet=True)) == 1
    assert capsys.readouterr().out.startswith(f"leave   {theirs}  (it is not ours; move it away")
    assert theirs.read_text() == "theirs"


def test_tshark_finds_what_was_installed(home: Path, tshark: str) -> None:
    run_install(options(quiet=True))
    listed = subprocess.run([tshark, "-D"], capture_output=True, text=True, timeout=60, check=False)
    assert "fzctl (Firezone control messages)" in listed.stdout
    fields = subprocess.run(
        [tshark, "-G", "protocols"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "\tfzp2p\n" in fields.stdout
    chosen = subprocess.run(
        [tshark, "-G", "currentprefs", "-C", "Firezone"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "%Cus:fzp2p.domain || fzp2p.nat.domain:0:R" in chosen.stdout


def test_without_tshark_it_says_how_to_get_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(ToolError, match="apt install tshark"):
        run_install(options())


def test_uninstall_does_without_tshark(home: Path, tshark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_install(options(quiet=True))
    monkeypatch.setenv("PATH", str(home))
    run_uninstall(options())
    assert list(home.iterdir()) == []


def folders_in(home: Path, version: tuple[int, int] | None = (4, 0)) -> Folders:
    return Folders(str(home / "config"), (str(home / "lua"),), str(home / "extcap"), version)


def test_a_second_dissector_and_a_script_that_loads_it_are_warned_about(tmp_path: Path) -> None:
    for name, text in (("lua/other.lua", LUA), ("config/init.lua", 'dofile("fzctl.lua")')):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    first, second = warnings(folders_in(tmp_path), root=False)
    assert first.startswith(f"{tmp_path}/lua/other.lua declares the protocol, too")
    assert second.startswith(f"{tmp_path}/config/init.lua seems to load the dissector")


@pytest.mark.parametrize(
    ("version", "end"), [((4, 0), "(this one still does)"), ((4, 4), "as yourself"), (None, "as yourself")]
)
def test_root_is_warned_that_wireshark_ignores_lua(
    tmp_path: Path, version: tuple[int, int] | None, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "alice")
    lua, whose = warnings(folders_in(tmp_path, version), root=True)
    assert lua.startswith(NO_LUA)
    assert lua.endswith(end)
    assert "alice" in whose


def test_nothing_is_installed_outside_of_the_folders(home: Path) -> None:
    found = {piece.path: piece.program for piece in pieces(folders_in(home))}
    assert found == {
        f"{home}/lua/fzctl.lua": False,
        f"{home}/config/profiles/Firezone/preferences": False,
        f"{home}/config/profiles/Firezone/colorfilters": False,
        f"{home}/config/profiles/Firezone/dfilter_buttons": False,
        f"{home}/extcap/fzctl": True,
    }
    assert MANIFEST not in found
