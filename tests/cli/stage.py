"""A stage for the verbs that play: the other end in memory with a clock of its own, or another process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fzctl.carriers.base import Received
from fzctl.carriers.memory import MemoryCarrier, VirtualClock, memory_pair
from fzctl.carriers.sockets import LOOPBACK, UdpSockets
from fzctl.cli import playing
from fzctl.live.gateway import GatewayPlayer, Rules
from fzctl.wireguard.keys import PrivateKey, encode_key
from tests.cli.conftest import ENVIRONMENT
from tests.records import TIME

NAME = "peer 192.0.2.2:51820"
PATIENCE = 20.0


class Several(MemoryCarrier):
    """Sends, and says that it listens on a port and knows its others, as a peer of ours does."""

    port = 51820
    is_connected = True

    def send_to(self, packet: bytes, peer: str) -> None:
        self.send(packet)

    def name_of(self, peer: str) -> str:
        return f"peer {peer}"

    def local_name(self, peer: str) -> str:
        return "192.0.2.2:51820"


def set_stage(monkeypatch: pytest.MonkeyPatch, verb: ModuleType) -> tuple[VirtualClock, MemoryCarrier]:
    """The verb gets a carrier in memory and its clock; the value is the other end."""
    clock = VirtualClock(TIME // 10**9)
    theirs, plain = memory_pair(clock, names=(NAME, NAME))
    ours = Several(NAME, clock, 0.0)
    ours._join(theirs)
    theirs._join(ours)
    del plain
    fake: Any = SimpleNamespace(monotonic=clock, time_ns=clock.time_ns)
    monkeypatch.setattr(verb, "time", fake)
    monkeypatch.setattr(playing, "time", fake)

    @contextlib.contextmanager
    def opened(*_: object, **__: object) -> Iterator[MemoryCarrier]:
        yield ours

    monkeypatch.setattr(verb, "open_target", opened)
    return clock, theirs


def gateway_at(clock: VirtualClock, end: MemoryCarrier, rules: Rules) -> GatewayPlayer:
    """Lets a gateway answer there, each time a little later."""
    player = GatewayPlayer(rules)

    def put(packets: Sequence[Any]) -> None:
        for sent in packets:
            clock.call_at(max(sent.at, clock.now) + 0.0125, partial(end.send, sent.packet))
        due = player.next_timeout()
        if due is not None:
            clock.call_at(due, lambda: put(player.handle_timeout(clock.now)))

    def take(received: Received) -> None:
        put(player.receive(received.packet, clock.now))

    end.on_packet = take
    return player


# --- two processes on loopback ---


def write_configs(folder: Path, clients: int = 1) -> list[str]:
    """The gateway's config and those of its clients, on a port that is free."""
    free = UdpSockets(addresses=LOOPBACK)
    port = free.local((LOOPBACK[4], 9))[1]
    free.close()
    keys = [PrivateKey(os.urandom(32)) for _ in range(clients + 1)]
    gateway = [f"[Interface]\nPrivateKey = {encode_key(keys[0].raw)}\nListenPort = {port}\n"]
    gateway += [f"[Peer]\nPublicKey = {encode_key(key.public)}\nAllowedIPs = ::/128\n" for key in keys[1:]]
    texts = {"gateway.conf": "".join(gateway)}
    for number, key in enumerate(keys[1:], start=1):
        texts[f"client{number}.conf"] = (
            f"[Interface]\nPrivateKey = {encode_key(key.raw)}\n[Peer]\nPublicKey = "
            f"{encode_key(keys[0].public)}\nAllowedIPs = ::/0\nEndpoint = 127.0.0.1:{port}\n"
        )
    for name, text in texts.items():
        (folder / name).touch(0o600)
        (folder / name).write_text(text)
    return [str(folder / name) for name in texts]


class Process:
    """fzctl in a process of its own; ``out`` and ``err`` are complete once it has ended.

    ``before`` are words before the command, such as those that enter a namespace.
    """

    def __init__(self, folder: Path, *arguments: str, before: Sequence[str] = ()) -> None:
        self._files = [folder / "out.txt", folder / "err.txt"]
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self._process = subprocess.Popen(
                [*before, sys.executable, "-m", "fzctl", *arguments],
                cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip

    @property
    def out(self) -> str:
        return self._files[0].read_text()

    @property
    def err(self) -> str:
        return self._files[1].read_text()

    def says(self, text: str) -> None:
        """Wait until it has said that."""
        end = time.monotonic() + PATIENCE
        while text not in self.out + self.err:
            assert time.monotonic() < end, f"it never said {text!r} but {self.out}{self.err}"
            assert self._process.poll() is None, f"it ended without {text!r}: {self.out}{self.err}"
            time.sleep(0.01)

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait until it ends by itself; the value is its exit code."""
        return self._process.wait(PATIENCE)

    def end(self, number: int = signal.SIGINT) -> int:
        """Ask it to end; the value is its exit code."""
        self._process.send_signal(number)
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE)


@contextlib.contextmanager
def process(folder: Path, *arguments: str, before: Sequence[str] = ()) -> Iterator[Process]:
    """fzctl while the block runs."""
    made = Process(folder, *arguments, before=before)
    try:
        yield made
    finally:
        made.kill()
