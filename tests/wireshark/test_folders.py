"""Wireshark's folders: read from tshark, guessed without it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.errors import ToolError
from fzctl.wireshark.folders import (
    ask_or_guess,
    ask_tshark,
    default_folders,
    mentions_dissector,
    other_dissectors,
    parse_folders,
    parse_version,
)

OLD = """\
Temp:                \t/tmp
Personal configuration:\t/home/a/.config/wireshark
Personal Plugins:    \t/home/a/.local/lib/wireshark/plugins/4.0
Global Plugins:      \t/usr/lib/wireshark/plugins/4.0
Personal Lua Plugins:\t/home/a/.local/lib/wireshark/plugins
Global Lua Plugins:  \t/usr/lib/wireshark/plugins
Extcap path:         \t/usr/lib/wireshark/extcap
MaxMind database path:\t/usr/share/GeoIP
MaxMind database path:\t/var/lib/GeoIP
"""
NEW = OLD.replace(
    "Extcap path:         \t",
    "Personal Extcap path:\t/home/a/.local/lib/wireshark/extcap\nGlobal Extcap path:\t",
)
OURS = 'local fzp2p = Proto("fzp2p", "Firezone")\n'


def test_wireshark_4_0_names_no_extcap_folder_and_looks_beside_its_configuration() -> None:
    folders = parse_folders(OLD)
    assert folders.version == (4, 0)
    assert folders.configuration == "/home/a/.config/wireshark"
    assert folders.extcap == "/home/a/.config/wireshark/extcap"
    assert folders.dissector == "/home/a/.local/lib/wireshark/plugins/fzctl.lua"
    assert folders.profile == "/home/a/.config/wireshark/profiles/Firezone"
    assert folders.lua[1:] == (
        "/usr/lib/wireshark/plugins",
        "/home/a/.local/lib/wireshark/plugins/4.0",
        "/usr/lib/wireshark/plugins/4.0",
    )


def test_later_versions_name_it() -> None:
    folders = parse_folders(NEW.replace("plugins/4.0", "plugins/4-4"))
    assert folders.extcap == "/home/a/.local/lib/wireshark/extcap"
    assert folders.version == (4, 4)


def test_folders_without_a_version_leave_it_open() -> None:
    assert parse_folders(OLD.replace("plugins/4.0", "plugins")).version is None


def test_a_tshark_without_lua_is_refused() -> None:
    with pytest.raises(ToolError, match="without Lua"):
        parse_folders(OLD.replace("Lua Plugins", "Plugins"))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u3).", (4, 0)),
        ("TShark (Wireshark) 4.4.9.\n\nCopyright 1998-2025", (4, 4)),
        ("Wireshark 4.6.2 (v4.6.2-0-g1234)", (4, 6)),
        ("nothing", None),
    ],
)
def test_the_version_is_read(text: str, version: tuple[int, int] | None) -> None:
    assert parse_version(text) == version


def test_without_tshark_the_usual_folders_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("WIRESHARK_CONFIG_DIR", raising=False)
    own = ("/home/a/.local/lib/wireshark/plugins",)
    assert ask_or_guess() == parse_folders(NEW)._replace(lua=own, version=None)
    with pytest.raises(ToolError, match="apt install tshark"):
        ask_tshark()


def test_the_environment_moves_the_usual_folders() -> None:
    assert default_folders({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}).configuration == "/x/wireshark"
    assert default_folders({"HOME": "/h", "WIRESHARK_CONFIG_DIR": "/w"}).configuration == "/w"


def test_a_tshark_that_tells_its_version_elsewhere_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "tshark"
    answers = OLD.replace("plugins/4.0", "plugins")
    program.write_text(f"#!/bin/sh\n[ $1 = -G ] && cat <<'END' || echo TShark 4.6.1\n{answers}END\n")
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert ask_tshark().version == (4, 6)


@pytest.mark.parametrize(("script", "said"), [("echo no >&2; exit 3", "failed: no"), ("exit 3", "failed: 3")])
def test_a_tshark_that_fails_is_told(
    script: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "tshark"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(ToolError, match=said):
        ask_tshark()


def test_the_real_tshark_is_understood(
    require_peer: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    require_peer("tshark")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    folders = ask_tshark()
    assert folders.version is not None
    assert folders.version >= (4, 0)
    assert folders.configuration == str(tmp_path / ".config" / "wireshark")
    for path in (folders.dissector, folders.extcap):
        assert path.startswith(str(tmp_path))


def test_a_second_dissector_is_found_under_any_name_and_ours_is_not(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "global"
    (own / "4.0").mkdir(parents=True)
    other.mkdir()
    (own / "fzctl.lua").write_text(OURS)
    (own / "4.0" / "old.lua").write_text(f"-- x\n{OURS}")
    (own / "4.0" / "old.lua.bak").write_text(OURS)
    (other / "other.lua").write_text('Proto("other")')
    (other / "same.lua").symlink_to(own / "fzctl.lua")
    (other / "circle").symlink_to(other)
    (other / "broken.lua").symlink_to("nowhere")
    found = other_dissectors((str(own), str(other), str(own / "4.0"), "/nowhere"), but=str(own / "fzctl.lua"))
    assert list(found) == [str(own / "4.0" / "old.lua")]


def test_a_script_that_loads_the_dissector_is_told(tmp_path: Path) -> None:
    script = tmp_path / "init.lua"
    assert not mentions_dissector(str(script))
    script.write_text('dofile("/opt/fzctl.lua")')
    assert mentions_dissector(str(script))
