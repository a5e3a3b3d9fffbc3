"""The fast scans against a plain walk, by chance: the same frames, numbers, and place of the damage."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from fzctl.cli.plain import plain_records
from fzctl.errors import CaptureError
from fzctl.pcap import halves
from fzctl.pcap.capture import Capture, open_capture
from fzctl.protocol.kinds import AUTO
from fzctl.records import read_records
from tests.differential import captures, plainwalk
from tests.differential.plainwalk import Walk
from tests.differential.scale import SEED, many
from tests.pcap.build import Pieces

CAPTURES = 400


class Reading(NamedTuple):
    """What came, how many frames were passed, the unreadable ones by link type, where the damage is."""

    items: list[Any]
    passed: int
    unreadable: dict[int, int]
    error_at: int | None


def read(source: Path | Pieces, way: Callable[[Capture], Iterable[Any]]) -> Reading:
    items: list[Any] = []
    try:
        capture = open_capture(source)
    except CaptureError as error:
        return Reading(items, 0, {}, error.offset)
    error_at = None
    with capture:
        try:
            for item in way(capture):
                items.append(tuple(item))  # noqa: PERF401 - what came before an error counts
        except CaptureError as error:
            error_at = error.offset
        return Reading(items, capture.frame_count, dict(capture.skipped_link_types), error_at)


def told(found: Walk, items: Iterable[Any]) -> Reading:
    return Reading(list(items), found.count, found.unreadable, found.error_at)


def differ(data: bytes, sizes: list[int]) -> list[str]:
    """In which of the ways to read a capture something else comes than the plain walk tells."""
    found = plainwalk.walk(data)
    ways: dict[str, tuple[Callable[[Capture], Iterable[Any]], Reading]] = {
        "frames": (
            lambda each: (frame[:5] for frame in each.frames()),
            told(found, map(tuple, found.frames)),
        ),
        "candidates": (Capture.candidates, told(found, plainwalk.controls(found))),
        "packets": (Capture.packets, told(found, plainwalk.controls_and_udp(found))),
    }
    return [
        f"{name}: {each}"
        for name, (way, expected) in ways.items()
        for each in compare(read(Pieces(data, sizes), way), expected)
    ]


def compare(got: Reading, expected: Reading) -> list[str]:
    pairs = zip(Reading._fields, got, expected, strict=True)
    return [f"{field} {_shortly(ours, theirs)}" for field, ours, theirs in pairs if ours != theirs]


def _shortly(ours: Any, theirs: Any) -> str:
    if not isinstance(ours, list):
        return f"{ours}, not {theirs}"
    pairs = zip([*ours, None], [*theirs, None], strict=False)
    first = next(((mine, other) for mine, other in pairs if mine != other), None)
    return f"{len(ours)}, not {len(theirs)}: {first}"


def sizes_of(chance: Random, data: bytes) -> list[int]:
    """How a pipe delivers: mostly all that there is, now and then bit by bit."""
    if chance.random() < 0.7:
        return [1 << 22]
    least = len(data) // 2000
    return [least + chance.choice((1, 7, 60, 400, 5000, 70_000)) for _ in range(chance.randrange(1, 4))]


def shared(capture: Capture) -> Iterator[Any]:
    """Candidates, for which two processes look; has_secrets is what every reader asks before."""
    capture.has_secrets()
    capture.share(0)
    yield from capture.candidates()


@pytest.mark.parametrize("part", range(4))
def test_whole_captures(part: int) -> None:
    chance = Random(f"whole {SEED} {part}")
    met: Counter[str] = Counter()
    for number in range(many(CAPTURES / 8)):
        data = captures.whole(chance)
        assert differ(data, sizes_of(chance, data)) == [], f"capture {number} of part {part}"
        found = plainwalk.walk(data)
        assert found.error_at is None
        met.update(controls=len(plainwalk.controls(found)), all=len(plainwalk.controls_and_udp(found)))
    assert 0 < met["controls"] < met["all"]


@pytest.mark.parametrize("part", range(4))
def test_broken_captures(part: int) -> None:
    chance = Random(f"broken {SEED} {part}")
    damaged = 0
    for number in range(many(CAPTURES / 4)):
        data = captures.break_capture(chance, captures.whole(chance, 25))
        assert differ(data, sizes_of(chance, data)) == [], f"capture {number} of part {part}"
        damaged += plainwalk.walk(data).error_at is not None
    assert damaged > many(CAPTURES / 4) / 4


@pytest.mark.parametrize("part", range(2))
def test_the_pass_for_analyses_finds_the_same_messages_and_the_packets_of_proxy_ips(part: int) -> None:
    chance = Random(f"analyses {SEED} {part}")
    args = Namespace(dialect=AUTO, user0_is_ip=False)
    messages = others = 0
    for number in range(many(CAPTURES / 8)):
        data = captures.whole(chance)
        if chance.random() < 0.5:
            data = captures.break_capture(chance, data)
        delivered: list[Packet] = []
        ends: list[int | None] = []
        passing = partial(
            plain_records, args=args, name=None, deliver=partial(_deliver, delivered), ended=ends.append
        )
        thorough = read(Pieces(data, sizes_of(chance, data)), passing)
        quick = read(Pieces(data, [1 << 22]), lambda capture: read_records(capture.candidates()))
        assert thorough == quick, f"capture {number} of part {part}"
        expected = plainwalk.to_proxies(plainwalk.walk(data))
        # A few more are delivered: those that are cut within their addresses, and neighbours of the range.
        assert [each for each in delivered if each in expected] == expected, f"capture {number} of {part}"
        assert all(b"\x64" in each[2][:20] or b"\xfd\x00" in each[2][:40] for each in delivered)
        messages += len(quick.items)
        others += len(expected)
    assert messages > many(CAPTURES / 8)
    assert others > many(CAPTURES / 8)


Packet = tuple[int, int | None, bytes]


def _deliver(into: list[Packet], time: int | None, packet: bytes, frame: int) -> None:
    into.append((frame, time, packet))


@pytest.mark.parametrize("part", range(4))
def test_large_captures_that_two_processes_share(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over: list[bool] = []
    received = halves.Halves._received

    def noted(self: halves.Halves) -> Iterator[Any]:
        found = list(received(self))
        handed_over.append(bool(found) and isinstance(found[-1], int))
        yield from found

    monkeypatch.setattr(halves.Halves, "_received", noted)
    chance = Random(f"large {SEED} {part}")
    path = tmp_path / "capture"
    for number in range(many(CAPTURES / 20)):
        data = captures.large(chance)
        if chance.random() < 0.6:
            data = captures.break_capture(chance, data)
        path.write_bytes(data)
        found = plainwalk.walk(data)
        wrong = compare(read(path, shared), told(found, plainwalk.controls(found)))
        assert wrong == [], f"capture {number} of part {part}"
    assert any(handed_over)
