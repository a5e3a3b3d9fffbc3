"""The encrypted sample captures: they open with what stands beside them, and with nothing less."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.cli.main import main
from tests.lab.reading import ask_fzctl, ask_tshark
from tests.lab.record import RECORDERS, SAMPLES

NAMES = sorted(path.name for path in SAMPLES.glob("*.pcap*"))
KEYS_BESIDE = [name for name in NAMES if not name.startswith("embedded")]
LARGEST = 60_000
DOCUMENTATION = re.compile(r"192\.0\.2\.|198\.51\.100\.|\[2001:db8:")

each_sample = pytest.mark.parametrize("name", NAMES)


def keys_of(name: str) -> list[str]:
    return ["-k", str((SAMPLES / name).with_suffix(".keys"))] if name in KEYS_BESIDE else []


@each_sample
def test_a_sample_decodes_to_the_jsonl_beside_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-q", "decode", "-T", "jsonl", *keys_of(name), str(SAMPLES / name)]) == 0
    expected = (SAMPLES / name).with_suffix(".jsonl").read_text(encoding="utf-8")
    assert expected.count("\n") >= 8
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("name", KEYS_BESIDE)
def test_without_keys_a_sample_stays_closed(name: str) -> None:
    assert ask_fzctl(SAMPLES / name) == []


@each_sample
def test_a_sample_is_small_and_holds_documentation_addresses_only(name: str) -> None:
    assert (SAMPLES / name).stat().st_size < LARGEST
    ends = {end for one in ask_fzctl(SAMPLES / name, *keys_of(name)) for end in one.outer[:2]}
    assert ends
    assert [end for end in ends if not DOCUMENTATION.match(str(end))] == []


@pytest.mark.peer("tshark")
@each_sample
def test_tshark_finds_the_same_messages_where_it_can(
    name: str, require_peer: Callable[[str], str], tmp_path: Path
) -> None:
    """It cannot open TURN, and has no transport keys. Where the keys are in the file it needs no others."""
    keys = tmp_path / "no.keys"
    keys.touch()
    if name in KEYS_BESIDE:
        keys = (SAMPLES / name).with_suffix(".keys")
    theirs = ask_tshark(require_peer("tshark"), SAMPLES / name, keys)
    found = ask_fzctl(SAMPLES / name, *keys_of(name))
    ours = {one.frame: one.outer[3] for one in found if not one.relayed and name != "late.pcap"}
    assert {frame: one.counter for frame, one in theirs.items() if one.control} == ours
    assert bool(ours) == (name != "late.pcap")


def test_the_relayed_sample_has_every_message_on_both_legs() -> None:
    found = ask_fzctl(SAMPLES / "relayed.pcap", *keys_of("relayed.pcap"))
    first = [one.frame for one in found if one.copy_of is None]
    assert [one.copy_of for one in found if one.copy_of is not None] == first
    assert {one.outer[2] for one in found} == {1, 2}


def test_the_rekeyed_sample_has_messages_in_four_sessions() -> None:
    found = ask_fzctl(SAMPLES / "rekeyed.pcap", *keys_of("rekeyed.pcap"))
    assert list(dict.fromkeys(one.outer[2] for one in found)) == [1, 2, 3, 4]


def test_the_lab_records_every_sample_and_the_readme_tells_its_story() -> None:
    assert sorted(RECORDERS) == NAMES
    story = (SAMPLES.parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`encrypted/{name}`" not in story] == []
