"""The soak in short: hours in virtual time, and seconds against wireguard-go; soak.py does it at length."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fzctl.wireguard.refusals import EXPIRED
from fzctl.wireguard.relay import READY
from fzctl.wireguard.results import NO_HANDSHAKE
from fzctl.wireguard.timers import REKEY_AFTER_TIME, REKEY_JITTER, REKEY_TIMEOUT, SILENCE_TIME
from fzctl.wireguard.turn import unwrap
from tests.lab.netns import CannotMakeNamespaces
from tests.lab.soak import soak
from tests.lab.soakjudge import LEAST_TIME, OBJECT_GROWTH, judge_exchanges, judge_growth
from tests.lab.soakplan import TUNNELS, Scale
from tests.lab.virtual import Disturbance, Virtual
from tests.lab.virtualrelay import VirtualRelay

HOURS = 3
EVERY = 300.0
# Beats come every second; each is lost with 0.1. A handshake gets through with 0.81.
LONGEST_GAP = 9.0
RETRY = REKEY_TIMEOUT + REKEY_JITTER
RECOVERY = SILENCE_TIME + 4 * RETRY


# --- in virtual time ---


@pytest.fixture(scope="module", params=[1, 2])
def virtual(request: pytest.FixtureRequest) -> Virtual:
    made = Virtual(request.param)
    made.disturb(HOURS * 3600.0, EVERY)
    made.run(HOURS * 3600.0)
    assert {each.kind for each in made.disturbances} == {"moves", "sleeps", "jumps"}
    return made


def hit(made: Virtual, begin: float, end: float, after: float = 0.0) -> list[Disturbance]:
    return [each for each in made.disturbances if each.begin <= end and each.end + after >= begin]


def test_nothing_is_taken_twice_in_hours(virtual: Virtual) -> None:
    assert virtual.copies == []
    assert virtual.lost > HOURS * 500
    for end in virtual.ends:
        assert set(end.numbered.values()) == {1}
        assert end.numbered.total() > HOURS * 2000
        assert end.device.counts["replayed"] > HOURS * 10


def test_what_the_path_passes_on_is_taken_unless_its_session_ended_while_an_end_slept(
    virtual: Virtual,
) -> None:
    """Or where handshakes cross: who answers one gives up the one before, as wireguard-go does."""
    handshakes = [when for end in virtual.ends for when in end.sessions]
    unexplained = [
        (when, name, reason)
        for when, name, reason in virtual.refused
        if not (reason == EXPIRED and hit(virtual, when, when, RECOVERY))
        and not (reason == NO_HANDSHAKE and any(abs(when - each) < RETRY for each in handshakes))
    ]
    assert unexplained == []
    assert sum(reason == NO_HANDSHAKE for _, _, reason in virtual.refused) <= HOURS


def test_traffic_goes_on_through_all_rekeys_and_comes_back_after_each_disturbance(virtual: Virtual) -> None:
    for end in virtual.ends:
        assert len(end.sessions) > HOURS * 3600 / (REKEY_AFTER_TIME + 2 * REKEY_TIMEOUT) * 0.6
        for before, after in pairwise(end.came_at):
            found = hit(virtual, before, after)
            if found:
                assert after - max(each.end for each in found) < RECOVERY
            else:
                assert after - before < LONGEST_GAP


def test_every_question_is_answered_in_its_time_unless_an_end_slept(virtual: Virtual) -> None:
    figures: dict[str, Any] = {}
    spans = [(each.begin, each.end + RECOVERY) for each in virtual.disturbances if each.kind != "moves"]
    assert judge_exchanges(virtual.client.steps, spans, figures) == []
    assert figures["exchanges"]["answered"] > HOURS * 350
    assert figures["exchanges"]["repeats"] > HOURS * 60


def test_nothing_grows_in_hours(virtual: Virtual) -> None:
    assert len(virtual.weights) * LEAST_TIME > HOURS * 3600 / 2
    assert judge_growth(virtual.weights, "objects", {}, OBJECT_GROWTH) == []


# --- through a relay, in virtual time ---


@pytest.mark.parametrize(("seed", "nonce_lasts"), [(1, 700.0), (2, 20.0)])
def test_a_relay_never_forgets_what_we_renew_in_time_and_passes_on_whatever_gets_there(
    seed: int, nonce_lasts: float
) -> None:
    made = VirtualRelay(seed, nonce_lasts)
    made.run(HOURS * 3600.0)
    assert [event.name for event in made.events] == [READY]
    assert made.server.refused == {}
    assert made.relay.dropped == 0
    lost = Counter(relayed[0] for way, datagram in made.lost if (relayed := unwrap(datagram)) is not None)
    for payload, peer in made.sent[:-30]:
        came_back = (payload, peer) in made.back
        assert came_back or lost[payload], payload
        assert not came_back or (payload, peer) in made.forth
    assert len(made.forth) / len(made.sent) == pytest.approx(0.9, abs=0.02)
    assert judge_growth(made.weights, "objects", {}, OBJECT_GROWTH) == []


# --- against wireguard-go ---


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.peer("ip", "wireguard-go", "wg")
@pytest.mark.waits
def test_seconds_over_a_rough_path_against_wireguard_go(tmp_path: Path) -> None:
    """Handshakes every second or so, in both roles; the relay's ports change."""
    if not Path("/dev/net/tun").exists():
        pytest.skip("this machine has no /dev/net/tun")
    names = ("client-hasty", "gateway-hasty")
    tunnels = [each._replace(moves=2.0) for each in TUNNELS if each.name in names]
    try:
        verdicts = soak(tunnels, Scale(6.0, domains=20, refresh=3.0, rate=40.0, look=0.5), tmp_path)
    except CannotMakeNamespaces as error:
        pytest.skip(str(error))
    assert {name: verdict.broken for name, verdict in verdicts.items()} == {name: [] for name in names}
    for name, verdict in verdicts.items():
        if "pauses" in verdict.figures:
            continue  # this machine stood still meanwhile
        datagrams = verdict.figures["datagrams"]
        assert datagrams["lost"] > 0, name
        # One rekey at least, however many handshakes the path swallows.
        assert datagrams["sessions"] > 1, name
        assert verdict.figures["exchanges"]["answered"] > 10, name
