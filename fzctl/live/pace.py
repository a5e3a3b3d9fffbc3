"""The loop that sends: each packet at its time, what comes meanwhile handed on.

It waits in the carrier's ``receive``, which is where the carrier does its own work, too. Times
count from the start, so no lateness adds up; what is due together leaves together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from fzctl.carriers.base import Carrier, Received
from fzctl.live.impair import LOST
from fzctl.live.schedule import Timed

GRAIN: Final = 0.0005
"""Shorter pauses (in seconds) cost more than they are worth: packets that close leave together."""
BATCH: Final = 64
"""So many packets leave, or are taken, before the loop looks at the other way."""
LONGEST_WAIT: Final = 0.1
"""So many seconds it takes at most to stop."""


class Pacer:
    """Sends over one carrier. What it has counted stands there after an error, too.

    ``sent`` and ``received`` count packets, ``done`` what impairments did, ``seconds`` is from the
    start to the last packet, ``late`` the most that one left behind its time: where it grows, the
    sender cannot keep up.
    """

    def __init__(
        self,
        carrier: Carrier,
        clock: Callable[[], float],
        on_received: Callable[[Received], None],
        stopped: Callable[[], bool] = lambda: False,
        on_sent: Callable[[Timed], None] | None = None,
    ) -> None:
        """``clock`` is steady, in seconds. ``on_sent`` is told of lost packets, too."""
        self.sent = 0
        self.received = 0
        self.done: Final[Counter[str]] = Counter()
        self.seconds = 0.0
        self.late = 0.0
        self._carrier: Final = carrier
        self._clock: Final = clock
        self._on_received: Final = on_received
        self._stopped: Final = stopped
        self._on_sent: Final = on_sent

    def run(self, packets: Iterable[Timed], linger: float = 0.0) -> bool:
        """Send all and listen ``linger`` seconds longer; False where it was stopped before.

        Raises CarrierError where a packet does not leave.
        """
        start = now = last = self._clock()
        send, on_sent = self._carrier.send, self._on_sent
        in_batch = sent = 0
        late = self.late
        try:
            for timed in packets:
                due = start + timed.time
                if due > now or in_batch == BATCH:
                    self.sent, sent = self.sent + sent, 0
                    if due <= now:
                        self._poll()
                    now = self._wait(due)
                    in_batch = 0
                    if now < due or self._stopped():
                        return False
                in_batch += 1
                if timed.done:
                    self.done.update(timed.done)
                if not timed.done or LOST not in timed.done:
                    send(timed.packet)
                    sent += 1
                    last = now
                    if now - due > late:
                        late = now - due
                if on_sent is not None:
                    on_sent(timed)
        finally:
            self.sent += sent
            self.late = late
            self.seconds = last - start
        self._poll()
        end = self._clock() + linger
        return self._wait(end) >= end

    def _wait(self, until: float) -> float:
        """Take what comes until then; the time that it is, which is earlier where we were stopped."""
        while (now := self._clock()) < until and not self._stopped():
            received = self._carrier.receive(min(max(until - now, GRAIN), LONGEST_WAIT))
            if received is not None:
                self._take(received)
        return now

    def _poll(self) -> None:
        for _ in range(BATCH):
            received = self._carrier.receive(0)
            if received is None:
                return
            self._take(received)

    def _take(self, received: Received) -> None:
        self.received += 1
        self._on_received(received)
