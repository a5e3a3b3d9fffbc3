"""How users name a relay, and every way to name none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import UsageError
from fzctl.wireguard.turnuri import DEFAULT_PORT, TurnServer, parse_turn_uri


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("turn:alice@relay.example.com:5349", TurnServer("alice", "relay.example.com", 5349)),
        ("turn:alice@relay.example.com", TurnServer("alice", "relay.example.com", DEFAULT_PORT)),
        ("TURN:a@192.0.2.2:1", TurnServer("a", "192.0.2.2", 1)),
        ("turn:a@[2001:DB8::1]:65535", TurnServer("a", "2001:db8::1", 65535)),
        ("turn:a@[2001:db8::1]", TurnServer("a", "2001:db8::1", DEFAULT_PORT)),
        ("turn:a@host?transport=udp", TurnServer("a", "host", DEFAULT_PORT)),
        ("turn:1795351381%3Asalt@h", TurnServer("1795351381:salt", "h", DEFAULT_PORT)),
        ("turn:a%40b%25%20%c3%a9@h", TurnServer("a@b% é", "h", DEFAULT_PORT)),
        ("turn:a@b@h", TurnServer("a@b", "h", DEFAULT_PORT)),
        ("turn:é%ff@h", TurnServer("é\udcff", "h", DEFAULT_PORT)),
        ("turn:\udcff%40\udcfe@h", TurnServer("\udcff@\udcfe", "h", DEFAULT_PORT)),
    ],
)
def test_a_relay_is_named_with_its_user(text: str, server: TurnServer) -> None:
    assert parse_turn_uri(text) == server


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a relay is named"),
        ("turn", "a relay is named"),
        ("stun:a@h", "a relay is named"),
        ("alice@h", "a relay is named"),
        ("turns:a@h", "TLS"),
        ("turn:h", "no user"),
        ("turn:@h", "no user"),
        ("turn:a@", "no host"),
        ("turn:a@:3478", "no host"),
        ("turn:a@2001:db8::1", "brackets"),
        ("turn:a@[192.0.2.1]", "no host"),
        ("turn:a@[2001:db8::1", "no host"),
        ("turn:a@[]", "no host"),
        ("turn:a@[fe80::1%eth0]", "no host"),
        ("turn:a@h h", "no host"),
        ("turn:a@-h", "no host"),
        ("turn:a@h:", "port"),
        ("turn:a@h:0", "port"),
        ("turn:a@h:65536", "port"),
        ("turn:a@h:１", "port"),
        ("turn:a@[::1]3478", "port"),
        ("turn:a@h?transport=tcp", "UDP"),
        ("turn:a%@h", "escape"),
        ("turn:a%4@h", "escape"),
    ],
)
def test_what_names_none_is_refused_in_a_sentence(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_turn_uri(text)


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="file or the environment") as caught:
        parse_turn_uri("turn:alice:hunter2@h")
    assert "hunter2" not in str(caught.value)


def test_the_place_is_for_people() -> None:
    assert parse_turn_uri("turn:a@[::1]:5").place == "[::1]:5"
    assert parse_turn_uri("turn:a@h").place == "h:3478"


@given(st.text(max_size=30) | st.text("turn:@[]%0a?.", max_size=30).map("turn:a@".__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        server = parse_turn_uri(text)
    except UsageError:
        return
    assert server.user
    assert server.host
    assert 0 < server.port < 65536
