"""What went through each WireGuard session, and which way."""

from __future__ import annotations

import pytest

from fzctl.analysis import sessions as module
from fzctl.analysis.findings import Spot
from fzctl.analysis.sessions import SessionCounts
from fzctl.analysis.story import Session
from fzctl.analysis.tunnels import Tunnels
from fzctl.wireguard.decryptor import Decryptor
from tests.analysis.scenario import Scene, two_sessions
from tests.wireguard.lab import A_ADDRESS, B_ADDRESS

BARE, TURN = ("ethernet", "ipv4", "udp", "wireguard"), ("ethernet", "ipv4", "udp", "turn", "wireguard")
PLACE = None, 1


def test_sessions_stand_beside_what_the_decryptor_knows() -> None:
    decryptors: dict[str | None, Decryptor] = {None: two_sessions()}
    tunnels, counts, scene = Tunnels(decryptors), SessionCounts(), Scene(1)
    counts.handshake(None, 1, 100)
    counts.control(PLACE, 3, BARE, None)
    counts.packet(PLACE, 4, BARE, None)
    tunnels.of(scene.goodbye(0))
    first, second = counts.sessions(decryptors, tunnels)
    assert first == Session(
        None, 1, 1, (A_ADDRESS, B_ADDRESS), 100, 1, 2, None, 1, {"direct": 2, "relayed": 0}, (1, 1), (0, 1),
        (0, 0), (0, 0),
    )  # fmt: skip
    assert (second.number, second.tunnel, second.rekeys, second.time, second.paths) == (2, 1, 1, None, {})


def test_initiations_without_an_answer_are_told() -> None:
    counts = SessionCounts()
    counts.handshake(None, 30, 500)
    assert counts.unanswered({None: two_sessions()}) == [Spot(30, 500, None)]


def test_a_session_of_which_no_message_was_seen_has_no_tunnel() -> None:
    decryptors: dict[str | None, Decryptor] = {None: two_sessions()}
    first, second = SessionCounts().sessions(decryptors, Tunnels(decryptors))
    assert (first.tunnel, second.tunnel, second.rekeys) == (None, None, None)


def relayed(*packets: tuple[int, tuple[str, ...], int | None]) -> tuple[int, int]:
    counts = SessionCounts()
    for packet in packets:
        counts.packet(PLACE, *packet)
    paths = counts._paths[PLACE]
    return paths["direct"], paths["relayed"]


def test_a_packet_is_relayed_where_one_of_its_legs_is_in_turn() -> None:
    assert relayed((1, TURN, None), (2, BARE, 1)) == (0, 1)
    assert relayed((1, BARE, None), (2, TURN, 1)) == (0, 1)
    assert relayed((1, BARE, None), (2, TURN, 1), (3, TURN, 1)) == (0, 1)
    assert relayed((1, BARE, None), (2, BARE, 1)) == (1, 0)


def test_only_so_many_bare_packets_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BARE", 1)
    assert relayed((1, BARE, None), (2, BARE, None), (3, TURN, 1), (4, TURN, 2)) == (1, 1)
