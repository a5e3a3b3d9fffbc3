"""The other end of a tunnel on loopback: a peer that answers as a test wants, configs of both, a relay."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fzctl.carriers.base import Received
from fzctl.carriers.peer import PeerCarrier
from fzctl.carriers.sockets import UdpSockets
from fzctl.wireguard.allowed import parse_network
from fzctl.wireguard.config import Config, PeerConfig
from fzctl.wireguard.keys import PrivateKey, encode_key
from tests.wireguard.lab import A, B
from tests.wireguard.turnserver import FakeServer

PATIENCE = 30.0
ADDRESS = "127.0.0.1"
EVERYTHING = tuple(filter(None, (parse_network("::/0"), parse_network("0.0.0.0/0"))))

Answer = Callable[[bytes], Iterable[bytes]]


def silence(packet: bytes) -> Iterable[bytes]:
    return ()


class OtherEnd:
    """Takes what comes in a thread of its own, and sends what ``answer`` makes of it.

    ``announced`` is sent as soon as there is a session.
    """

    def __init__(
        self,
        answer: Answer = silence,
        static: PrivateKey = B,
        known: PrivateKey = A,
        announced: bytes | None = None,
    ) -> None:
        self._announced = announced
        self.packets: list[bytes] = []
        self._answer = answer
        sockets = UdpSockets()
        self.port = sockets.local((ADDRESS, 9))[1]
        client = PeerConfig(known.public, allowed=EVERYTHING)
        self._carrier = PeerCarrier(Config("other.conf", static, 0, (), (client,)), client, sockets)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join(5)
        self._carrier.close()

    def waits_for(self, count: int) -> list[bytes]:
        """The packets, as soon as there are so many."""
        end = time.monotonic() + PATIENCE
        while len(self.packets) < count and time.monotonic() < end:
            self._ended.wait(0.01)
        return self.packets[:]

    def _run(self) -> None:
        while not self._ended.is_set():
            received: Received | None = self._carrier.receive(0.02)
            if self._announced is not None and self._carrier.is_connected:
                self._carrier.send(self._announced)
                self._announced = None
            if received is not None:
                self.packets.append(received.packet)
                for packet in self._answer(received.packet):
                    self._carrier.send(packet)


@contextlib.contextmanager
def other_end(answer: Answer = silence, **settings: Any) -> Iterator[OtherEnd]:
    end = OtherEnd(answer, **settings)
    try:
        yield end
    finally:
        end.close()


def write_config(
    folder: Path, port: int | None, *, mode: int = 0o600, theirs: bytes = B.public, allowed: str = "::/0"
) -> str:
    """A config file of ours, for the other end on that port; ``None`` leaves its Endpoint away."""
    lines = [
        "[Interface]",
        f"PrivateKey = {encode_key(A.raw)}",
        "[Peer]",
        f"PublicKey = {encode_key(theirs)}",
    ]
    lines.append(f"AllowedIPs = {allowed}")
    if port is not None:
        lines.append(f"Endpoint = {ADDRESS}:{port}")
    path = folder / "wg.conf"
    path.touch(mode)
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@contextlib.contextmanager
def relay_on_loopback(server: FakeServer) -> Iterator[int]:
    """Lets a TURN server answer over UDP; the value is its port."""
    end = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sockets:
        sockets.bind((ADDRESS, 0))
        sockets.settimeout(0.02)

        def serve() -> None:
            while not end.is_set():
                with contextlib.suppress(TimeoutError):
                    datagram, source = sockets.recvfrom(2000)
                    for answer in server.take(datagram):
                        sockets.sendto(answer, source)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield sockets.getsockname()[1]
        finally:
            end.set()
            thread.join()
