"""The watch over the dissector is worth something: what is wrong is noticed, in this machine's Wireshark."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wireshark import checks, mutations
from tests.wireshark.roots import tshark_here
from tests.wireshark.tsharks import Reader

pytestmark = pytest.mark.peer("tshark")

RAISES = """
local ours = Proto("fzp2p", "raises")
ours.fields.kind = ProtoField.uint8("fzp2p.kind", "Kind")
function ours.dissector(buffer, pinfo, tree)
  tree:add(ours, buffer()):add(ours.fields.kind, buffer(0, 1))
  %s
end
DissectorTable.get("ip.proto"):add(255, ours)
"""


@pytest.mark.parametrize("fault", ["error('ouch')", "buffer(100000, 1)", "undefined.field = 1"])
def test_a_dissector_that_raises_is_noticed(fault: str, tmp_path: Path) -> None:
    script = tmp_path / "raises.lua"
    script.write_text(RAISES % fault)
    with tshark_here() as tshark:
        found = Reader(tshark, script).complaints(mutations.SAMPLES / "setup.pcapng")
    assert any("Lua Error" in line for line in found)


def test_a_script_that_does_not_load_is_noticed(tmp_path: Path) -> None:
    script = tmp_path / "fzctl.lua"
    script.write_text("")
    with tshark_here() as tshark:
        assert list(checks.load(Reader(tshark, script))) != [""]


def test_the_same_seed_breaks_the_same_bytes(tmp_path: Path) -> None:
    corpus = mutations.write_corpus(tmp_path / "corpus.pcap")
    first, again, other = (
        mutations.mutate(corpus, tmp_path / f"{number}.pcapng", 0.1, seed).read_bytes()
        for number, seed in enumerate((1, 1, 2))
    )
    assert first == again != other


def test_a_dissector_that_takes_other_traffic_is_noticed(tmp_path: Path) -> None:
    script = tmp_path / "takes.lua"
    script.write_text(RAISES % "return 1")
    with tshark_here() as tshark:
        assert any(checks.others(Reader(tshark, script), tmp_path))
