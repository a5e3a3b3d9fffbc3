"""``fzctl wireshark``: the verb and the verbs behind it."""

from __future__ import annotations

import pytest

from fzctl.cli.main import main
from fzctl.wireshark.generate import dissector


def test_the_dissector_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wireshark", "dissector"]) == 0
    assert capsys.readouterr().out == dissector()


def test_a_verb_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wireshark"]) == 2
    assert main(["wireshark", "dissect"]) == 2
    assert "dissector" in capsys.readouterr().err


def test_the_verbs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wireshark", "--help"]) == 0
    assert "print the Lua" in capsys.readouterr().out
