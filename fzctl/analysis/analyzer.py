"""Records and packets in, the story out, in one pass.

Memory grows with sessions, connections and domains, not with packets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from fzctl.analysis import rules
from fzctl.analysis.bounded import Room
from fzctl.analysis.connections import OpenConnection, Patterns
from fzctl.analysis.domains import DomainEntry
from fzctl.analysis.exchanges import Exchanges
from fzctl.analysis.findings import Findings, Spot, Subject, spot_of
from fzctl.analysis.messages import Judged, faults_of
from fzctl.analysis.rules import Rule
from fzctl.analysis.sessions import SessionCounts
from fzctl.analysis.story import Standing, Story
from fzctl.analysis.tunnels import Place, Tunnels, ends_of
from fzctl.nat.names import resource_key
from fzctl.pcap.frame import Datagram
from fzctl.protocol.codec import Message
from fzctl.protocol.kinds import DOMAIN, RESOURCE
from fzctl.protocol.packet import MAX_PACKET, is_ours
from fzctl.protocol.values import domain_key
from fzctl.records import Exchange, Record

if TYPE_CHECKING:
    # Captures without keys need no cryptography.
    from fzctl.tunnel import Inner
    from fzctl.wireguard.decryptor import Decryptor

_MOST_JUDGED: Final = 16384

Deliver = Callable[..., None]
"""Takes what :meth:`Analyzer.packet` takes."""
OnPacket = Callable[[DomainEntry, Spot, int, bool], None]
"""Takes a domain, where the packet was seen, its size, and whether it went to the domain."""


class Analyzer:
    """Takes records in the order of their times; :meth:`finish` tells what they mean together.

    ``decryptors`` are those of the files that are decrypted, ``merged`` tells that the files show
    the same tunnels (see :mod:`fzctl.analysis.merge`). ``patterns`` are the addresses of resources.
    ``tun_device``: the input was captured on Firezone's own interface. ``wanted`` chooses rules.
    ``at`` is a time at which everybody's state is to be kept as ``moment``. ``on_packet`` is told
    of each application packet to or from a proxy IP.
    """

    def __init__(
        self,
        *,
        decryptors: Mapping[str | None, Decryptor] | None = None,
        merged: bool = False,
        patterns: Patterns | None = None,
        tun_device: bool = False,
        wanted: Callable[[Rule], bool] | None = None,
        at: int | None = None,
        on_packet: OnPacket | None = None,
    ) -> None:
        self._on_packet = on_packet
        self._decryptors = {} if decryptors is None else decryptors
        self._patterns: Patterns = {
            None if resource is None else resource_key(resource): pattern
            for resource, pattern in (patterns or {}).items()
        }
        self._tun_device = tun_device
        self._at = at
        self._moment: tuple[Standing, ...] | None = None
        self._tunnels = Tunnels(self._decryptors, merged=merged)
        self._findings = Findings(wanted)
        self._exchanges = Exchanges()
        self._sessions = SessionCounts()
        self._merged = merged
        self._current: dict[int, OpenConnection] = {}
        self._latest: OpenConnection | None = None
        self._latest_place: Place = (None, None)
        self._connections: list[OpenConnection] = []
        self._room = Room()
        self._judged: dict[bytes, Judged] = {}
        self._messages = 0
        self._first: int | None = None
        self._last: int | None = None
        self._end: int | None = None

    def record(self, record: Record) -> Exchange | None:
        """The next record; returns its place in an exchange.

        Raises TooManyError where more is to be kept than there is room for; what came before stays.
        """
        message = record.message
        if not message.control and not is_ours(message.packet):
            return None
        time = record.time
        if self._last is None or time is None or time > self._last:
            self._pass(time)
        self._messages += 1
        outer = record.outer
        place: Place = record.file, None if outer is None else outer.session
        connection = self._latest
        if connection is None or place != self._latest_place or connection.goodbye is not None:
            connection = self._latest = self._connection_of(record, place)
            self._latest_place = place
        if self._merged or self._decryptors:
            self._tunnels.sight(record)
        if outer is not None:
            self._sessions.control(place, record.frame, record.path, record.copy_of)
        if record.copy_of is not None:
            connection.copy(record)
            return None
        spot = spot_of(record)
        judged = self._judge(message)
        for fault in judged.faults:
            self._findings.add(
                fault.rule, connection.subject, fault.detail, spot, variant=fault.variant, names=fault.names
            )
        if self._tun_device and outer is None:
            self._findings.add(rules.ON_TUN, connection.subject, f"{message.name} in plain", spot)
        return connection.message(record, spot, place, judged, self._exchanges)

    def packet(
        self,
        time: int | None,
        packet: bytes,
        *,
        frame: int = 0,
        file: str | None = None,
        session: int | None = None,
        ends: tuple[str, str] | None = None,
    ) -> None:
        """An application's IP packet: one that is no control message, from a tunnel or in plain.

        ``session`` is its WireGuard session, ``ends`` are its outer ends, where it has them.
        """
        self._pass(time)
        tunnel = self._tunnels.of_session(file, session, ends)
        connection = None if tunnel is None else self._current.get(tunnel)
        # Where two captures show one tunnel, each packet may stand in both.
        if connection is not None and file == connection.file:
            spot = Spot(frame, time, file)
            passed = connection.packet(packet, spot)
            if passed is not None and self._on_packet is not None:
                domain, size, towards = passed
                self._on_packet(domain, spot, size, towards)

    def goes_on_until(self, time: int | None) -> None:
        """The input was captured until ``time``, even where nothing of it was told."""
        if time is not None and (self._end is None or time > self._end):
            self._end = time

    @property
    def latest(self) -> Subject:
        """The connection of the last record."""
        return Subject() if self._latest is None else self._latest.subject

    @property
    def first(self) -> int | None:
        """The first time that was seen."""
        return self._first

    def handshake(self, file: str | None, frame: int, time: int | None) -> None:
        """A datagram that carries a handshake message."""
        self._pass(time)
        self._sessions.handshake(file, frame, time)

    def watcher(
        self, file: str | None = None, deliver: Deliver | None = None, offset: int = 0
    ) -> TunnelWatcher:
        """What a :class:`~fzctl.tunnel.Tunnel` that reads ``file`` shall tell.

        ``deliver`` takes application packets in place of :meth:`packet`; ``offset`` is added to the
        times of handshakes.
        """
        return TunnelWatcher(self, deliver or self.packet, self._sessions, file, offset)

    def keep_moment(self) -> None:
        """Keep everybody's state as it is now as the story's ``moment``."""
        self._moment = self.standings()

    def standings(self) -> tuple[Standing, ...]:
        """Where each domain of the connections that are open stands now."""
        return tuple(standing for each in self._current.values() for standing in each.standings())

    def finish(self) -> Story:
        """The story, when there is no more input."""
        if self._at is not None and self._moment is None:
            self._moment = self.standings()
        self.goes_on_until(self._last)
        connections = [each.finish(self._last, self._end) for each in self._connections]
        return Story(
            self._messages,
            self._first,
            self._last,
            tuple(each for each in connections if each is not None),
            tuple(self._sessions.sessions(self._decryptors, self._tunnels)),
            tuple(self._sessions.unanswered(self._decryptors)),
            tuple(self._findings.listed()),
            self._moment,
            self._end,
        )

    def _pass(self, time: int | None) -> None:
        if time is None:
            return
        if self._first is None:
            self._first = time
        if self._last is None or time > self._last:
            self._last = time
            if self._at is not None and self._moment is None and time > self._at:
                self._moment = self.standings()

    def _connection_of(self, record: Record, place: Place) -> OpenConnection:
        tunnel = self._tunnels.of(record)
        found = self._current.get(tunnel)
        if found is None or (found.goodbye is not None and self._begins_anew(found, record, place)):
            number = 1 if found is None else (found.subject.connection or 0) + 1
            ends = self._tunnels.ends(place, ends_of(record))
            self._room.take(record.frame)
            found = OpenConnection(tunnel, number, ends, self._findings, self._patterns, self._room)
            self._current[tunnel] = found
            self._connections.append(found)
        found.sessions.setdefault(place)
        return found

    def _begins_anew(self, ended: OpenConnection, record: Record, place: Place) -> bool:
        """After a Goodbye: does this message belong to a new connection?

        That has a new session; in plain, where none is seen, it begins with a question.
        """
        if record.copy_of is not None or ended.goodbye is None:
            return False
        if place[1] is None:
            judged = self._judge(record.message)
            return judged.kind is not None and judged.key is not None and judged.kind.answers is None
        if place in ended.sessions:
            return False
        session, last = self._tunnels.session(place), ended.goodbye.spot
        return session is None or place[0] != last.file or session.frame > last.frame

    def _judge(self, message: Message) -> Judged:
        """What is to be known of the message alone; the same bytes are looked at once."""
        found = self._judged.get(message.packet)
        if found is not None and found.message is message:
            return found
        if found is None or not _is_judged_alike(found.message, message):
            fields = message.fields
            faults = tuple(faults_of(message, fields))
            key = None
            if RESOURCE.name in fields and DOMAIN.name in fields and message.accepted:
                key = fields[RESOURCE.name], domain_key(fields[DOMAIN.name])
            found = Judged(message, message.declaration, fields, faults, key, message.payload)
            if len(message.packet) <= MAX_PACKET:
                if len(self._judged) >= _MOST_JUDGED:
                    self._judged.clear()
                self._judged[message.packet] = found
        return found


def _is_judged_alike(one: Message, other: Message) -> bool:
    """Are two messages with the same bytes the same to all rules?"""
    return one.dialect == other.dialect and one.reason == other.reason


class TunnelWatcher:
    """Hands a tunnel's handshakes and application packets on (:class:`fzctl.tunnel.Watcher`)."""

    def __init__(
        self, analyzer: Analyzer, deliver: Deliver, sessions: SessionCounts, file: str | None, offset: int
    ) -> None:
        self._analyzer = analyzer
        self._offset = offset
        self._deliver = deliver
        self._sessions = sessions
        self._file = file

    def handshake(self, datagram: Datagram) -> None:
        """A datagram that carries a handshake message."""
        time = None if datagram.time is None else datagram.time + self._offset
        self._analyzer.handshake(self._file, datagram.number, time)

    def inner(self, inner: Inner, record: Record | None) -> None:
        """An inner packet; control messages come as records."""
        if record is not None:
            return
        outer = inner.outer
        self._sessions.packet((self._file, outer.session), inner.frame, inner.path, inner.copy_of)
        if inner.copy_of is None:
            self._deliver(
                inner.time, inner.packet, frame=inner.frame, file=self._file, session=outer.session,
                ends=(outer.src, outer.dst),
            )  # fmt: skip


def analyze(records: Any, **options: Any) -> Story:
    """The story of records alone; ``options`` are those of :class:`Analyzer`."""
    analyzer = Analyzer(**options)
    for record in records:
        analyzer.record(record)
    return analyzer.finish()
