"""A captured session: its handshake, its keys, and what went through it."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

from fzctl.wireguard.keylog import Entry
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.messages import Initiation, Response
from fzctl.wireguard.noise import Opened

TO_RESPONDER: Final = 0
TO_INITIATOR: Final = 1

M = TypeVar("M", Initiation, Response)


class Seen(NamedTuple, Generic[M]):
    """A handshake message where it was captured."""

    message: M
    datagram: bytes
    frame: int
    src: str
    dst: str


class Session:
    """One handshake and the transport messages under its keys.

    Either message of the handshake may be missing from the capture; both are, where a transport
    key came from a key log. ``number`` counts from 1 and is None until the handshake was
    answered or a packet decrypted. ``fits`` are the lines of key logs that belong here,
    ``missing`` says in words why there are no keys. ``frame`` is where the session was seen first,
    ``ends`` are the outer addresses there, the initiator's first. ``packets``, ``keepalives``, ``copies`` and
    ``failed`` count transport messages by their way: to the responder, to the initiator.
    """

    __slots__ = (
        "copies",
        "ends",
        "failed",
        "fits",
        "frame",
        "initiation",
        "initiator",
        "keepalives",
        "keyed",
        "missing",
        "number",
        "opened",
        "packets",
        "responder",
        "response",
        "swapped",
    )

    def __init__(
        self, initiation: Seen[Initiation] | None = None, response: Seen[Response] | None = None
    ) -> None:
        self.initiation = initiation
        self.response = response
        self.frame = 0
        self.ends = ("", "")
        if initiation is not None:
            self.frame, self.ends = initiation.frame, (initiation.src, initiation.dst)
        elif response is not None:
            self.frame, self.ends = response.frame, (response.dst, response.src)
        self.number: int | None = None
        self.initiator: bytes | None = None
        self.responder: bytes | None = None
        self.opened: Opened | None = None
        self.keyed = False
        self.swapped = False
        self.fits: tuple[Entry, ...] = ()
        self.missing: str | None = None
        self.packets: Final = [0, 0]
        self.keepalives: Final = [0, 0]
        self.copies: Final = [0, 0]
        self.failed: Final = [0, 0]

    def direction(self, way: int) -> str | None:
        """``a>b`` or ``b>a``: a began the first session between these two peers."""
        if self.number is None:
            return None
        return "b>a" if (way == TO_INITIATOR) != self.swapped else "a>b"


class TransportKey(NamedTuple):
    """What decrypts the transport messages to one receiver index of one session."""

    secret: Secret
    session: Session
    way: int
