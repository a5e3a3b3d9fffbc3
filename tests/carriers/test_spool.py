"""The thread that takes blocks: order, its end, failures, and how much may wait."""

from __future__ import annotations

import time

import pytest

from fzctl.carriers.spool import Spool
from fzctl.errors import CarrierError
from tests.carriers.rings import Canned

SECONDS = 10.0
GONE = CarrierError("watch", "wg0", "it is gone")


def drained(spool: Spool) -> list[bytes]:
    found: list[bytes] = []
    while True:
        try:
            block = spool.take(SECONDS)
        except EOFError:
            return found
        assert block is not None
        found.append(block)


def test_blocks_come_in_order_and_what_is_there_at_the_end_comes_too() -> None:
    ring = Canned([bytes((number,)) for number in range(100)])
    spool = Spool(ring)
    spool.stop()
    assert drained(spool) == [bytes((number,)) for number in range(100)]
    with pytest.raises(EOFError):
        spool.take(0)
    spool.close()
    assert ring.is_closed


def test_nothing_in_time_is_none() -> None:
    spool = Spool(Canned([]))
    assert spool.take(0.01) is None
    spool.close()


def test_what_came_before_a_failure_is_read_first() -> None:
    spool = Spool(Canned([b"one", b"two"], GONE))
    assert [spool.take(SECONDS), spool.take(SECONDS)] == [b"one", b"two"]
    with pytest.raises(CarrierError, match="it is gone"):
        spool.take(SECONDS)
    spool.close()


def test_the_ring_is_let_go_before_what_it_gave_is_read() -> None:
    ring = Canned([b"one", b"two"])
    spool = Spool(ring)
    spool.stop()
    assert drained(spool) == [b"one", b"two"]
    assert ring.is_closed
    spool.close()


def test_no_more_than_there_is_room_for_waits_and_the_rest_follows() -> None:
    ring = Canned([bytes(10)] * 50)
    spool = Spool(ring, room=100)
    end = time.monotonic() + SECONDS
    while len(ring.blocks) > 39 and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(ring.blocks) == 39  # it looks before it takes
    spool.take(SECONDS)
    spool.stop()
    assert len(drained(spool)) == 49
    spool.close()
