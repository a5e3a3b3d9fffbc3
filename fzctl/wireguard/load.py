"""Under load: when to ask for cookies, what they are made of, how many handshakes an address may begin.

Whitepaper section 5.3; wireguard-go, ``device/cookie.go`` and ``ratelimiter/``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from fzctl.wireguard.cookies import cookie_for, is_signed_with, write_cookie_reply
from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.timers import COOKIE_TIME

UnderLoad = Callable[[float], bool]
"""Asked with the time at each handshake message: must its sender bring a cookie?"""

_SECOND: Final = 1.0
_MOST_ADDRESSES: Final = 4096
_SECRET_SIZE: Final = 32
_NONCE_SIZE: Final = 24


class LoadMeter:
    """Load is more than ``most`` handshake messages within a second, and lasts a second beyond them."""

    def __init__(self, most: int = 40) -> None:
        self._came: Final[deque[float]] = deque(maxlen=most + 1)
        self._until = float("-inf")

    def __call__(self, now: float) -> bool:
        self._came.append(now)
        if len(self._came) == self._came.maxlen and now - self._came[0] < _SECOND:
            self._until = now + _SECOND
        return now < self._until


class CookieJar:
    """Cookies that we give, out of a secret that changes every two minutes; ``public`` is our static key."""

    def __init__(self, public: bytes, random: Callable[[int], bytes]) -> None:
        self._public: Final = public
        self._random: Final = random
        self._secret = b""
        self._made = float("-inf")

    def is_proven(self, datagram: bytes, source: Endpoint, now: float) -> bool:
        """Does MAC2 of a handshake message prove that its sender gets what we send to ``source``?"""
        return is_signed_with(self._cookie(source, now), datagram)

    def reply(self, datagram: bytes, sender: int, source: Endpoint, now: float) -> bytes:
        """The answer to a handshake message that proves nothing; ``sender`` is the index in it."""
        nonce = self._random(_NONCE_SIZE)
        return write_cookie_reply(self._public, sender, datagram[-32:-16], self._cookie(source, now), nonce)

    def _cookie(self, source: Endpoint, now: float) -> bytes:
        if now - self._made >= COOKIE_TIME:
            self._secret, self._made = self._random(_SECRET_SIZE), now
        return cookie_for(self._secret, f"{source[0]} {source[1]}".encode())


class RateLimiter:
    """How many handshake messages of an address are read under load: ``rate`` a second, ``burst`` at once."""

    def __init__(self, rate: float = 20.0, burst: int = 5) -> None:
        self._rate: Final = rate
        self._burst: Final = burst
        self._left: Final[dict[str, tuple[float, float]]] = {}

    def allows(self, address: str, now: float) -> bool:
        left, since = self._left.pop(address, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._rate)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left), now
        if len(self._left) > _MOST_ADDRESSES:
            del self._left[next(iter(self._left))]
        return allowed
