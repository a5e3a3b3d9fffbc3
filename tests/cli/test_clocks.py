"""Clocks that step: durations never come from the wall clock, and what it says is only written down."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fzctl.wireguard.events import World
from tests.cli.conftest import Run
from tests.pcap import build
from tests.records import assigned, goodbye, status

ROOT = Path(__file__).parents[2] / "fzctl"
WALL = re.compile(r"\btime\.time(?:_ns)?\b|\bimport time_ns\b|CLOCK_REALTIME|datetime\.now")
READERS = {
    "carriers/interface.py": "when a packet came, where the kernel does not say",
    "carriers/pump.py": "when a datagram came or left; the start of a device's timestamps",
    "carriers/recorded.py": "when a packet went through",
    "cli/craft.py": "when a message was made",
    "cli/logs.py": "what 10m before now means",
    "cli/playing.py": "when the transcript began",
    "pcap/rotation.py": "the date in a file's name",
}
HOUR = 3600


def test_the_wall_clock_is_read_where_a_moment_is_written_down_and_nowhere_else() -> None:
    found = {
        str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if WALL.search(path.read_text("utf-8"))
    }
    assert found == {*READERS}


@pytest.mark.parametrize("step", [HOUR, -HOUR, 0])
def test_timestamps_of_a_device_increase_by_its_own_clock(step: int) -> None:
    # The device asks for real time once; whatever that clock does later, it does not see.
    world = World(bytes, 5.0, (1_790_000_000 + step) * 10**9)
    stamps = [world.timestamp(5.0 + now) for now in (0, 0, 0.5, 0.5, 0.4, 120, 7200)]
    assert stamps == sorted({*stamps})


@pytest.mark.parametrize("steps", [(HOUR,), (-HOUR,), (HOUR, -HOUR), (-HOUR, HOUR)])
@pytest.mark.parametrize(
    "verb", ["decode", "analyze", "check", "stats", "replay -i lo --dry-run", "analyze --merge {other}"]
)
def test_a_capture_whose_clock_stepped_is_read_to_its_end(
    verb: str, steps: tuple[int, ...], fzctl: Run, tmp_path: Path
) -> None:
    now, records = 1_790_000_000, b""
    for step in (*steps, 0):
        for packet in (assigned(), status()):
            now += 1
            records += build.record(packet, now)
        now += step
    records += build.record(goodbye(), now)
    for name in ("a.pcap", "b.pcap"):
        (tmp_path / name).write_bytes(build.pcap([]) + records)
    words = verb.format(other=tmp_path / "b.pcap").split()
    found = fzctl(*words, str(tmp_path / "a.pcap"))
    assert found.code in (0, 1)
    assert "-1" not in found.err
    if verb == "decode":
        assert len(found.lines) == 2 * (len(steps) + 1) + 1
    elif verb.startswith("replay"):
        times = [float(line.split()[0]) for line in found.lines]
        assert times == sorted(times)
        assert times[0] == 0
