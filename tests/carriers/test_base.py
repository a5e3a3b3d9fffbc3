"""The carriers' shape: what others write against."""

from __future__ import annotations

from fzctl.carriers.base import Carrier, Received
from fzctl.carriers.memory import memory_pair


def test_what_is_received_came_in_unless_the_carrier_knows_better() -> None:
    assert Received(b"", 0, "wg0").direction == "in"


def test_a_carrier_closes_on_leaving_the_block() -> None:
    first: Carrier
    first, second = memory_pair()
    with first:
        first.send(b"x")
        assert second.receive(1) == Received(b"x", 1_700_000_000_000_000_000, "client", "in")
    first.close()
