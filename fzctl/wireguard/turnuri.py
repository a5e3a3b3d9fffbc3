"""Where a relay is, as users name it: ``turn:user@host:port``.

RFC 7065 with the user of RFC 3986 before the host; never a password, which others could see.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from fzctl.errors import UsageError
from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import parse_ip
from fzctl.wireguard.endpoints import format_endpoint

DEFAULT_PORT: Final = 3478

_FORM: Final = "turn:user@host:port"
_PORT: Final = re.compile("[0-9]{1,5}", re.ASCII)
_HOST: Final = re.compile(r"[0-9A-Za-z_](?:[0-9A-Za-z_.-]*[0-9A-Za-z_.])?", re.ASCII)
_ESCAPE: Final = re.compile("%(?:([0-9A-Fa-f]{2}))?", re.ASCII)


class TurnServer(NamedTuple):
    """A relay and who asks it. ``host`` is a name or an address without brackets."""

    user: str
    host: str
    port: int

    @property
    def place(self) -> str:
        """Host and port for people."""
        return format_endpoint((self.host, self.port))


def parse_turn_uri(text: str) -> TurnServer:
    """Read ``turn:user@host:port``; the port may be missing. Raises UsageError, without the text's user."""
    scheme, colon, rest = text.partition(":")
    if scheme.lower() == "turns":
        raise UsageError("turns: is TURN over TLS, which fzctl does not speak; use turn: (UDP)")
    if scheme.lower() != "turn" or not colon:
        raise UsageError(f"a relay is named {_FORM}")
    rest, _, options = rest.partition("?")
    if options.lower() not in ("", "transport=udp"):
        raise UsageError("a relay is reached over UDP; leave out what stands behind the question mark")
    user, at, place = rest.rpartition("@")
    if not at or not user:
        raise UsageError(f"the relay's address names no user: {_FORM}")
    if ":" in user:
        raise UsageError(
            "a password has no place in the relay's address, where others can see it; give it in a file or "
            "the environment (a colon in the user's name is written %3A)"
        )
    host, port = _split(place)
    return TurnServer(_unescape(user), host, port)


def _split(place: str) -> tuple[str, int]:
    if place.startswith("["):
        inside, bracket, behind = place[1:].partition("]")
        host = _ipv6(inside) if bracket else None
    else:
        inside, colon, port = place.partition(":")
        behind = colon + port
        host = inside if _HOST.fullmatch(inside) else None
    if host is None:
        raise UsageError(
            f"the relay's address names no host: {_FORM}, or turn:user@[2001:db8::1]:port for IPv6"
        )
    if not behind:
        return host, DEFAULT_PORT
    if behind[0] != ":" or not _PORT.fullmatch(behind[1:]) or not 0 < int(behind[1:]) < 65536:
        raise UsageError("the relay's port is no number from 1 to 65535; IPv6 addresses stand in brackets")
    return host, int(behind[1:])


def _ipv6(text: str) -> str | None:
    try:
        return parse_ip(text) if ":" in text else None
    except Refusal:
        return None


def _unescape(user: str) -> str:
    """Percent-decode (RFC 3986 section 2.1)."""
    decoded = b""
    position = 0
    for match in _ESCAPE.finditer(user):
        if match[1] is None:
            raise UsageError("the relay's user has a broken escape; a percent sign is written %25")
        decoded += user[position : match.start()].encode("utf-8", "surrogateescape") + bytes.fromhex(match[1])
        position = match.end()
    decoded += user[position:].encode("utf-8", "surrogateescape")
    return decoded.decode("utf-8", "surrogateescape")
