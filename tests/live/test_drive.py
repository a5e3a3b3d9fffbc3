"""The loop that lets a player play, in virtual time."""

from __future__ import annotations

import pytest

from fzctl.carriers.base import Received
from fzctl.carriers.memory import MemoryCarrier, VirtualClock, memory_pair
from fzctl.errors import CarrierError
from fzctl.live.client import ClientPlayer, Habits, Wish
from fzctl.live.drive import DONE, LONGEST_WAIT, STOPPED, TIME_UP, drive
from fzctl.live.gateway import GatewayPlayer, Rules
from fzctl.live.impair import Impairer, Impairments
from fzctl.live.player import LOST, SENT, UNSENT, Happening
from fzctl.protocol.codec import decode
from tests.live.scenes import RESOURCE, WIKI, answer
from tests.records import assigned, goodbye, status


class Ends:
    """Our carrier, and what the other end got and when."""

    def __init__(self, reply: bytes | None = None) -> None:
        self.clock = VirtualClock()
        self.ours, self.theirs = memory_pair(self.clock)
        self.got: list[tuple[float, str]] = []
        self.heard: list[Happening] = []
        self._reply = reply
        self.theirs.on_packet = self._take

    def _take(self, received: Received) -> None:
        message = decode(received.packet)
        self.got.append((round(self.clock.now, 3), message.name))
        if self._reply is not None and message.name == "assigned_ips":
            self.theirs.send(self._reply)


def client(**habits: object) -> ClientPlayer:
    return ClientPlayer([Wish(WIKI, RESOURCE)], Habits(**habits))  # type: ignore[arg-type]


def never() -> bool:
    return False


def test_it_ends_when_the_player_is_done_with_a_goodbye() -> None:
    ends = Ends(status(WIKI))
    assert drive(client(), ends.ours, ends.clock, never, ends.heard.append) == DONE
    assert [each.name for each in ends.heard] == ["state", "sent", "received", "state", "sent"]
    ends.clock.wait(0)
    assert [name for _, name in ends.got] == ["assigned_ips", "goodbye"]
    assert ends.clock.now == 0


def test_it_ends_with_the_time() -> None:
    ends = Ends(status(WIKI))
    ended = drive(client(), ends.ours, ends.clock, never, ends.heard.append, 7.25, until_done=False)
    assert ended == TIME_UP
    assert ends.clock.now == pytest.approx(7.25)


def test_it_ends_when_it_is_stopped_and_says_goodbye() -> None:
    ends = Ends()
    ended = drive(client(), ends.ours, ends.clock, lambda: ends.clock.now > 3, ends.heard.append)
    ends.clock.wait(0)
    assert ended == STOPPED
    assert ends.clock.now < 3 + 2 * LONGEST_WAIT
    assert [name for _, name in ends.got] == ["assigned_ips", "assigned_ips", "goodbye"]


def test_timers_are_kept_to_the_millisecond() -> None:
    ends = Ends()
    drive(client(traffic=0.3), ends.ours, ends.clock, never, ends.heard.append, 7.0)
    assert [time for time, name in ends.got if name == "assigned_ips"] == pytest.approx([0, 2.1, 4.2, 6.3])


def test_packets_put_off_leave_at_their_time_and_not_after_the_end() -> None:
    ends = Ends()
    player = GatewayPlayer(Rules(otherwise=answer(wrong="late")))
    ends.clock.call_at(1.0, lambda: ends.theirs.send(assigned(WIKI)))
    ends.clock.call_at(3.0, lambda: ends.theirs.send(assigned(WIKI)))
    drive(player, ends.ours, ends.clock, never, ends.heard.append, 3.5)
    ends.clock.wait(5)
    assert ends.got == [
        (1.0, "domain_status"), (2.0, "domain_status"), (3.0, "domain_status"), (3.5, "goodbye"),
    ]  # fmt: skip


class Breaks(MemoryCarrier):
    def send(self, packet: bytes) -> None:
        raise CarrierError("send to", self.name, "it is gone")


def test_a_packet_that_does_not_leave_ends_it_or_is_told() -> None:
    clock = VirtualClock()
    heard: list[Happening] = []
    with pytest.raises(CarrierError, match="it is gone"):
        drive(client(), Breaks("wg0", clock, 0), clock, never, heard.append)
    assert SENT not in {each.name for each in heard}
    heard.clear()
    assert drive(client(), Breaks("wg0", clock, 0), clock, never, heard.append, 1.0, tolerant=True) == TIME_UP
    assert [each.name for each in heard] == ["state", UNSENT, UNSENT]
    assert "cannot send to wg0" in heard[1].sentence


class Interrupted(Breaks):
    """Ctrl-C while it waits, and by then the tunnel is gone."""

    is_gone = False

    def send(self, packet: bytes) -> None:
        if self.is_gone:
            super().send(packet)

    def receive(self, timeout: float) -> Received | None:
        self.is_gone = True
        raise KeyboardInterrupt


def test_who_interrupts_it_is_told_that_the_goodbye_did_not_leave_and_that_is_no_error() -> None:
    clock = VirtualClock()
    heard: list[Happening] = []
    assert drive(client(), Interrupted("wg0", clock, 0), clock, never, heard.append) == STOPPED
    assert [each.name for each in heard] == ["state", SENT, UNSENT]
    assert decode(heard[2].packet).name == "goodbye"


class Exchanger(MemoryCarrier):
    """Names who sent what, and is told whom an answer is for."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__("wg", clock, 0)
        self.came = [("a", assigned(WIKI)), ("b", assigned("git.example.com")), ("a", goodbye())]
        self.sent: list[tuple[str, str]] = []

    def receive(self, timeout: float) -> Received | None:
        if not self.came:
            self.clock.wait(timeout)
            return None
        peer, packet = self.came.pop(0)
        return Received(packet, 0, "192.0.2.1:1", peer=peer)

    def send_to(self, packet: bytes, peer: str) -> None:
        self.sent.append((peer, decode(packet).name))


def test_answers_go_to_who_asked_and_goodbye_to_who_is_left() -> None:
    clock = VirtualClock()
    carrier = Exchanger(clock)
    drive(GatewayPlayer(), carrier, clock, never, lambda _: None, 1.0)
    assert carrier.sent == [("a", "domain_status"), ("b", "domain_status"), ("b", "goodbye")]


def test_a_bad_network_loses_what_leaves_and_says_so() -> None:
    ends = Ends(status(WIKI))
    impairer = Impairer(Impairments(loss=1.0))
    ended = drive(client(), ends.ours, ends.clock, never, ends.heard.append, 5.0, impairer=impairer)
    assert ended == TIME_UP
    assert [each.name for each in ends.heard].count(LOST) == 3
    ends.clock.wait(0)
    assert [name for _, name in ends.got] == ["goodbye"]


def test_a_bad_network_delays_and_doubles() -> None:
    ends = Ends(status(WIKI))
    impairer = Impairer(Impairments(duplicate=1.0, delay=0.25))
    assert drive(client(), ends.ours, ends.clock, never, ends.heard.append, 5.0, impairer=impairer) == DONE
    assert ends.got[:2] == [(0.25, "assigned_ips")] * 2
