"""A gateway that is played at the other end of a WireGuard tunnel on loopback, in a thread of its own."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from fzctl.carriers.peer import PeerCarrier
from fzctl.carriers.sockets import UdpSockets
from fzctl.live.drive import drive
from fzctl.live.gateway import GatewayPlayer, Rules
from fzctl.wireguard.allowed import parse_network
from fzctl.wireguard.config import Config, PeerConfig
from fzctl.wireguard.keys import encode_key
from tests.wireguard.lab import A, B

ADDRESS = "127.0.0.1"
EVERYTHING = tuple(filter(None, (parse_network("::/0"), parse_network("0.0.0.0/0"))))


class Tunnel:
    """The gateway's end, which answers until it is closed, and what a client needs to reach it."""

    def __init__(self, rules: Rules) -> None:
        sockets = UdpSockets()
        self.port = sockets.local((ADDRESS, 9))[1]
        client = PeerConfig(A.public, allowed=EVERYTHING)
        self._carrier = PeerCarrier(Config("gateway.conf", B, 0, (), (client,)), client, sockets)
        self._ended = threading.Event()
        self._player = GatewayPlayer(rules)
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        drive(
            self._player, self._carrier, time.monotonic, self._ended.is_set, lambda event: None, tolerant=True
        )

    def close(self) -> None:
        self._ended.set()
        self._thread.join(10)
        self._carrier.close()

    @contextlib.contextmanager
    def connected(self) -> Iterator[PeerCarrier]:
        """The client's end."""
        gateway = PeerConfig(B.public, allowed=EVERYTHING, endpoint=(ADDRESS, self.port))
        with PeerCarrier(Config("client.conf", A, 0, (), (gateway,)), gateway, UdpSockets()) as carrier:
            carrier.connect(10)
            yield carrier

    def config(self, folder: Path) -> str:
        """The same as a file."""
        path = folder / "wg.conf"
        path.touch(0o600)
        path.write_text(
            f"[Interface]\nPrivateKey = {encode_key(A.raw)}\n"
            f"[Peer]\nPublicKey = {encode_key(B.public)}\n"
            f"AllowedIPs = ::/0\nEndpoint = {ADDRESS}:{self.port}\n"
        )
        return str(path)


@contextlib.contextmanager
def gateway_on_loopback(rules: Rules) -> Iterator[Tunnel]:
    tunnel = Tunnel(rules)
    try:
        yield tunnel
    finally:
        tunnel.close()
