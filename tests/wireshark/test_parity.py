"""The dissector's verdicts are the program's: on every vector and on every sample capture."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from fzctl.analysis.exchanges import follow_whole
from fzctl.pcap.capture import open_capture
from fzctl.pcap.writer import open_writer
from fzctl.records import Record, read_records
from fzctl.wireshark.compare import Values, compared_fields, our_values, their_values
from tests.wireshark.tsharks import Reader

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = sorted(
    path for path in (ROOT / "captures").rglob("*.pcap*") if path.parent.name != "encrypted"
)
VECTORS: Final = json.loads((ROOT / "tests" / "protocol" / "vectors" / "packets.json").read_bytes())[
    "vectors"
]
DIALECTS: Final = ("seed", "current", "next")

pytestmark = pytest.mark.peer("tshark")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_vectors(reader: Reader, dialect: str, tmp_path: Path) -> None:
    vectors = [each for each in VECTORS if each["hex"] and each["dialect"] == dialect]
    capture = tmp_path / "vectors.pcap"
    with open_writer(capture) as writer:
        for number, vector in enumerate(vectors):
            writer.write(bytes.fromhex(vector["hex"]), number * 1_000_000)
    ours = {record.frame: record for record in our_records(capture, dialect)}
    theirs = dict(messages(reader, capture, "-o", f"fzp2p.dialect:{dialect}"))
    assert vectors
    names = {number: vector["name"] for number, vector in enumerate(vectors, start=1)}
    assert [names[frame] for frame in ours if frame not in theirs] == []
    assert [names[frame] for frame in theirs if frame not in ours] == []
    different = {
        names[frame]: difference(record, theirs[frame])
        for frame, record in ours.items()
        if difference(record, theirs[frame])
    }
    assert different == {}


@pytest.mark.parametrize("capture", SAMPLES, ids=lambda path: path.stem)
def test_samples(reader: Reader, capture: Path) -> None:
    if capture.stem == "user0":
        pytest.skip("Wireshark takes link type 147 for IP only where its preferences say so")
    ours = our_records(capture, "auto")
    theirs = messages(reader, capture)
    assert [frame for frame, _ in theirs] == [record.frame for record in ours]
    for record, (_, shown) in zip(ours, theirs, strict=True):
        assert difference(record, shown) == []


def messages(reader: Reader, capture: Path, *options: str) -> list[tuple[int, dict[str, list[str]]]]:
    found, complaints = reader.messages(capture, "-2", *options)
    assert complaints == []
    return found


def our_records(capture: Path, dialect: str) -> list[Record]:
    with open_capture(capture) as source:
        return follow_whole(read_records(source.candidates(), dialect))


def difference(record: Record, shown: Values) -> list[tuple[str, Any, Any]]:
    ours, theirs = our_values(record), their_values(shown)
    found: list[tuple[str, Any, Any]] = [
        (name, list(ours[name]), list(theirs[name])) for name in compared_fields()
    ]
    error = [] if record.message.error is None else [record.message.error]
    found.append(("error", without_numbers(error), without_numbers(shown.get("fzp2p.error", ()))))
    found.append(("text", list(ours["fzp2p.resource"]), list(shown.get("fzp2p.resource_text", ()))))
    return [each for each in found if each[1] != each[2]]


def without_numbers(texts: Sequence[str]) -> list[str]:
    """Lua repeats a number as it stands in the payload, Python prints the one that it means."""
    return [re.sub(r"number [-+.0-9eE]+", "number", text) for text in texts]
