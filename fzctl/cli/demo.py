"""A client and a gateway talk over real WireGuard datagrams on loopback, and the capture is decoded.

Takes a few seconds and needs no root. One domain is set up, one is refused, for one the first
answer is lost and asked for again; then Goodbye. Configs, capture and keys, made for this one run,
stay in a folder for a closer look.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from fzctl.cli.output import colour_wanted
from fzctl.errors import EXIT_DONE, CarrierError, UsageError
from fzctl.live.client import ClientPlayer, Wish
from fzctl.live.gateway import Answer, GatewayPlayer, Rules
from fzctl.live.player import LOST, SENT, Happening
from fzctl.nat.gateway import Resource
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.codec import decode
from fzctl.protocol.fields import Status
from fzctl.records import Record
from fzctl.render.escape import escape, quote_for_shell

if TYPE_CHECKING:
    from fzctl.carriers.peer import PeerCarrier
    from fzctl.carriers.sockets import Arrival, Datagrams
    from fzctl.wireguard.keys import PrivateKey

RESOURCE: Final = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
WIKI, PAY, GIT = "wiki.example.com", "pay.example.com", "git.example.com"

WISHES: Final = (Wish(WIKI, RESOURCE), Wish(PAY, RESOURCE, "ipv4"), Wish(GIT, RESOURCE, "ipv4"))
RULES: Final = Rules(
    resources=(Resource(RESOURCE, DomainPattern("*.example.com")),),
    answers=(
        Answer(DomainPattern(PAY), status=Status.INACTIVE),
        Answer(DomainPattern(GIT), lose=1, addresses=("10.20.0.7", "10.20.0.8")),
    ),
    otherwise=Answer(addresses=("10.20.0.5", "2001:db8::5")),
)

_LONGEST: Final = 8.0
_WIDTH: Final = 120
_BETWEEN_LOOKS: Final = 0.002
_CLIENT, _GATEWAY = "client", "gateway"


class Files(NamedTuple):
    """Where the demo leaves what."""

    client: str
    gateway: str
    capture: str
    keys: str

    @classmethod
    def of(cls, folder: str) -> Files:
        names = ("client.conf", "gateway.conf", "demo.pcapng", "demo.keys")
        return cls(*(os.path.join(folder, name) for name in names))


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's options on ``parser``."""
    parser.add_argument(
        "-o",
        metavar="DIR",
        dest="folder",
        help="where the files go (default: a new folder for temporary files)",
    )


def run(args: Namespace) -> int:
    """Play, decode, and say how to go on; returns the exit code. Raises CarrierError, UsageError."""
    files = _make_files(args.folder)
    print("A client and a gateway, WireGuard between them on loopback:\n")
    play(files, _Screen().take)
    print(f"\nWhat {escape(files.capture)} holds, opened with the keys inside:\n")
    sys.stdout.write(_decoded(files.capture, args))
    print("\nTo look closer:\n")
    print("\n".join(f"  {command}" for command in commands(files)))
    return EXIT_DONE


def play(files: Files, tell: Callable[[str, Happening], None]) -> None:
    """Let the two talk; ``tell`` hears of which side what happens. Raises CarrierError."""
    from fzctl.carriers.opening import open_peer
    from fzctl.carriers.sockets import LOOPBACK, UdpSockets
    from fzctl.live.drive import Driver, drive

    def sockets(port: int) -> UdpSockets:
        return UdpSockets(port, addresses=LOOPBACK)

    with contextlib.ExitStack() as stack:
        gateway: PeerCarrier = stack.enter_context(open_peer(files.gateway, sockets=sockets))
        theirs = Driver(
            GatewayPlayer(RULES), gateway, time.monotonic, lambda event: tell(_GATEWAY, event), tolerant=True
        )
        client = stack.enter_context(
            open_peer(
                files.client, keylog=files.keys, capture=files.capture,
                sockets=lambda port: _Shared(sockets(port), lambda: theirs.step(0)),
            )
        )  # fmt: skip
        client.connect(_LONGEST)
        player = ClientPlayer(WISHES)
        deadline = time.monotonic() + _LONGEST
        drive(player, client, time.monotonic, lambda: False, lambda event: tell(_CLIENT, event), deadline)
        theirs.step(_BETWEEN_LOOKS)


def commands(files: Files) -> list[str]:
    """What to type next."""
    from fzctl.cli.main import VERBS

    us, capture = _program(), quote_for_shell(files.capture)
    further = [f"{us} {verb} {capture}" for verb in ("analyze", "check", "stats") if verb in VERBS]
    return [
        f"{us} decode -T tree {capture}",
        f"{us} decode -Y 'fzp2p.status == \"Inactive\"' -T jsonl {capture}",
        *further,
        f"{us} respond --peer {quote_for_shell(files.gateway)}      # in one terminal, and in another:",
        f"{us} client --peer {quote_for_shell(files.client)} --domain {WIKI} --resource {RESOURCE}",
    ]


class _Shared:
    """The client's sockets: while the client waits for something, the gateway gets its turn."""

    def __init__(self, own: Datagrams, others_turn: Callable[[], None]) -> None:
        self._own: Final = own
        self._others_turn: Final = others_turn
        self.send: Final = own.send
        self.local: Final = own.local
        self.close: Final = own.close

    def receive(self, timeout: float) -> Arrival | None:
        end = time.monotonic() + timeout
        while True:
            self._others_turn()
            left = end - time.monotonic()
            arrival = self._own.receive(max(0.0, min(left, _BETWEEN_LOOKS)))
            if arrival is not None or left <= 0:
                return arrival


class _Screen:
    """A line for each message, and for what was lost."""

    def __init__(self) -> None:
        self._start: float | None = None

    def take(self, side: str, happening: Happening) -> None:
        if happening.name not in (SENT, LOST):
            return
        from fzctl.render.words import describe

        if self._start is None:
            self._start = happening.time
        words = describe(Record(1, None, decode(happening.packet)))
        way = "client -->" if side == _CLIENT else "<-- gateway"
        lost = "(lost on purpose)" if happening.name == LOST else ""
        said = f"{words.title:<12}  {words.domain:<16}  {words.content.partition(',')[0]} {lost}"
        print(f"{happening.time - self._start:6.3f} s  {way:<11}  {said}".rstrip(), flush=True)


def _make_files(folder: str | None) -> Files:
    """The folder and both configs in it, with new keys."""
    from fzctl.carriers.sockets import LOOPBACK, UdpSockets
    from fzctl.wireguard.keys import PrivateKey

    try:
        if folder is None:
            from tempfile import mkdtemp

            folder = mkdtemp(prefix="fzctl-demo-")
        files = Files.of(folder)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for path in files:
            if os.path.lexists(path):
                raise UsageError(f"-o: {escape(path)} is there already; name a folder without it")
        client, gateway = (PrivateKey(os.urandom(32)) for _ in range(2))
        free = UdpSockets(addresses=LOOPBACK)
        port = free.local((LOOPBACK[4], 9))[1]
        free.close()
        _write_config(files.gateway, gateway, client.public, f"ListenPort = {port}", "")
        _write_config(files.client, client, gateway.public, "", f"Endpoint = {LOOPBACK[4]}:{port}")
    except OSError as error:
        where = folder or "the folder for temporary files"
        raise CarrierError("write into", where, error.strerror or str(error)) from None
    return files


def _write_config(path: str, own: PrivateKey, other: bytes, interface: str, peer: str) -> None:
    from fzctl.wireguard.keys import encode_key

    lines = ["[Interface]", f"PrivateKey = {encode_key(own.raw)}", interface]
    lines += ["[Peer]", f"PublicKey = {encode_key(other)}", "AllowedIPs = ::/0", peer]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("".join(f"{line}\n" for line in lines if line))


def _decoded(capture: str, args: Namespace) -> str:
    from fzctl.cli.encrypted import EncryptedCapture
    from fzctl.pcap.capture import open_capture
    from fzctl.render.table import table_text

    with open_capture(capture) as opened:
        records = list(EncryptedCapture(opened, []).records())
    width = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0
    return table_text(records, width or _WIDTH, colour=colour_wanted(args.color))


def _program() -> str:
    """How to call us again."""
    from shutil import which

    if which("fzctl"):
        return "fzctl"
    if os.path.basename(sys.argv[0]) == "fzctl":
        return quote_for_shell(sys.argv[0])
    return f"{quote_for_shell(sys.executable)} -m fzctl"
