"""Why there is no session: what came back in place of one, and what to do about it."""

from __future__ import annotations

import errno
import os
from typing import Final

from fzctl.errors import CarrierError
from fzctl.wireguard.config import Config, PeerConfig
from fzctl.wireguard.keys import encode_key
from fzctl.wireguard.messages import COOKIE_REPLY, INITIATION, RESPONSE, message_type
from fzctl.wireguard.refusals import NOT_FOR_US, OLD_TIMESTAMP, UNKNOWN_PEER
from fzctl.wireguard.results import AUTHENTICATION_FAILED, NOT_WIREGUARD, OK

_ERRORS: Final[dict[int, str]] = {
    errno.ECONNREFUSED: "nothing listens on that UDP port (ICMP port unreachable); check the Endpoint's port "
    "and that WireGuard is up there",
    errno.EHOSTUNREACH: "the host cannot be reached (ICMP host unreachable); check the Endpoint's address",
    errno.ENETUNREACH: "there is no route to it; check this machine's network and the Endpoint's address",
    errno.EAFNOSUPPORT: "this machine has no IPv6; give the Endpoint an IPv4 address",
    errno.EACCES: "this machine's firewall forbids it; let UDP to that port out",
    errno.EPERM: "this machine's firewall forbids it; let UDP to that port out",
    errno.EMSGSIZE: "the datagram is longer than the path takes; make the packet shorter",
    errno.ENETDOWN: "this machine's network is down; bring it up",
}


class Evidence:
    """What was met while waiting for a session. ``unsent`` is the errno of what did not leave."""

    def __init__(self, relay: CarrierError | None = None) -> None:
        self.unsent: int | None = None
        self.relay = relay
        self._error = 0
        self._seen: Final[set[tuple[int, str]]] = set()

    @property
    def is_refused(self) -> bool:
        """Is there no use in waiting: nothing listens there, or our datagrams do not even leave?"""
        return self._error == errno.ECONNREFUSED or self.unsent is not None

    @property
    def error(self) -> int:
        """The last errno, of a call or an ICMP message; 0 without."""
        return self._error

    def note(self, datagram: bytes, reason: str) -> None:
        """A datagram came, and this became of it."""
        self._seen.add((message_type(datagram), reason))

    def note_error(self, number: int) -> None:
        self._error = number

    def fresh(self) -> Evidence:
        """For the next attempt; a relay that failed stays so."""
        return Evidence(self.relay)

    def has(self, kind: int, *reasons: str) -> bool:
        """Did such a message come that ended so?"""
        return any((kind, reason) in self._seen for reason in reasons)


def explain(evidence: Evidence, waited: float, target: PeerConfig, config: Config) -> str:
    """The likeliest cause, and the remedy."""
    if evidence.unsent is not None:
        return _speak(evidence.unsent)
    if evidence.relay is not None:
        return f"the relay failed: {evidence.relay}"
    if evidence.has(RESPONSE, AUTHENTICATION_FAILED):
        return (
            "its answer does not authenticate: the PresharedKey is not the same on both ends, or somebody "
            f"else answers in place of {target.key}; compare both configs"
        )
    if evidence.has(COOKIE_REPLY, OK):
        return "it is under load and only asks for a cookie; try again later, or give it more time"
    if evidence.has(INITIATION, UNKNOWN_PEER):
        return f"who began a handshake is not in {config.name}; add its PublicKey as a [Peer]"
    if evidence.has(INITIATION, OLD_TIMESTAMP):
        return "its handshakes are not newer than those before; set the clock of the other end"
    if evidence.has(INITIATION, AUTHENTICATION_FAILED):
        return "a handshake came that does not authenticate; compare the keys of both configs"
    if evidence.has(INITIATION, NOT_FOR_US) or evidence.has(RESPONSE, NOT_FOR_US):
        ours = encode_key(config.static.public)
        return f"what came is meant for another public key than ours, {ours}; put that into the other config"
    if evidence.error:
        return _speak(evidence.error)
    if evidence.has(0, NOT_WIREGUARD):
        return "what came back is not WireGuard; check the Endpoint's port"
    return (
        f"nothing came back in {waited:g} s (WireGuard is silent to strangers); check Endpoint and firewall, "
        f"that its public key is {target.key}, that ours over there is {encode_key(config.static.public)}, "
        "and that no clock was set back"
    )


def _speak(number: int) -> str:
    return _ERRORS.get(number) or f"{os.strerror(number)}; check the Endpoint and this machine's network"
