"""What becomes of a captured datagram, and the words for why it could not be read."""

from __future__ import annotations

from typing import Final, NamedTuple

OK: Final = "ok"
NO_HANDSHAKE: Final = "no_handshake"
NO_KEY: Final = "no_key"
AUTHENTICATION_FAILED: Final = "authentication_failed"
NOT_WIREGUARD: Final = "not_wireguard"
CUT: Final = "cut"

REASONS: Final[dict[str, str]] = {
    OK: "decrypted, or a handshake message",
    NO_HANDSHAKE: "the handshake of its session is not in the capture, and no transport key is known",
    NO_KEY: "the handshake is in the capture, but no key fits it",
    AUTHENTICATION_FAILED: "the session's keys are known, but the datagram is not authentic",
    NOT_WIREGUARD: "no WireGuard message",
    CUT: "the capture holds only the datagram's beginning (snap length)",
}


class Result(NamedTuple):
    """What became of a datagram.

    ``type`` is that of the WireGuard message, 0 where it is none. ``packet`` is the inner
    packet without padding, empty for a keepalive. With the reason ``cut`` it is the beginning
    of what can only be a control message, decrypted but not authenticated.
    ``copy_of`` is the frame that already held the same datagram of the same session.
    """

    reason: str
    type: int = 0
    packet: bytes | None = None
    session: int | None = None
    counter: int | None = None
    direction: str | None = None
    src: str = ""
    dst: str = ""
    copy_of: int | None = None
