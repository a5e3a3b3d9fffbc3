"""NoAuthorization once per address in two seconds, for a bounded number of addresses."""

from __future__ import annotations

from fzctl.nat.throttle import INTERVAL, MOST_TRACKED, Throttle


def test_an_address_is_told_again_after_the_interval_and_not_before() -> None:
    throttle = Throttle()
    assert [throttle.admits("10.0.0.1", now) for now in (0, 1, INTERVAL - 1, INTERVAL, INTERVAL + 1)] == [
        True, False, False, True, False,
    ]  # fmt: skip


def test_addresses_do_not_share_a_slot_and_an_authorization_frees_all() -> None:
    throttle = Throttle()
    assert throttle.admits("10.0.0.1", 0)
    assert throttle.admits("10.0.0.2", 0)
    throttle.clear()
    assert throttle.admits("10.0.0.1", 1)


def test_no_more_addresses_are_remembered_than_promised() -> None:
    throttle = Throttle()
    for number in range(MOST_TRACKED + 1):
        assert throttle.admits(str(number), 0)
    assert throttle.admits("0", 1), "the oldest was forgotten"
    assert not throttle.admits(str(MOST_TRACKED), 1)
