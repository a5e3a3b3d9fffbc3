"""The judges of a soak find what is wrong, and what they rest on does what it should."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fzctl.live.player import CONFIRMED, PENDING, UNANSWERED
from fzctl.protocol.packet import build_packet
from fzctl.wireguard.keylog import format_keylog
from tests.lab.rough import Rough, Roughness
from tests.lab.soakend import digest
from tests.lab.soakjudge import GROWTH, judge_exchanges, judge_growth, judge_tunnel
from tests.lab.weighing import weigh
from tests.wireguard.lab import Lab, shake_hands


@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_rough_path_does_what_it_should_and_the_same_again(seed: str) -> None:
    how = Roughness()
    rough = Rough(how, seed)
    fates = [rough.fate() for _ in range(20_000)]
    again = Rough(how, seed)
    assert fates == [again.fate() for _ in range(20_000)]
    assert sum(not fate for fate in fates) / len(fates) == pytest.approx(how.loss, rel=0.1)
    assert sum(len(fate) == 2 for fate in fates) / len(fates) == pytest.approx(how.twice * 0.9, rel=0.25)
    late = sum(bool(fate) and fate[0] > how.delay for fate in fates)
    assert late / len(fates) == pytest.approx(how.late * 0.9, rel=0.15)
    assert max(delay for fate in fates for delay in fate) <= how.delay + how.lag


def step(**more: Any) -> dict[str, Any]:
    plain = {"domain": "a.example.com", "round": 1, "state": CONFIRMED, "sent_count": 1}
    return {**plain, "asked_at": 100.0, "answered_at": 100.1, "time": 100.1, **more}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"state": UNANSWERED}, "unanswered after 1 sendings"),
        ({"answered_at": 107.0, "time": 107.0}, "took 7.00 s with 1 sendings"),
        ({"sent_count": 3}, "took 0.10 s with 3 sendings"),
        ({"round": 2}, "the rounds that ended are [2]"),
    ],
)
def test_an_exchange_that_breaks_the_rules_is_told_and_excused_in_a_pause(
    wrong: dict[str, Any], words: str
) -> None:
    assert judge_exchanges([step()], [], {}) == []
    assert words in judge_exchanges([step(**wrong)], [], {})[0]
    if "round" not in wrong:
        assert judge_exchanges([step(**wrong)], [(99.5, 99.9)], {}) == []


def test_that_nothing_was_ever_answered_is_told() -> None:
    assert judge_exchanges([], [], {}) == ["no exchange came to its end"]
    assert judge_exchanges([step(state=PENDING)], [], {}) == ["no exchange came to its end"]


def test_growth_of_two_percent_is_told() -> None:
    def samples(last: float) -> list[tuple[float, float]]:
        return [(10.0 * number, last if number >= 60 else 100.0) for number in range(90)]

    assert judge_growth(samples(100 * (1 + GROWTH) - 0.1), "memory", {}) == []
    assert judge_growth(samples(102.5), "memory", {}) == ["memory grew by 2.5%: from 100 to 102"]
    assert judge_growth([(time / 100, value) for time, value in samples(150.0)], "memory", {}) == []


def test_what_is_reachable_is_weighed_and_the_program_around_it_is_not() -> None:
    held: list[Any] = [{"a": b"x" * 1000}]
    before = weigh([held])
    assert 1000 < before.size < 2000
    held.append([str, json, weigh, 5, 7.5, *(str(number) for number in range(100, 200))])
    after = weigh([held])
    assert after.objects == before.objects + 101


class Scene:
    """A folder as a soaked tunnel leaves it, made by hand: five packets to each end, a second apart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lab: Lab = shake_hands()
        self.packets = [build_packet(9, b"number %d" % number) for number in range(5)]
        for name in ("near", "far"):
            (folder / name).mkdir()
        (folder / "near" / "keys").write_text(format_keylog(self.lab.initiator_log().entries))
        self.records = [self.record(0, 0, self.lab.initiation), self.record(0.1, 1, self.lab.response)]
        for number, packet in enumerate(self.packets):
            self.records.append(self.record(2.0 + number, 0, self.lab.to_responder(number, packet)))
            self.records.append(self.record(2.5 + number, 1, self.lab.to_initiator(number, packet)))
        self.near = [(2.0 + number, ">", packet) for number, packet in enumerate(self.packets)]
        self.near += [(2.6 + number, "<", packet) for number, packet in enumerate(self.packets)]
        self.far = [(2.1 + number, "<", packet) for number, packet in enumerate(self.packets)]

    @staticmethod
    def record(when: float, way: int, datagram: bytes, copies: int = 1) -> bytes:
        return struct.pack("<ddBBH", when, when + 0.1, way, copies, len(datagram)) + datagram

    def judge(self, pauses: Sequence[tuple[float, float]] = ()) -> list[str]:
        (self.folder / "relay").write_bytes(b"".join(self.records))
        for name, lines in (("near", self.near), ("far", self.far)):
            told = [f"{when} {way} {digest(packet)}\n" for when, way, packet in sorted(lines)]
            (self.folder / name / "packets").write_text("".join(["0.0 begin\n", *told, "20.0 end\n"]))
        return judge_tunnel(self.folder, pauses, self.folder / "near" / "keys").broken


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    assert made.judge() == []
    return made


def test_a_packet_that_comes_twice_is_told(scene: Scene) -> None:
    scene.near.append((6.0, "<", scene.packets[0]))
    assert scene.judge() == ["our end took 1 packets twice or out of nothing, after 6.00 s"]


def test_a_packet_that_the_path_passed_on_and_nobody_took_is_told(scene: Scene) -> None:
    del scene.far[2]
    assert scene.judge() == ["wireguard-go lost 1 packets that the path passed on, after 4.00 s"]


def test_of_a_message_that_is_repeated_the_one_is_told_that_was_lost(scene: Scene) -> None:
    for number in (5, 6, 7):
        again = scene.lab.to_responder(number, scene.packets[0])
        scene.records.append(scene.record(3.0 + number, 0, again))
        scene.near.append((3.0 + number, ">", scene.packets[0]))
        if number != 6:
            scene.far.append((3.1 + number, "<", scene.packets[0]))
    assert scene.judge() == ["wireguard-go lost 1 packets that the path passed on, after 9.00 s"]


def test_what_everybody_slept_through_is_excused(scene: Scene) -> None:
    del scene.far[2]
    assert scene.judge([(3.0, 3.5)]) == []
    assert scene.judge([(5.5, 6.0)]) != []


def test_a_packet_that_the_path_lost_is_not_missed(scene: Scene) -> None:
    scene.records[6] = scene.record(4.0, 0, scene.lab.to_responder(2, scene.packets[2]), copies=0)
    del scene.far[2]
    assert scene.judge() == []


def test_packets_of_ours_that_never_left_are_told(scene: Scene) -> None:
    scene.near.append((3.0, ">", build_packet(9, b"another")))
    assert scene.judge() == ["1 packets of ours never left, 0 did unasked"]


def test_a_stall_is_told(scene: Scene) -> None:
    scene.far = [(when + 2 * number, way, packet) for number, (when, way, packet) in enumerate(scene.far)]
    assert scene.judge() == []
    scene.far = [(when + 4 * number, way, packet) for number, (when, way, packet) in enumerate(scene.far)]
    assert scene.judge() == ["nothing came to wireguard-go for 7.0 s, 9.1 s after the start"]


def test_a_datagram_that_does_not_open_is_told(scene: Scene) -> None:
    broken = bytearray(scene.lab.to_initiator(9, scene.packets[0]))
    broken[-1] ^= 1
    scene.records.append(scene.record(9.0, 1, bytes(broken)))
    assert scene.judge() == ["datagram 13 of type 4 does not open: authentication_failed"]
