"""Which WireGuard sessions are one tunnel: a rekey begins a new session between the same two peers.

Peers are told apart by their static keys where a decryptor knows them, else by the outer
addresses of the session's first packet. A message that is the copy of another one (of a capture
on all interfaces, or of the other end) shows that both ways to see it are the same tunnel.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Final

from fzctl.records import Record

if TYPE_CHECKING:
    from fzctl.wireguard.decryptor import Decryptor
    from fzctl.wireguard.sessions import Session

Place = tuple[str | None, int | None]
"""A file and a session in it; no session stands for what the file holds in plain."""

MOST_SIGHTINGS: Final = 16384


class Tunnels:
    """Numbers tunnels from 1. ``decryptors`` are those of the files that were decrypted.

    ``merged``: the files show the same tunnels, and what is in plain is one tunnel in all of them.
    Otherwise each file is a world of its own.
    """

    def __init__(
        self, decryptors: Mapping[str | None, Decryptor] | None = None, *, merged: bool = False
    ) -> None:
        self._decryptors = {} if decryptors is None else decryptors
        self._merged = merged
        self._places: dict[Place, int] = {}
        self._identities: dict[Hashable, int] = {}
        # The tunnels of the last messages, in two generations.
        self._sightings: dict[tuple[str | None, int], int] = {}
        self._older: dict[tuple[str | None, int], int] = {}
        # Places without a tunnel, and how many identities there were when they were looked at.
        self._unknown: dict[Place, int] = {}
        self._count = 0

    def of(self, record: Record) -> int:
        """The number of the tunnel that carried a record."""
        outer = record.outer
        place = record.file, None if outer is None else outer.session
        number = self._places.get(place)
        if number is None:
            number = self._place(place, record)
        return number

    def sight(self, record: Record) -> None:
        """Remember a message, so that a copy of it can show where it belongs."""
        if record.copy_of is not None:
            return
        if len(self._sightings) >= MOST_SIGHTINGS:
            self._older, self._sightings = self._sightings, {}
        self._sightings[record.file, record.frame] = self.of(record)

    def of_session(
        self, file: str | None, session: int | None, ends: tuple[str, str] | None = None
    ) -> int | None:
        """The tunnel of a session, ``None`` where no message has shown it yet.

        ``ends`` are the outer ends of a packet in it, where no decryptor is known.
        """
        place = file, session
        number = self._places.get(place)
        if number is None and self._unknown.get(place) != len(self._identities):
            number = self._identities.get(self._identity(place, ends))
            if number is None:
                self._unknown[place] = len(self._identities)
            else:
                self._places[place] = number
        return number

    def session(self, place: Place) -> Session | None:
        """The session as the decryptor knows it."""
        decryptor = self._decryptors.get(place[0])
        if decryptor is None or place[1] is None:
            return None
        listed = decryptor.handshakes.listed
        return listed[place[1] - 1] if place[1] <= len(listed) else None

    def ends(self, place: Place, seen: tuple[str, str] | None) -> tuple[str, str] | None:
        """The outer ends of the place's session, the initiator's first where the handshake is known."""
        session = self.session(place)
        return seen if session is None else session.ends

    def _place(self, place: Place, record: Record) -> int:
        identity = self._identity(place, ends_of(record))
        number = self._identities.get(identity)
        if number is None and record.copy_of is not None:
            origin = record.file if record.copy_in is None else record.copy_in
            sighted = origin, record.copy_of
            number = self._sightings.get(sighted, self._older.get(sighted))
        if number is None:
            self._count += 1
            number = self._count
        self._identities.setdefault(identity, number)
        self._places[place] = number
        return number

    def _identity(self, place: Place, seen: tuple[str, str] | None) -> Hashable:
        world = None if self._merged else place[0]
        ends = self.ends(place, seen)
        if ends is None:
            return world, None
        session = self.session(place)
        if session is not None and session.initiator is not None and session.responder is not None:
            return world, frozenset((session.initiator, session.responder))
        return world, frozenset(ends)


def ends_of(record: Record) -> tuple[str, str] | None:
    """The outer ends of one packet."""
    return None if record.outer is None else (record.outer.src, record.outer.dst)
