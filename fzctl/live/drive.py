"""The loop that lets a player play: its packets into a carrier at their times, what comes handed to it.

It waits in the carrier's ``receive``, which is where the carrier does its own work, too.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol, cast

from fzctl.carriers.base import Carrier
from fzctl.errors import CarrierError
from fzctl.live.impair import LOST as LOST_ON_THE_WAY
from fzctl.live.impair import Impairer
from fzctl.live.player import LOST, SENT, UNSENT, Happening, Player, Sent, sentence_of
from fzctl.live.schedule import Timed
from fzctl.protocol.codec import decode

DONE: Final = "done"
STOPPED: Final = "stopped"
TIME_UP: Final = "time_up"

LONGEST_WAIT: Final = 0.1
"""So many seconds it takes at most to stop."""


class Exchanger(Carrier, Protocol):
    """A carrier with several others at its other end."""

    def send_to(self, packet: bytes, peer: str) -> None: ...


class Driver:
    """One player on one carrier; who drives several of them lets each take its ``step`` in turn.

    ``clock`` is steady, in seconds. ``on_event`` is told all that happens, also what left. A packet
    that does not leave ends it all with CarrierError, or is only told with ``tolerant``.
    """

    def __init__(
        self,
        player: Player,
        carrier: Carrier,
        clock: Callable[[], float],
        on_event: Callable[[Happening], None],
        *,
        impairer: Impairer | None = None,
        tolerant: bool = False,
    ) -> None:
        self.player: Final = player
        self._carrier: Final = carrier
        self._clock: Final = clock
        self._on_event: Final = on_event
        self._impairer: Final = impairer
        self._tolerant = tolerant
        self._order: Final = count(1)
        self._targets: Final[dict[int, str]] = {}
        self._waiting: Final[list[tuple[float, int, Sent]]] = []
        self._news: list[Happening] = []

    def start(self) -> None:
        self._put(self.player.start(self._clock()))
        self._work()

    def step(self, timeout: float) -> None:
        """Do what is due, and take at most one packet that comes within ``timeout`` seconds."""
        self._work()
        now = self._clock()
        times = (self.player.next_timeout(), self._waiting[0][0] if self._waiting else None)
        due = min((time for time in times if time is not None), default=now + timeout)
        received = self._carrier.receive(max(0.0, min(timeout, due - now)))
        if received is not None:
            self._put(self.player.receive(received.packet, self._clock(), received.peer))
        self._work()

    def stop(self, *, tolerant: bool = False) -> None:
        """Leave: what is not due yet is dropped, Goodbye goes out where there is a connection.

        With ``tolerant`` one that does not leave is only told.
        Upstream says it only on an established one, too: ``snownet/src/node.rs`` ``close_connection``.
        """
        self._waiting.clear()
        packets = self.player.stop(self._clock())
        self._news += self.player.events()
        self._tolerant = self._tolerant or tolerant
        try:
            for sent in packets:
                if sent.to or getattr(self._carrier, "is_connected", True):
                    self._post(sent)
        finally:
            self._tell_news()

    # --- helpers ---

    def _work(self) -> None:
        """Whoever is told may take a while: what is due leaves before."""
        now = self._clock()
        due = self.player.next_timeout()
        if due is not None and due <= now:
            self._put(self.player.handle_timeout(now))
        try:
            while self._waiting and self._waiting[0][0] <= now:
                self._post(heapq.heappop(self._waiting)[2])
        finally:
            self._tell_news()

    def _put(self, packets: list[Sent]) -> None:
        self._news += self.player.events()
        for sent in packets:
            number = next(self._order)
            if self._impairer is None:
                heapq.heappush(self._waiting, (sent.at, number, sent))
                continue
            self._targets[number] = sent.to
            for timed in self._impairer.feed(Timed(sent.at, sent.packet, number)):
                self._put_impaired(timed)

    def _put_impaired(self, timed: Timed) -> None:
        sent = Sent(timed.packet, timed.time, self._targets[timed.number])
        if LOST_ON_THE_WAY in timed.done:
            self._note(LOST, f"lost on the way: {_words(timed.packet)}", sent)
        else:
            heapq.heappush(self._waiting, (timed.time, next(self._order), sent))

    def _post(self, sent: Sent) -> None:
        try:
            if sent.to:
                cast(Exchanger, self._carrier).send_to(sent.packet, sent.to)
            else:
                self._carrier.send(sent.packet)
        except CarrierError as error:
            if not self._tolerant:
                raise
            self._note(UNSENT, str(error), sent)
            return
        self._note(SENT, "", sent)

    def _note(self, name: str, sentence: str, sent: Sent) -> None:
        self._news.append(Happening(name, self._clock(), sentence, sent.packet, sent.to))

    def _tell_news(self) -> None:
        news, self._news = self._news, []
        for happening in news:
            if happening.name == SENT:  # not before the next one has left, too
                happening = happening._replace(sentence=_words(happening.packet))
            self._on_event(happening)


def drive(
    player: Player,
    carrier: Carrier,
    clock: Callable[[], float],
    stopped: Callable[[], bool],
    on_event: Callable[[Happening], None],
    deadline: float | None = None,
    *,
    until_done: bool = True,
    impairer: Impairer | None = None,
    tolerant: bool = False,
) -> str:
    """Play until the player is done (with ``until_done``), someone stops it, or the time is over.

    The value is ``done``, ``stopped`` or ``time_up``; the Goodbye has left then. ``deadline`` is a
    time of ``clock``. KeyboardInterrupt stops it, too, whatever it waits for; then it is no error if
    the Goodbye does not leave any more. Raises CarrierError.
    """
    driver = Driver(player, carrier, clock, on_event, impairer=impairer, tolerant=tolerant)
    ended, interrupted = None, False
    try:
        driver.start()
        while (ended := _why_end(player, clock(), stopped, deadline, until_done=until_done)) is None:
            driver.step(LONGEST_WAIT if deadline is None else min(LONGEST_WAIT, deadline - clock()))
    except KeyboardInterrupt:
        ended, interrupted = STOPPED, True
    driver.stop(tolerant=interrupted)
    return ended


def _why_end(
    player: Player, now: float, stopped: Callable[[], bool], deadline: float | None, *, until_done: bool
) -> str | None:
    if until_done and player.is_done:
        return DONE
    if stopped():
        return STOPPED
    return TIME_UP if deadline is not None and now >= deadline else None


def _words(packet: bytes) -> str:
    return sentence_of(decode(packet))
