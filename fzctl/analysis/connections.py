"""One connection between a client and a gateway: its domains, the gateway's table, its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fzctl.analysis import rules
from fzctl.analysis.bounded import Room
from fzctl.analysis.closing import JITTER, judge_lost, judge_open, judge_silence, seconds, since, why_inactive
from fzctl.analysis.domains import RESEND_AFTER, DomainEntry
from fzctl.analysis.exchanges import Exchanges
from fzctl.analysis.findings import Findings, Spot, Subject
from fzctl.analysis.gatewaytable import GatewayTable
from fzctl.analysis.messages import Judged
from fzctl.analysis.story import Connection, Goodbye, Standing
from fzctl.analysis.tunnels import Place
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import (
    CLIENT,
    DESTINATION,
    DOMAIN,
    GATEWAY,
    GOODBYE,
    NO_AUTHORIZATION,
    PROXY_IPS,
    STATUS,
    Kind,
)
from fzctl.protocol.packet import IPV6_HEADER
from fzctl.protocol.values import ip_to_bytes
from fzctl.records import Exchange, Outer, Record

SLOW_AFTER: Final = 2_000_000_000
SHORTEST_HEADER: Final = 20

Patterns = Mapping[str | None, DomainPattern]
"""Addresses of resources by their id; ``None`` stands for every resource that is not named."""


class OpenConnection:
    """Follows one connection; what is wrong goes to ``findings``, each domain takes ``room``."""

    def __init__(
        self,
        tunnel: int,
        number: int,
        ends: tuple[str, str] | None,
        findings: Findings,
        patterns: Patterns,
        room: Room,
    ) -> None:
        self._room = room
        self.subject = Subject(tunnel, number)
        self.ends = ends
        self.findings = findings
        self.sessions: dict[Place, None] = {}
        self.goodbye: Goodbye | None = None
        self.file: str | None = None
        self.first: Spot | None = None
        self.last: Spot | None = None
        self.last_time: int | None = None
        self.packets = 0
        self._patterns = patterns
        self._client_way: str | None = None
        self._kinds: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._copies = self._reordered = self._after_goodbye = 0
        self._counters: dict[tuple[Place, str | None], int] = {}
        self._domains: dict[tuple[str, str], DomainEntry] = {}
        self._owners: dict[bytes, DomainEntry] = {}
        self._table = GatewayTable(findings)
        self._fastest: int | None = None

    def copy(self, record: Record) -> None:
        """A copy of a message that was counted."""
        self._copies += 1
        self._touch(record.time)

    def message(
        self,
        record: Record,
        spot: Spot,
        place: Place,
        judged: Judged,
        exchanges: Exchanges,
    ) -> Exchange | None:
        """The next message; returns its place in an exchange."""
        if self.first is None:
            self.first, self.file = spot, record.file
        self.last = spot
        time = record.time
        if self.last_time is None or (time is not None and time > self.last_time):
            self.last_time = time
        if record.outer is not None:
            self._check_order(record.outer, record.direction, place, spot)
        message, kind = record.message, judged.kind
        self._kinds[message.name] = self._kinds.get(message.name, 0) + 1
        if not message.accepted:
            self._refused[message.reason] = self._refused.get(message.reason, 0) + 1
        if self.goodbye is not None:
            if kind is GOODBYE and None is not record.direction != self.goodbye.direction:
                return None  # both sides said it at once
            self._after_goodbye += 1
            detail = f"{message.name} after the Goodbye in frame {self.goodbye.spot.frame}"
            self.findings.add(rules.AFTER_GOODBYE, self.subject, detail, spot, variant=message.name)
            return None
        if kind is None or not message.accepted:
            return None
        if record.direction is not None and not self._is_heard(kind, record.direction, spot):
            return None
        if kind is GOODBYE:
            self._end(record, spot)
        elif kind is NO_AUTHORIZATION:
            address = judged.fields[DESTINATION.name]
            detail = f"no authorization for {address}"
            self.findings.add(rules.DENIED, self.subject, detail, spot, variant=address, names=(address,))
        elif judged.key is not None:
            return self._exchange(record, kind, judged, judged.key, exchanges, spot)
        return None

    def packet(self, packet: bytes, spot: Spot) -> tuple[DomainEntry, int, bool] | None:
        """An application's packet.

        Returns the domain whose proxy IP it has, the packet's size, and whether it goes there.
        """
        self.packets += 1
        self._touch(spot.time)
        if len(packet) < SHORTEST_HEADER:
            return None
        if packet[0] >> 4 == 4:
            source, destination = packet[12:16], packet[16:20]
            size = (packet[2] << 8) + packet[3]
        else:
            source, destination = packet[8:24], packet[24:40]
            size = IPV6_HEADER + (packet[4] << 8) + packet[5]
        owner = self._owners.get(destination)
        if owner is not None:
            owner.packet_to(size, spot)
            return owner, size, True
        owner = self._owners.get(source)
        if owner is None:
            return None
        owner.current.count_from(size)
        return owner, size, False

    def standings(self) -> list[Standing]:
        """Where each domain stands now."""
        found = []
        for entry in self._domains.values():
            changes = entry.changes.kept().things
            found.append(
                Standing(
                    self.subject.tunnel or 0, self.subject.connection or 0, entry.resource, entry.domain,
                    entry.state, entry.buffering, self._table.holds(entry),
                    changes[-1][0] if changes else None,
                )
            )  # fmt: skip
        return found

    def finish(self, last: int | None, end: int | None) -> Connection | None:
        """The connection as a value, at the ``end`` of the input; ``last`` is when anything came last."""
        if self.first is None or self.last is None:
            return None
        if self.goodbye is None:
            for entry in self._domains.values():
                judge_open(entry, end, self.findings)
            # Messages alone are rare; only where all packets are seen, silence means something.
            if self.packets:
                judge_silence(self.subject, self.last, self.last_time, last, self.findings)
        for entry in self._domains.values():
            judge_lost(entry, self.file, self.findings)
            entry.close_exchange()
        client = self._client_way[0] if self._client_way else None
        return Connection(
            self.subject.tunnel or 0, self.subject.connection or 0, self.ends, client,
            tuple((file, session) for file, session in self.sessions if session is not None),
            self.first, self.last, self.goodbye, dict(self._kinds), dict(self._refused), self._copies,
            self._reordered, self._after_goodbye, self.packets,
            tuple(entry.story(is_mapped=self._table.holds(entry)) for entry in self._domains.values()),
            self._table.rows(), self._table.wipes.kept(),
        )  # fmt: skip

    def _exchange(
        self,
        record: Record,
        kind: Kind,
        judged: Judged,
        key: tuple[str, str],
        exchanges: Exchanges,
        spot: Spot,
    ) -> Exchange | None:
        entry, fields = self._domains.get(key), judged.fields
        if entry is None:
            self._room.take(spot.frame)
            subject = self.subject._replace(resource=key[0], domain=fields[DOMAIN.name])
            entry = self._domains[key] = DomainEntry(subject, key[1])
            self._check_pattern(entry, spot)
        found = exchanges.place(record, entry, is_answer=kind.answers is not None)
        if kind.answers is None:
            self._ask(entry, judged.payload, found, fields.get(PROXY_IPS.name, ()), spot)
        else:
            self._answer(entry, fields.get(STATUS.name), found, spot)
        return found

    def _ask(
        self, entry: DomainEntry, payload: bytes, found: Exchange | None, proxy_ips: list[str], spot: Spot
    ) -> None:
        if found is not None and found.retransmission_of is not None and entry.exchange is not None:
            before = entry.exchange.last
            passed = since(before, spot.time)
            if passed is not None and passed < RESEND_AFTER - JITTER:
                detail = f"{seconds(passed)} after frame {before.frame}"
                self.findings.add(rules.RESENT_EARLY, entry.subject, detail, before, spot)
            if payload != entry.payload:
                detail = f"its bytes are not those of frame {entry.exchange.questions[0].frame}"
                self.findings.add(rules.RESENT_OTHERWISE, entry.subject, detail, spot)
            entry.ask_again(spot, payload)
        else:
            if entry.payload and payload != entry.payload and tuple(proxy_ips) != entry.proxy_ips:
                names = *entry.proxy_ips[:1], *proxy_ips[:1]
                detail = f"{', '.join(entry.proxy_ips[:1])} and so on became {', '.join(proxy_ips[:1])}"
                self.findings.add(rules.IP_CHANGED, entry.subject, detail, spot, names=names)
            entry.ask(0 if found is None else found.number, spot, payload, proxy_ips)
        if entry.writes != self._table.generation or payload != entry.payload:
            self._table.write(entry, proxy_ips, spot)
            self._owners.update((ip_to_bytes(address), entry) for address in proxy_ips)

    def _answer(self, entry: DomainEntry, status: str | None, found: Exchange | None, spot: Spot) -> None:
        passed = None if found is None else found.response_time
        before = entry.status
        is_first = found is not None and entry.exchange is not None and entry.exchange.answer is None
        if found is None:
            entry.unasked += 1
            self.findings.add(
                rules.UNASKED, entry.subject, f"{status} without an AssignedIps before it", spot
            )
        entry.answer(spot, status, passed)
        asked = entry.exchange
        if asked is not None and asked.answer_count > asked.question_count:
            detail = f"{asked.answer_count} answers to {asked.question_count} questions"
            self.findings.add(rules.REPEATED_ANSWER, entry.subject, detail, spot)
        if status is None:
            return
        if status == Status.ACTIVE:
            if before is not None and before != status:
                self.findings.add(rules.REVIVED, entry.subject, "Inactive before, Active now", spot)
            if is_first and passed is not None:
                self._fastest = passed if self._fastest is None else min(passed, self._fastest)
                if passed > SLOW_AFTER:
                    self.findings.add(rules.SLOW, entry.subject, f"after {seconds(passed)}", spot)
            return
        if before == Status.ACTIVE:
            self.findings.add(rules.FLIPPED, entry.subject, "Active before, Inactive now", spot)
        detail = why_inactive(passed, self._fastest, is_outside=self._is_outside(entry))
        self.findings.add(rules.INACTIVE, entry.subject, detail, spot)

    def _is_heard(self, kind: Kind, direction: str, spot: Spot) -> bool:
        """Does the receiver do something about this kind? Who is the client, the first message shows."""
        if len(kind.handled_by) != 1:
            return True
        if self._client_way is None:
            self._client_way = (
                direction if kind.handled_by == (GATEWAY,) else direction[::-1].replace("<", ">")
            )
        receiver = GATEWAY if direction == self._client_way else CLIENT
        if receiver in kind.handled_by:
            return True
        self.findings.add(
            rules.WRONG_ROLE, self.subject, f"{kind.title} went to the {receiver}", spot, variant=kind.name
        )
        return False

    def _check_order(self, outer: Outer, direction: str | None, place: Place, spot: Spot) -> None:
        if outer.counter is None:
            return
        way = place, direction
        highest = self._counters.get(way, -1)
        if outer.counter < highest:
            self._reordered += 1
            detail = f"WireGuard's counter is {outer.counter}, after {highest}"
            self.findings.add(rules.REORDERED, self.subject, detail, spot)
        else:
            self._counters[way] = outer.counter

    def _is_outside(self, entry: DomainEntry) -> bool:
        pattern = self._patterns.get(entry.resource, self._patterns.get(None))
        return pattern is not None and not pattern.covers(entry.domain)

    def _check_pattern(self, entry: DomainEntry, spot: Spot) -> None:
        if self._is_outside(entry):
            pattern = self._patterns.get(entry.resource, self._patterns.get(None))
            assert pattern is not None
            names = pattern.text, entry.domain
            detail = f"{pattern.text} does not cover {entry.domain}"
            self.findings.add(rules.OUTSIDE_PATTERN, entry.subject, detail, spot, names=names)

    def _end(self, record: Record, spot: Spot) -> None:
        role = None
        if record.direction is not None and self._client_way is not None:
            role = CLIENT if record.direction == self._client_way else GATEWAY
        self.goodbye = Goodbye(spot, record.direction, role)
        for entry in self._domains.values():
            judge_open(entry, spot.time, self.findings)
            entry.end(spot)
        self._table.clear()

    def _touch(self, time: int | None) -> None:
        if time is not None and (self.last_time is None or time > self.last_time):
            self.last_time = time
