"""respond and client with wireguard-go between them, and over a network that loses a fifth of everything."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

import dev
from fzctl.carriers.opening import open_peer
from fzctl.carriers.peer import PeerCarrier
from fzctl.carriers.sockets import Arrival, UdpSockets
from fzctl.live.client import ClientPlayer, Habits, Wish
from fzctl.live.drive import DONE, drive
from fzctl.live.player import CONFIRMED, FAILED
from fzctl.wireguard.endpoints import Endpoint, format_endpoint
from fzctl.wireguard.keys import PrivateKey, encode_key
from tests.cli.stage import Process, process
from tests.lab.netns import CLIENT, GATEWAY, LabError, Namespace, Net, run
from tests.lab.programs import GATEWAY_PORT, Gateway, wireguard_go
from tests.lab.stories import CLIENT_PORT
from tests.live.scenes import RESOURCE

pytestmark = [pytest.mark.root, pytest.mark.peer("ip", "wireguard-go", "wg")]

LOSS = 0.2
DOMAINS = 24
RESEND = 2.0


class Ends(NamedTuple):
    """Our config in the client's namespace, wireguard-go in the gateway's."""

    config: Path
    gateway: Gateway


@contextlib.contextmanager
def ends(net: Net, folder: Path) -> Iterator[Ends]:
    static = PrivateKey(os.urandom(32))
    config = folder / "wg.conf"
    with wireguard_go(net, static.public) as gateway:
        gateway.know_client((CLIENT[4], CLIENT_PORT))
        config.touch(0o600)
        config.write_text(
            f"[Interface]\nPrivateKey = {encode_key(static.raw)}\nListenPort = {CLIENT_PORT}\n"
            f"[Peer]\nPublicKey = {encode_key(gateway.static.public)}\nAllowedIPs = ::/0, 0.0.0.0/0\n"
            f"Endpoint = {format_endpoint((GATEWAY[4], GATEWAY_PORT))}\n"
        )
        yield Ends(config, gateway)


@contextlib.contextmanager
def fzctl(place: Namespace, folder: Path, *arguments: str) -> Iterator[Process]:
    words = [dev.find_program("ip") or "ip", "netns", "exec", place.name]
    mine = folder / f"{place.name}-{arguments[0]}"
    mine.mkdir()
    with process(mine, *arguments, before=words) as made:
        yield made


@contextlib.contextmanager
def lossy(net: Net) -> Iterator[None]:
    """A fifth of what the client sends is lost, and a fifth of what it is sent."""
    links = [(net.client.name, "wire"), (net.relay.name, "near")]
    done = []
    try:
        for place, link in links:
            try:
                run("tc", "-n", place, "qdisc", "add", "dev", link, "root", "netem", "loss", f"{LOSS:.0%}")
            except LabError as error:
                pytest.skip(f"this machine's kernel has no netem: {error}")
            done.append((place, link))
        yield
    finally:
        for place, link in done:
            run("tc", "-n", place, "qdisc", "delete", "dev", link, "root")


class LossySockets(UdpSockets):
    """Where the kernel has no netem: what it would lose of the client's link."""

    random = Random(20)
    is_lossy = False

    def send(self, datagram: bytes, endpoint: Endpoint) -> None:
        if not self._loses():
            super().send(datagram, endpoint)

    def receive(self, timeout: float) -> Arrival | None:
        arrival = super().receive(timeout)
        return None if arrival is not None and self._loses() else arrival

    def _loses(self) -> bool:
        return self.is_lossy and self.random.random() < LOSS


@contextlib.contextmanager
def client_of(net: Net, config: Path) -> Iterator[tuple[PeerCarrier, LossySockets]]:
    made: list[LossySockets] = []

    def sockets(port: int) -> UdpSockets:
        made.append(LossySockets(port, lambda family: net.client.socket(family, socket.SOCK_DGRAM)))
        return made[0]

    with open_peer(str(config), sockets=sockets) as carrier:
        yield carrier, made[0]


def test_respond_behind_wireguard_go_answers_our_client(net: Net, tmp_path: Path) -> None:
    with (
        ends(net, tmp_path) as made,
        fzctl(
            net.gateway, tmp_path, "respond", "-i", net.tag, "--answer", "pay*.example.com=Inactive",
            "--lose", "1", "-T", "jsonl",
        ) as gateway,
    ):  # fmt: skip
        gateway.says("Ctrl-C ends it")
        names = ["--domain", "wiki.example.com", "--domain", "pay.example.com"]
        words = ("client", "--peer", str(made.config), "--resource", RESOURCE, *names, "-T", "json")
        with fzctl(net.client, tmp_path, *words) as client:
            assert client.wait() == 1
            document = json.loads(client.out)
        assert [each["state"] for each in document["domains"]] == [CONFIRMED, FAILED]
        assert all(RESEND <= each["seconds"] < 2 * RESEND for each in document["domains"])
        gateway.says("the client said Goodbye")
        assert gateway.end() == 0
        kinds = [json.loads(line)["name"] for line in gateway.out.splitlines()]
        assert sorted(kinds) == ["assigned_ips"] * 4 + ["domain_status"] * 2 + ["goodbye"]


def test_our_gateway_answers_a_client_behind_wireguard_go(net: Net, tmp_path: Path) -> None:
    with (
        ends(net, tmp_path) as made,
        fzctl(net.client, tmp_path, "respond", "--peer", str(made.config)) as ours,
    ):
        ours.says("Ctrl-C ends it")
        words = ("client", "-i", net.tag, "--resource", RESOURCE, "-n", "5", "--for", "3")
        with fzctl(net.gateway, tmp_path, *words) as client:
            ours.says("n5.example.com")
            assert ours.end() == 0
            assert client.wait() == 0
            assert "5 confirmed" in client.err
            assert "the gateway said Goodbye" in client.err
        assert "100.96.0.17..20" in ours.err


@pytest.mark.slow
@pytest.mark.peer("tc")
def test_over_netem_every_exchange_completes_as_the_clients_rule_predicts(net: Net, tmp_path: Path) -> None:
    with playing(net, tmp_path) as (carrier, _), lossy(net):
        set_up_all(carrier)


@pytest.mark.slow
@pytest.mark.waits
def test_over_sockets_that_lose_every_exchange_completes_as_the_clients_rule_predicts(
    net: Net, tmp_path: Path
) -> None:
    with playing(net, tmp_path) as (carrier, sockets):
        sockets.is_lossy = True
        set_up_all(carrier)


@contextlib.contextmanager
def playing(net: Net, folder: Path) -> Iterator[tuple[PeerCarrier, LossySockets]]:
    """Our client, connected, in front of respond behind wireguard-go."""
    with (
        ends(net, folder) as made,
        fzctl(net.gateway, folder, "respond", "-i", net.tag) as gateway,
        client_of(net, made.config) as (carrier, sockets),
    ):
        gateway.says("Ctrl-C ends it")
        carrier.connect(8)
        yield carrier, sockets


def set_up_all(carrier: PeerCarrier) -> None:
    """Each attempt gets through with 0.64; fifteen of them fail once in some hundred thousand runs."""
    wishes = [Wish(f"n{number}.example.com", RESOURCE) for number in range(DOMAINS)]
    player = ClientPlayer(wishes, Habits(patience=30.0))
    deadline = time.monotonic() + 35
    assert drive(player, carrier, time.monotonic, lambda: False, lambda _: None, deadline) == DONE
    exchanges = player.exchanges()
    assert {each.state for each in exchanges} == {CONFIRMED}
    for each in exchanges:
        assert each.seconds is not None
        # An answer comes between the last sending and when the next one would have been due.
        assert RESEND * (each.sent_count - 1) <= each.seconds + 0.01
        assert each.seconds < (RESEND + 0.1) * each.sent_count
    assert sum(each.sent_count for each in exchanges) > DOMAINS  # something was lost indeed
