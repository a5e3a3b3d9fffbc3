"""WireGuard sessions beside their messages: what went through each, and which way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from fzctl.analysis.findings import Spot
from fzctl.analysis.story import Session
from fzctl.analysis.tunnels import Place, Tunnels

if TYPE_CHECKING:
    from fzctl.wireguard.decryptor import Decryptor

DIRECT: Final = "direct"
RELAYED: Final = "relayed"
MOST_BARE: Final = 4096

_TURN: Final = "turn"


class SessionCounts:
    """Counts inner packets by session, for as long as an input is read."""

    def __init__(self) -> None:
        self._control: dict[Place, int] = {}
        self._paths: dict[Place, dict[str, int]] = {}
        self._bare: dict[tuple[str | None, int], None] = {}
        self._times: dict[tuple[str | None, int], int | None] = {}

    def handshake(self, file: str | None, frame: int, time: int | None) -> None:
        """A datagram with a handshake message."""
        self._times[file, frame] = time

    def control(self, place: Place, frame: int, path: tuple[str, ...], copy_of: int | None) -> None:
        """A control message, or a copy of one."""
        if copy_of is None:
            self._control[place] = self._control.get(place, 0) + 1
        self.packet(place, frame, path, copy_of)

    def packet(self, place: Place, frame: int, path: tuple[str, ...], copy_of: int | None) -> None:
        """Any inner packet. One that has a copy in TURN was relayed, although its other leg was bare."""
        paths = self._paths.get(place)
        if paths is None:
            paths = self._paths[place] = {DIRECT: 0, RELAYED: 0}
        is_relayed = _TURN in path
        if copy_of is None:
            paths[RELAYED if is_relayed else DIRECT] += 1
            if not is_relayed:
                self._bare[place[0], frame] = None
                if len(self._bare) > MOST_BARE:
                    del self._bare[next(iter(self._bare))]
        elif is_relayed and (place[0], copy_of) in self._bare:
            del self._bare[place[0], copy_of]
            paths[DIRECT] -= 1
            paths[RELAYED] += 1

    def sessions(self, decryptors: Mapping[str | None, Decryptor], tunnels: Tunnels) -> list[Session]:
        """All sessions that the decryptors list."""
        found = []
        for file, decryptor in decryptors.items():
            before: dict[int, int] = {}
            for session in decryptor.handshakes.listed:
                number = session.number
                if number is None:
                    continue
                place = file, number
                tunnel = tunnels.of_session(file, number)
                begun = session.initiation or session.response
                found.append(
                    Session(
                        file, number, tunnel, session.ends,
                        None if begun is None else self._times.get((file, begun.frame)),
                        None if session.initiation is None else session.initiation.frame,
                        None if session.response is None else session.response.frame,
                        None if tunnel is None else before.get(tunnel),
                        self._control.get(place, 0), dict(self._paths.get(place, {})),
                        _pair(session.packets), _pair(session.keepalives), _pair(session.copies),
                        _pair(session.failed),
                    )
                )  # fmt: skip
                if tunnel is not None:
                    before[tunnel] = number
        return found

    def unanswered(self, decryptors: Mapping[str | None, Decryptor]) -> list[Spot]:
        """Initiations that got no answer."""
        return [
            Spot(session.frame, self._times.get((file, session.frame)), file)
            for file, decryptor in decryptors.items()
            for session in decryptor.handshakes.unanswered()
        ]


def _pair(counts: list[int]) -> tuple[int, int]:
    return counts[0], counts[1]
