"""dev.py: what it decides, without making an environment or installing a thing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import dev


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for .venv, with dev.py's constants pointing there."""
    monkeypatch.setattr(dev, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(dev, "VENV_PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(dev, "STAMP", tmp_path / ".venv/stamp.json")
    return tmp_path / ".venv"


def put_python(venv: Path, script: str) -> None:
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").write_text(f"#!/bin/sh\n{script}\n")
    (venv / "bin/python").chmod(0o755)


# --- the command line -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["--help"], 0), (["polish"], 2), (["demo", "more"], 2), (["samples", "--all"], 2)],
)
def test_command_line(arguments: list[str], code: int) -> None:
    assert dev.main(arguments) == code


def test_help_names_every_command() -> None:
    assert dev.__doc__ is not None
    assert all(f"\n  {name} " in dev.__doc__ for name in dev.COMMANDS)


def test_arguments_go_to_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str | Path]) -> int:
        ran.append([str(part) for part in command])
        return 5

    monkeypatch.setattr(dev, "missing_peers", list)
    monkeypatch.setattr(dev, "prepare", lambda groups: None)
    monkeypatch.setattr(dev, "run", run)
    assert dev.main(["test", "-k", "golden", "--help"]) == 5
    assert ran[0][1:] == ["-m", "pytest", "-k", "golden", "--help"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(dev.Stop("no pip", 7), 7), (KeyboardInterrupt(), 130), (PermissionError(13, "denied"), 1)],
)
def test_no_traceback(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(groups: object) -> None:
        raise error

    monkeypatch.setattr(dev, "prepare", fail)
    assert dev.main(["check"]) == code
    assert capsys.readouterr().err.startswith("dev.py: ")


def test_demo_passes_the_first_failure_on_and_shows_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.pcap", "b.pcapng", "c.pcap.gz", "README.md"):
        (tmp_path / "captures" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "captures" / name).touch()
    codes = {"a.pcap": 0, "b.pcapng": 3, "c.pcap.gz": 1, "demo": 4}
    seen: list[str] = []

    def run(command: list[str | Path]) -> int:
        seen.append(Path(command[-1]).name)
        return codes[seen[-1]]

    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(dev, "prepare", lambda groups: None)
    monkeypatch.setattr(dev, "run", run)
    assert dev.main(["demo"]) == 3
    assert seen == list(codes)


# --- the environment ------------------------------------------------------------------------------


def test_a_missing_environment_is_made(venv: Path) -> None:
    assert dev.why_rebuild() == "is missing"


def test_a_broken_environment_is_made_anew(venv: Path) -> None:
    put_python(venv, "exit 1")
    assert dev.why_rebuild() == "is broken"


def test_an_environment_whose_python_is_gone_is_made_anew(venv: Path) -> None:
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to("/nowhere/python3.11")
    assert dev.why_rebuild() == "is broken"


def test_an_environment_of_another_python_is_made_anew(venv: Path) -> None:
    put_python(venv, "echo 3.8")
    assert dev.why_rebuild().startswith("is of Python 3.8, this is 3.")


def test_an_environment_that_moved_is_made_anew(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_python(venv, "echo {}.{}".format(*sys.version_info[:2]))
    dev.write_stamp({})
    assert dev.why_rebuild() == ""
    monkeypatch.setattr(dev, "ROOT", venv.parent)
    assert dev.why_rebuild() == "was made in another folder"


def test_an_unreadable_stamp_is_no_stamp(venv: Path) -> None:
    venv.mkdir()
    for text in ("", "[]", "{"):
        dev.STAMP.write_text(text)
        assert dev.read_stamp() == {}


def test_without_ensurepip_the_outer_pip_installs(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str | Path]) -> int:
        venv.mkdir()
        ran.append([str(part) for part in command])
        return 0

    monkeypatch.setattr(dev, "has_module", lambda python, name: name == "pip" and str(venv) not in python)
    monkeypatch.setattr(dev, "run", run)
    dev.create()
    assert ran[0][1:] == ["-m", "venv", "--without-pip", str(venv)]
    assert [str(part) for part in dev.pip()][1:] == ["-m", "pip", "--python", str(venv / "bin/python")]


def test_without_ensurepip_and_pip_it_says_what_to_install(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "has_module", lambda python, name: False)
    monkeypatch.setattr(dev, "install_debian", lambda packages: False)
    with pytest.raises(dev.Stop, match=r"apt install python3\.\d+-venv$"):
        dev.create()


def test_half_an_environment_does_not_stay(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(command: object) -> int:
        venv.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(dev, "has_module", lambda python, name: True)
    monkeypatch.setattr(dev, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dev.create()
    assert not venv.exists()


def test_groups_include_groups() -> None:
    table: dict[str, list[str | Mapping[str, str]]] = {
        "test": ["pytest"],
        "dev": [{"include-group": "test"}, "ruff"],
    }
    assert dev.flatten_group(table, "dev") == ["pytest", "ruff"]
    assert set(dev.group_requirements(["test"])) < set(dev.group_requirements(["dev"]))


def test_digest_follows_the_project_and_its_version() -> None:
    digest = dev.project_digest(b"a", '__version__ = "1"\n')
    assert digest == dev.project_digest(b"a", '"""More words."""\n__version__ = "1"\n')
    assert digest != dev.project_digest(b"b", '__version__ = "1"\n')
    assert digest != dev.project_digest(b"a", '__version__ = "2"\n')


# --- external programs ----------------------------------------------------------------------------


def test_words_for_missing_programs() -> None:
    words = dev.words_for_missing(["tshark", "tcpdump"], ci=False)
    assert words.startswith("not installed: tshark, tcpdump; ")
    assert "skipped" in words
    assert words.endswith("apt install tshark tcpdump")
    assert "fail" in dev.words_for_missing(["tshark"], ci=True)


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_in_ci(value: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", value)
    assert dev.in_ci() is expected


def test_programs_of_root_are_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dev.find_program("no-such-program") is None
    (tmp_path / "tshark").touch(mode=0o755)
    assert dev.find_program("tshark") == str(tmp_path / "tshark")


def test_installs_nothing_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not dev.install_debian(["tshark"])


def test_reads_the_package_lists_where_the_first_try_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        steps.append("update" if "update" in command else "install")
        return subprocess.CompletedProcess(command, 100 if steps == ["install"] else 0, "", "no such package")

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pathlib.Path.exists", lambda path: True)
    monkeypatch.setattr(
        dev, "find_program", lambda name: None if name.startswith("debconf") else f"/bin/{name}"
    )
    monkeypatch.setattr("subprocess.run", run)
    assert dev.install_debian(["tshark"])
    assert steps == ["install", "update", "install"]


def test_a_service_is_installed_but_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(dev, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(dev, "find_program", lambda name: f"/bin/{name}")
    monkeypatch.setattr("subprocess.run", run)
    with dev.no_services(["tshark"]):
        assert not dev.POLICY.exists()
    assert ran == []
    with dev.no_services(["tshark", "coturn"]):
        assert dev.POLICY.stat().st_mode & 0o111
        assert dev.POLICY.read_text().endswith("exit 101\n")
    assert not dev.POLICY.exists()
    assert ran == [["/bin/systemctl", "--quiet", "disable", "coturn.service"]]


def test_a_policy_of_the_machines_own_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(dev, "find_program", lambda name: None)
    dev.POLICY.write_text("theirs")
    with dev.no_services(["coturn"]):
        pass
    assert dev.POLICY.read_text() == "theirs"


def test_a_signal_is_an_exit_code() -> None:
    assert dev.run(["sh", "-c", "exit 3"]) == 3
    assert dev.run(["sh", "-c", "kill -TERM $$"]) == 143
