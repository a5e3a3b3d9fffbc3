"""One end of a soaked tunnel, in a process of its own: a player and numbered packets beside it.

    python -m tests.lab.soakend --peer wg.conf | --interface NAME --role client|gateway FOLDER ...

It leaves in FOLDER: ``packets``, a line for each that left or came (time, ``>`` or ``<``, digest); ``steps``,
what became of each exchange (the client); ``states``, now and then, what it holds.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from fzctl.carriers.base import ClosesOnExit, Received
from fzctl.carriers.interface import Interface
from fzctl.carriers.opening import open_peer
from fzctl.carriers.peer import PeerCarrier
from fzctl.errors import CarrierError
from fzctl.live.client import ClientPlayer, Habits, Wish
from fzctl.live.drive import Driver
from fzctl.live.gateway import GatewayPlayer
from fzctl.live.player import PENDING, STATE, Happening
from fzctl.protocol.packet import build_packet
from fzctl.wireguard import peer as wireguard_peer
from fzctl.wireguard.turnuri import parse_turn_uri
from tests.lab.programs import TURN_PASSWORD, TURN_USER
from tests.lab.weighing import weigh
from tests.live.scenes import RESOURCE

NUMBERED: Final = 9
"""The kind of the packets that tell whether anything is lost or comes twice; nobody knows it."""

CONNECT: Final = 60.0
STOP: Final = "stop"
"""Where this file is in FOLDER, the end stops as if its time were over."""
DRAIN: Final = 1.5
_STEP: Final = 0.05


def digest(packet: bytes) -> str:
    return hashlib.sha1(packet, usedforsecurity=False).hexdigest()[:20]


class Journaled(ClosesOnExit):
    """A carrier that writes down what passes through it."""

    is_connected = True

    def __init__(self, carrier: PeerCarrier | Interface, journal: TextIO) -> None:
        self.name: Final = carrier.name
        self.unsent = 0
        self._carrier: Final = carrier
        self._journal: Final = journal

    def send(self, packet: bytes) -> None:
        try:
            self._carrier.send(packet)
        except CarrierError:
            self.unsent += 1
            raise
        self._note(">", packet)

    def send_to(self, packet: bytes, peer: str) -> None:
        try:
            if isinstance(self._carrier, PeerCarrier):
                self._carrier.send_to(packet, peer)
            else:
                self._carrier.send(packet)
        except CarrierError:
            self.unsent += 1
            raise
        self._note(">", packet)

    def receive(self, timeout: float) -> Received | None:
        received = self._carrier.receive(timeout)
        if received is not None:
            self._note("<", received.packet)
        return received

    def close(self) -> None:
        self._carrier.close()

    def _note(self, way: str, packet: bytes) -> None:
        self._journal.write(f"{time.monotonic():.6f} {way} {digest(packet)}\n")


class Steps:
    """Writes down what becomes of each exchange."""

    def __init__(self, file: TextIO) -> None:
        self._file: Final = file

    def take(self, happening: Happening) -> None:
        exchange = happening.exchange
        if happening.name == STATE and exchange is not None and exchange.state != PENDING:
            self._put(happening.time, exchange._asdict())

    def finish(self, player: ClientPlayer) -> None:
        """What is open in the end."""
        for exchange in player.exchanges():
            if exchange.state == PENDING:
                self._put(time.monotonic(), exchange._asdict())

    def _put(self, now: float, exchange: dict[str, Any]) -> None:
        del exchange["proxy_ips"], exchange["resource"]
        self._file.write(json.dumps({"time": now, **exchange}) + "\n")


def play(args: argparse.Namespace, carrier: PeerCarrier | Interface, journaled: Journaled) -> None:
    client = None
    if args.role == "client":
        habits = Habits(refresh=args.refresh, patience=args.patience, spacing=args.refresh / args.domains)
        wishes = (Wish(f"n{number}.example.com", RESOURCE) for number in range(args.domains))
        client = ClientPlayer(wishes, habits)
    player = client or GatewayPlayer()
    with (args.folder / "steps").open("w") as file, (args.folder / "states").open("w") as states:
        steps = Steps(file)
        driver = Driver(player, journaled, time.monotonic, steps.take, tolerant=True)
        driver.start()
        end = time.monotonic() + args.seconds
        due = look = time.monotonic()
        number = 0
        while (now := time.monotonic()) < end and not (args.folder / STOP).exists():
            if now >= due:
                due = max(due, now - 1) + 1 / args.rate
                number += 1
                with contextlib.suppress(CarrierError):
                    journaled.send(build_packet(NUMBERED, f"{args.role} {number}".encode()))
            if now >= look:
                look = now + args.look
                states.write(json.dumps(_state(carrier, player, driver, journaled)) + "\n")
                states.flush()
            driver.step(_STEP)
        driver.stop()
        states.write(json.dumps(_state(carrier, player, driver, journaled)) + "\n")
        if client is not None:
            steps.finish(client)
    end = time.monotonic() + DRAIN
    while (left := end - time.monotonic()) > 0:
        journaled.receive(left)


def _state(
    carrier: PeerCarrier | Interface, player: Any, driver: Driver, journaled: Journaled
) -> dict[str, Any]:
    weight = weigh((carrier, player, driver))
    return {
        "time": time.monotonic(),
        "objects": weight.objects,
        "size": weight.size,
        "unsent": journaled.unsent,
        "counts": carrier.counts if isinstance(carrier, PeerCarrier) else {"dropped": carrier.dropped},
        "happenings": player.counts,
    }


@contextlib.contextmanager
def opened(args: argparse.Namespace) -> Iterator[PeerCarrier | Interface]:
    if args.interface is not None:
        with Interface(args.interface) as interface:
            yield interface
        return
    turn = None if args.turn is None else parse_turn_uri(f"turn:{TURN_USER}@{args.turn}")
    with open_peer(args.peer, keylog=str(args.folder / "keys"), turn=turn, password=TURN_PASSWORD) as carrier:
        carrier.reach_relay(CONNECT)
        if args.role == "client":
            carrier.connect(CONNECT)
        else:
            carrier.wait(CONNECT)
        yield carrier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer")
    parser.add_argument("--interface")
    parser.add_argument("--turn", metavar="PLACE", help="through the lab's TURN server")
    parser.add_argument("--role", choices=("client", "gateway"), required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--domains", type=int, default=40)
    parser.add_argument("--refresh", type=float, default=10.0)
    parser.add_argument("--patience", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=10.0, help="numbered packets in a second")
    parser.add_argument("--look", type=float, default=10.0, help="seconds between two states")
    parser.add_argument("--rekey-after", type=float, help="seconds in place of WireGuard's 120")
    parser.add_argument("--rekey-messages", type=int, help="messages in place of WireGuard's 2^60")
    parser.add_argument("--rekey-timeout", type=float, help="seconds in place of WireGuard's 5")
    args = parser.parse_args()
    # The limits of this end alone: the other one keeps to the rules.
    limits = {
        "REKEY_AFTER_TIME": args.rekey_after,
        "REKEY_AFTER_MESSAGES": args.rekey_messages,
        "REKEY_TIMEOUT": args.rekey_timeout,
    }
    for name, value in limits.items():
        if value is not None:
            setattr(wireguard_peer, name, value)
    with (args.folder / "packets").open("w") as journal, opened(args) as carrier:
        journal.write(f"{time.monotonic():.6f} begin\n")
        play(args, carrier, Journaled(carrier, journal))
        journal.write(f"{time.monotonic():.6f} end\n")


if __name__ == "__main__":
    main()
