"""Measures what runs live, in a network namespace of its own; needs root on Linux.

    python3 benchmarks/live.py [--pps N] [--seconds S]

Watching: mixed traffic goes over a pair of virtual devices at a fixed rate, once for each program;
what counts is how many control messages it saw of those that were sent. With keys a fifth of the
packets are WireGuard, and the messages in there count, too.
Sending: how many prebuilt packets a second go out on a device, beside tcpreplay. Figures go to
benchmarks/out/live.json as well.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.make_captures import OUT, keys_path, make  # noqa: E402
from fzctl.pcap.capture import open_capture  # noqa: E402

NEAR, FAR = "near", "far"
MIX, ENCRYPTED, CONTROL = "mix-0.1-ethernet.pcap", "encrypted-128.pcap", "control-raw.pcap"
EVERY = 5  # one packet in so many is WireGuard
SENT = 200_000
ROUNDS = 5

_BATCH_SECONDS = 0.002
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


class Seen(NamedTuple):
    """What a program saw: messages it printed, its processor time in seconds, its last words."""

    name: str
    expected: int
    found: int
    cpu: float
    words: str


@contextlib.contextmanager
def namespace() -> Iterator[list[str]]:
    """A namespace with a pair of devices; the value is what runs a program there."""
    name = f"fzbench{secrets.token_hex(2)}"
    ip = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin") or sys.exit(
        "ip (iproute2) is not installed"
    )
    subprocess.run([ip, "netns", "add", name], check=True)
    try:
        pair = ["link", "add", NEAR, "type", "veth", "peer", "name", FAR]
        for words in (pair, ["link", "set", NEAR, "up"], ["link", "set", FAR, "up"]):
            subprocess.run([ip, "-n", name, *words], check=True)
        time.sleep(2)  # the kernel's own greetings
        yield [ip, "netns", "exec", name]
    finally:
        subprocess.run([ip, "netns", "delete", name], check=True)


def frames(count: int, *, encrypted: bool) -> Iterator[bytes]:
    """The first so many frames of the mix, with every fifth in its place out of a tunnel."""
    with open_capture(make(MIX)) as mix, open_capture(make(ENCRYPTED)) as tunnel:
        plain, sealed = mix.frames(), tunnel.frames()
        for number in range(count):
            frame = next(sealed, None) if encrypted and not number % EVERY else None
            yield (frame or next(plain)).data


def expected(count: int, *, encrypted: bool) -> int:
    """How many control messages are among them, by our own reading of the files."""
    from fzctl.cli.encrypted import EncryptedCapture
    from fzctl.wireguard.keylog import parse_keylog

    sealed = min(-(-count // EVERY), 200_000) if encrypted else 0
    with open_capture(make(MIX)) as mix:
        found = sum(each.number <= count - sealed for each in mix.candidates())
    if sealed:
        path = make(ENCRYPTED)
        with open_capture(path) as tunnel:
            log = parse_keylog(keys_path(path).read_bytes(), "keys")
            found += sum(record.frame <= sealed for record in EncryptedCapture(tunnel, [log]).records())
    return found


def flood(count: int, pps: int, encrypted: bool) -> None:
    """Send the frames at that rate: what the sender's own process does."""
    ready = list(frames(count, encrypted=encrypted))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as opened:
        opened.bind((NEAR, 0))
        send, start, sent = opened.send, time.perf_counter(), 0
        packets = iter(ready)
        while sent < count:
            due = min(count, int((time.perf_counter() - start) * pps))
            for packet in islice(packets, due - sent):
                send(packet)
            sent = due
            time.sleep(_BATCH_SECONDS)
        print(sent / (time.perf_counter() - start))


def watch(
    inside: list[str], name: str, command: list[str], pps: int, seconds: int, *, encrypted: bool
) -> Seen:
    """Let one program watch while everything is sent."""
    count = pps * seconds
    process = subprocess.Popen(
        [*inside, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_ENVIRONMENT, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        process.stderr.readline()  # it says when it listens
        time.sleep(0.5)
        sender = [*inside, sys.executable, __file__, "--flood", str(count), str(pps), str(int(encrypted))]
        rate = float(subprocess.run(sender, check=True, capture_output=True, text=True).stdout)
        if rate < 0.98 * pps:
            print(f"  the sender reached {rate:,.0f} packets a second only")
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        before = os.times()
        out, words = process.communicate(timeout=60)
        after = os.times()
    finally:
        process.kill()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    found = out.count("\n")
    captured = re.search(r"(\d+) packets captured", words)
    if captured:
        found = int(captured[1])
    return Seen(name, expected(count, encrypted=encrypted), found, cpu, " ".join(words.split()))


def watchers() -> list[tuple[str, list[str], bool]]:
    """What is compared: its name, its command, and whether the traffic has WireGuard in it."""
    fzctl = [sys.executable, "-m", "fzctl", "watch", "-i", FAR, "-T", "jsonl"]
    found = [
        ("fzctl watch", fzctl, False),
        ("fzctl watch -k", [*fzctl, "-k", str(keys_path(make(ENCRYPTED)))], True),
    ]
    tcpdump = shutil.which("tcpdump", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if tcpdump:
        given = [tcpdump, "-n", "-Z", "root", "-i", FAR, "-w", "/dev/null"]
        found.insert(0, ("tcpdump ip6 proto 255", [*given, "ip6 proto 255"], False))
        found.insert(2, ("tcpdump udp (all of it)", [*given, "udp"], True))
    else:
        print("left out: tcpdump is not installed")
    return found


def send_rate(inside: list[str]) -> list[tuple[str, float]]:
    """Packets a second on a device: medians, in turns."""
    pcap = OUT / "send.pcap"
    if not pcap.exists():
        from fzctl.pcap.writer import open_writer

        header = bytes.fromhex("33330000000102005e00000286dd")
        with open_capture(make(CONTROL)) as control, open_writer(pcap, link_type=1) as writer:
            for frame in islice(control.frames(), SENT):
                writer.write(header + frame.data, frame.time)
    ours = [*inside, sys.executable, __file__, "--send", str(make(CONTROL))]
    programs = {"fzctl, carriers.interface": ours}
    tcpreplay = shutil.which("tcpreplay")
    if tcpreplay:
        programs["tcpreplay --topspeed"] = [
            *inside, tcpreplay, "-q", "--topspeed", "--preload-pcap", "-i", NEAR, str(pcap),
        ]  # fmt: skip
    else:
        print("left out: tcpreplay is not installed")
    rates: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, command in programs.items():
            said = subprocess.run(
                command, check=True, capture_output=True, text=True, env=_ENVIRONMENT
            ).stdout
            rated = re.search(r"([\d.]+) pps", said)
            assert rated is not None
            rates[name].append(float(rated[1]))
    return [(name, statistics.median(found)) for name, found in rates.items()]


def send(path: str) -> None:
    """Send the packets of a capture as fast as it goes: what our sender's own process does."""
    from fzctl.carriers.interface import Interface

    with open_capture(path) as capture, Interface(NEAR) as interface:
        packets = [frame.data for frame in islice(capture.frames(), SENT)]
        start = time.perf_counter()
        for packet in packets:
            interface.send(packet)
        print(f"{len(packets) / (time.perf_counter() - start):.0f} pps")


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(description="Measure what fzctl does live against its peers.")
    parser.add_argument("--pps", type=int, default=100_000, help="packets a second (default: 100000)")
    parser.add_argument("--seconds", type=int, default=10, help="for how long (default: 10, the most)")
    parser.add_argument("--flood", nargs=3, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--send", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.flood:
        flood(args.flood[0], args.flood[1], bool(args.flood[2]))
        return 0
    if args.send:
        send(args.send)
        return 0
    if os.geteuid():
        print("the live measurements need root, for a network namespace", file=sys.stderr)
        return 1
    with namespace() as inside:
        seen = []
        print(f"watching: {args.pps:,} packets a second for {args.seconds} s")
        for name, command, encrypted in watchers():
            each = watch(inside, name, command, args.pps, args.seconds, encrypted=encrypted)
            seen.append(each)
            print(f"  {name:26} {each.found:>9,} seen, {each.expected:,} messages sent, cpu {each.cpu:.2f} s")
            print(f"      {each.words}")
        print("sending prebuilt packets")
        rates = send_rate(inside)
        for name, rate in rates:
            print(f"  {name:26} {rate:12,.0f} packets a second")
    figures = {"pps": args.pps, "seconds": args.seconds, "watching": [each._asdict() for each in seen]}
    figures["sending"] = dict(rates)
    (OUT / "live.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
