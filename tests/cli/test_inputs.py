"""Inputs one after another: what fails is said and the others are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fzctl.cli.inputs import title_of
from tests.cli.conftest import Run

SAMPLES = Path(__file__).parents[2] / "captures"


def test_a_broken_input_between_sound_ones_costs_only_itself(tmp_path: Path, fzctl: Run) -> None:
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(b"no capture")
    setup, kinds = str(SAMPLES / "setup.pcapng"), str(SAMPLES / "kinds.pcapng")
    found = fzctl("decode", "-T", "jsonl", setup, str(broken), kinds)
    assert found.code == 3
    assert [json.loads(line)["file"] for line in found.lines] == [setup] * 3 + [kinds] * 11
    assert found.err.count("\n") == 1
    assert str(broken) in found.err


def test_one_input_alone_is_not_named_in_its_records(fzctl: Run) -> None:
    found = fzctl("decode", "-T", "jsonl", str(SAMPLES / "setup.pcapng"))
    assert "file" not in json.loads(found.lines[0])


@pytest.mark.parametrize(("source", "title"), [("-", "standard input"), ("a.pcap", "a.pcap")])
def test_an_input_is_called_what_people_call_it(source: str, title: str) -> None:
    assert title_of(source) == title
