"""Plain captures: the messages as decode finds them, and the packets with a proxy IP, no others."""

from __future__ import annotations

from argparse import Namespace
from contextlib import suppress
from pathlib import Path

import pytest

from fzctl.cli import plain
from fzctl.cli.plain import plain_records
from fzctl.errors import CaptureError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.writer import open_writer
from fzctl.records import read_records
from tests.analysis.scenario import udp
from tests.records import assigned, raw, status

SAMPLES = Path(__file__).parents[2] / "captures"
ARGS = Namespace(dialect="auto", user0_is_ip=False)


def ignore(time: int | None) -> None:
    """Nobody asks for the end."""


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.pcap*")), ids=lambda path: path.name)
def test_the_records_are_those_of_the_fast_scan(path: Path) -> None:
    with open_capture(str(path)) as capture:
        expected = list(read_records(capture.candidates(), "auto", "f"))
    with open_capture(str(path)) as capture:
        assert list(plain_records(capture, ARGS, "f", lambda *packet: None, ignore)) == expected


def test_equal_packets_are_judged_once_and_forgotten_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "a.pcap")
    with open_writer(path, link_type=101) as writer:
        for place, text in enumerate(("Active", "Active", "Inactive", "Active")):
            writer.write(status(text=text) + b"trailer", place)
    found = []
    for most in (2, 1):
        monkeypatch.setattr(plain, "MOST_KNOWN", most)
        with open_capture(path) as capture:
            found.append(list(plain_records(capture, ARGS, None, lambda *packet: None, ignore)))
    assert found[0] == found[1]
    first, second, other, again = (record.message for record in found[0])
    assert first is second is again
    assert other.fields["status"] == "Inactive"
    assert found[1][0].message is not found[1][3].message


@pytest.mark.parametrize(
    ("source", "destination", "wanted"),
    [
        ("100.64.0.7", "100.96.0.1", True),
        ("100.127.255.254", "100.64.0.7", True),
        ("100.64.0.7", "100.95.255.255", False),
        ("100.128.0.0", "101.96.0.1", False),
    ],
)
@pytest.mark.parametrize("link", [1, 101])
def test_packets_with_a_proxy_ip_are_delivered_with_time_and_frame(
    source: str, destination: str, wanted: bool, link: int, tmp_path: Path
) -> None:
    packet = udp(source, destination)
    ethernet = bytes(12) + b"\x08\x00" if link == 1 else b""
    six = b"\x86\xdd" if link == 1 else b""
    path = str(tmp_path / "a.pcap")
    with open_writer(path, link_type=link) as writer:
        writer.write(ethernet[:12] + six + assigned(), 5_000)
        writer.write(ethernet + packet, 7_000)
    delivered: list[tuple[int | None, bytes, int]] = []
    with open_capture(path) as capture:
        found = list(plain_records(capture, ARGS, None, lambda *each: delivered.append(each), ignore))
    assert len(found) == 1
    assert delivered == ([(7_000, packet, 2)] if wanted else [])


def test_ipv6_proxy_ips_count_either_way(tmp_path: Path) -> None:
    proxy = bytes.fromhex("fd002021111180000000000000000005")
    other = bytes.fromhex("fd002021111100000000000000000007")
    packets = [
        b"\x60\0\0\0\0\0\x3b\x40" + source + target
        for source, target in ((proxy, other), (other, proxy), (other, other))
    ]
    path = str(tmp_path / "a.pcap")
    with open_writer(path, link_type=101) as writer:
        for place, packet in enumerate(packets):
            writer.write(packet, place)
    frames: list[int] = []
    with open_capture(path) as capture:
        assert list(plain_records(capture, ARGS, None, lambda *each: frames.append(each[2]), ignore)) == []
    assert frames == [1, 2]


def test_packets_too_large_for_a_receiver_are_not_remembered(tmp_path: Path) -> None:
    path = str(tmp_path / "a.pcap")
    with open_writer(path, link_type=101) as writer:
        for place in range(2):
            writer.write(raw(0, b"x" * 60_000), place)
    with open_capture(path) as capture:
        first, second = plain_records(capture, ARGS, None, lambda *packet: None, ignore)
    assert first.message == second.message
    assert first.message is not second.message


@pytest.mark.parametrize("cut", [0, 5])
def test_the_end_is_told_whatever_stands_there_and_where_damage_is_the_end(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    with open_writer(str(path), link_type=101) as writer:
        writer.write(assigned(), 1_000_000)
        writer.write(udp("10.0.0.1", "10.0.0.2"), 7_000_000)
        writer.write(udp("10.0.0.1", "10.0.0.2"), 9_000_000)
    path.write_bytes(path.read_bytes()[: -cut or None])
    ends: list[int | None] = []
    with open_capture(str(path)) as capture, suppress(CaptureError):
        list(plain_records(capture, ARGS, None, lambda *packet: None, ends.append))
    assert ends == [7_000_000 if cut else 9_000_000]
