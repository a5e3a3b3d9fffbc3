"""The dissector on broken captures, in this machine's Wireshark; versions.py does more, and in others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fzctl.pcap.links import ETHERNET
from tests.wireshark import checks, mutations, traffic
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
def broken(folder: Path) -> list[mutations.Broken]:
    corpus = mutations.write_corpus(folder / "corpus.pcap")
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


def test_broken_payloads_are_read_as_we_read_them(reader: Reader, folder: Path) -> None:
    assert wrong(checks.broken_payloads(reader, folder, seeds=[1], rates=[0.005, 0.1])) == []


def test_inside_a_tunnel_packets_are_read_as_outside(reader: Reader, folder: Path) -> None:
    """Also those whose IPv6 header claims another length, and fragments."""
    assert wrong(checks.tunnels(reader, folder)) == []


def test_large_and_deep_messages_raise_nothing_and_are_read_as_we_read_them(
    reader: Reader, folder: Path
) -> None:
    buried = mutations.write_packets(folder / "buried.pcap", traffic.buried())
    assert reader.complaints(buried) == []
    hostile = mutations.write_packets(folder / "hostile.pcap", traffic.hostile())
    assert reader.complaints(hostile) == []
    huge = mutations.write_packets(folder / "huge.pcapng", traffic.huge(), ETHERNET)
    assert reader.complaints(huge) == []
    assert wrong(checks.hostile_verdicts(reader, folder)) == []


def test_messages_that_are_cut_anywhere_are_read_as_we_read_them(reader: Reader, folder: Path) -> None:
    assert wrong(checks.cut(reader, folder)) == []


def test_traffic_that_is_not_ours_is_shown_as_without_the_dissector(reader: Reader, folder: Path) -> None:
    assert wrong(checks.others(reader, folder)) == []


def test_the_numbers_over_a_capture_are_right(reader: Reader) -> None:
    assert wrong(checks.statistics(reader)) == []


def wrong(found: Iterator[str]) -> list[str]:
    return [each for each in found if each]
