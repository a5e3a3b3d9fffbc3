"""What a relay refuses, in words: RFC 8656 section 19, RFC 8489 section 14.8."""

from __future__ import annotations

from typing import Final

from fzctl.wireguard.endpoints import format_endpoint
from fzctl.wireguard.stun import ALTERNATE_SERVER, decode_address
from fzctl.wireguard.transactions import Answer

TRY_ALTERNATE: Final = 300
ALLOCATION_MISMATCH: Final = 437
WRONG_CREDENTIALS: Final = 441

_WORDS: Final[dict[int, str]] = {
    400: "it takes our request for malformed (400); another kind of server may listen there",
    401: "it refuses user name or password (401); check both, they may have expired",
    403: "it forbids this (403); its operator must allow the address",
    420: "it lacks what we ask for (420), perhaps relaying over IPv6",
    ALLOCATION_MISMATCH: "it knows no such allocation, or still has an old one for our port (437); "
    "begin anew from another port",
    438: "it calls each nonce stale that it gave us (438); its clock or its keys are wrong",
    440: "it relays no addresses of this IP version (440); ask for the other",
    WRONG_CREDENTIALS: "the allocation belongs to another user (441); use its user, or another port",
    442: "it does not relay UDP (442); use another relay",
    443: "it was asked for a peer of the other IP version (443); allocate an address of the peer's version",
    446: "it takes no more connections to this peer (446)",
    447: "it cannot reach the peer (447)",
    486: "the user has too many allocations (486); end one or wait until one expires, mostly ten minutes",
    500: "it failed (500); try again",
    508: "it has no address or port left (508); try again later or use another relay",
}
_LONGEST_REASON: Final = 80


def explain(answer: Answer) -> str:
    """Why a question was not granted, and what to do. Not escaped: it may hold the server's words."""
    if answer.unproven:
        said = f", last {_shorten(answer.reason)}" if answer.reason else ""
        return f"it answers without a proof that it knows the password{said}; check server and password"
    if answer.code is None or answer.message is None:
        return "it does not answer; check its address and port, and that UDP gets there"
    if answer.code == TRY_ALTERNATE:
        value = answer.message.attributes.get(ALTERNATE_SERVER, b"")
        other = decode_address(value, None)
        name = "another relay" if other is None else format_endpoint(other)
        return f"it sends us to {name} (300); name that one if you trust it"
    known = _WORDS.get(answer.code)
    return f"it refuses with {answer.code} {_shorten(answer.reason)}".rstrip() if known is None else known


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."
