"""``shell``: scapy's console."""

from __future__ import annotations

import sys

import pytest

from tests.cli.conftest import Run


def test_the_console_knows_the_layers(shell: Run) -> None:
    found = shell(
        'echo \'print("built", bytes(IPv6(dst="::")/FzP2p()/Goodbye())[40:48].hex())\' | $FZCTL shell'
    )
    assert "built 0200000000000000" in found.out
    assert found.code == 0


def test_without_scapy_it_says_what_to_install(fzctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scapy.main", None)
    assert fzctl("shell") == (5, "", "fzctl: the shell needs scapy: pip install scapy\n")
