"""``fzctl wireshark install`` as a user meets it, here; versions.py does it elsewhere, too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wireshark import installed
from tests.wireshark.installed import Machine
from tests.wireshark.roots import for_fzctl, tshark_here

FZCTL = str(Path(sys.executable).parent / "fzctl")

pytestmark = pytest.mark.peer("tshark")


@pytest.fixture
def machine() -> Iterator[Machine]:
    with tshark_here() as tshark, installed.machine(for_fzctl(tshark, FZCTL), FZCTL) as machine:
        yield machine


def test_it_is_installed_used_and_taken_back(machine: Machine) -> None:
    wrong = {title: [each for each in check(machine) if each] for title, check in installed.ORDER.items()}
    assert wrong == {title: [] for title in installed.ORDER}


def test_what_is_not_installed_is_noticed(machine: Machine) -> None:
    """The checks are worth something: each of them fails where nothing was done."""
    for check in (installed.fields, installed.profile, installed.interface):
        assert any(check(machine)), check.__name__


def test_what_is_left_behind_is_noticed(machine: Machine) -> None:
    assert not any(installed.installed(machine))
    (machine.home / ".config" / "wireshark" / "more").write_text("")
    assert any("more" in each for each in installed.taken_back(machine))
