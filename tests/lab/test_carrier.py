"""Our peer as users get it, from a config file to its capture, against wireguard-go."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fzctl.carriers.opening import open_peer
from fzctl.carriers.peer import PeerCarrier
from fzctl.carriers.sockets import UdpSockets
from fzctl.errors import CarrierError
from fzctl.protocol.packet import build_packet
from fzctl.wireguard.endpoints import format_endpoint
from fzctl.wireguard.keys import PrivateKey, Secret, encode_key
from fzctl.wireguard.messages import COOKIE_REPLY, INITIATION, KEEPALIVE_SIZE, RESPONSE
from fzctl.wireguard.noise import NO_PSK
from tests.lab.netns import CLIENT, GATEWAY, RELAY, CannotMakeNamespaces, Net, network
from tests.lab.peer import junk_initiation
from tests.lab.programs import GATEWAY_PORT, Gateway, wireguard_go
from tests.lab.reading import ask_fzctl, ask_tshark, decrypt
from tests.lab.stories import CLIENT_PORT

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.peer("ip", "wireguard-go", "wg", "tshark"),
]

A_PSK = Secret(os.urandom(32))
SCENES = {"IPv4": (4, NO_PSK), "IPv6 with psk": (6, A_PSK), "IPv4 with psk": (4, A_PSK), "IPv6": (6, NO_PSK)}
each_scene = pytest.mark.parametrize(("version", "psk"), SCENES.values(), ids=SCENES)


class Tunnel(NamedTuple):
    """Our carrier, wireguard-go, and what our carrier writes."""

    carrier: PeerCarrier
    gateway: Gateway
    version: int
    capture: Path
    keys: Path

    def exchange(self, number: int = 0) -> None:
        """A control message each way, byte for byte."""
        packet = message(number)
        self.carrier.send(packet)
        self.says(packet)

    def says(self, packet: bytes) -> None:
        """wireguard-go's TUN device says something, and we get it."""
        self.gateway.send_inside(packet)
        end = time.monotonic() + 8
        while time.monotonic() < end:
            received = self.carrier.receive(1)
            if received is not None and received.packet == packet:
                return
        pytest.fail(f"the packet never came; {self.carrier.counts}")

    def types(self) -> list[int]:
        return [one.result.type for one in decrypt(self.capture, self.keys)[1]]


def message(number: int) -> bytes:
    return build_packet(9, b"number %d" % number)


@contextlib.contextmanager
def tunnel(
    net: Net,
    folder: Path,
    version: int = 4,
    psk: Secret = NO_PSK,
    *,
    endpoint: str | None = None,
    theirs: bytes | None = None,
    our_psk: Secret | None = None,
    begins: bool = True,
) -> Iterator[Tunnel]:
    """Both ends, not connected yet. What is given beside the scene goes wrong in our config."""
    static = PrivateKey(os.urandom(32))
    with wireguard_go(net, static.public, psk) as gateway:
        gateway.know_client(None if begins else (CLIENT[version], CLIENT_PORT))
        lines = ["[Interface]", f"PrivateKey = {encode_key(static.raw)}", f"ListenPort = {CLIENT_PORT}"]
        lines += [
            "[Peer]",
            f"PublicKey = {encode_key(theirs or gateway.static.public)}",
            "AllowedIPs = ::/0,0.0.0.0/0",
        ]
        if begins:
            lines.append(f"Endpoint = {endpoint or format_endpoint((GATEWAY[version], GATEWAY_PORT))}")
        used = psk if our_psk is None else our_psk
        if used != NO_PSK:
            lines.append(f"PresharedKey = {encode_key(used.raw)}")
        config = folder / "wg.conf"
        config.touch(0o600)
        config.write_text("\n".join(lines) + "\n")
        capture, keys = folder / "wire.pcapng", folder / "wire.keys"
        with open_peer(
            str(config),
            keylog=str(keys),
            capture=str(capture),
            sockets=lambda port: UdpSockets(
                port, lambda family: net.client.socket(family, socket.SOCK_DGRAM)
            ),
        ) as carrier:
            yield Tunnel(carrier, gateway, version, capture, keys)


@each_scene
def test_we_begin_exchange_and_begin_anew(net: Net, tmp_path: Path, version: int, psk: Secret) -> None:
    with tunnel(net, tmp_path, version, psk) as made:
        made.carrier.connect(8)
        for number in range(3):
            made.exchange(number)
        made.carrier.connect(8)
        made.exchange(3)
        assert set(made.types()) == {1, 2, 4}
        assert made.types().count(RESPONSE) == 2
        assert {reason: many for reason, many in made.carrier.counts.items() if many}.keys() == {"ok"}


@each_scene
def test_wireguard_go_begins_and_we_answer(net: Net, tmp_path: Path, version: int, psk: Secret) -> None:
    with tunnel(net, tmp_path, version, psk, begins=False) as made:
        made.gateway.knock()
        made.carrier.wait(8)
        assert made.carrier.name == f"peer {format_endpoint((GATEWAY[version], GATEWAY_PORT))}"
        made.exchange()
        assert made.types()[:2] == [INITIATION, RESPONSE]


@pytest.mark.parametrize("version", [4, 6])
def test_what_is_written_opens_in_fzctl_and_tshark_while_the_session_lasts(
    net: Net, tmp_path: Path, version: int, require_peer: Callable[[str], str]
) -> None:
    with tunnel(net, tmp_path, version, A_PSK) as made:
        made.carrier.connect(8)
        for number in range(5):
            made.exchange(number)
        nothing = tmp_path / "no.keys"
        nothing.touch()
        theirs = [
            one for one in ask_tshark(require_peer("tshark"), made.capture, nothing).values() if one.control
        ]
        ours = ask_fzctl(made.capture)
        assert len(theirs) == len(ours) == 10
        assert [one.direction for one in ours] == ["a>b", "b>a"] * 5
        ends = (
            format_endpoint((CLIENT[version], CLIENT_PORT)),
            format_endpoint((GATEWAY[version], GATEWAY_PORT)),
        )
        assert {one.outer[:2] for one in ours} == {ends, ends[::-1]}
        with_log = ask_tshark(require_peer("tshark"), made.capture, made.keys)
        assert [one.counter for one in with_log.values() if one.control] == [one.counter for one in theirs]


def test_under_load_wireguard_go_gets_its_cookie_back(net: Net, tmp_path: Path) -> None:
    with tunnel(net, tmp_path) as made, net.client.udp(CLIENT[4], 0, GATEWAY[4], GATEWAY_PORT) as flood:
        # The flood may drown our initiation, and then it is over before the next one.
        for _ in range(5):
            for _ in range(1500):
                flood.send(junk_initiation(made.gateway.static.public))
            made.carrier.connect(12)
            if COOKIE_REPLY in made.types():
                break
        made.exchange()
        types = made.types()
        asked = types.index(COOKIE_REPLY)
        assert types[asked - 1 : asked + 3] == [INITIATION, COOKIE_REPLY, INITIATION, RESPONSE]


@pytest.mark.parametrize("version", [4, 6])
def test_the_other_end_moves_and_our_answers_follow(net: Net, tmp_path: Path, version: int) -> None:
    with tunnel(net, tmp_path, version) as made:
        made.carrier.connect(8)
        made.exchange()
        net.gateway.run("wg", "set", net.tag, "listen-port", "51899")
        made.says(message(1))
        assert made.carrier.name == f"peer {format_endpoint((GATEWAY[version], 51899))}"
        made.carrier.send(message(2))
        made.exchange(3)
        assert "transfer" in net.gateway.run("wg", "show", net.tag)


# --- what goes wrong is told ---


def failure(what: Callable[[], object]) -> str:
    with pytest.raises(CarrierError) as caught:
        what()
    return str(caught.value)


def test_a_port_where_nothing_listens(net: Net, tmp_path: Path) -> None:
    with tunnel(net, tmp_path, endpoint=f"{GATEWAY[4]}:9") as made:
        assert "nothing listens on that UDP port" in failure(lambda: made.carrier.connect(60))
        assert made.types() == [INITIATION]


def test_a_network_that_does_not_exist(net: Net, tmp_path: Path) -> None:
    with tunnel(net, tmp_path, endpoint="203.0.113.1:51820") as made:
        said = failure(lambda: made.carrier.connect(4))
        assert "cannot connect to peer 203.0.113.1:51820: " in said
        assert "no route to it" in said or "cannot be reached" in said


def test_a_public_key_that_is_not_theirs_is_silence(net: Net, tmp_path: Path) -> None:
    with tunnel(net, tmp_path, theirs=PrivateKey(os.urandom(32)).public) as made:
        assert "nothing came back in 2 s (WireGuard is silent to strangers)" in failure(
            lambda: made.carrier.connect(2)
        )


def test_a_preshared_key_that_is_not_theirs(net: Net, tmp_path: Path) -> None:
    with tunnel(net, tmp_path, 6, A_PSK, our_psk=Secret(os.urandom(32))) as made:
        assert "its answer does not authenticate" in failure(lambda: made.carrier.connect(2))


def test_what_answers_is_another_service(net: Net, tmp_path: Path) -> None:
    with (
        tunnel(net, tmp_path, endpoint=f"{RELAY[4]}:7000") as made,
        net.relay.socket(socket.AF_INET, socket.SOCK_DGRAM) as service,
    ):
        service.bind((RELAY[4], 7000))
        service.sendto(b"go away", (CLIENT[4], CLIENT_PORT))
        assert "what came back is not WireGuard" in failure(lambda: made.carrier.connect(2))


# --- two minutes ---


@pytest.mark.waits
def test_sessions_are_renewed_after_two_minutes_by_whoever_began_them(
    tmp_path: Path, net: Net, require_peer: Callable[[str], str]
) -> None:
    """Two tunnels at once: we begin one, wireguard-go the other. They talk, fall silent, and one moves."""
    folders = [tmp_path / name for name in ("ours", "theirs")]
    for folder in folders:
        folder.mkdir()
    with contextlib.ExitStack() as stack:
        try:
            second = stack.enter_context(network(folders[1]))
        except CannotMakeNamespaces as error:  # pragma: no cover - the first one could be made
            pytest.skip(str(error))
        ours = stack.enter_context(tunnel(net, folders[0], 6, A_PSK))
        theirs = stack.enter_context(tunnel(second, folders[1], 4, begins=False))
        ours.carrier.connect(8)
        theirs.gateway.knock()
        theirs.carrier.wait(8)
        began = time.monotonic()

        def both_until(seconds: float) -> int:
            number = 0
            while time.monotonic() - began < seconds:
                for one in (ours, theirs):
                    one.exchange(number)
                    one.carrier.receive(0.4)
                number += 1
            return number

        both_until(10)
        # Only the other end talks: after ten seconds a keepalive of ours answers it.
        for one in (ours, theirs):
            one.says(message(1000))
        while time.monotonic() - began < 24:
            for one in (ours, theirs):
                one.carrier.receive(0.5)
        both_until(60)
        net.gateway.run("wg", "set", net.tag, "listen-port", "51899")
        ours.says(message(1001))
        many = both_until(128)

    for made, folder, beginner in ((ours, folders[0], CLIENT[6]), (theirs, folders[1], GATEWAY[4])):
        decryptor, found = decrypt(made.capture, made.keys)
        begun = [one.datagram for one in found if one.result.type == INITIATION]
        assert len(begun) == 2, folder
        assert [one.src.strip("[").startswith(beginner) for one in begun] == [True, True]
        kinds = [one.result.type for one in found]
        assert kinds.count(RESPONSE) == 2
        assert decryptor.counts["ok"] == len(found)
        sessions = [one.result.session for one in found if one.is_control]
        assert set(sessions) == {1, 2}
        assert sessions.count(2) >= 4
        assert len(sessions) >= 2 * many
        keepalives = [one for one in found if len(one.datagram.payload) == KEEPALIVE_SIZE]
        assert [one.datagram.src for one in keepalives].count(
            format_endpoint((CLIENT[made.version], CLIENT_PORT))
        ) >= 1
        assert {reason for reason, number in made.carrier.counts.items() if number} == {"ok"}
        nothing = folder / "no.keys"
        nothing.touch()
        seen = ask_tshark(require_peer("tshark"), made.capture, nothing)
        assert sum(one.control for one in seen.values()) == len(sessions)
