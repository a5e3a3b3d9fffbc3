"""The client whose bearing is watched: its state machine, and an application that uses the domains.

The application is imagined: its packets go as far as the client's NAT, where it shows which are
let through, which wait and which are lost; none is sent.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from fzctl.live.player import milliseconds
from fzctl.nat.buffer import CAPACITY
from fzctl.nat.client import ClientNat, Effects, State
from fzctl.nat.names import name_key, resource_key
from fzctl.protocol.codec import decode
from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import DOMAIN, DOMAIN_STATUS, GOODBYE, PROXY_IPS, RESOURCE, STATUS
from fzctl.protocol.values import ip_to_bytes

TRAFFIC_EVERY: Final = 1.0
"""Seconds between two packets of the application to a domain."""
QUERY_AFTER: Final = 5.0
"""So long an application waits for a domain that failed, before it asks for the address again."""
PORTAL_TIME: Final = 0.1
"""So long the portal takes to authorize anew."""

_GATEWAY: Final = "gateway"


class Target(NamedTuple):
    """A domain of a resource, and the proxy IPs that the client gave to it."""

    resource: str
    domain: str
    proxy_ips: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What its questions and answers have in common, in whatever way they are written."""
        return key_of(self.resource, self.domain)

    @property
    def values(self) -> dict[str, Any]:
        """Its question as members of a record's ``fields``."""
        return {
            RESOURCE.name: self.resource,
            DOMAIN.name: self.domain,
            PROXY_IPS.name: list(self.proxy_ips),
        }


class Origin(NamedTuple):
    """Where a DomainStatus comes from: ``forged`` where the gateway never gave it.

    ``exchange`` is the one whose question it answers, ``order`` its place among the gateway's
    answers for the domain.
    """

    forged: bool = True
    exchange: int = 0
    order: int = 0


class Course:
    """What became of one domain. Times are the clock's, in seconds.

    ``exchange`` counts the set-ups and refreshes, ``sent`` the questions. ``started_at`` is when the
    domain was asked for, ``since`` the same, or when it last ceased to be confirmed;
    ``confirmed_at`` when it became so and stayed. ``queued`` are the packets that the NAT should
    hold. ``stale``, ``after_goodbye`` and ``out_of_order`` are sentences about what should not have
    been.
    """

    def __init__(self, target: Target) -> None:
        self.target: Final = target
        self.exchange = 0
        self.order = 0
        self.sent = 0
        self.started_at: float | None = None
        self.since: float | None = None
        self.confirmed_at: float | None = None
        self.is_authorized = True
        self.is_ended = False
        self.state: State | None = None
        self.stale: Final[list[str]] = []
        self.after_goodbye: Final[list[str]] = []
        self.out_of_order: Final[list[str]] = []
        self.released = 0
        self.lost = 0
        self.handed: Final[list[bytes]] = []
        self.queued: Final[list[bytes]] = []
        self.waiting_for_portal: Final[list[bytes]] = []


class Subject:
    """A client with one application for each domain.

    ``send(index, packet)`` puts a message of a domain on its way; ``later(seconds, what)`` does
    something then; ``on_confirmed(index)`` is told when a domain becomes confirmed.
    """

    def __init__(
        self,
        targets: Iterable[Target],
        send: Callable[[int, bytes], None],
        later: Callable[[float, Callable[[float], None]], None],
        on_confirmed: Callable[[int], None],
        *,
        silent: bool,
    ) -> None:
        self.courses: Final = [Course(target) for target in targets]
        self._by_key: Final = {course.target.key: index for index, course in enumerate(self.courses)}
        self._nat: Final = ClientNat()
        self._send: Final = send
        self._later: Final = later
        self._on_confirmed: Final = on_confirmed
        self._silent: Final = silent

    def index_of(self, resource: str, domain: str) -> int | None:
        """Which domain a message is about."""
        return self._by_key.get(key_of(resource, domain))

    def begin(self, index: int, now: float) -> None:
        """The application asks for the domain's address, and from then on sends packets to it."""
        course = self.courses[index]
        course.started_at = course.since = now
        self.query(index, now)
        self._use(index, now)

    def query(self, index: int, now: float) -> None:
        """Somebody asks for a domain's address: every domain in use is updated, this one anew."""
        self._nat.recreate(self.courses[index].target.domain)
        for each, other in enumerate(self.courses):
            if other.since is not None and other.is_authorized:
                self._update(each, now)

    def receive(self, packet: bytes, now: float, origin: Origin) -> None:
        """A packet out of the tunnel; what is neither DomainStatus nor Goodbye changes nothing."""
        message = decode(packet, "current")
        if not message.accepted:
            return
        if message.name == GOODBYE.name:
            self.end(now)
        elif message.name == DOMAIN_STATUS.name:
            fields = message.fields
            index = self.index_of(fields[RESOURCE.name], fields[DOMAIN.name])
            if index is not None:
                self._handle_status(index, fields[STATUS.name], now, origin)

    def end(self, now: float) -> None:
        """A Goodbye was said: everything about the gateway is forgotten."""
        effects = self._nat.clear_by_gateway(_GATEWAY)
        lost = list(effects.lost)
        for course in self.courses:
            mine = [packet for packet in lost if packet in course.queued]
            self._settle(course, Effects(lost=tuple(mine)), "Goodbye")
            if course.since is not None:
                course.is_ended = True
                course.is_authorized = False
            self._note_state(course, now)

    def check_packets(self) -> None:
        """At the end: is each packet accounted for?"""
        held = {key_of(entry.resource, entry.domain): entry.waiting for entry in self._nat.entries()}
        for course in self.courses:
            domain, waiting = course.target.domain, len(course.queued)
            holds = held.get(course.target.key, 0)
            if holds != waiting:
                course.out_of_order.append(f"{domain}: {holds} packets are still held, not {waiting}")
            away = course.released + course.lost + waiting + len(course.waiting_for_portal)
            if away != len(course.handed):
                course.out_of_order.append(f"{domain}: {len(course.handed)} packets came, {away} went")

    # --- the application ---

    def _use(self, index: int, now: float) -> None:
        """One packet, and then the next."""
        course = self.courses[index]
        packet = _application_packet(course.target.proxy_ips[0], len(course.handed))
        course.handed.append(packet)
        if course.is_authorized:
            target = course.target
            effects = self._nat.handle_outgoing(
                _GATEWAY, target.domain, target.resource, packet, milliseconds(now)
            )
            if effects.buffered:
                course.queued.append(packet)
            self._settle(course, effects, "traffic", packet)
            self._emit(index, effects)
        else:
            course.waiting_for_portal.append(packet)
            self._later(PORTAL_TIME, lambda then: self._authorized(index, then))
        if not self._silent:
            self._later(TRAFFIC_EVERY, lambda then: self._use(index, then))

    def _authorized(self, index: int, now: float) -> None:
        course = self.courses[index]
        course.is_authorized = True
        course.is_ended = False
        waited = tuple(course.waiting_for_portal)
        course.waiting_for_portal.clear()
        course.queued.extend(waited)
        self._update(index, now, waited)

    def _query_again(self, index: int, now: float) -> None:
        if self.courses[index].state is State.FAILED:
            self.query(index, now)

    # --- the state machine ---

    def _update(self, index: int, now: float, packets: tuple[bytes, ...] = ()) -> None:
        course = self.courses[index]
        target = course.target
        before = self._state(course)
        effects = self._nat.update(
            _GATEWAY, target.domain, target.resource, target.proxy_ips, milliseconds(now), packets
        )
        if before in (None, State.RECREATING):
            course.exchange += 1
        self._settle(course, effects, "update")
        self._note_state(course, now)
        self._emit(index, effects)

    def _handle_status(self, index: int, status: str, now: float, origin: Origin) -> None:
        course = self.courses[index]
        target = course.target
        effects = self._nat.on_domain_status(_GATEWAY, target.domain, target.resource, status)
        if course.is_ended and (effects != Effects() or self._state(course) is not None):
            course.after_goodbye.append(f"{target.domain}: a {status} was taken after the Goodbye")
        before = course.state
        self._settle(course, effects, status)
        self._note_state(course, now)
        if course.state is before:
            return
        why = _why_stale(course, origin)
        if why is not None:
            course.stale.append(f"{target.domain}: {why} said {status}")
        if not origin.forged:
            course.order = max(course.order, origin.order)
        if course.state is State.CONFIRMED:
            self._on_confirmed(index)
        elif not self._silent:
            self._later(QUERY_AFTER, lambda then: self._query_again(index, then))

    def _emit(self, index: int, effects: Effects) -> None:
        if effects.assigned is not None:
            self.courses[index].sent += 1
            self._send(index, effects.assigned)

    def _state(self, course: Course) -> State | None:
        return self._nat.state(_GATEWAY, course.target.domain, course.target.resource)

    def _note_state(self, course: Course, now: float) -> None:
        before, course.state = course.state, self._state(course)
        if course.state is before:
            return
        if course.state is State.CONFIRMED:
            course.confirmed_at = now
        elif before is State.CONFIRMED:
            course.since = now
            course.confirmed_at = None

    def _settle(self, course: Course, effects: Effects, cause: str, own: bytes | None = None) -> None:
        """Account for what was released and lost: of the queue always the oldest first."""
        for packet in effects.lost:
            self._take(course, packet, cause)
            course.lost += 1
        for packet in effects.released:
            if packet is not own:
                self._take(course, packet, cause)
            course.released += 1
        if effects.lost and cause == "traffic" and len(course.queued) < CAPACITY:
            course.out_of_order.append(f"{course.target.domain}: a packet was lost although there was room")
        if effects.lost and cause == Status.ACTIVE:
            course.out_of_order.append(f"{course.target.domain}: packets were lost when the NAT was up")

    @staticmethod
    def _take(course: Course, packet: bytes, cause: str) -> None:
        if not course.queued or course.queued[0] != packet:
            course.out_of_order.append(f"{course.target.domain}: a packet left out of turn ({cause})")
        if packet in course.queued:
            course.queued.remove(packet)


def key_of(resource: str, domain: str) -> tuple[str, str]:
    """What all spellings of a domain and its resource have in common."""
    return resource_key(resource), name_key(domain)


def _why_stale(course: Course, origin: Origin) -> str | None:
    if origin.forged:
        return "an answer that the gateway did not give to this question"
    if origin.exchange != course.exchange:
        return "an answer of an earlier exchange"
    if origin.order < course.order:
        return "an answer that a later one had overtaken"
    return None


def _application_packet(address: str, number: int) -> bytes:
    """A UDP packet to a proxy IP, each one different."""
    target = ip_to_bytes(address)
    datagram = struct.pack(">HHHHQ", 40000, 443, 16, 0, number)
    if len(target) == 16:
        source = ip_to_bytes("fd00:2021:1111::1")
        return struct.pack(">IHBB", 0x6000_0000, len(datagram), 17, 64) + source + target + datagram
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0)
    return header + ip_to_bytes("100.64.0.1") + target + datagram
