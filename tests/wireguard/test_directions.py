"""Who is a: the one that began the first session of a pair."""

from __future__ import annotations

from fzctl.wireguard.directions import Directions
from fzctl.wireguard.sessions import Session


def settled(directions: Directions, ends: tuple[str, str], keys: tuple[bytes, bytes] | None = None) -> bool:
    session = Session()
    session.ends = ends
    if keys is not None:
        session.initiator, session.responder = keys
    directions.settle(session)
    return session.swapped


def test_known_keys_tell_the_peers_whatever_their_addresses() -> None:
    directions = Directions()
    assert not settled(directions, ("1", "2"), (b"A", b"B"))
    assert settled(directions, ("7", "8"), (b"B", b"A"))
    assert not settled(directions, ("8", "7"), (b"A", b"B"))


def test_without_keys_the_addresses_tell() -> None:
    directions = Directions()
    assert not settled(directions, ("1", "2"))
    assert settled(directions, ("2", "1"))
    assert not settled(directions, ("3", "2"))


def test_one_known_key_alone_tells_nothing() -> None:
    directions = Directions()
    for ends, responder, swapped in ((("1", "2"), b"B", False), (("2", "1"), b"A", True)):
        session = Session()
        session.ends, session.responder = ends, responder
        directions.settle(session)
        assert session.swapped == swapped


def test_a_rekey_with_keys_continues_a_session_without() -> None:
    directions = Directions()
    assert not settled(directions, ("1", "2"))
    assert settled(directions, ("2", "1"), (b"B", b"A"))
    assert not settled(directions, ("5", "6"), (b"A", b"B"))


def test_a_session_without_keys_continues_one_with_them() -> None:
    directions = Directions()
    assert not settled(directions, ("1", "2"), (b"A", b"B"))
    assert settled(directions, ("2", "1"))


def test_several_peers_behind_one_address_do_not_mix() -> None:
    """Such as two gateways behind one relay."""
    directions = Directions()
    assert not settled(directions, ("client", "relay"), (b"A", b"B"))
    assert not settled(directions, ("relay", "client"), (b"C", b"A"))
    assert settled(directions, ("client", "relay"), (b"A", b"C"))


def test_so_many_pairs_are_remembered() -> None:
    directions = Directions(limit=10)
    for number in range(10):
        assert not settled(directions, (f"{number}", "x"), (bytes((number,)), b"B"))
    assert settled(directions, ("y", "z"), (b"B", bytes((0,))))


def test_memory_is_bounded() -> None:
    directions = Directions(limit=10)
    for number in range(100):
        assert not settled(directions, (f"{number}", "x"), (bytes((number,)), b"B"))
    assert settled(directions, ("x", "99"), (b"B", bytes((99,))))
