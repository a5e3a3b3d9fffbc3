"""A redacted log keeps its shape and none of its identifiers, addresses and domains, each time the same."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from fzctl.logs.event import Event
from fzctl.logs.parse import parse_lines
from fzctl.logs.redaction import LogRedactor
from fzctl.redact.redactor import Redactor
from fzctl.render.logjson import to_log_json
from fzctl.render.logline import to_log_line
from tests.fuzz.targets import loglines
from tests.records import harmful

TOKENS = (
    *loglines.TOKENS,
    b"host=",
    b"/home/",
    b"@corp.example",
    b"10.20.30.40",
    b"2001:db8::1:2",
    b"'A localhost'",
    b"\\Users\\",
)
LONGEST = loglines.LONGEST

_UUID = re.compile(r"(?<![0-9a-z-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z-])")
_IPV4 = re.compile(r"(?<![0-9a-z.:_-])[0-9]{3}\.[0-9]{2,3}\.[0-9]{2,3}\.[0-9]{2,3}(?![0-9a-z.:_-])")
_DOMAIN = re.compile(
    r"(?:(?<![\w.*?\\@/-])\.*|(?<=\.\.))([a-z]{6,20}(?:\.[a-z]{6,20}){1,3}\.(?:com|example))(?![\w.*?\\-])"
)


def check(data: bytes) -> None:
    events = list(parse_lines(loglines.split(data), "/home/somebody/connlib.latest"))
    once, again = (list(map(LogRedactor(Redactor(b"key")).redact, events)) for _ in range(2))
    assert once == again
    secrets = secrets_of("\n".join(text_of(each) for each in events).lower())
    for before, after in zip(events, once, strict=True):
        assert (after.time, after.severity, after.shape, after.line) == (
            before.time,
            before.severity,
            before.shape,
            before.line,
        )
        assert len(after.fields) == len(before.fields)
        assert (after.message is None) == (before.message is None)
        json.loads(to_log_json(after))
        text = shown(after)
        assert not {secret for secret in secrets if is_told(secret, text)}
        assert "somebody" not in text


def text_of(event: Event) -> str:
    """What is said in an event, without JSON's escapes."""
    values = [value for _, value in event.fields if isinstance(value, str)]
    return "\n".join((event.message or "", *values))


def secrets_of(text: str) -> set[str]:
    """What certainly names somebody or something: whole identifiers, addresses and domains."""
    found = {*_UUID.findall(text), *_DOMAIN.findall(text)}
    for address in _IPV4.findall(text):
        try:
            found.add(str(ipaddress.ip_address(address)))
        except ValueError:
            continue
    return found


def is_told(secret: str, text: str) -> bool:
    """An address is not told by digits that go on before or behind it."""
    if not secret[-1].isdigit():
        return secret in text
    return re.search(rf"(?<![0-9]){re.escape(secret)}(?![0-9])", text) is not None


def shown(event: Event) -> str:
    """All that any form of output holds."""
    lines = [to_log_line(event), to_log_line(event, whole=True, place=True)]
    assert not any(map(harmful, lines))
    return "\n".join((to_log_json(event), *lines, str(event))).lower()


def seeds() -> list[bytes]:
    stamp = loglines.STAMP
    more = b"gitlab.mycorp.example at 100.96.17.21 for 6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
    return [
        *loglines.seeds(),
        stamp + b"  INFO a::b: ask " + more + b" domain=" + more,
        b'{"time":"' + stamp + b'","severity":"INFO","message":"' + more + b'","x":["' + more,
    ]


def inputs() -> Any:
    return loglines.inputs()
