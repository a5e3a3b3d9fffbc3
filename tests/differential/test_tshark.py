"""The generated dissector in tshark against the protocol floor: thousands of messages by chance in one run."""

from __future__ import annotations

from collections import Counter
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
from tests.wireshark import mutations
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


def our_records(path: Path) -> list[Record]:
    with open_capture(path) as capture:
        return follow_whole(read_records(capture.candidates()))


def test_tshark_reads_messages_by_chance_as_we_do(reader: Reader, tmp_path: Path) -> None:
    chance = Random(f"tshark {SEED}")
    path = mutations.write_packets(tmp_path / "messages.pcap", messages(chance, many(MESSAGES)))
    ours = our_records(path)
    shown, complaints = reader.messages(path, "-2")
    assert complaints == []
    found = differences(
        [(record.frame, our_values(record)) for record in ours],
        [(frame, their_values(values)) for frame, values in shown],
    )
    assert found[:20] == []
    reasons = Counter(record.message.reason for record in ours)
    assert len(ours) > many(MESSAGES) * 0.9
    assert len(reasons) >= 15
