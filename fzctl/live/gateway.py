"""Playing the gateway: AssignedIps answered by rules, with delays, losses and wrong answers on purpose.

The rules of the protocol are those of :mod:`fzctl.nat.gateway`. Nothing is resolved: what a lookup
finds stands in the rules.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final, NamedTuple

from fzctl.live.player import (
    CLOSED,
    FOREIGN,
    IGNORED,
    LOST,
    NOTE,
    RECEIVED,
    TABLE,
    Agenda,
    Diary,
    Happening,
    Sent,
    milliseconds,
    sentence_of,
)
from fzctl.live.wrong import WRONG, wrong_answers
from fzctl.nat.gateway import LOOKUP_LIMIT, Gateway, Lookup, Reaction, Resource
from fzctl.nat.names import name_key, resource_key
from fzctl.nat.patterns import DomainPattern
from fzctl.nat.table import Mapped
from fzctl.protocol.codec import Message, decode
from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import ASSIGNED_IPS, DOMAIN, DOMAIN_STATUS, GATEWAY, GOODBYE, RESOURCE

NO_ANSWER: Final = "none"
ANSWERS: Final = (Status.ACTIVE, Status.INACTIVE, NO_ANSWER)

ADDRESSES: Final = ("192.0.2.1", "2001:db8::1")
"""What lookups find where the rules do not say it: addresses for documentation (RFC 5737, RFC 3849)."""

_MOST_COUNTED: Final = 100_000

_EVERYTHING: Final = DomainPattern("**")


class Answer(NamedTuple):
    """How questions are answered: those for domains that ``pattern`` covers.

    ``status`` is one of :data:`ANSWERS`. A lookup takes ``delay`` seconds and finds ``addresses``.
    Of each client's answers for a domain the first ``lose`` are lost, of the others ``loss`` (a
    chance from 0 to 1). ``wrong`` is one of :data:`fzctl.live.wrong.WRONG`.
    """

    pattern: DomainPattern = _EVERYTHING
    status: str = Status.ACTIVE
    delay: float = 0.0
    loss: float = 0.0
    lose: int = 0
    wrong: str | None = None
    addresses: tuple[str, ...] = ADDRESSES


class Rules(NamedTuple):
    """What a gateway knows from the portal, and how it answers.

    ``resources`` are those that every client may reach, ``None``: all of them, for any domain;
    ``denied`` are taken out. Of ``answers`` the first whose pattern covers the domain counts, else
    ``otherwise``. ``seed`` makes losses repeatable.
    """

    resources: tuple[Resource, ...] | None = None
    denied: frozenset[str] = frozenset()
    answers: tuple[Answer, ...] = ()
    otherwise: Answer = Answer()
    seed: int = 0
    dialect: str = "current"

    def answer_for(self, domain: str) -> Answer:
        return next((each for each in self.answers if each.pattern.covers(domain)), self.otherwise)

    def resource(self, wanted: str) -> Resource | None:
        """What the portal says about a resource (a UUID in canonical form); ``None``: no access."""
        if wanted in map(resource_key, self.denied):
            return None
        if self.resources is None:
            return Resource(wanted, _EVERYTHING)
        return next((each for each in self.resources if resource_key(each.id) == wanted), None)


class GatewayPlayer:
    """A gateway; who sends a message is its client by that name."""

    def __init__(self, rules: Rules = Rules()) -> None:  # noqa: B008 - a constant
        from random import Random  # the command line needs this module, and no chance, for its help

        self._rules: Final = rules
        self._gateway: Final = Gateway()
        self._diary: Final = Diary()
        self._agenda: Final = Agenda()
        self._chance: Final = Random(rules.seed)
        self._answered: Final[Counter[tuple[str, str]]] = Counter()
        self._out: list[Sent] = []
        self._final: dict[str, list[Mapped]] | None = None

    @property
    def is_done(self) -> bool:
        """Never: a gateway waits for more."""
        return False

    @property
    def counts(self) -> dict[str, int]:
        """How often what happened, by the names of happenings."""
        return dict(self._diary.counts)

    def tables(self) -> dict[str, list[Mapped]]:
        """The NAT table of each client that is there, or was when the gateway stopped."""
        if self._final is not None:
            return self._final
        return {client: self._gateway.table(client) for client in self._gateway.clients()}

    def table(self, client: str) -> list[Mapped]:
        """The NAT table that a client has now; none for who is not there."""
        return self._gateway.table(client)

    def start(self, now: float) -> list[Sent]:
        return []

    def receive(self, packet: bytes, now: float, source: str = "") -> list[Sent]:
        message = decode(packet, self._rules.dialect)
        if not message.control:
            self._tell(FOREIGN, now, message.error or "no control message", source, packet)
            return []
        self._tell(RECEIVED, now, sentence_of(message), source, packet)
        if not message.accepted:
            self._tell(IGNORED, now, message.error or message.reason, source, packet)
        elif message.name == GOODBYE.name:
            self._take_goodbye(message, now, source)
        elif message.name == ASSIGNED_IPS.name:
            self._authorize(message, source)
            self._react(self._gateway.handle(source, message, milliseconds(now)), now)
        else:
            kind = message.declaration
            assert kind is not None  # it was accepted
            what = "does nothing here about" if GATEWAY in kind.handled_by else "is not meant to get"
            self._tell(IGNORED, now, f"a gateway {what} {kind.title}", source, packet)
        return self._taken()

    def next_timeout(self) -> float | None:
        deadline = self._gateway.deadline()
        times = (self._agenda.next(), None if deadline is None else deadline / 1000)
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> list[Sent]:
        for reaction in self._gateway.expire(milliseconds(now)):
            self._react(reaction, now)
        self._agenda.run(now)
        return self._taken()

    def stop(self, now: float) -> list[Sent]:
        """A Goodbye to every client, as a gateway says on SIGINT; lookups are not waited for."""
        self._agenda.clear()
        self._final = self.tables()
        for client in self._gateway.clients():
            self._react(self._gateway.close(client), now)
        return self._taken()

    def events(self) -> list[Happening]:
        return self._diary.take()

    # --- what came ---

    def _authorize(self, message: Message, client: str) -> None:
        """The portal has told what this client may reach before it asks."""
        self._gateway.admit(client)
        resource = self._rules.resource(message.fields[RESOURCE.name])
        if resource is not None:
            self._gateway.authorize(client, resource)

    def _take_goodbye(self, message: Message, now: float, client: str) -> None:
        self._gateway.admit(client)
        had = self._gateway.revision(client) > 0
        self._gateway.handle(client, message, milliseconds(now))
        for key in [key for key in self._answered if key[0] == client]:
            del self._answered[key]
        self._tell(CLOSED, now, "the client said Goodbye: its NAT table is gone", client)
        if had:
            self._tell(TABLE, now, "it is gone", client)

    def _react(self, reaction: Reaction, now: float) -> None:
        if reaction.note is not None:
            self._tell(NOTE, now, reaction.note, reaction.client)
        if reaction.lookup is not None:
            answer = self._rules.answer_for(reaction.lookup.domain)
            finish = partial(self._finish, reaction.lookup, answer)
            if answer.delay <= 0:
                finish(now)
            elif milliseconds(answer.delay) < LOOKUP_LIMIT:  # else its time is up before
                self._agenda.put(now + answer.delay, finish)
        for packet in reaction.send:
            self._answer(packet, reaction.client, now)

    def _finish(self, lookup: Lookup, answer: Answer, now: float) -> None:
        """The lookup is through: the table changes, unless the answer is to be Inactive."""
        if answer.status == Status.INACTIVE:
            why = f"Inactive for {lookup.domain}, as the rules say"
            reaction = self._gateway.refuse(lookup.number, why)
        else:
            before = self._gateway.revision(lookup.client)
            reaction = self._gateway.complete(lookup.number, answer.addresses, milliseconds(now))
            if self._gateway.revision(lookup.client) != before:
                self._tell(TABLE, now, f"it holds {lookup.domain} now", lookup.client)
        if reaction is not None:
            self._react(reaction, now)

    # --- what leaves ---

    def _answer(self, packet: bytes, client: str, now: float) -> None:
        """A packet as the protocol wants it, and what the rules make of it."""
        message = decode(packet, self._rules.dialect)
        if message.name != DOMAIN_STATUS.name:
            self._out.append(Sent(packet, now, client))
            return
        domain = str(message.fields[DOMAIN.name])
        answer = self._rules.answer_for(domain)
        key = client, name_key(domain)
        if answer.lose:
            self._answered[key] += 1
            if len(self._answered) > _MOST_COUNTED:
                del self._answered[next(iter(self._answered))]
        unlucky = self._chance.random() < answer.loss
        if answer.status == NO_ANSWER:
            self._tell(LOST, now, f"no answer for {domain}, as the rules say", client, packet)
        elif answer.lose and self._answered[key] <= answer.lose:
            number = self._answered[key]
            self._tell(LOST, now, f"answer {number} for {domain} is lost on purpose", client, packet)
        elif unlucky:
            self._tell(LOST, now, f"the answer for {domain} is lost by chance", client, packet)
        elif answer.wrong is None:
            self._out.append(Sent(packet, now, client))
        else:
            self._tell(NOTE, now, f"the answer for {domain} is wrong: {WRONG[answer.wrong]}", client)
            for later, other in wrong_answers(answer.wrong, message.fields):
                self._out.append(Sent(other, now + later, client))

    # --- helpers ---

    def _tell(self, name: str, now: float, sentence: str, client: str, packet: bytes = b"") -> None:
        self._diary.tell(Happening(name, now, sentence, packet, client))

    def _taken(self) -> list[Sent]:
        taken, self._out = self._out, []
        return taken
