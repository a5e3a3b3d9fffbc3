"""A redacted packet keeps its verdict and length and none of its names, each time the same.

The first byte chooses the kind; the rest is the payload.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from fzctl.protocol.codec import decode
from fzctl.protocol.fields import Protocol, Status
from fzctl.protocol.kinds import KINDS
from fzctl.protocol.packet import MAX_PAYLOAD, build_packet
from fzctl.records import Record
from fzctl.redact.redactor import Redactor
from fzctl.render.jsonform import to_jsonl
from fzctl.render.lines import to_line
from fzctl.render.tree import to_tree
from tests.fuzz.targets import payloads
from tests.records import harmful, record

TOKENS = payloads.TOKENS
LONGEST = MAX_PAYLOAD + 1
_WORD = re.compile(
    r"(?<![a-z0-9])(?![0-9]*(?:e[0-9]*)?(?:null|true|false)?(?![a-z0-9]))[a-z0-9]*[a-z][a-z0-9]*"
)
_DNS_ESCAPE = re.compile(r"\\([0-9]{3})")
_LEFT = re.compile(r"^u[0-9a-f]{4}|^[0-9]+(e[0-9]+)?")
_STAYS = {field.name for kind in KINDS for field in kind.fields} | {
    *(Status.ACTIVE.lower(), Status.INACTIVE.lower(), Protocol.PORT, Protocol.ICMP),
    *("urn", "uuid", "ffff", "null", "true", "false", *Protocol.WITH_PORT),
}
_LEAST = 9
"""Shorter words may come up again by chance, for something else."""


def check(data: bytes) -> None:
    packet = build_packet(data[0] % 8 if data else 0, data[1 : MAX_PAYLOAD + 1])
    before = decode(packet)
    # With one key for all, an engine that learns from comparisons spells what will replace its words.
    key = hashlib.sha256(data).digest()
    once = Redactor(key).redact(record(packet))
    again = Redactor(key).redact(record(packet))
    assert once == again
    message = once.message
    assert len(message.packet) == len(packet)
    assert message.packet[:48] == packet[:48]
    # What is refused is sometimes refused for another reason by its bytes; then the record keeps the verdict.
    for after in (message, decode(message.packet, message.dialect))[: 1 + before.accepted]:
        assert (after.control, after.kind, after.name, after.dialect, after.accepted, after.reason) == (
            *(before.control, before.kind, before.name, before.dialect),
            *(before.accepted, before.reason),
        )
    twice = Redactor(key).redact(once).message
    assert (twice.reason, len(twice.packet)) == (before.reason, len(packet))
    leaks = {word for word in words_of(before.payload) if word in shown(once)}
    assert not leaks
    for name, value in before.fields.items():
        _differs(name, value, message.fields.get(name))


def words_of(payload: bytes) -> set[str]:
    """The words of a payload that somebody's name may be, as a receiver reads them."""
    text = payload.decode("utf-8", "surrogateescape")
    read = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    # A number stays, so that only what follows it is drawn anew; so does how a field's name is escaped.
    return {word for word in _WORD.findall(read.lower()) if len(_LEFT.sub("", word)) >= _LEAST} - _STAYS


def shown(found: Record) -> str:
    """All that any form of output holds but our own sentences, and the bytes of a written capture."""
    message = found.message
    texts = [
        str(message.fields),
        message.payload.decode("latin-1"),
        to_jsonl(found._replace(message=message._replace(error=None))),
    ]
    for form in (to_line(found), to_tree(found)):
        assert not harmful(form)
    return "\n".join(texts).lower()


def _differs(name: str, before: Any, after: Any) -> None:
    if name == "proxy_ips" and isinstance(before, list):
        for old, new in zip(before, after, strict=True):
            _differs("dst", old, new)
    elif name in ("resource", "domain", "dst") and isinstance(before, str) and before.lower() not in _STAYS:
        assert isinstance(after, str)
        assert len(after) == len(before) or name != "resource"
        shown = _DNS_ESCAPE.sub(lambda found: chr(int(found[1])), before.removeprefix("::ffff:"))
        if any(each.isalnum() and each != "0" for each in shown):
            assert after != before


def seeds() -> list[bytes]:
    return [each for each in payloads.seeds() if len(each) <= LONGEST]


def inputs() -> Any:
    return payloads.inputs()
