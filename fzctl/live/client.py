"""Playing the client: domains set up, asked for again as traffic wants it, refreshed, and Goodbye.

The rules are those of :mod:`fzctl.nat.client`. Because a client only resends when an application's
packet makes it, there is traffic here, which stays here: it is not sent into the tunnel.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final, NamedTuple

from fzctl.errors import EncodeError
from fzctl.live.player import (
    CLOSED,
    CONFIRMED,
    FAILED,
    FOREIGN,
    IGNORED,
    PENDING,
    RECEIVED,
    STATE,
    UNANSWERED,
    Agenda,
    Diary,
    Exchange,
    Happening,
    Sent,
    milliseconds,
    sentence_of,
)
from fzctl.nat.client import ClientNat, Effects, State
from fzctl.nat.names import name_key, resource_key
from fzctl.nat.provider import ProxyIps
from fzctl.protocol.codec import Message, decode, encode
from fzctl.protocol.kinds import CLIENT, DOMAIN, DOMAIN_STATUS, GOODBYE, RESOURCE, STATUS
from fzctl.protocol.values import ip_to_bytes

PATIENCE: Final = 15.0
"""Seconds until an exchange counts as unanswered: a gateway's lookup takes up to ten."""

_GATEWAY: Final = "gateway"
_STATES: Final = {State.CONFIRMED: CONFIRMED, State.FAILED: FAILED}
_DISCARD: Final = 9


class Wish(NamedTuple):
    """A domain to set up for a resource; ``stack`` is one of :data:`fzctl.nat.provider.STACKS`."""

    domain: str
    resource: str
    stack: str = "dual"


class Habits(NamedTuple):
    """How a client behaves; times are in seconds.

    ``traffic`` lies between an application's packets to each domain, ``None`` for no traffic at
    all: then nothing is ever resent. ``refresh`` is how often an application asks for each name
    anew. ``spacing`` lies between one domain's beginning and the next one's. With ``returns`` a
    gateway's Goodbye makes it begin anew, as where the portal grants access again.
    """

    traffic: float | None = 0.5
    refresh: float | None = None
    patience: float = PATIENCE
    spacing: float = 0.0
    goodbye: bool = True
    returns: bool = False
    dialect: str = "current"


class ClientPlayer:
    """A client in front of one gateway."""

    def __init__(self, wishes: Iterable[Wish], habits: Habits = Habits()) -> None:  # noqa: B008 - a constant
        self._habits: Final = habits
        self._nat: Final = ClientNat()
        self._diary: Final = Diary()
        self._agenda: Final = Agenda()
        self._proxies: Final = ProxyIps()
        self._tasks: Final[dict[tuple[str, str], _Task]] = {}
        self._out: list[Sent] = []
        self._has_spoken = False
        self._is_over = False
        for wish in wishes:
            key = name_key(wish.domain), resource_key(wish.resource)
            if key not in self._tasks:
                addresses = tuple(self._proxies.assign(wish.domain, wish.stack))
                self._tasks[key] = _Task(wish.domain, wish.resource, addresses)
        self._open: Final = set(self._tasks)

    @property
    def is_done(self) -> bool:
        return self._is_over or not self._open

    @property
    def counts(self) -> dict[str, int]:
        """How often what happened, by the names of happenings."""
        return dict(self._diary.counts)

    def exchanges(self) -> list[Exchange]:
        """Where each domain stands, in the order of the wishes; the round is 0 where it has not begun."""
        return [task.exchange() for task in self._tasks.values()]

    def start(self, now: float) -> list[Sent]:
        self._begin_all(now)
        return self.handle_timeout(now)

    def receive(self, packet: bytes, now: float, source: str = "") -> list[Sent]:
        message = decode(packet, self._habits.dialect)
        if not message.control:
            self._tell(FOREIGN, now, message.error or "no control message", packet)
            return []
        self._tell(RECEIVED, now, sentence_of(message), packet)
        if not message.accepted:
            self._tell(IGNORED, now, message.error or message.reason, packet)
        elif message.name == GOODBYE.name:
            self._take_goodbye(now)
        elif message.name == DOMAIN_STATUS.name:
            self._take_status(message, now)
        else:
            kind = message.declaration
            assert kind is not None  # it was accepted
            what = "does nothing here about" if CLIENT in kind.handled_by else "is not meant to get"
            self._tell(IGNORED, now, f"a client {what} {kind.title}", packet)
        return self._taken()

    def next_timeout(self) -> float | None:
        return None if self._is_over else self._agenda.next()

    def handle_timeout(self, now: float) -> list[Sent]:
        if not self._is_over:
            self._agenda.run(now)
        return self._taken()

    def stop(self, now: float) -> list[Sent]:
        if self._habits.goodbye and self._has_spoken and not self._is_over:
            self._out.append(Sent(encode(GOODBYE, {}), now))
        self._is_over = True
        return self._taken()

    def events(self) -> list[Happening]:
        return self._diary.take()

    # --- what is due ---

    def _begin_all(self, now: float) -> None:
        for position, key in enumerate(self._tasks):
            self._agenda.put(now + position * self._habits.spacing, partial(self._begin, key))

    def _begin(self, key: tuple[str, str], now: float) -> None:
        """The application's first packet waited for the authorization, and the NAT begins with it."""
        task = self._tasks[key]
        self._update(key, now, packets=task.packets)
        if self._habits.refresh is not None and task.state != FAILED:
            self._agenda.put(now + self._habits.refresh, partial(self._refresh, key))

    def _refresh(self, key: tuple[str, str], now: float) -> None:
        """Somebody asks for the name again (``client.rs``: ``recreate``, then ``update``)."""
        assert self._habits.refresh is not None  # else nothing was put off
        self._agenda.put(now + self._habits.refresh, partial(self._refresh, key))
        self._nat.recreate(self._tasks[key].domain)
        for other, sibling in self._tasks.items():
            if other[0] == key[0] and sibling.round:
                self._update(other, now)

    def _update(self, key: tuple[str, str], now: float, packets: tuple[bytes, ...] = ()) -> None:
        task = self._tasks[key]
        was_pending = self._state(task) is State.PENDING
        try:
            effects = self._nat.update(
                _GATEWAY, task.domain, task.resource, task.proxy_ips, milliseconds(now), packets
            )
        except EncodeError as error:
            task.ask(now)
            self._settle(key, FAILED, now, f"{task.domain}: a client cannot send this: {error}")
            return
        if was_pending and task.state == PENDING:
            self._send(key, effects, now)
        elif effects.assigned is not None:
            task.ask(now)
            self._open.add(key)
            self._send(key, effects, now)
            if self._habits.traffic is not None:
                self._agenda.put(now + self._habits.traffic, partial(self._use, key, task.round))
            self._agenda.put(now + self._habits.patience, partial(self._give_up, key, task.round))

    def _use(self, key: tuple[str, str], turn: int, now: float) -> None:
        """An application's packet, and its next one later for as long as there is no answer."""
        task = self._tasks[key]
        if (task.round, task.state) != (turn, PENDING):
            return
        for packet in task.packets:
            effects = self._nat.handle_outgoing(
                _GATEWAY, task.domain, task.resource, packet, milliseconds(now)
            )
            self._send(key, effects, now)
        assert self._habits.traffic is not None  # else there would be none
        self._agenda.put(now + self._habits.traffic, partial(self._use, key, turn))

    def _give_up(self, key: tuple[str, str], turn: int, now: float) -> None:
        task = self._tasks[key]
        if (task.round, task.state) == (turn, PENDING):
            self._settle(key, UNANSWERED, now, f"{task.domain}: no answer in {self._habits.patience:g} s")

    # --- what came ---

    def _take_status(self, message: Message, now: float) -> None:
        domain, resource, status = (str(message.fields[each.name]) for each in (DOMAIN, RESOURCE, STATUS))
        key = name_key(domain), resource
        task = self._tasks.get(key)
        before = None if task is None else self._state(task)
        self._nat.on_domain_status(_GATEWAY, domain, resource, status)
        if task is None or before is None:
            why = f"nobody asked for {domain} of resource {resource}"
            self._tell(IGNORED, now, why, message.packet)
            return
        after = self._state(task)
        assert after is not None  # an answer ends no entry
        state = _STATES[after]
        if state == task.state:
            self._tell(IGNORED, now, f"{domain} is {state} already", message.packet)
            return
        if task.state in (PENDING, UNANSWERED):
            task.answered_at = now
        self._settle(key, state, now, f"{task.domain}: {status}")

    def _take_goodbye(self, now: float) -> None:
        """The gateway forgets us: so does the NAT, and without a new authorization nothing goes on."""
        self._nat.clear_by_gateway(_GATEWAY)
        self._agenda.clear()
        self._tell(CLOSED, now, "the gateway said Goodbye")
        if self._is_over:
            return
        for key, task in self._tasks.items():
            if task.state == PENDING and task.round:
                self._settle(key, UNANSWERED, now, f"{task.domain}: Goodbye came before the answer")
        if self._habits.returns:
            self._open.update(self._tasks)
            self._begin_all(now + (self._habits.traffic or 0.0))
        else:
            self._is_over = True

    # --- helpers ---

    def _state(self, task: _Task) -> State | None:
        return self._nat.state(_GATEWAY, task.domain, task.resource)

    def _send(self, key: tuple[str, str], effects: Effects, now: float) -> None:
        if effects.assigned is None:
            return
        task = self._tasks[key]
        task.sent_count += 1
        self._has_spoken = True
        self._out.append(Sent(effects.assigned, now))
        again = "" if task.sent_count == 1 else f" again, {now - task.asked_at:.1f} s after the first time"
        self._note_state(task, now, f"{task.domain}: asked{again}")

    def _settle(self, key: tuple[str, str], state: str, now: float, sentence: str) -> None:
        task = self._tasks[key]
        task.state = state
        self._open.discard(key)
        self._note_state(task, now, sentence)

    def _note_state(self, task: _Task, now: float, sentence: str) -> None:
        self._diary.tell(Happening(STATE, now, sentence, exchange=task.exchange()))

    def _tell(self, name: str, now: float, sentence: str, packet: bytes = b"") -> None:
        self._diary.tell(Happening(name, now, sentence, packet))

    def _taken(self) -> list[Sent]:
        taken, self._out = self._out, []
        return taken


class _Task:
    """A wish and where it stands; ``round`` counts the questions."""

    def __init__(self, domain: str, resource: str, proxy_ips: tuple[str, ...]) -> None:
        self.domain: Final = domain
        self.resource: Final = resource
        self.proxy_ips: Final = proxy_ips
        self.packets: Final = tuple(map(_application_packet, proxy_ips[:1]))
        self.state = PENDING
        self.round = 0
        self.asked_at = 0.0
        self.sent_count = 0
        self.answered_at: float | None = None

    def ask(self, now: float) -> None:
        self.state = PENDING
        self.round += 1
        self.asked_at = now
        self.sent_count = 0
        self.answered_at = None

    def exchange(self) -> Exchange:
        return Exchange(
            self.domain, self.resource, self.proxy_ips, self.state, self.round,
            self.asked_at, self.sent_count, self.answered_at,
        )  # fmt: skip


def _application_packet(address: str) -> bytes:
    """An empty UDP datagram to the discard service behind a proxy IP: it waits in a buffer, no more."""
    target = ip_to_bytes(address)
    udp = bytes((0, _DISCARD, 0, _DISCARD, 0, 8, 0, 0))
    if len(target) == 4:
        return bytes((0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0)) + bytes(4) + target + udp
    return bytes((0x60, 0, 0, 0, 0, 8, 17, 64)) + bytes(16) + target + udp
