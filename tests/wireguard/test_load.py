"""Load, cookies and the share of one address."""

from __future__ import annotations

from fzctl.wireguard.cookies import is_signed_with, read_cookie_reply, sign
from fzctl.wireguard.load import CookieJar, LoadMeter, RateLimiter
from fzctl.wireguard.messages import CookieReply, Initiation, parse
from fzctl.wireguard.timers import COOKIE_TIME
from tests.wireguard.lab import B
from tests.wireguard.wire import AT_A, AT_B, Randomness

UNSIGNED = Initiation(7, bytes(32), bytes(48), bytes(28)).pack()


def test_load_is_more_than_so_many_in_a_second_and_lasts_a_second_beyond() -> None:
    for start in (0.0, 1000.0):
        meter = LoadMeter(most=3)
        assert [meter(start + now) for now in (0, 0.2, 0.4)] == [False] * 3
        assert meter(start + 0.6)
        assert meter(start + 1.55)
        assert not meter(start + 2.7)


def test_a_second_is_over_at_its_end() -> None:
    meter = LoadMeter(most=3)
    assert [meter(now) for now in (0, 0.25, 0.5, 1)] == [False] * 4
    assert meter(1.125)
    assert meter(2.0625)
    assert not meter(2.125)


def test_calm_traffic_is_no_load() -> None:
    meter = LoadMeter(most=3)
    assert not any(meter(number * 0.34) for number in range(1000))


def cookie_of(jar: CookieJar, now: float) -> bytes:
    datagram = sign(B.public, UNSIGNED)
    reply = parse(jar.reply(datagram, 7, AT_A, now))
    assert isinstance(reply, CookieReply)
    assert reply.receiver == 7
    cookie = read_cookie_reply(B.public, reply, datagram[-32:-16])
    assert cookie is not None
    return cookie


def test_a_cookie_proves_its_address_and_port_for_two_minutes() -> None:
    jar = CookieJar(B.public, Randomness(b"jar"))
    signed = sign(B.public, UNSIGNED, cookie_of(jar, 0))
    assert jar.is_proven(signed, AT_A, COOKIE_TIME - 1)
    assert not jar.is_proven(signed, AT_B, 1)
    assert not jar.is_proven(signed, (AT_A[0], 1), 1)
    assert not jar.is_proven(sign(B.public, UNSIGNED), AT_A, 1)
    assert not jar.is_proven(signed, AT_A, COOKIE_TIME)
    fresh = cookie_of(jar, COOKIE_TIME)
    assert jar.is_proven(sign(B.public, UNSIGNED, fresh), AT_A, COOKIE_TIME + 1)
    assert not is_signed_with(fresh, signed)


def test_an_address_may_send_a_few_at_once_and_twenty_a_second() -> None:
    limiter = RateLimiter()
    assert [limiter.allows("192.0.2.1", 0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert limiter.allows("192.0.2.2", 0)
    assert not limiter.allows("192.0.2.1", 0.0499)
    assert limiter.allows("192.0.2.1", 0.06)
    assert not limiter.allows("192.0.2.1", 0.06)
    assert [limiter.allows("192.0.2.1", 100) for _ in range(7)] == [True] * 5 + [False] * 2


def test_many_addresses_do_not_fill_the_memory() -> None:
    limiter = RateLimiter()
    for number in range(10_000):
        limiter.allows(str(number), number)
    assert len(limiter._left) <= 4096
