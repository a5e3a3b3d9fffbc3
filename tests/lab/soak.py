"""Our peer against wireguard-go over a rough path, for a quarter of an hour: as root,

    python3 -m tests.lab.soak                    all tunnels, 15 minutes
    python3 -m tests.lab.soak --seconds 120 --only client-forced --keep /tmp/soak

Each tunnel has namespaces of its own: our end, a relay that loses, delays and doubles, wireguard-go and
behind it our other end on its interface. Exit code 1 where something did not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import dev
from fzctl.errors import EXIT_NO_ANSWER
from fzctl.live.player import PENDING
from fzctl.wireguard.endpoints import format_endpoint
from fzctl.wireguard.keys import PrivateKey, encode_key
from tests.lab.netns import CLIENT, GATEWAY, RELAY, RELAY_FAR, LabError, Namespace, Net, Socket, network, run
from tests.lab.programs import GATEWAY_PORT, TURN_PORT, coturn, wireguard_go
from tests.lab.rough import SMOOTH, TO_FAR, TO_NEAR, Roughness, RoughRelay
from tests.lab.soakend import CONNECT, DRAIN, STOP
from tests.lab.soakjudge import Verdict, judge_exchanges, judge_growth, judge_tunnel
from tests.lab.soakplan import TUNNELS, Scale, Tunnel
from tests.lab.stories import CLIENT_PORT
from tests.lab.weighing import open_files, resident
from tests.live.scenes import RESOURCE

ROOT: Final = Path(__file__).parents[2]
MINUTES: Final = 15
_NEAR_PORT, _FAR_PORT = 40_000, 50_000
_LONGEST_GATEWAY: Final = 60.0
_PATIENCE: Final = 30.0


class Soaked:
    """A tunnel while it is soaked."""

    def __init__(self, tunnel: Tunnel, scale: Scale, folder: Path, stack: contextlib.ExitStack) -> None:
        self.tunnel: Final = tunnel
        self.folder: Final = folder
        self.memory: Final[list[tuple[float, float]]] = []
        self.files: Final[list[tuple[float, float]]] = []
        self._scale: Final = scale
        self._stack: Final = stack
        self._moved = 0
        self._told = False
        self._since = time.monotonic()
        for name in ("near", "far"):
            (folder / name).mkdir(parents=True)
        self._net: Final = stack.enter_context(network(folder))
        static = PrivateKey(os.urandom(32))
        gateway = stack.enter_context(wireguard_go(self._net, static.public))
        if scale.netem:
            stack.enter_context(netem(self._net, scale.how))
        if tunnel.turn:
            stack.enter_context(coturn(self._net))
        self._relay: Final = self._start_relay()
        is_client = tunnel.role == "client"
        self._config: Final = folder / "near" / "wg.conf"
        self._write_config(static, gateway.static.public, knows_endpoint=is_client)
        gateway.know_client(None if is_client else (RELAY_FAR[tunnel.version], _FAR_PORT))
        # Who is asked is there before who asks.
        starts = [self._start_far, self._start_near]
        self._far: subprocess.Popen[bytes]
        self._near: subprocess.Popen[bytes]
        for start in starts if is_client else starts[::-1]:
            start()

    def look(self) -> None:
        """Note what our end takes, and let the relay move where its time has come."""
        if self._near.poll() is None:
            self.memory.append((time.monotonic(), resident(self._near.pid) / 1024))
            self.files.append((time.monotonic(), open_files(self._near.pid)))
        moves, now = self.tunnel.moves, time.monotonic()
        if moves is not None and now - self._since > moves:
            self._since = now
            self._moved += 1
            way = TO_NEAR if self._moved % 2 else TO_FAR
            self._relay.move(way, self._socket(way))

    def let_gateway_go(self) -> None:
        """Where the client has ended, so does the gateway."""
        is_client = self.tunnel.role == "client"
        client, gateway = (self._near, self._far) if is_client else (self._far, self._near)
        if self._told or client.poll() is None or gateway.poll() is not None:
            return
        self._told = True
        if gateway is self._near and self.tunnel.verb:
            gateway.send_signal(signal.SIGINT)
        else:
            (self.folder / ("far" if is_client else "near") / STOP).touch()

    @property
    def is_over(self) -> bool:
        return self._near.poll() is not None and self._far.poll() is not None

    def judge(self) -> Verdict:
        self._relay.stop()
        broken = []
        for process, name in ((self._near, "near"), (self._far, "far")):
            code = process.wait(1)
            # The command says so where the end came between a question and its answer.
            if code and not (code == EXIT_NO_ANSWER and name == "near" and self.tunnel.verb):
                said = (self.folder / name / "err.txt").read_text()[-2000:]
                broken.append(f"{name} ended with {code}: {said}")
        keys = self.folder / "near" / "keys"
        if broken and not keys.exists():
            return Verdict({}, broken)
        pauses = self._relay.pauses
        verdict = judge_tunnel(self.folder, pauses, keys, knows_fates=not self._scale.netem)
        broken += verdict.broken
        if self.tunnel.verb and self.tunnel.role == "client":
            broken += judge_exchanges(self._verb_steps(), pauses, verdict.figures)
        broken += judge_growth(self.memory, "resident KiB", verdict.figures)
        broken += judge_growth(self.files, "open files", verdict.figures)
        verdict.figures["moves of the relay"] = self._moved
        if pauses:
            verdict.figures["pauses"] = [round(end - begin, 1) for begin, end in pauses]
        return Verdict(verdict.figures, broken)

    def end(self) -> None:
        for process in (self._near, self._far):
            if process.poll() is None:
                process.kill()
                process.wait(5)

    def _start_relay(self) -> RoughRelay:
        version, scale = self.tunnel.version, self._scale
        far = (RELAY[version], TURN_PORT) if self.tunnel.turn else (GATEWAY[version], GATEWAY_PORT)
        ends = {TO_NEAR: (CLIENT[version], CLIENT_PORT), TO_FAR: far}
        relay = RoughRelay(
            (self._socket(TO_NEAR), ends[TO_NEAR]),
            (self._socket(TO_FAR), ends[TO_FAR]),
            SMOOTH if scale.netem else scale.how,
            f"{scale.seed} {self.tunnel.name}",
            self.folder / "relay",
        )
        relay.start()
        return relay

    def _socket(self, way: int) -> Socket:
        """The relay's socket for what goes that way, each time on another port."""
        version = self.tunnel.version
        opened = self._net.relay.socket(
            socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM
        )
        address, port = (RELAY, _NEAR_PORT) if way == TO_NEAR else (RELAY_FAR, _FAR_PORT)
        if self.tunnel.turn:
            address = RELAY
        opened.bind((address[version], port + self._moved))
        return opened

    def _write_config(self, static: PrivateKey, remote: bytes, *, knows_endpoint: bool) -> None:
        lines = ["[Interface]", f"PrivateKey = {encode_key(static.raw)}", f"ListenPort = {CLIENT_PORT}"]
        lines += ["[Peer]", f"PublicKey = {encode_key(remote)}", "AllowedIPs = ::/0, 0.0.0.0/0"]
        if knows_endpoint:
            version = self.tunnel.version
            place = (GATEWAY[version], GATEWAY_PORT) if self.tunnel.turn else (RELAY[version], _NEAR_PORT)
            lines.append(f"Endpoint = {format_endpoint(place)}")
        self._config.touch(0o600)
        self._config.write_text("\n".join(lines) + "\n")

    def _start_near(self) -> None:
        tunnel = self.tunnel
        if tunnel.verb:
            self._near = self._start(self._net.client, "near", *self._verb())
            return
        limits = []
        for name in ("rekey_after", "rekey_messages", "rekey_timeout"):
            value = getattr(tunnel, name)
            limits += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
        if tunnel.turn:
            limits += ["--turn", format_endpoint((RELAY[tunnel.version], _NEAR_PORT))]
        words = ("--peer", str(self._config), "--role", tunnel.role, *limits)
        self._near = self._start(self._net.client, "near", *self._end("near", tunnel.role, *words))

    def _start_far(self) -> None:
        role = "gateway" if self.tunnel.role == "client" else "client"
        words = ("--interface", self._net.tag, "--role", role)
        self._far = self._start(self._net.gateway, "far", *self._end("far", role, *words))

    def _end(self, name: str, role: str, *words: str) -> Sequence[str]:
        scale = self._scale
        return (
            sys.executable, "-m", "tests.lab.soakend", str(self.folder / name), *words,
            "--seconds", str(self._seconds(role)), "--domains", str(scale.domains),
            "--refresh", str(scale.refresh), "--rate", str(scale.rate), "--look", str(scale.look),
            "--patience", str(_PATIENCE),
        )  # fmt: skip

    def _verb(self) -> Sequence[str]:
        scale = self._scale
        command = (sys.executable, "-m", "fzctl", "-q")
        target = ("--peer", str(self._config), "--keylog", str(self.folder / "near" / "keys"), "-T", "jsonl")
        if self.tunnel.role == "gateway":
            return (*command, "respond", *target, "--for", str(self._seconds("gateway")))
        return (
            *command, "client", *target, "--for", str(scale.seconds), "-n", str(scale.domains),
            "--refresh", str(scale.refresh), "--rate", str(scale.domains / scale.refresh),
            "--timeout", str(_PATIENCE), "--resource", RESOURCE,
        )  # fmt: skip

    def _verb_steps(self) -> list[dict[str, Any]]:
        """The steps that the command printed, as those of an end of ours."""
        steps = []
        to_steady = time.monotonic() - time.time()
        for line in (self.folder / "near" / "out.txt").read_text().splitlines():
            step = json.loads(line)
            now = datetime.fromisoformat(step["time"]).timestamp() + to_steady
            # Of one without an answer nothing tells when it began.
            asked = now - (_PATIENCE if step["seconds"] is None else step["seconds"])
            if step["state"] != PENDING:
                steps.append(
                    {"time": now, "domain": step["domain"], "round": step["round"], "state": step["state"],
                     "asked_at": asked, "sent_count": step["sent"], "answered_at": now}
                )  # fmt: skip
        return steps

    def _seconds(self, role: str) -> float:
        """A gateway is there until it is told that its client has gone."""
        return self._scale.seconds + (_LONGEST_GATEWAY if role == "gateway" else 0.0)

    def _start(self, place: Namespace, name: str, *words: str) -> subprocess.Popen[bytes]:
        files: list[IO[bytes]] = [
            self._stack.enter_context((self.folder / name / kind).open("wb"))
            for kind in ("out.txt", "err.txt")
        ]
        command = [dev.find_program("ip") or "ip", "netns", "exec", place.name, *words]
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=files[0], stderr=files[1])


@contextlib.contextmanager
def netem(net: Net, how: Roughness) -> Iterator[None]:
    """The kernel's own rough path, behind the relay. Raises LabError where it has none."""
    words = ["netem", "loss", f"{how.loss:%}", "duplicate", f"{how.twice:%}"]
    words += ["delay", f"{how.lag * 1000:.0f}ms", "reorder", f"{1 - how.late:%}"]
    for link in ("near", "far"):
        run("tc", "-n", net.relay.name, "qdisc", "add", "dev", link, "root", *words)
    yield


def soak(tunnels: Sequence[Tunnel], scale: Scale, folder: Path) -> dict[str, Verdict]:
    """Soak them all at once; the verdicts by name."""
    with contextlib.ExitStack() as stack:
        soaked = []
        for tunnel in tunnels:
            soaked.append(Soaked(tunnel, scale, folder / tunnel.name, stack))
            stack.callback(soaked[-1].end)
        deadline = time.monotonic() + CONNECT + scale.seconds + _LONGEST_GATEWAY + DRAIN + 60
        due = time.monotonic()
        while not all(each.is_over for each in soaked):
            now = time.monotonic()
            for each in soaked:
                each.let_gateway_go()
            if now > deadline:
                raise LabError("it takes much longer than it should")
            if now >= due:
                due = now + scale.look
                for each in soaked:
                    each.look()
            time.sleep(0.05)
        return {each.tunnel.name: each.judge() for each in soaked}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0 * MINUTES)
    parser.add_argument("--only", action="append", choices=[each.name for each in TUNNELS])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="where journals and keys stay")
    parser.add_argument("--netem", action="store_true", help="the kernel's rough path in place of our own")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tunnels = [each for each in TUNNELS if not args.only or each.name in args.only]
    scale = Scale(args.seconds, seed=args.seed, netem=args.netem, look=min(10.0, args.seconds / 30))
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        try:
            verdicts = soak(tunnels, scale, args.keep or Path(folder))
        except LabError as error:
            print(f"soak: {error}", file=sys.stderr)
            return 1
    for name, verdict in verdicts.items():
        print(f"{name}:")
        for what, figures in verdict.figures.items():
            print(f"  {what}: {json.dumps(figures)}")
        for each in verdict.broken:
            print(f"  BROKEN: {each}")
    return 1 if any(verdict.broken for verdict in verdicts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
