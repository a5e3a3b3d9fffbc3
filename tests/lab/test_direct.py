"""Real WireGuard read along: our peer and wireguard-go, captured on the wire, held against tshark."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.messages import COOKIE_REPLY, INITIATION, RESPONSE
from fzctl.wireguard.noise import NO_PSK
from fzctl.wireguard.results import NO_HANDSHAKE, OK
from tests.lab.netns import Net
from tests.lab.reading import Found, Theirs, ask_fzctl, ask_tshark, decrypt, packets
from tests.lab.stories import FROM_CLIENT, FROM_GATEWAY, Taken, direct, recorded, whole_story

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.peer("ip", "wireguard-go", "wg", "tcpdump", "tshark"),
]


TRIES = 5


class Scene(NamedTuple):
    """Who begins, over what, and with a preshared key or without."""

    first: str
    version: int
    psk: Secret


SCENES = {
    "we begin, IPv4": Scene(FROM_CLIENT, 4, NO_PSK),
    "we begin, IPv6, psk": Scene(FROM_CLIENT, 6, Secret(os.urandom(32))),
    "wireguard-go begins, IPv4, psk": Scene(FROM_GATEWAY, 4, Secret(os.urandom(32))),
    "wireguard-go begins, IPv6": Scene(FROM_GATEWAY, 6, NO_PSK),
}


class Played(NamedTuple):
    taken: Taken
    decryptor: Decryptor
    found: list[Found]


@pytest.fixture(scope="module", params=list(SCENES.values()), ids=list(SCENES))
def played(request: pytest.FixtureRequest, net: Net, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """One scene, from the first handshake to the Goodbyes."""
    scene: Scene = request.param
    folder = tmp_path_factory.mktemp("direct")
    with (
        direct(net, scene.version, scene.psk) as talk,
        recorded(net, talk, folder, a=scene.first) as taken,
    ):
        whole_story(talk, scene.first)
    return Played(taken, *decrypt(taken.wire, taken.keys))


def test_every_control_message_is_decoded_in_order_with_its_direction(played: Played) -> None:
    decoded = [(one.result.direction, one.result.packet) for one in played.found if one.is_control]
    assert decoded == [(played.taken.direction(said), said.packet) for said in played.taken.said]
    assert len(decoded) == 10


def test_nothing_in_the_capture_stays_closed(played: Played) -> None:
    assert {reason for reason, count in played.decryptor.counts.items() if count} == {OK}
    assert played.decryptor.unused() == []
    assert [session.number for session in played.decryptor.handshakes.listed] == [1, 2, 3, 4]
    assert [session.swapped for session in played.decryptor.handshakes.listed] == [False, False, True, False]


def test_the_inner_packets_are_those_on_the_gateways_tun_device(played: Played) -> None:
    """All of them, byte for byte: wireguard-go took ours and sealed those that we read."""
    ours = sorted(one.result.packet for one in played.found if one.result.packet)
    assert ours == sorted(packet for _, packet in packets(played.taken.inside))


def test_tshark_sees_the_same_frame_by_frame(played: Played, require_peer: Callable[[str], str]) -> None:
    theirs = ask_tshark(require_peer("tshark"), played.taken.wire, played.taken.keys)
    ours = {
        one.frame: Theirs(one.result.counter or 0, len(one.result.packet), one.is_control)
        for one in played.found
        if one.result.packet is not None
    }
    assert ours == theirs
    assert sum(one.control for one in theirs.values()) == 10


def test_fzctl_decode_prints_the_same(played: Played) -> None:
    printed = ask_fzctl(played.taken.wire, "-k", str(played.taken.keys))
    assert printed == [one.ours for one in played.found if one.is_control]


def test_what_fzctl_writes_with_the_keys_in_it_opens_in_tshark_without_others(
    played: Played, tmp_path: Path, require_peer: Callable[[str], str]
) -> None:
    written, nothing = tmp_path / "written.pcapng", tmp_path / "no.keys"
    nothing.touch()
    options = ["-k", str(played.taken.keys), "-w", str(written), "--keep-encrypted", "--embed-keys"]
    ask_fzctl(played.taken.wire, *options)
    theirs = ask_tshark(require_peer("tshark"), written, nothing)
    control = [one.counter for one in theirs.values() if one.control]
    assert control == [one.result.counter for one in played.found if one.is_control]
    again = [(one.direction, one.outer) for one in ask_fzctl(written)]
    assert again == [(one.ours.direction, one.ours.outer) for one in played.found if one.is_control]


def test_all_that_fzctl_writes_decrypted_is_what_the_gateways_tun_device_saw(
    played: Played, tmp_path: Path
) -> None:
    written = tmp_path / "all.pcapng"
    ask_fzctl(played.taken.wire, "-k", str(played.taken.keys), "-w", str(written), "--all")
    ours = sorted(packet for _, packet in packets(written))
    assert ours == sorted(packet for _, packet in packets(played.taken.inside))


def test_a_capture_that_begins_late_is_read_with_transport_keys(played: Played) -> None:
    """Not even one handshake is there; tshark has no such keys."""
    handshakes = [one.frame for one in played.found if one.result.type in (INITIATION, RESPONSE)]
    first = handshakes[2]
    decryptor, found = decrypt(played.taken.wire, played.taken.transport_keys, after=handshakes[1])
    in_time = [one for one in played.found if one.frame < first and one.result.packet is not None]
    late = [one for one in found if one.frame < first]
    assert [one.result.packet for one in late] == [one.result.packet for one in in_time]
    assert decryptor.counts[NO_HANDSHAKE] == 0


def test_without_keys_nothing_opens_and_the_sessions_are_seen(played: Played, tmp_path: Path) -> None:
    (tmp_path / "no.keys").touch()
    decryptor, found = decrypt(played.taken.wire, tmp_path / "no.keys")
    assert [one for one in found if one.result.packet] == []
    assert len(decryptor.handshakes.listed) == 4


@pytest.mark.waits
def test_wireguard_go_comes_back_with_our_cookie(net: Net, tmp_path: Path) -> None:
    with direct(net) as talk, recorded(net, talk, tmp_path, a=FROM_GATEWAY) as taken:
        talk.peer.demands_cookie = True
        talk.gateway_begins()
        talk.client_assigns("example.com")
        talk.gateway_answers("example.com")
    decryptor, found = decrypt(taken.wire, taken.keys)
    kinds = [one.result.type for one in found]
    assert kinds[:4] == [INITIATION, COOKIE_REPLY, INITIATION, RESPONSE]
    assert [one.result.packet for one in found if one.is_control] == [said.packet for said in taken.said]
    assert [one.result.direction for one in found if one.is_control] == ["b>a", "a>b"]
    assert decryptor.counts[OK] == len(found)


def test_we_come_back_with_wireguard_gos_cookie(net: Net, tmp_path: Path) -> None:
    """It asks for one under load: initiations that it cannot read, in a burst. Ours may get lost there."""
    with direct(net) as talk, recorded(net, talk, tmp_path, a=FROM_CLIENT) as taken:
        for _ in range(TRIES):
            talk.peer.burst(1500)
            talk.client_begins()
            if COOKIE_REPLY in talk.peer.came:
                break
        talk.client_assigns("example.com")
        talk.gateway_answers("example.com")
    decryptor, found = decrypt(taken.wire, taken.keys)
    assert COOKIE_REPLY in [one.result.type for one in found]
    assert [one.result.packet for one in found if one.is_control] == [said.packet for said in taken.said]
    assert decryptor.counts[OK] == len(found)
