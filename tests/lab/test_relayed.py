"""A real relay read along: our peer behind coturn, wireguard-go, both legs in one capture."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.results import NOT_WIREGUARD, OK
from tests.lab.netns import CLIENT, RELAY_FAR, Net
from tests.lab.reading import Found, Theirs, ask_fzctl, ask_tshark, decrypt, packets
from tests.lab.stories import CLIENT_PORT, FROM_CLIENT, Taken, recorded, relayed, relayed_story

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.peer("ip", "wireguard-go", "wg", "turnserver", "tcpdump", "tshark"),
]


class Played(NamedTuple):
    taken: Taken
    decryptor: Decryptor
    found: list[Found]

    @property
    def control(self) -> list[Found]:
        return [one for one in self.found if one.is_control]


@pytest.fixture(scope="module")
def played(net: Net, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Indications, then a channel, a handshake by the gateway, then past the relay."""
    folder = tmp_path_factory.mktemp("relayed")
    with (
        relayed(net) as (talk, turn, past_it),
        recorded(net, talk, folder, at_relay=True, a=FROM_CLIENT) as taken,
    ):
        relayed_story(talk, turn, past_it)
    return Played(taken, *decrypt(taken.wire, taken.keys))


def test_every_message_is_decoded_on_both_legs_and_the_second_names_the_first(played: Played) -> None:
    first = [one for one in played.control if one.result.copy_of is None]
    decoded = [(one.result.direction, one.result.packet) for one in first]
    assert decoded == [(played.taken.direction(said), said.packet) for said in played.taken.said]
    copies = [one.result.copy_of for one in played.control if one.result.copy_of is not None]
    # On the second leg messages that follow each other closely may change places.
    assert sorted(copies) == [one.frame for one in first]


def test_legs_in_indications_and_channels_and_without_relay_are_the_same_session(played: Played) -> None:
    ways = [(one.datagram.relayed, one.result.session) for one in played.control]
    assert {how for how, _ in ways} == {"indication", "channel", None}
    assert {session for how, session in ways if how == "indication"} == {1}
    past_it = [one for one in played.control if f"{CLIENT[4]}:{CLIENT_PORT}" in one.datagram[1:3]]
    assert len(past_it) >= 4
    assert {one.result.session for one in past_it} == {2}
    assert 2 in {session for how, session in ways if how == "channel"}


def test_nothing_but_the_talk_with_the_relay_stays_closed(played: Played) -> None:
    closed = {reason for reason, count in played.decryptor.counts.items() if count}
    assert closed == {OK, NOT_WIREGUARD}
    talk = [one.datagram for one in played.found if one.result.reason == NOT_WIREGUARD]
    assert all(":3478" in datagram.src + datagram.dst for datagram in talk)
    assert len(talk) == 2 * (2 + 1 + 1 + 1)  # Allocate twice, CreatePermission, ChannelBind, Refresh
    assert played.decryptor.unused() == []


def test_the_inner_packets_are_those_on_the_gateways_tun_device(played: Played) -> None:
    ours = [one.result.packet for one in played.found if one.result.packet and one.result.copy_of is None]
    assert sorted(ours) == sorted(packet for _, packet in packets(played.taken.inside))


def test_fzctl_decode_prints_the_same(played: Played) -> None:
    printed = ask_fzctl(played.taken.wire, "-k", str(played.taken.keys))
    assert printed == [one.ours for one in played.control]


def test_tshark_sees_the_same_on_the_leg_that_it_can_read(
    played: Played, require_peer: Callable[[str], str]
) -> None:
    """It leaves ChannelData and indications closed; the leg behind the relay it reads."""
    theirs = ask_tshark(require_peer("tshark"), played.taken.wire, played.taken.keys)
    ours = {
        one.frame: Theirs(one.result.counter or 0, len(one.result.packet), one.is_control)
        for one in played.found
        if one.result.packet is not None and one.datagram.relayed is None
    }
    assert ours == theirs
    relays = [one for one in played.control if RELAY_FAR[4] in one.datagram.src + one.datagram.dst]
    assert relays
    assert all(theirs[one.frame].control for one in relays)
