"""What becomes of replayed messages."""

from __future__ import annotations

import pytest

from fzctl.carriers.base import Received
from fzctl.carriers.memory import VirtualClock
from fzctl.live.impair import CORRUPTED, DUPLICATE, LOST
from fzctl.live.schedule import Timed
from fzctl.live.tally import Tally
from fzctl.protocol.codec import decode
from tests.records import RESOURCE, assigned, goodbye, packet, raw, status

PACKETS = [assigned("a.example"), assigned("b.example"), goodbye()]


class Scene:
    def __init__(self, *packets: bytes) -> None:
        self.packets = packets or tuple(PACKETS)
        self.clock = VirtualClock()
        self.tally = Tally([decode(each) for each in self.packets], self.clock)

    def sends(self, number: int, *done: str) -> None:
        self.tally.sent(Timed(0.0, self.packets[(number - 1) % len(self.packets)], number, done))

    def gets(self, came: bytes) -> None:
        self.tally.take(Received(came, 0, "them"))


def test_questions_and_their_answers_are_counted_with_their_times() -> None:
    scene = Scene()
    scene.sends(1)
    scene.clock.wait(0.5)
    scene.sends(2)
    scene.sends(3)
    scene.clock.wait(0.25)
    scene.gets(status("B.example"))
    scene.gets(status("a.example."))
    assert (scene.tally.asked, scene.tally.open_count, scene.tally.others) == (2, 0, 0)
    assert scene.tally.times == [0.25, 0.75]


def test_a_question_that_is_sent_again_while_open_stays_one_and_is_asked_anew_afterwards() -> None:
    scene = Scene()
    scene.sends(1)
    scene.clock.wait(2)
    scene.sends(1, DUPLICATE)
    scene.gets(status("a.example"))
    scene.sends(4)  # the next round begins
    scene.clock.wait(1)
    scene.gets(status("a.example"))
    assert (scene.tally.asked, scene.tally.times) == (2, [2, 1])


@pytest.mark.parametrize("how", [LOST, CORRUPTED])
def test_what_was_lost_or_spoiled_asks_nothing(how: str) -> None:
    scene = Scene()
    scene.sends(1, how)
    scene.gets(status("a.example"))
    assert (scene.tally.asked, scene.tally.times, scene.tally.others) == (0, [], 1)


def test_other_messages_and_foreign_packets_are_counted_apart() -> None:
    scene = Scene()
    scene.sends(1)
    for came in (status("c.example"), goodbye(), raw(9), raw(1, "{"), assigned("a.example"), b"", b"\x45"):
        scene.gets(came)
    assert (scene.tally.others, scene.tally.foreign, scene.tally.open_count) == (5, 2, 1)


def test_an_answer_belongs_to_a_question_of_its_dialect() -> None:
    request = packet("request", resource=RESOURCE, domain="a.example", proxy_ips=["100.96.0.1"])
    scene = Scene(request)
    scene.tally = Tally([decode(request, "seed")], scene.clock)
    scene.sends(1)
    scene.gets(status("a.example"))
    scene.gets(packet("response", resource=RESOURCE, domain="a.example", code=200))
    assert (scene.tally.others, len(scene.tally.times)) == (1, 1)


def test_whether_anything_asks_is_known_before() -> None:
    assert Scene().tally.asks
    assert not Scene(goodbye(), status(), raw(0, "{")).tally.asks
