"""The words for why a live endpoint took nothing from a datagram; some are those of captures."""

from __future__ import annotations

from typing import Final

from fzctl.wireguard.results import AUTHENTICATION_FAILED, NO_HANDSHAKE, NOT_WIREGUARD, OK

NOT_FOR_US: Final = "not_for_us"
UNKNOWN_PEER: Final = "unknown_peer"
OLD_TIMESTAMP: Final = "old_timestamp"
TOO_SOON: Final = "too_soon"
NEEDS_COOKIE: Final = "needs_cookie"
RATE_LIMITED: Final = "rate_limited"
EXPIRED: Final = "expired"
REPLAYED: Final = "replayed"
NOT_ALLOWED: Final = "not_allowed"
NOT_IP: Final = "not_ip"

REFUSALS: Final[dict[str, str]] = {
    OK: "taken",
    NOT_WIREGUARD: "no WireGuard message",
    NOT_FOR_US: "a handshake message for another public key than ours (MAC1)",
    UNKNOWN_PEER: "an initiation of a peer that is not in the config",
    AUTHENTICATION_FAILED: "not authentic under the keys of the config or the session",
    OLD_TIMESTAMP: "an initiation no newer than the one before: a replay, or a clock that stepped back",
    TOO_SOON: "an initiation within 20 ms of the one before",
    NEEDS_COOKIE: "a handshake message under load, answered with a cookie",
    RATE_LIMITED: "more handshake messages under load than one address may send",
    NO_HANDSHAKE: "for a session or a handshake that we do not have",
    EXPIRED: "under a session that is older than 180 s or used up",
    REPLAYED: "a counter that came before, or lags too far behind",
    NOT_ALLOWED: "an inner source address that the peer's AllowedIPs do not hold",
    NOT_IP: "authentic, but no IP packet inside",
}
