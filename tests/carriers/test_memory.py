"""The carriers in memory: order, delay, a peer that answers, and a clock that waits for no one."""

from __future__ import annotations

import pytest

from fzctl.carriers.base import Received
from fzctl.carriers.memory import VirtualClock, memory_pair
from fzctl.errors import EXIT_CARRIER, CarrierError


def test_packets_arrive_in_order_after_the_delay_with_their_time() -> None:
    clock = VirtualClock(epoch=1000)
    first, second = memory_pair(clock, delay=0.25)
    first.send(b"one")
    first.send(b"two")
    assert second.receive(0.2) is None
    assert clock.now == 0.2
    assert second.receive(9) == Received(b"one", 1000_250_000_000, "client")
    assert second.receive(0) == Received(b"two", 1000_250_000_000, "client")
    assert clock() == 0.25


def test_waiting_in_vain_takes_the_whole_time_and_polling_none() -> None:
    first, _ = memory_pair()
    assert first.receive(0) is None
    assert first.clock.now == 0
    assert first.receive(2.5) is None
    assert first.clock.now == 2.5


def test_a_simulated_peer_answers_while_the_other_waits() -> None:
    client, gateway = memory_pair(delay=0.1)
    gateway.on_packet = lambda received: gateway.send(b"to " + received.packet)
    client.send(b"you")
    assert client.receive(1) == Received(b"to you", client.clock.time_ns(), "gateway")
    assert client.clock.now == 0.2


def test_calls_happen_in_the_order_of_their_times_and_never_in_the_past() -> None:
    clock = VirtualClock()
    seen: list[tuple[str, float]] = []
    clock.call_at(2, lambda: seen.append(("late", clock.now)))
    clock.call_at(1, lambda: seen.append(("early", clock.now)))
    clock.call_at(1, lambda: clock.call_at(0, lambda: seen.append(("at once", clock.now))))
    assert not clock.wait(5)
    assert seen == [("early", 1), ("at once", 1), ("late", 2)]
    assert clock.now == 5


def test_what_is_closed_neither_sends_nor_receives_and_says_so() -> None:
    first, second = memory_pair()
    second.send(b"lost")
    first.close()
    first.close()
    with pytest.raises(CarrierError, match="cannot send to client: it is closed") as caught:
        first.send(b"")
    assert caught.value.exit_code == EXIT_CARRIER
    with pytest.raises(CarrierError, match="cannot receive from client"):
        first.receive(0)
    assert second.receive(1) is None
