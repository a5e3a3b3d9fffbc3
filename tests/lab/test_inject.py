"""Messages that fzctl sends into real tunnels: by coturn to wireguard-go, and on wireguard-go's device."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fzctl.carriers.opening import open_peer
from fzctl.carriers.sockets import UdpSockets
from fzctl.wireguard.endpoints import format_endpoint
from fzctl.wireguard.keys import PrivateKey, encode_key
from fzctl.wireguard.turnuri import TurnServer
from tests.cli.conftest import ENVIRONMENT, ROOT
from tests.lab.netns import CLIENT, GATEWAY, PATIENCE, RELAY, RELAY_FAR, Namespace, Net
from tests.lab.programs import (
    GATEWAY_PORT,
    TURN_PASSWORD,
    TURN_PORT,
    TURN_USER,
    Gateway,
    coturn,
    wireguard_go,
)
from tests.lab.reading import ask_fzctl
from tests.lab.stories import direct
from tests.lab.test_interface import allow, inside
from tests.records import RESOURCE, assigned, goodbye, status

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.peer("ip", "wireguard-go", "wg")]

ASKING = ("assigned-ips", "--resource", RESOURCE, "--domain", "example.com", "--ip-count", "4")
SETUP = str(ROOT / "captures" / "setup.pcapng")


class Said(NamedTuple):
    code: int
    out: str
    err: str


def fzctl(place: Namespace, *words: str) -> Said:
    """As users start it, in a namespace."""
    done = subprocess.run(
        inside(place, "-m", "fzctl", *words),
        env=ENVIRONMENT, capture_output=True, text=True, timeout=8 * PATIENCE, check=False,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


class Place(NamedTuple):
    """wireguard-go behind a relay, and the files of who wants to get there."""

    gateway: Gateway
    config: str
    password: str
    turn: str
    version: int


@contextlib.contextmanager
def behind_relay(net: Net, folder: Path, version: int, password: str = TURN_PASSWORD) -> Iterator[Place]:
    """The relay is reached over IPv4; its relayed address has the gateway's IP version."""
    static = PrivateKey(os.urandom(32))
    with coturn(net), wireguard_go(net, static.public) as gateway:
        gateway.know_client()
        config, secret = folder / "wg.conf", folder / "turn.password"
        for path in (config, secret):
            path.touch(0o600)
        config.write_text(
            f"[Interface]\nPrivateKey = {encode_key(static.raw)}\n"
            f"[Peer]\nPublicKey = {encode_key(gateway.static.public)}\nAllowedIPs = ::/0\n"
            f"Endpoint = {format_endpoint((GATEWAY[version], GATEWAY_PORT))}\n"
        )
        secret.write_text(f"{password}\n")
        turn = f"turn:{TURN_USER}@{RELAY[4]}:{TURN_PORT}"
        yield Place(gateway, str(config), str(secret), turn, version)


@contextlib.contextmanager
def answering(gateway: Gateway, answer: Callable[[bytes], list[bytes]]) -> Iterator[list[bytes]]:
    """Whoever sits behind wireguard-go's device answers; the value is what came there."""
    came: list[bytes] = []
    ended = threading.Event()
    device = gateway.device
    listening = gateway.place.socket(17, 2)  # AF_PACKET, SOCK_DGRAM
    listening.bind((device, 0x86DD))
    listening.settimeout(0.1)

    def listen() -> None:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                packet, source = listening.recvfrom(2000)
                if source[2] == 4:  # PACKET_OUTGOING: what was put there
                    continue
                came.append(packet)
                for each in answer(packet):
                    gateway.send_inside(each)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield came
    finally:
        ended.set()
        thread.join(PATIENCE)
        listening.close()


@pytest.mark.peer("turnserver")
@pytest.mark.parametrize("version", [4, 6])
def test_our_peer_talks_through_a_real_relay_both_ways(net: Net, tmp_path: Path, version: int) -> None:
    with behind_relay(net, tmp_path, version) as place:
        capture = tmp_path / "wire.pcapng"
        warnings: list[str] = []
        with (
            answering(place.gateway, lambda packet: [status(f"{packet[-1]}.example")]) as came,
            open_peer(
                place.config,
                turn=TurnServer(TURN_USER, RELAY[4], TURN_PORT),
                password=TURN_PASSWORD,
                capture=str(capture),
                warn=warnings.append,
                sockets=lambda port: UdpSockets(port, lambda family: net.client.socket(family, 2)),
            ) as carrier,
        ):
            relayed = carrier.reach_relay()
            assert relayed is not None
            assert relayed[0] == RELAY_FAR[version]
            carrier.connect(8)
            asked = [assigned(f"{number}.example.com") for number in range(20)]
            answers = []
            for packet in asked:
                carrier.send(packet)
                received = carrier.receive(5)
                assert received is not None
                answers.append(received.packet)
                assert received.source == format_endpoint((GATEWAY[version], GATEWAY_PORT))
            assert came == asked
            assert answers == [status(f"{packet[-1]}.example") for packet in asked]
            assert warnings == []
        found = ask_fzctl(capture)
        assert [one.direction for one in found] == ["a>b", "b>a"] * 20
        assert {one.outer[0] for one in found[::2]} == {found[0].outer[0]}
        assert CLIENT[4] in str(found[0].outer[0])
        assert found[0].outer[1] == f"{RELAY[4]}:{TURN_PORT}"


@pytest.mark.peer("turnserver")
@pytest.mark.parametrize("version", [4, 6])
def test_the_other_end_may_begin_through_a_relay(net: Net, tmp_path: Path, version: int) -> None:
    with (
        behind_relay(net, tmp_path, version) as place,
        open_peer(
            place.config,
            turn=TurnServer(TURN_USER, RELAY[4], TURN_PORT),
            password=TURN_PASSWORD,
            sockets=lambda port: UdpSockets(port, lambda family: net.client.socket(family, 2)),
        ) as carrier,
    ):
        relayed = carrier.reach_relay()
        assert relayed is not None
        carrier.receive(0.5)  # the relay's word that it lets the gateway in
        place.gateway.know_client(relayed)
        place.gateway.send_inside(assigned())
        received = carrier.receive(PATIENCE)
        assert received is not None
        assert received.packet == assigned()
        assert received.source == format_endpoint((GATEWAY[version], GATEWAY_PORT))


@pytest.mark.peer("turnserver")
@pytest.mark.parametrize("version", [4, 6])
def test_inject_gets_its_answer_through_a_real_relay(net: Net, tmp_path: Path, version: int) -> None:
    def answer(packet: bytes) -> list[bytes]:
        return [status("other.example"), status("Example.com")] if packet == assigned() else []

    with behind_relay(net, tmp_path, version) as place, answering(place.gateway, answer) as came:
        options = ("--peer", place.config, "--turn", place.turn, "--turn-password-file", place.password)
        done = fzctl(net.client, "inject", *options, "--expect", "--goodbye", "-T", "jsonl", *ASKING)
        assert done.code == 0, done.err
        (line,) = done.out.splitlines()
        found = json.loads(line)
        assert found["fields"] == {"resource": RESOURCE, "domain": "Example.com", "status": "Active"}
        assert found["response_time"] > 0
        end = time.monotonic() + PATIENCE
        while len(came) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        assert came == [assigned(), goodbye()]
        relay = f"{RELAY[4]}:{TURN_PORT}"
        assert f"through the relay {relay} (WireGuard, {place.config})" in done.err
        assert f"our address on the relay {relay} is " in done.err
        assert "2 packets sent, 1 of 1 question answered" in done.err


@pytest.mark.peer("turnserver")
def test_a_relay_that_knows_another_password_is_told(net: Net, tmp_path: Path) -> None:
    with behind_relay(net, tmp_path, 4, password="wrong") as place:
        options = ("--peer", place.config, "--turn", place.turn, "--turn-password-file", place.password)
        done = fzctl(net.client, "inject", *options, "goodbye")
        assert (done.code, done.out) == (4, "")
        assert "fzctl: no packets sent\n" in done.err
        assert "it refuses user name or password (401)" in done.err
        assert "wrong" not in done.err


def test_what_is_injected_on_the_device_comes_out_decrypted(net: Net, tmp_path: Path) -> None:
    capture = tmp_path / "inner.pcapng"
    with direct(net) as talk:
        talk.client_begins()
        words = ("-i", net.tag, "-w", str(capture), "domain-status", "--resource", RESOURCE)
        done = fzctl(net.gateway, "inject", *words, "--domain", "example.com", "--status", "Active")
        assert done.code == 0, done.err
        size = len(status())
        assert done.err == (
            f"fzctl: target: interface {net.tag}\n"
            f"fzctl: sent DomainStatus example.com Active ({size} bytes) to {net.tag}\n"
            "fzctl: 1 packet sent\n"
        )
        assert talk.peer.receive(lambda packet: packet == status())
    (record,) = fzctl(net.client, "decode", "-T", "hex", str(capture)).out.split()
    assert bytes.fromhex(record) == status()


def test_a_replay_on_the_device_comes_out_decrypted_one_way(net: Net) -> None:
    with direct(net) as talk:
        talk.client_begins()
        words = ("-i", net.tag, "--pps", "200", "--direction", "b>a", "--loop", "3", "-T", "json")
        done = fzctl(net.gateway, "replay", SETUP, *words)
        assert done.code == 0, done.err
        expected = fzctl(net.gateway, "decode", "-T", "hex", "-Y", "fzp2p.kind == 1", SETUP).out.split()
        counts = json.loads(done.out)
        assert counts["sent"] == counts["messages"] == 3 * len(expected)
        came = [talk.peer.receive(lambda packet: packet[40:41] == b"\x01") for _ in range(counts["sent"])]
        assert came == 3 * [bytes.fromhex(each) for each in expected]


def test_nothing_is_called_sent_where_allowed_ips_lack_the_address(net: Net) -> None:
    with direct(net) as talk:
        talk.client_begins()
        allow(net, "100.64.0.7/32")
        done = fzctl(net.gateway, "inject", "-i", net.tag, "goodbye")
        assert done.code == 4
        assert "fzctl: no packets sent\n" in done.err
        assert f"cannot send on {net.tag}: no peer's AllowedIPs hold ::/128" in done.err
        assert "fzctl: sent" not in done.err
