"""What waits to be fetched: in order, bounded, and what gave way is counted."""

from __future__ import annotations

import pytest

from fzctl.carriers import inbox
from fzctl.carriers.base import Received
from fzctl.carriers.inbox import Inbox


def filled(*packets: bytes) -> Inbox:
    found = Inbox()
    for packet in packets:
        found.put(Received(packet, 0, "a peer"))
    return found


def packets_of(found: Inbox) -> list[bytes]:
    return [received.packet for received in iter(found.take, None)]


def test_what_came_first_is_fetched_first_and_then_nothing() -> None:
    found = filled(b"a", b"b", b"c")
    assert len(found) == 3
    assert packets_of(found) == [b"a", b"b", b"c"]
    assert found.take() is None
    assert (len(found), found.dropped) == (0, 0)


def test_the_oldest_give_way_by_number_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_WAITING", 3)
    monkeypatch.setattr(inbox, "MOST_BYTES", 10)
    found = filled(b"a", b"b", b"c", b"d")
    assert (packets_of(found), found.dropped) == ([b"b", b"c", b"d"], 1)
    found = filled(b"aaaa", b"bbbb", b"cccc")
    assert (packets_of(found), found.dropped) == ([b"bbbb", b"cccc"], 1)


def test_room_comes_back_with_what_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_BYTES", 10)
    found = filled(b"aaaaa", b"bbbbb")
    found.take()
    found.put(Received(b"ccccc", 0, "a peer"))
    assert (packets_of(found), found.dropped) == ([b"bbbbb", b"ccccc"], 0)
