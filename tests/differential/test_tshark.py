"""The dissector in tshark against the protocol floor: thousands of messages by chance in one run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from fzctl.analysis.exchanges import follow_whole
from fzctl.pcap.capture import open_capture
from fzctl.protocol.packet import parse_packet
from fzctl.records import Record, read_records
from fzctl.wireshark.compare import differences, our_values, their_values
from tests.differential.messages import control
from tests.differential.scale import SEED, many
from tests.pcap import build
from tests.wireshark import checks, mutations
from tests.wireshark.mutations import Broken
from tests.wireshark.roots import tshark_here
from tests.wireshark.traffic import Cut
from tests.wireshark.tsharks import Reader

MESSAGES = 3000

pytestmark = pytest.mark.peer("tshark")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with tshark_here() as tshark:
        yield Reader(tshark)


def messages(chance: Random, count: int) -> Iterator[bytes | Cut]:
    for _ in range(count):
        packet = control(chance, sound_header=True)
        # Of a message of which not a byte was captured Wireshark shows nothing.
        first = parse_packet(packet).offset + 1
        cut = chance.random() < 0.1
        yield Cut(packet, chance.randrange(first, len(packet) + 1)) if cut else packet


def frames(chance: Random, count: int) -> Iterator[tuple[int, bytes]]:
    """Messages and other traffic in frames of many links, as Wireshark reads them: link type and frame."""
    for _ in range(count):
        packet = control(chance, sound_header=True)
        if chance.random() < 0.2:
            packet = build.ipv6(chance.randbytes(60), protocol=chance.choice((6, 17, 50, 255)))
        tags = [chance.choice((0x8100, 0x88A8)) for _ in range(chance.choice((0, 0, 1, 2)))]
        trailer = bytes(chance.choice((0, 0, 0, 4, 6)))
        yield chance.choice(
            (
                (1, build.ethernet(packet, *tags) + trailer),
                (101, packet),
                (113, build.cooked(packet, *tags[:1])),
                (276, build.cooked_v2(packet, *tags[:1])),
                (0, chance.choice((b"\x18", b"\x1c", b"\x1e")) + bytes(3) + packet),
                (108, bytes(3) + chance.choice((b"\x18", b"\x1c", b"\x1e")) + packet),
            )
        )


def our_records(path: Path) -> list[Record]:
    with open_capture(path) as capture:
        return follow_whole(read_records(capture.candidates()))


def test_tshark_reads_messages_by_chance_as_we_do(reader: Reader, tmp_path: Path) -> None:
    chance = Random(f"tshark {SEED}")
    path = mutations.write_packets(tmp_path / "messages.pcap", messages(chance, many(MESSAGES)))
    records = agreed(reader, path)
    assert len(records) > many(MESSAGES) * 0.9
    assert len({record.message.reason for record in records}) >= 15


@pytest.mark.parametrize("order", ["<", ">"])
def test_tshark_finds_messages_in_frames_by_chance_as_we_do(
    reader: Reader, tmp_path: Path, order: str
) -> None:
    chance = Random(f"frames {order} {SEED}")
    links: dict[int, int] = {}
    blocks = []
    for number, (link_type, frame) in enumerate(frames(chance, many(MESSAGES / 3))):
        if link_type not in links:
            links[link_type] = len(links)
            blocks.append(build.interface(link_type, order=order))
        blocks.append(build.packet(frame, number * 1000, index=links[link_type], order=order))
    path = tmp_path / "frames.pcapng"
    path.write_bytes(build.section(order=order) + b"".join(blocks))
    records = agreed(reader, path)
    assert {record.path[0] for record in records} == {
        "ethernet", "raw", "linux_cooked", "linux_cooked_v2", "null", "loop",
    }  # fmt: skip


@pytest.mark.parametrize("relayed", [False, True], ids=["wireguard", "turn"])
def test_tshark_reads_messages_by_chance_in_a_tunnel_as_we_do(
    reader: Reader, tmp_path: Path, relayed: bool
) -> None:
    chance = Random(f"tunnel {relayed} {SEED}")
    packets = (control(chance) for _ in range(many(MESSAGES / 4)))
    plain = Broken("plain", mutations.write_packets(tmp_path / "plain.pcap", packets))
    case = mutations.sealed(plain, tmp_path, relayed=relayed)
    records = agreed(reader, case.capture, case.keys)
    assert len(records) > many(MESSAGES / 4) * 0.8
    assert {record.path[-1] for record in records} == {"wireguard"}


def agreed(reader: Reader, path: Path, keys: Path | None = None) -> list[Record]:
    """Our reading of a capture, which is tshark's."""
    ours = our_records(path) if keys is None else follow_whole(checks.records(path, keys))
    shown, complaints = reader.messages(path, "-2", keys=keys)
    assert complaints == []
    found = differences(
        [(record.frame, our_values(record)) for record in ours],
        [(frame, their_values(values)) for frame, values in shown],
    )
    assert found[:20] == []
    return ours
