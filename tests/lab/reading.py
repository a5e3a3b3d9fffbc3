"""Captures of the lab read in two ways: scapy and our decryptor, and tshark with the same keys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether  # noqa: F401 - registers the link types
from scapy.utils import PcapReader

from fzctl.protocol.packet import parse_packet
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import parse_keylog
from fzctl.wireguard.results import Result
from fzctl.wireguard.turn import unwrap


class Datagram(NamedTuple):
    """UDP in a capture. ``relayed`` is how TURN carried it: ``channel``, ``indication`` or not."""

    frame: int
    src: str
    dst: str
    payload: bytes
    relayed: str | None


class Found(NamedTuple):
    """A datagram and what the decryptor made of it."""

    datagram: Datagram
    result: Result

    @property
    def frame(self) -> int:
        return self.datagram.frame

    @property
    def ours(self) -> Ours:
        one, result = self.datagram, self.result
        outer = (one.src, one.dst, result.session, result.counter)
        return Ours(one.frame, result.direction, outer, one.relayed is not None, result.copy_of)

    @property
    def is_control(self) -> bool:
        return bool(self.result.packet) and parse_packet(self.result.packet or b"").ours


class Ours(NamedTuple):
    """What of a control message ``fzctl decode`` prints and the decryptor knows, too."""

    frame: int
    direction: str | None
    outer: tuple[str | None, str | None, int | None, int | None]
    relayed: bool
    copy_of: int | None


class Theirs(NamedTuple):
    """A transport message as tshark shows it: counter, inner length (0: keepalive), is it control."""

    counter: int
    length: int
    control: bool


def packets(path: Path) -> Iterator[tuple[int, bytes]]:
    """The IP packets of a capture, by scapy: what fzctl reads with is not proven by itself."""
    with PcapReader(str(path)) as reader:
        for number, frame in enumerate(reader, start=1):
            layer = frame.getlayer(IP) or frame.getlayer(IPv6)
            if layer is not None:
                yield number, bytes(layer.original)


def datagrams(path: Path) -> Iterator[Datagram]:
    """All UDP datagrams, those in TURN unwrapped."""
    for number, packet in packets(path):
        version = 4 if packet[0] >> 4 == 4 else 6
        ip = IP(packet) if version == 4 else IPv6(packet)
        if UDP not in ip:
            continue
        udp = ip[UDP]
        shape = "{}:{}" if version == 4 else "[{}]:{}"
        start = 20 if version == 4 else 40
        payload = packet[start + 8 : start + udp.len]
        relayed = unwrap(payload)
        how = None if relayed is None else "indication" if relayed[1].channel is None else "channel"
        inner = payload if relayed is None else relayed[0]
        yield Datagram(number, shape.format(ip.src, udp.sport), shape.format(ip.dst, udp.dport), inner, how)


def decrypt(path: Path, keys: Path, *, after: int = 0) -> tuple[Decryptor, list[Found]]:
    """Feed a capture to the decryptor, from the frame behind ``after`` on."""
    decryptor = Decryptor(parse_keylog(keys.read_bytes(), keys.name))
    found = [
        Found(one, decryptor.feed(one.payload, one.src, one.dst, one.frame))
        for one in datagrams(path)
        if one.frame > after
    ]
    return decryptor, found


def ask_fzctl(path: Path, *options: str) -> list[Ours]:
    """What ``fzctl decode`` prints of a capture."""
    command = [sys.executable, "-m", "fzctl", "-q", "decode", "-T", "jsonl", *options, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return [_ours_of(json.loads(line)) for line in done.stdout.splitlines()]


def _ours_of(record: dict[str, Any]) -> Ours:
    outer = record["outer"] or dict.fromkeys(("src", "dst", "session", "counter"))
    ends = (outer["src"], outer["dst"], outer["session"], outer["counter"])
    assert (record["path"][-1] == "wireguard") == bool(record["outer"])
    return Ours(record["frame"], record["direction"], ends, "turn" in record["path"], record.get("copy_of"))


def ask_tshark(tshark: str, path: Path, keys: Path) -> dict[int, Theirs]:
    """What tshark sees inside each transport message, by frame."""
    fields = ["frame.number", "wg.counter", "frame.protocols", "ip.len", "ipv6.plen", "ipv6.nxt"]
    command = [tshark, "-n", "-r", str(path), "-o", f"wg.keylog_file:{keys}", "-Y", "wg.type == 4"]
    command += ["-T", "fields", *(part for name in fields for part in ("-e", name))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return dict(_read_line(line) for line in done.stdout.splitlines())


def _read_line(line: str) -> tuple[int, Theirs]:
    """The fields hold the outer header's value, the inner one's, and those of packets that ICMP quotes."""
    frame, counter, layers, totals, payloads, following = line.split("\t")
    outer, _, inner = layers.partition(":wg:")
    length, control = 0, False
    if inner.removeprefix("ip:").startswith("ipv6"):  # some versions tell both
        place = 1 if ":ipv6" in outer else 0
        length = 40 + int(payloads.split(",")[place])
        control = following.split(",")[place] == "255"
    elif inner.startswith("ip:"):
        length = int(totals.split(",")[0 if ":ipv6" in outer else 1])
    return int(frame), Theirs(int(counter), length, control)
