"""The simulated gateway does what is due when it is due, by the clock of its carrier."""

from __future__ import annotations

import pytest

from fzctl.live.gateway import Answer, GatewayPlayer, Rules
from fzctl.live.simulated import DELAY, LOOKUP_TIME, SimulatedGateway
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.codec import decode
from tests.records import assigned, goodbye

QUICK_IPS = ("100.96.0.5", "100.96.0.6", "100.96.0.7", "100.96.0.8")


def with_rules(**answer: object) -> SimulatedGateway:
    return SimulatedGateway(GatewayPlayer(Rules(otherwise=Answer(**answer))))  # type: ignore[arg-type]


def test_an_answer_takes_the_way_there_the_lookup_and_the_way_back() -> None:
    gateway = SimulatedGateway()
    gateway.carrier.send(assigned())
    received = gateway.carrier.receive(9)
    assert received is not None
    assert decode(received.packet).fields["status"] == "Active"
    assert gateway.clock.now == pytest.approx(2 * DELAY + LOOKUP_TIME)
    assert len(gateway.table()) == 4


def test_a_lookup_that_ends_never_is_answered_after_ten_seconds() -> None:
    gateway = with_rules(delay=1000)
    gateway.carrier.send(assigned())
    received = gateway.carrier.receive(60)
    assert received is not None
    assert decode(received.packet).fields["status"] == "Inactive"
    assert gateway.clock.now == pytest.approx(10 + 2 * DELAY)


def test_what_is_to_leave_later_leaves_later() -> None:
    gateway = with_rules(wrong="late")
    gateway.carrier.send(assigned())
    said = []
    for _ in range(2):
        received = gateway.carrier.receive(9)
        assert received is not None
        said.append((decode(received.packet).fields["status"], round(gateway.clock.now, 6)))
    assert said == [("Active", 2 * DELAY), ("Inactive", 1 + 2 * DELAY)]


def test_each_of_many_questions_is_answered_in_its_time() -> None:
    gateway = SimulatedGateway()
    came = []
    for number in range(20):
        gateway.carrier.send(assigned(f"a{number}.example.com"))
        came.append(gateway.carrier.receive(0.01))
    came += [gateway.carrier.receive(1) for _ in range(20)]
    answers = [decode(received.packet).fields["domain"] for received in came if received is not None]
    assert answers == [f"a{number}.example.com" for number in range(20)]


def test_a_quick_lookup_overtakes_a_slow_one() -> None:
    slow = Answer(DomainPattern("slow.example.com"), delay=5.0)
    gateway = SimulatedGateway(GatewayPlayer(Rules(answers=(slow,), otherwise=Answer(delay=0.5))))
    gateway.carrier.send(assigned("slow.example.com"))
    gateway.carrier.send(assigned("quick.example.com", *QUICK_IPS))
    said = []
    for _ in range(2):
        received = gateway.carrier.receive(9)
        assert received is not None
        said.append((decode(received.packet).fields["domain"], round(gateway.clock.now, 6)))
    assert said == [("quick.example.com", 0.5 + 2 * DELAY), ("slow.example.com", 5 + 2 * DELAY)]


def test_who_forgets_has_no_table_and_gives_no_answer_that_is_still_looked_up() -> None:
    gateway = SimulatedGateway()
    gateway.carrier.send(assigned("a.example.com"))
    assert gateway.carrier.receive(1) is not None
    gateway.carrier.send(assigned("b.example.com"))
    assert gateway.carrier.receive(DELAY + LOOKUP_TIME / 2) is None
    gateway.forget()
    assert gateway.table() == []
    assert gateway.carrier.receive(5) is None


def test_a_goodbye_empties_the_table() -> None:
    gateway = SimulatedGateway()
    gateway.carrier.send(assigned())
    assert gateway.carrier.receive(1) is not None
    gateway.carrier.send(goodbye())
    assert gateway.carrier.receive(1) is None
    assert gateway.table() == []
