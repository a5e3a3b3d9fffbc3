"""The ladder keeps both ends, notes copies, and puts packets of one state together."""

from __future__ import annotations

from fzctl.analysis.findings import Spot, Subject
from fzctl.analysis.ladder import Flow, Ladder, Sent
from fzctl.nat.client import State
from fzctl.protocol.packet import MAX_PACKET
from tests.analysis.scenario import START, Scene
from tests.records import raw, record

SUBJECT = Subject(1, 1)
DOMAIN = Subject(1, 1, "r", "a.example")


def test_of_many_messages_the_first_and_the_last_are_kept() -> None:
    ladder, scene = Ladder(2, with_copies=False), Scene()
    for at in range(7):
        ladder.message(scene.ask(at), None, SUBJECT)
    kept = ladder.kept()
    assert [rung.record.frame for rung in kept.things if isinstance(rung, Sent)] == [1, 2, 6, 7]
    assert (kept.left_out, kept.before_gap) == (3, 2)


def test_a_copy_is_noted_with_its_original_and_is_no_rung() -> None:
    ladder, scene = Ladder(), Scene(file="a")
    first = scene.ask(0)
    ladder.message(first, None, SUBJECT)
    ladder.message(first._replace(frame=9, file="b", copy_of=1, copy_in="a"), None, SUBJECT)
    [rung] = ladder.kept().things
    assert isinstance(rung, Sent)
    assert rung.copies == [Spot(9, first.time, "b")]


def test_packets_of_one_state_are_one_flow_until_the_next_message() -> None:
    ladder, scene = Ladder(), Scene()
    ladder.message(scene.ask(0), None, SUBJECT)
    for frame, towards in ((2, True), (3, False), (4, True)):
        spot = Spot(frame, START + frame, None)
        ladder.packet(DOMAIN, State.CONFIRMED, spot, 100, buffering=False, towards=towards)
    ladder.packet(DOMAIN, State.FAILED, Spot(5, START, None), 100, buffering=False, towards=True)
    ladder.message(scene.answer(1), None, SUBJECT)
    ladder.packet(DOMAIN, State.CONFIRMED, Spot(7, START, None), 50, buffering=False, towards=True)
    flows = [rung for rung in ladder.kept().things if isinstance(rung, Flow)]
    counted = [(flow.state, flow.packets_to, flow.bytes_to, flow.packets_from) for flow in flows]
    assert counted == [(State.CONFIRMED, 2, 200, 1), (State.FAILED, 1, 100, 0), (State.CONFIRMED, 1, 50, 0)]
    assert list(flows[0].domains) == ["a.example"]


def test_of_packets_too_large_for_a_receiver_the_beginning_is_kept() -> None:
    for with_copies in (False, True):
        ladder, packet = Ladder(with_copies=with_copies), raw(0, b"x" * 60_000)
        ladder.message(record(packet), None, SUBJECT)
        [rung] = ladder.kept().things
        assert isinstance(rung, Sent)
        assert rung.record.message.packet == packet[:MAX_PACKET]
        assert rung.record.message.error == record(packet).message.error
        assert rung.left_out == len(packet) - MAX_PACKET
