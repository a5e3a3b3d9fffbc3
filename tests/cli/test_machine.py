"""What a machine has and lacks."""

from __future__ import annotations

import socket
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from fzctl.cli import machine
from fzctl.cli.machine import Finding, examine


def finding(name: str) -> Finding:
    (found,) = [each for each in examine() if each.name == name]
    return found


def test_what_lacks_tells_how_to_get_it() -> None:
    for each in examine():
        assert each.state in ("ok", "missing", "broken")
        assert each.detail
        assert each.state == "ok" or each.remedy or each.name == "raw sockets"


def test_an_old_python_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_MINIMUM_PYTHON", (99, 0))
    assert finding("python").state == "broken"


def test_a_missing_package_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(machine, "version", version)
    assert finding("scapy")[1:] == (
        "broken",
        "not installed (layers, shell, building messages)",
        "pip install scapy",
    )


def test_a_missing_zstd_is_only_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_spec(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    assert finding("zstd").state == "missing"


def test_a_program_is_run_for_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert finding("tshark") == Finding(
        "tshark", "missing", "not found (a second opinion from Wireshark's engine)", "apt install tshark"
    )
    program = tmp_path / "tshark"
    program.write_text(f"#!{sys.executable}\nprint('TShark \\x1b[31m4.0')\n")
    program.chmod(0o755)
    assert finding("tshark").detail.startswith("TShark \\x1b[31m4.0 (")
    program.write_text("\x7fELF nonsense")
    assert finding("tshark").state == "missing"
    assert "tshark does not run: " in finding("tshark").detail


@pytest.mark.parametrize("error", [PermissionError(1, "not permitted"), OSError(97, "no such family")])
def test_no_raw_sockets_is_only_missing(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket, "socket", refuse)
    assert finding("raw sockets").state == "missing"


def test_a_system_without_packet_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_PACKET", raising=False)
    assert finding("raw sockets").detail.startswith("this system has no AF_PACKET")
