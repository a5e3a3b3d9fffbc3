"""The deadlines, and the numbers of whitepaper section 6.1."""

from __future__ import annotations

from fzctl.wireguard import timers
from fzctl.wireguard.timers import Timers


def test_the_numbers_are_those_of_the_whitepaper() -> None:
    assert (timers.REKEY_AFTER_TIME, timers.REJECT_AFTER_TIME, timers.REKEY_ATTEMPT_TIME) == (120, 180, 90)
    assert (timers.REKEY_TIMEOUT, timers.KEEPALIVE_TIMEOUT, timers.SILENCE_TIME) == (5, 10, 15)
    assert timers.REKEY_AFTER_MESSAGES == 1 << 60
    assert timers.REJECT_AFTER_MESSAGES == (1 << 64) - (1 << 13) - 1
    assert timers.LAST_MINUTE == 165


def test_deadlines_come_in_their_order_each_once() -> None:
    some = Timers()
    assert some.next() is None
    some.set("late", 3)
    some.set("early", 1)
    some.set("early", 2)
    assert some.next() == 2
    assert some.pop(1.9) is None
    assert [some.pop(3), some.pop(3), some.pop(3)] == ["early", "late", None]


def test_set_once_keeps_the_first_deadline() -> None:
    some = Timers()
    assert some.set_once("x", 1)
    assert not some.set_once("x", 2)
    assert some.has("x")
    assert not some.has("y")
    assert some.next() == 1


def test_cleared_deadlines_do_not_come() -> None:
    some = Timers()
    for name in "abc":
        some.set(name, 1)
    some.clear("a", "b", "unknown")
    assert [some.pop(1), some.pop(1)] == ["c", None]
