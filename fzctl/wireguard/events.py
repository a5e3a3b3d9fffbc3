"""What a live endpoint tells of itself, and what it needs of the world around."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from fzctl.wireguard.endpoints import Endpoint
from fzctl.wireguard.keylog import Entry
from fzctl.wireguard.noise import tai64n

ESTABLISHED: Final = "established"
"""A session is in use; ``detail`` tells who began it: ``initiator`` (we) or ``responder``."""
GAVE_UP: Final = "gave_up"
"""No answer to our initiations for 90 s; ``dropped`` packets were lost that waited."""
COOKIE_TAKEN: Final = "cookie_taken"
"""The other end is under load; our next initiation carries its cookie."""
COOKIE_GIVEN: Final = "cookie_given"
"""We are under load and asked for a cookie."""
ROAMED: Final = "roamed"
"""The peer sends from another endpoint; ``detail`` is the one before."""
REFUSED: Final = "refused"
"""Nothing was taken from a datagram; ``detail`` is the reason, a word of refusals.py."""
UNLISTED: Final = "unlisted"
"""A control message was taken although the peer's AllowedIPs do not hold ``::``; told once."""
DROPPED: Final = "dropped"
"""A packet that waited for a session was dropped, for too many wait."""

_MOST_EVENTS: Final = 1024


class Event(NamedTuple):
    """Something happened, with a peer (its static public key) or an endpoint where they are known."""

    name: str
    peer: bytes | None = None
    endpoint: Endpoint | None = None
    detail: str = ""
    dropped: int = 0


class Inner(NamedTuple):
    """A packet that came out of the tunnel, padding cut off: from which peer, and from where."""

    packet: bytes
    peer: bytes
    source: Endpoint


class World:
    """The source of randomness and of real time, and the lists of what has to leave.

    ``start`` is the caller's clock when ``time_ns``, nanoseconds since the Unix epoch, was read: all
    further time follows the caller's clock, so that a system clock that steps back does no harm.
    """

    def __init__(self, random: Callable[[int], bytes], start: float, time_ns: int) -> None:
        self.random: Final = random
        self._start: Final = start
        self._time_ns: Final = time_ns
        self._last_stamp = 0
        self.datagrams: list[tuple[bytes, Endpoint]] = []
        self.packets: list[Inner] = []
        self.keys: list[Entry] = []
        self.events: list[Event] = []

    def timestamp(self, now: float) -> bytes:
        """A TAI64N timestamp that is later than all before."""
        stamp = self._time_ns + int((now - self._start) * 1_000_000_000)
        self._last_stamp = max(stamp, self._last_stamp + 1)
        return tai64n(self._last_stamp)

    def send(self, datagram: bytes, endpoint: Endpoint) -> None:
        self.datagrams.append((datagram, endpoint))

    def tell(self, event: Event) -> None:
        """Keep an event until it is fetched; the oldest go where nobody fetches them."""
        if len(self.events) >= _MOST_EVENTS:
            del self.events[0]
        self.events.append(event)

    def log(self, entries: Iterable[Entry]) -> None:
        self.keys.extend(entries)
