"""Any text given for a time, a relay, a pattern or a resource is understood, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fzctl.cli import moments
from fzctl.errors import FzctlError, UsageError
from fzctl.logs import selection
from fzctl.logs.parse import parse_line
from fzctl.nat.patterns import DomainPattern
from fzctl.wireguard.turnuri import TurnServer, parse_turn_uri
from tests.logs.read import TEXT_LINE

NOW = 1_795_351_381_123_456_789
TOKENS = (
    *(b"turn:", b"turns:", b"@", b":3478", b"[2001:db8::1]", b"?transport=udp", b"%25", b"%", b"alice"),
    *(b"2026-11-22T12:43:01Z", b".123456789", b"+01:00", b"10m", b"+1.5", b"h", b"d", b"1e9", b"-"),
    *(b"**", b"*.", b"[a-z]", b"[!", b"]", b"?", b"example.com", b"\\.", b"\\065"),
)
LONGEST = 80
_SHORT = 8
"""The user's own stars can make a long name take long."""


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    server = understood(parse_turn_uri, text)
    if isinstance(server, TurnServer):
        assert 0 < server.port < 65536
        assert server.host
        assert server.place
    user, at, _ = text.partition(":")[2].rpartition("@")
    if at and len(user) > _SHORT:
        assert user not in str(failure_of(parse_turn_uri, text) or "")
    understood(moments.parse_moment, text)
    understood(lambda given: moments.parse_seconds(given, "--gap"), text)
    moment = understood(lambda given: selection.read_moment(given, NOW), text)
    pattern = understood(DomainPattern, text)
    if pattern is not None and text.count("*") < _SHORT:
        assert pattern.covers("gitlab.example.com") in (True, False)
        assert not pattern.covers("..")
    (event,) = parse_line(TEXT_LINE.encode())
    tests = [
        understood(each, text) for each in (selection.at_least, selection.of_domain, selection.of_resource)
    ]
    tests.append(selection.of_target([text]))
    chosen = selection.Selection([each for each in tests if each is not None], moment, moment)
    assert len(list(chosen.select([event]))) <= 1


def understood(read: Callable[[str], Any], text: str) -> Any:
    """What a text says; None where it is refused."""
    return None if failure_of(read, text) is not None else read(text)


def failure_of(read: Callable[[str], Any], text: str) -> FzctlError | None:
    """The sentence that refuses a text."""
    try:
        read(text)
    except UsageError as error:
        assert len(str(error)) < 1000
        return error
    return None


def seeds() -> list[bytes]:
    texts = (
        *(
            "turn:alice@relay.example:3478",
            "turn:a%40b@[2001:db8::1]?transport=udp",
            "turns:x@y",
            "turn:user:secret@host",
        ),
        *("2026-11-22T12:43:01.5Z", "2026-11-22T12:43:01+01:00", "10m", "+1h", "1.5", "12:43:01"),
        *("*.example.com", "**.example.com", "a?[b-d].example", "[!x]*.com", "6b7188f5", "warn", "a\\.b.c"),
    )
    return [text.encode() for text in texts]
