"""Records and packets for the tests, made in one line."""

from __future__ import annotations

import json
from typing import Any

from fzctl.protocol.codec import decode, encode
from fzctl.protocol.kinds import kind_by_name
from fzctl.protocol.packet import build_packet
from fzctl.records import Record

RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
TIME = 1_795_351_381_123_456_789
WHEN = "2026-11-22T12:43:01.123456789Z"

# What a hostile sender would like to reach a terminal, a table or a line-based script with.
HOSTILE = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "a\r\nb\tc\x00\x7f",
    "\u202egnp.exe\u202c",
    "\u200b\u2066\ufeff\u2028",
    "[red]alert[/red] [/] [link=file:///etc/passwd]x[/link]",
    "\udc80\ud800",
    "\U000e0041",
)


# What is invisible and yet printable to Python: the rest of Unicode's Default_Ignorable_Code_Point (15.1,
# DerivedCoreProperties.txt), and what is blank.
_HIDING = (
    *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, 0xFFA0),
    *(*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
)
HIDING = frozenset(map(chr, _HIDING))


def harmful(text: str) -> set[str]:
    """The characters of output that a terminal would obey, or that hide; lines may end."""
    return {each for each in text if (not each.isprintable() and each != "\n") or each in HIDING}


def packet(name: str, **values: object) -> bytes:
    """A control packet as a sender emits it."""
    kind = kind_by_name(name)
    assert kind is not None
    return encode(kind, values)


def assigned(domain: str = "example.com", *addresses: str) -> bytes:
    some = addresses or ("100.96.0.1", "100.96.0.2", "100.96.0.3", "100.96.0.4")
    return packet("assigned_ips", resource=RESOURCE, domain=domain, proxy_ips=list(some))


def status(domain: str = "example.com", text: str = "Active") -> bytes:
    return packet("domain_status", resource=RESOURCE, domain=domain, status=text)


def goodbye() -> bytes:
    return packet("goodbye")


def raw(kind: int, payload: bytes | str | dict[str, Any] = b"") -> bytes:
    """A control packet with any payload; a dict is written as JSON."""
    if isinstance(payload, dict):
        payload = json.dumps(payload, separators=(",", ":"))
    return build_packet(kind, payload.encode() if isinstance(payload, str) else payload, force=True)


def record(data: bytes, frame: int = 1, time: int | None = TIME, **more: Any) -> Record:
    """The record of a packet."""
    return Record(frame, time, decode(data), ("raw", "ipv6"), **more)


def hostile_packets() -> list[bytes]:
    """Messages that carry :data:`HOSTILE` wherever text can stand."""
    found = []
    for text in HOSTILE:
        sound = {"resource": RESOURCE, "domain": "example.com", "status": "Active", "proxy_ips": []}
        for kind, field in ((0, "domain"), (0, "resource"), (0, "proxy_ips"), (1, "status"), (1, "domain")):
            found.append(raw(kind, {**sound, field: text}))
            found.append(
                raw(
                    kind,
                    json.dumps({**sound, field: text}, ensure_ascii=False).encode(errors="surrogatepass"),
                )
            )
            found.append(raw(kind, {**sound, field: [text]}))
        found += [
            raw(1, {**sound, text: 1, "status": {text: None}}),
            raw(3, {"dst": "10.0.0.1", "protocol": {text: {"dst_port": 1}}}),
            raw(3, {"dst": text, "protocol": text}),
            raw(9, text.encode(errors="surrogatepass")),
            raw(0, text.encode(errors="surrogatepass")),
        ]
    return found
