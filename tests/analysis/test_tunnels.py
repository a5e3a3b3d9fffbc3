"""Which sessions are one tunnel."""

from __future__ import annotations

from pathlib import Path

import pytest

from fzctl.analysis import tunnels as module
from fzctl.analysis.tunnels import Tunnels
from fzctl.pcap.capture import open_capture
from fzctl.tunnel import Tunnel
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import parse_keylog
from tests.analysis.scenario import CLIENT_END, GATEWAY_END, Scene

RELAYED = Path(__file__).parents[2] / "captures" / "encrypted" / "relayed"


def test_sessions_between_the_same_ends_are_one_tunnel_whoever_began_them() -> None:
    tunnels, scene = Tunnels(), Scene(1)
    assert tunnels.of(scene.ask(0)) == 1
    assert tunnels.of(scene.answer(1, session=2)) == 1
    scene.ends = "192.0.2.9:9", GATEWAY_END
    assert tunnels.of(scene.ask(2, session=3)) == 2


def test_a_session_stays_in_its_tunnel_when_it_roams() -> None:
    tunnels, scene = Tunnels(), Scene(1)
    tunnels.of(scene.ask(0))
    scene.ends = "192.0.2.9:9", GATEWAY_END
    assert tunnels.of(scene.ask(2)) == 1


def test_files_are_worlds_of_their_own_unless_they_are_merged() -> None:
    for merged, numbers in ((False, [1, 2, 3, 4]), (True, [1, 1, 2, 2])):
        tunnels = Tunnels(merged=merged)
        scenes = [Scene(1, "a"), Scene(1, "b"), Scene(None, "a"), Scene(None, "b")]
        assert [tunnels.of(scene.ask(0)) for scene in scenes] == numbers


def test_a_copy_shows_that_two_places_are_one_tunnel() -> None:
    tunnels, plain, sealed = Tunnels(), Scene(), Scene(1)
    first = plain.ask(0)
    assert tunnels.of(first) == 1
    tunnels.sight(first)
    assert tunnels.of(sealed.ask(0, copy_of=1)) == 1
    assert tunnels.of(sealed.answer(1)) == 1


def test_a_session_without_messages_is_found_by_its_ends_as_soon_as_they_are_known() -> None:
    tunnels, scene = Tunnels(), Scene(1)
    assert tunnels.of_session(None, 2, (GATEWAY_END, CLIENT_END)) is None
    tunnels.of(scene.ask(0))
    assert tunnels.of_session(None, 2, (GATEWAY_END, CLIENT_END)) == 1
    assert tunnels.of_session(None, 2) == 1
    assert tunnels.of_session(None, 3) is None


def test_static_keys_count_for_more_than_addresses() -> None:
    decryptor = Decryptor(parse_keylog(RELAYED.with_suffix(".keys").read_bytes(), "keys"))
    tunnels = Tunnels({None: decryptor})
    with open_capture(str(RELAYED.with_suffix(".pcap"))) as capture:
        records = list(Tunnel(decryptor).records(capture.packets()))
    assert {tunnels.of(record) for record in records} == {1}
    ends = {session.ends for session in decryptor.handshakes.listed}
    assert len({frozenset(each) for each in ends}) == 2, "or the sample shows nothing"
    place = None, 1
    assert tunnels.ends(place, None) == decryptor.handshakes.listed[0].ends


def test_only_so_many_messages_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SIGHTINGS", 2)
    tunnels, plain, sealed = Tunnels(), Scene(), Scene(1)
    for number in range(5):
        tunnels.sight(plain.ask(number))
    assert tunnels.of(sealed.ask(9, copy_of=1)) == 2
    assert tunnels.of(Scene(2).ask(9, copy_of=5)) == 2  # the same ends
