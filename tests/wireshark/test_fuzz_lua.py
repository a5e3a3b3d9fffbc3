"""The dissector on broken captures, in this machine's Wireshark; versions.py does more, and in others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wireshark import mutations
from tests.wireshark.roots import tshark_here
from tests.wireshark.tsharks import DISSECTOR, Reader

pytestmark = pytest.mark.peer("tshark")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with tshark_here() as tshark:
        yield Reader(tshark, DISSECTOR)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken")


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Path:
    return mutations.write_corpus(folder / "corpus.pcap")


@pytest.fixture(scope="module")
def broken(corpus: Path, folder: Path) -> list[mutations.Broken]:
    return list(mutations.plain(corpus, folder, seeds=[1], rates=[0.02, 0.2]))


def test_broken_packets_raise_nothing(reader: Reader, broken: list[mutations.Broken]) -> None:
    for case in broken:
        assert reader.complaints(case.capture) == [], case.title


def test_broken_packets_raise_nothing_in_two_passes(reader: Reader, broken: list[mutations.Broken]) -> None:
    assert reader.complaints(broken[0].capture, "-2") == []


@pytest.mark.parametrize("relayed", [False, True], ids=["wireguard", "turn"])
def test_nor_do_they_inside_a_tunnel(
    reader: Reader, broken: list[mutations.Broken], folder: Path, relayed: bool
) -> None:
    case = mutations.sealed(broken[0], folder, relayed=relayed)
    assert reader.complaints(case.capture, keys=case.keys) == []


def test_large_and_deep_messages_raise_nothing(reader: Reader, folder: Path) -> None:
    capture = mutations.write_packets(folder / "hostile.pcap", mutations.hostile())
    assert reader.complaints(capture) == []
