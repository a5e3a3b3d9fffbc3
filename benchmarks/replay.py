"""Measures how many messages a second `fzctl replay --at-once` sends.

    python3 benchmarks/replay.py [--count N] [--rounds N]

Through a WireGuard peer of our own on loopback to another one, in a process of its own, which
counts what arrives; and as root, in a network namespace, on a virtual device beside tcpreplay.
Medians of turns; reading the capture does not count, for tcpreplay does that before, too. Figures
go to benchmarks/out/replay.json as well.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.live import CONTROL, NEAR, namespace  # noqa: E402
from benchmarks.make_captures import OUT, make  # noqa: E402
from fzctl.pcap.capture import open_capture  # noqa: E402
from fzctl.wireguard.keys import PrivateKey  # noqa: E402

SILENCE: Final = 1.0
"""The receiver ends when nothing has come for so many seconds."""

_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
_REPLAY = [sys.executable, "-m", "fzctl", "replay", "--at-once", "--linger", "0", "-T", "json", "-q"]


def receive(config: str) -> None:
    """What the receiver's own process does: tell its port, and count what comes."""
    from fzctl.carriers.opening import open_peer

    with open_peer(config) as carrier:
        print("ready", flush=True)
        carrier.wait(60)
        first = last = time.perf_counter()
        count = 0
        while carrier.receive(SILENCE) is not None:
            last = time.perf_counter()
            first = first if count else last
            count += 1
        print(json.dumps({"received": count, "seconds": last - first, "dropped": carrier.dropped}))


def through_peers(count: int) -> tuple[float, int]:
    """Messages a second that left, and how many arrived at the other peer."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = _configs(Path(folder))
        other = subprocess.Popen(
            [sys.executable, __file__, "--receive", theirs],
            stdout=subprocess.PIPE,
            env=_ENVIRONMENT,
            text=True,
        )
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
            sent = _replay(["--peer", ours], count)
            if not select.select([other.stdout], [], [], 60)[0]:
                raise SystemExit("the receiver does not end")
            found = json.loads(other.stdout.readline())
        finally:
            other.kill()
            other.wait()
    return sent, found["received"]


def on_a_device(inside: list[str], count: int) -> float:
    """Messages a second that left."""
    return _replay(["-i", NEAR], count, inside)


def tcpreplay_rate(inside: list[str], program: str, count: int) -> float:
    """The same with tcpreplay, whose frames are made before."""
    pcap = OUT / f"replay-{count}.pcap"
    if not pcap.exists():
        from fzctl.pcap.writer import open_writer

        header = bytes.fromhex("33330000000102005e00000286dd")
        with open_capture(make(CONTROL)) as control, open_writer(pcap, link_type=1) as writer:
            for frame in islice(control.frames(), count):
                writer.write(header + frame.data, frame.time)
    said = subprocess.run(
        [*inside, program, "-q", "--topspeed", "--preload-pcap", "-i", NEAR, str(pcap)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    rated = re.search(r"([\d.]+) pps", said)
    assert rated is not None
    return float(rated[1])


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(description="Measure how fast fzctl replays.")
    parser.add_argument("--count", type=int, default=200_000, help="messages (default: 200000)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="turns, of which the median counts (default: 5)"
    )
    parser.add_argument("--receive", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.receive:
        receive(args.receive)
        return 0
    make(CONTROL)
    few = max(1, args.count // 4)
    peers = [through_peers(few) for _ in range(args.rounds)]
    figures = {"peer on loopback": statistics.median(rate for rate, _ in peers)}
    arrived = sum(count for _, count in peers) / (few * args.rounds)
    _say("fzctl replay --peer", figures["peer on loopback"], f"{100 * arrived:.2f} % of them arrived")
    if os.geteuid():
        print("left out: devices need root, for a network namespace")
    else:
        figures |= _on_devices(args.count, args.rounds)
    (OUT / "replay.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _on_devices(count: int, rounds: int) -> dict[str, float]:
    rates: dict[str, list[float]] = {"fzctl replay -i": [], "tcpreplay --topspeed": []}
    program = shutil.which("tcpreplay")
    with namespace() as inside:
        for _ in range(rounds):
            rates["fzctl replay -i"].append(on_a_device(inside, count))
            if program is not None:
                rates["tcpreplay --topspeed"].append(tcpreplay_rate(inside, program, count))
    if program is None:
        print("left out: tcpreplay is not installed")
    found = {name: statistics.median(each) for name, each in rates.items() if each}
    for name, rate in found.items():
        _say(name, rate)
    if program is not None:
        print(f"  tcpreplay is {found['tcpreplay --topspeed'] / found['fzctl replay -i']:.1f} times as fast")
    return found


def _replay(target: list[str], count: int, inside: list[str] | None = None) -> float:
    done = subprocess.run(
        [*(inside or []), *_REPLAY, *target, "-c", str(count), str(make(CONTROL))],
        check=True, capture_output=True, text=True, env=_ENVIRONMENT,
    )  # fmt: skip
    counts = json.loads(done.stdout)
    assert counts["sent"] == count, counts
    return float(counts["sent"] / counts["seconds"])


def _configs(folder: Path) -> tuple[str, str]:
    """Two peers that know each other."""
    from fzctl.carriers.sockets import UdpSockets

    sockets = UdpSockets()
    port = sockets.local(("127.0.0.1", 9))[1]
    sockets.close()
    first, second = (PrivateKey(os.urandom(32)) for _ in range(2))
    texts = (_config(first, second, f"Endpoint = 127.0.0.1:{port}"), _config(second, first, "", port))
    paths = []
    for name, text in zip(("ours.conf", "theirs.conf"), texts, strict=True):
        path = folder / name
        path.touch(0o600)
        path.write_text(text)
        paths.append(str(path))
    return paths[0], paths[1]


def _config(own: PrivateKey, other: PrivateKey, endpoint: str, port: int = 0) -> str:
    from fzctl.wireguard.keys import encode_key

    lines = ["[Interface]", f"PrivateKey = {encode_key(own.raw)}", f"ListenPort = {port}"]
    lines += ["[Peer]", f"PublicKey = {encode_key(other.public)}", "AllowedIPs = ::/0", endpoint]
    return "\n".join(lines) + "\n"


def _say(name: str, rate: float, more: str = "") -> None:
    print(f"  {name:26} {rate:12,.0f} messages a second" + (f", {more}" if more else ""))


if __name__ == "__main__":
    sys.exit(main())
