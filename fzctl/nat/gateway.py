"""A gateway's manners: AssignedIps in, a lookup, a NAT table, DomainStatus out.

Upstream: ``tunnel-proto/src/gateway.rs`` ``handle_assigned_ips_event``, ``handle_domain_resolved``;
``gateway/client_on_gateway.rs`` ``setup_nat``; ``rust/gateway/src/eventloop.rs``. Lookups are
values: whoever holds a :class:`Gateway` resolves them and comes back with what was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from fzctl.errors import EncodeError
from fzctl.nat.names import resource_key
from fzctl.nat.patterns import DomainPattern
from fzctl.nat.table import Mapped, NatTable
from fzctl.nat.throttle import Throttle
from fzctl.protocol.codec import Message, encode
from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import (
    ASSIGNED_IPS,
    DESTINATION,
    DOMAIN,
    DOMAIN_STATUS,
    GOODBYE,
    NO_AUTHORIZATION,
    PROXY_IPS,
    RESOURCE,
    STATUS,
)

LOOKUP_LIMIT: Final = 10_000
"""Milliseconds that A and AAAA together may take."""
MOST_LOOKUPS: Final = 1000
MOST_ROWS: Final = 1 << 16
"""Proxy IPs in the NAT table of one client, which chooses how many it tells of; upstream has no limit."""
MOST_RESOURCES: Final = 10_000
"""Resources that one client may reach; of more the ones authorized first are forgotten."""

_NO_STATE: Final = "the client has no authorization here, so it gets no answer"
_GONE: Final = "the client is gone, the answer is lost"


class Resource(NamedTuple):
    """What a client may reach. ``pattern`` is the address of a DNS resource, ``None`` for other kinds."""

    id: str
    pattern: DomainPattern | None


class Lookup(NamedTuple):
    """A domain to resolve, A and AAAA, until ``deadline``; ``number`` names it when its result comes."""

    number: int
    client: str
    resource: str
    domain: str
    proxy_ips: tuple[str, ...]
    deadline: int


class Reaction(NamedTuple):
    """What a gateway does: packets to ``send`` to ``client``, a ``lookup`` to begin.

    ``note`` says in words why, where there is more to say than that all went well. ``closed``:
    the client's connection is gone.
    """

    client: str
    send: tuple[bytes, ...] = ()
    lookup: Lookup | None = None
    note: str | None = None
    closed: bool = False


class Gateway:
    """A gateway and its clients; clients are named by any text."""

    def __init__(self) -> None:
        self._clients: dict[str, _Client] = {}
        self._lookups: dict[int, Lookup] = {}
        self._count = 0

    def authorize(self, client: str, resource: Resource) -> None:
        """The portal allows ``client`` to reach ``resource``; an earlier one with its id is replaced."""
        known = self._clients.setdefault(client, _Client())
        key = resource_key(resource.id)
        known.resources.pop(key, None)
        known.resources[key] = resource
        if len(known.resources) > MOST_RESOURCES:
            del known.resources[next(iter(known.resources))]
        known.throttle.clear()

    def admit(self, client: str) -> None:
        """The portal knows ``client``, whatever it may reach: from now on it gets answers."""
        self._clients.setdefault(client, _Client())

    def revoke(self, client: str, resource: str) -> Reaction:
        """The portal takes an authorization back. With the last one goes the client, told by a Goodbye."""
        known = self._clients.get(client)
        if known is None or known.resources.pop(resource_key(resource), None) is None or known.resources:
            return Reaction(client)
        return self.close(client)

    def close(self, client: str) -> Reaction:
        """End the connection to a client, as a gateway does with all of them when it shuts down."""
        if self._clients.pop(client, None) is None:
            return Reaction(client)
        return Reaction(client, (encode(GOODBYE, {}),), closed=True)

    def forget(self, client: str) -> None:
        """The connection to a client is gone without a Goodbye."""
        self._clients.pop(client, None)

    def handle(self, client: str, message: Message, now: int) -> Reaction:
        """A control message that ``client`` sent."""
        known = self._clients.get(client)
        if known is None:
            return Reaction(client, note=_NO_STATE)
        if not message.accepted:
            return Reaction(client, note=f"ignored: {message.error}")
        if message.name == GOODBYE.name:
            del self._clients[client]
            return Reaction(client, note="the client said Goodbye", closed=True)
        if message.name != ASSIGNED_IPS.name:
            return Reaction(client, note=f"ignored: a gateway does nothing about {message.name}")
        return self._handle_assigned_ips(client, known, message.fields, now)

    def complete(self, number: int, addresses: Iterable[str], now: int) -> Reaction | None:
        """What a lookup found; a failed one found no address, which counts as Active all the same.

        ``None`` where the lookup is over already. Raises Refusal for a text that is no address.
        """
        lookup = self._lookups.pop(number, None)
        if lookup is None:
            return None
        if now >= lookup.deadline:
            return self._give_up(lookup)
        known = self._clients.get(lookup.client)
        if known is None:
            return Reaction(lookup.client, note=_GONE)
        found = tuple(addresses)
        wiped = known.table.wipe_for(lookup.domain, lookup.proxy_ips)
        problem = known.why_not(lookup.resource, lookup.domain)
        if problem is not None:
            return _answer(lookup, Status.INACTIVE, problem)
        if known.table.size_with(lookup.proxy_ips) > MOST_ROWS:
            return Reaction(lookup.client, note=f"the NAT table would have over {MOST_ROWS} rows: no answer")
        known.table.map(lookup.resource, lookup.domain, lookup.proxy_ips, found)
        notes = [f"{lookup.domain} has no address"] if not found else []
        if wiped:
            notes.append(f"the NAT table of {wiped} proxy IPs was wiped: one of them was another domain's")
        return _answer(lookup, Status.ACTIVE, "; ".join(notes) or None)

    def refuse(self, number: int, why: str) -> Reaction | None:
        """End a lookup with Inactive, for a reason of the holder's; ``None`` where it is over already."""
        lookup = self._lookups.pop(number, None)
        if lookup is None:
            return None
        if lookup.client not in self._clients:
            return Reaction(lookup.client, note=_GONE)
        return _answer(lookup, Status.INACTIVE, why)

    def expire(self, now: int) -> list[Reaction]:
        """Answer for all lookups whose time is up."""
        late = [lookup for lookup in self._lookups.values() if now >= lookup.deadline]
        for lookup in late:
            del self._lookups[lookup.number]
        return [self._give_up(lookup) for lookup in late]

    def deadline(self) -> int | None:
        """When :meth:`expire` has something to do next."""
        return min((lookup.deadline for lookup in self._lookups.values()), default=None)

    def deny(self, client: str, destination: str, protocol: Mapping[str, Any], now: int) -> bytes | None:
        """NoAuthorization for a packet that no authorization covers, at most one per address in 2 s.

        ``protocol`` are the members that a record's ``fields`` have of it.
        """
        known = self._clients.get(client)
        if known is not None and not known.throttle.admits(destination, now):
            return None
        return encode(NO_AUTHORIZATION, {DESTINATION.name: destination, **protocol})

    def table(self, client: str) -> list[Mapped]:
        """The client's NAT table: each proxy IP with its domain and the address behind it."""
        known = self._clients.get(client)
        return [] if known is None else known.table.rows()

    def revision(self, client: str) -> int:
        """Another number whenever the client's NAT table has changed; 0 where it has none."""
        known = self._clients.get(client)
        return 0 if known is None else known.table.revision

    def clients(self) -> list[str]:
        """All clients that have an authorization."""
        return list(self._clients)

    def _handle_assigned_ips(
        self, client: str, known: _Client, fields: Mapping[str, Any], now: int
    ) -> Reaction:
        resource, domain = fields[RESOURCE.name], fields[DOMAIN.name]
        lookup = Lookup(
            self._count, client, resource, domain, tuple(fields[PROXY_IPS.name]), now + LOOKUP_LIMIT
        )
        if resource not in known.resources:
            return _answer(lookup, Status.INACTIVE, f"the client has no authorization for {resource}")
        if len(self._lookups) >= MOST_LOOKUPS:
            return Reaction(client, note=f"{MOST_LOOKUPS} lookups are in flight: no answer")
        self._count += 1
        self._lookups[lookup.number] = lookup
        return Reaction(client, lookup=lookup)

    def _give_up(self, lookup: Lookup) -> Reaction:
        if lookup.client not in self._clients:
            return Reaction(lookup.client, note=_GONE)
        return _answer(lookup, Status.INACTIVE, "the lookup took longer than 10 s")


class _Client:
    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self.table = NatTable()
        self.throttle = Throttle()

    def why_not(self, resource: str, domain: str) -> str | None:
        """Why there can be no NAT for the domain; ``None`` where there can."""
        known = self.resources.get(resource)
        if known is None:
            return f"{resource} is no longer authorized"
        if known.pattern is None:
            return f"{resource} is no DNS resource"
        if not known.pattern.covers(domain):
            return f"the resource's address {known.pattern.text} does not cover {domain}"
        return None


def _answer(lookup: Lookup, status: str, note: str | None) -> Reaction:
    """DomainStatus with resource and domain as they were parsed."""
    values = {RESOURCE.name: lookup.resource, DOMAIN.name: lookup.domain, STATUS.name: status}
    try:
        packet = encode(DOMAIN_STATUS, values)
    except EncodeError as error:
        return Reaction(lookup.client, note=f"no answer: {error}")
    return Reaction(lookup.client, (packet,), note=note)
