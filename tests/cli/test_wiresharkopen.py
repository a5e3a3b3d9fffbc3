"""``fzctl wireshark open`` and ``profile``."""

from __future__ import annotations

import io
import shlex
import stat
import subprocess
import sys
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.cli import wiresharkopen
from fzctl.cli.wiresharkopen import run_open, run_profile
from fzctl.errors import CaptureError, ToolError, UsageError
from fzctl.wireshark.folders import ask_or_guess
from fzctl.wireshark.launch import Launch
from fzctl.wireshark.profile import profile_zip
from tests.cli.conftest import ENVIRONMENT, ROOT

CAPTURE = str(ROOT / "captures" / "setup.pcapng")
LATE = ROOT / "captures" / "encrypted" / "late.keys"


def options(file: str = CAPTURE, keys: str | None = None, quiet: bool = False) -> Namespace:
    return Namespace(file=file, keys=keys, only_print=True, quiet=quiet)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "WIRESHARK_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(wiresharkopen, "dissector_text", lambda: "-- lua\n")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return tmp_path


def install_profile() -> None:
    profile = Path(ask_or_guess().profile)
    profile.mkdir(parents=True)
    (profile / "preferences").write_text("")


def install_dissector() -> None:
    script = Path(ask_or_guess().dissector)
    script.parent.mkdir(parents=True)
    script.write_text("")


def command(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return shlex.split(capsys.readouterr().out)


def test_what_is_installed_is_not_loaded_a_second_time(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install_dissector()
    install_profile()
    assert run_open(options()) == 0
    assert command(capsys)[1:] == ["-C", "Firezone", "-r", CAPTURE]
    assert not (home / ".cache").exists()


def test_where_nothing_is_installed_wireshark_gets_a_configuration_of_its_own(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_open(options()) == 0
    told = capsys.readouterr()
    own = home / ".cache/fzctl/wireshark"
    words = shlex.split(told.out)
    assert words[0] == f"WIRESHARK_CONFIG_DIR={own}"
    assert words[2:4] == ["-X", f"lua_script:{own}/fzctl.lua"]
    assert (own / "fzctl.lua").read_text() == "-- lua\n"
    assert (own / "profiles/Firezone/colorfilters").exists()
    assert "gets a configuration of its own" in told.err
    assert not (home / ".config").exists()


@pytest.mark.parametrize("present", ["dissector", "profile"])
def test_what_is_missing_alone_is_added(home: Path, present: str, capsys: pytest.CaptureFixture[str]) -> None:
    (install_dissector if present == "dissector" else install_profile)()
    run_open(options())
    line = capsys.readouterr().out
    assert ("lua_script:" in line) is (present != "dissector")
    assert ("WIRESHARK_CONFIG_DIR" in line) is (present != "profile")


def test_keys_are_handed_on_and_those_that_wireshark_cannot_use_are_told(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = tmp_path / "keys"
    keys.write_bytes(LATE.read_bytes())
    keys.chmod(0o600)
    run_open(options(keys=str(keys)))
    told = capsys.readouterr()
    assert f"wg.keylog_file:{keys}" in shlex.split(told.out)
    assert "Wireshark cannot use the TRANSPORT_KEY lines" in told.err


def test_the_printed_command_is_harmless_to_see_and_the_same_in_a_shell() -> None:
    launch = Launch(("wireshark", "-r", "a \x1b[31m'.pcap"), {"WIRESHARK_CONFIG_DIR": "/a b"})
    text = wiresharkopen.shell_command(launch)
    assert text == r"WIRESHARK_CONFIG_DIR='/a b' wireshark -r $'a \033[31m\047.pcap'"
    script = f"wireshark() {{ printf '%s|' \"$@\"; }}; {text}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    assert done.stdout == b"-r|a \x1b[31m'.pcap|"


@pytest.mark.parametrize(("file", "keys"), [("/nowhere", None), (CAPTURE, "/nowhere")])
def test_a_missing_file_is_told_before_a_window_opens(home: Path, file: str, keys: str | None) -> None:
    with pytest.raises(CaptureError, match=r"^/nowhere: "):
        run_open(options(file, keys))


def test_without_wireshark_it_says_how_to_get_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(ToolError, match="apt install wireshark"):
        run_open(Namespace(file=CAPTURE, keys=None, only_print=False, quiet=False))


def test_root_is_warned(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(home))  # no tshark: the version is not known
    monkeypatch.setattr("os.geteuid", lambda: 0)
    run_open(options())
    assert "this is root" in capsys.readouterr().err


def test_wireshark_takes_the_place_of_fzctl_with_that_environment(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "wireshark"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$WIRESHARK_CONFIG_DIR $*"\n')
    program.chmod(stat.S_IRWXU)
    script = (
        "import sys; from argparse import Namespace; from fzctl.cli import wiresharkopen as w\n"
        "w.dissector_text = lambda: ''\n"
        "w.run_open(Namespace(file=sys.argv[1], keys=None, only_print=False, quiet=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, CAPTURE], capture_output=True, text=True, timeout=60, check=True,
        env={**ENVIRONMENT, "HOME": str(tmp_path), "PATH": f"{program.parent}:/usr/bin:/bin",
             "XDG_CACHE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
    )  # fmt: skip
    own = tmp_path / "fzctl/wireshark"
    assert done.stdout == f"{own} -X lua_script:{own}/fzctl.lua -C Firezone -r {CAPTURE}\n"


def test_the_real_tshark_loads_that_configuration(
    home: Path, require_peer: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """tshark takes the same options as Wireshark."""
    run_open(options())
    setting, _, *words = command(capsys)
    done = subprocess.run(
        [require_peer("tshark"), *words], capture_output=True, text=True, timeout=60, check=False,
        env={**ENVIRONMENT, "HOME": str(home), **dict([setting.split("=", 1)])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "doesn't exist" not in done.stderr


def test_the_profile_is_written_as_a_zip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.zip"
    assert run_profile(Namespace(write=str(path), quiet=False)) == 0
    assert path.read_bytes() == profile_zip()
    assert "Import, from zip file" in capsys.readouterr().err


def test_the_profile_goes_to_a_pipe(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run_profile(Namespace(write=None, quiet=False)) == 0
    sys.stdout.flush()
    assert zipfile.is_zipfile(io.BytesIO(capfdbinary.readouterr().out))


def test_no_zip_goes_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(UsageError, match="-w FILE"):
        run_profile(Namespace(write="-", quiet=False))


def test_a_zip_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="is a directory"):
        run_profile(Namespace(write=str(tmp_path), quiet=False))
