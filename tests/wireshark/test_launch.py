"""How Wireshark is started."""

from __future__ import annotations

from pathlib import Path

from fzctl.wireshark.folders import Folders
from fzctl.wireshark.launch import cache_folder, has_profile, loads_dissector, plan, write_own


def folders_in(home: Path) -> Folders:
    return Folders(str(home / "config"), (str(home / "lua"), str(home / "global")), str(home / "extcap"))


def test_where_all_is_installed_only_the_profile_is_named() -> None:
    assert plan("wireshark", "a.pcap").command == ("wireshark", "-C", "Firezone", "-r", "a.pcap")


def test_script_keys_and_configuration_are_passed() -> None:
    launch = plan("wireshark", "a b.pcap", "/k", "/s/fzctl.lua", "/c")
    assert launch.environment == {"WIRESHARK_CONFIG_DIR": "/c"}
    assert " ".join(launch.command) == (
        "wireshark -X lua_script:/s/fzctl.lua -C Firezone -o wg.keylog_file:/k -r a b.pcap"
    )


def test_a_capture_whose_name_looks_like_an_option_is_a_capture() -> None:
    assert plan("wireshark", "-x.pcap").command[-1] == "./-x.pcap"


def test_keys_are_named_from_the_root() -> None:
    """Wireshark would keep a relative name and look for it from wherever it is started next."""
    assert f"wg.keylog_file:{Path.cwd() / 'k'}" in plan("wireshark", "a", "k").command


def test_a_dissector_in_any_folder_counts(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    assert not loads_dissector(folders)
    (tmp_path / "global").mkdir()
    (tmp_path / "global" / "renamed.lua").write_text("Proto('fzp2p', 'x')")
    assert loads_dissector(folders)


def test_our_own_dissector_counts(tmp_path: Path) -> None:
    (tmp_path / "lua").mkdir()
    (tmp_path / "lua" / "fzctl.lua").write_text("")
    assert loads_dissector(folders_in(tmp_path))


def test_a_configuration_of_our_own_has_profile_and_script(tmp_path: Path) -> None:
    write_own(str(tmp_path / "config"), {"preferences": b"old"}, b"old")
    script = write_own(str(tmp_path / "config"), {"preferences": b"x"}, b"lua")
    assert Path(script).read_bytes() == b"lua"
    assert has_profile(folders_in(tmp_path))
    assert not has_profile(folders_in(tmp_path / "other"))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["fzctl.lua", "preferences"]


def test_the_cache_is_where_the_user_has_it() -> None:
    assert cache_folder({"HOME": "/h"}) == "/h/.cache/fzctl/wireshark"
    assert cache_folder({"HOME": "/h", "XDG_CACHE_HOME": "/x"}) == "/x/fzctl/wireshark"
