"""Broken captures from whole ones: ``editcap -E`` at fixed seeds, plain and sealed in WireGuard."""

from __future__ import annotations

import base64
import json
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from fzctl.pcap.capture import open_capture
from fzctl.pcap.links import RAW
from fzctl.pcap.writer import open_writer
from fzctl.protocol.packet import IPV6_HEADER
from fzctl.wireguard.keylog import Entry
from fzctl.wireguard.turn import wrap_channel_data
from tests.wireguard.lab import shake_hands
from tests.wireshark.traffic import Cut

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = ROOT / "captures"
VECTORS: Final = ROOT / "tests" / "protocol" / "vectors" / "packets.json"

RATES: Final = (0.001, 0.005, 0.02, 0.1, 0.2, 0.5)

_TIME: Final = 1_795_351_381_000_000_000
_MOST_INSIDE: Final = 65_535 - 20 - 8 - 4 - 32  # of IPv4, UDP, ChannelData and WireGuard
_PEERS: Final = (51820, 51821)
_RELAY: Final = (49152, 3478)


class Broken(NamedTuple):
    """One capture to read, with its keys, and how it was made."""

    title: str
    capture: Path
    keys: Path | None = None


def mutate(source: Path, target: Path, rate: float, seed: int, keep: int = 0) -> Path:
    """Change each byte with that probability, but not the first ``keep`` of a frame."""
    editcap = shutil.which("editcap")
    assert editcap is not None, "editcap comes with tshark"
    subprocess.run(
        [editcap, "-E", str(rate), "--seed", str(seed), "-o", str(keep), str(source), str(target)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return target


def plain(
    whole: Path, folder: Path, seeds: Iterable[int], rates: Iterable[float] = RATES
) -> Iterator[Broken]:
    """The corpus broken: everywhere, and behind the IPv6 header alone."""
    seeds = list(seeds)
    for rate in rates:
        for seed in seeds:
            for keep in (0, IPV6_HEADER):
                title = f"rate {rate}, seed {seed}, first {keep} bytes whole"
                target = folder / f"plain-{rate}-{seed}-{keep}.pcapng"
                yield Broken(title, mutate(whole, target, rate, seed, keep))


def sealed(broken: Broken, folder: Path, *, relayed: bool = False) -> Broken:
    """The same packets inside WireGuard, relayed ones in ChannelData; the outside is whole.

    What is larger than a datagram stays outside.
    """
    lab = shake_hands()
    stem = f"sealed-{'turn-' if relayed else ''}{broken.capture.stem}"
    target, keys = folder / f"{stem}.pcap", folder / f"{stem}.keys"
    keys.write_text("".join(_line(entry) for entry in lab.initiator_log().entries))
    ports = _RELAY if relayed else _PEERS
    with open_capture(broken.capture) as source, open_writer(target) as writer:
        inside = [(True, lab.initiation), (False, lab.response)]
        packets = [frame.data for frame in source.frames() if len(frame.data) <= _MOST_INSIDE]
        inside += [(True, lab.to_responder(counter, packet)) for counter, packet in enumerate(packets)]
        for number, (forth, datagram) in enumerate(inside):
            payload = wrap_channel_data(0x4001, datagram) if relayed else datagram
            writer.write(_udp(payload, ports if forth else ports[::-1], forth), _TIME + number)
    return Broken(f"{broken.title}, in {'TURN' if relayed else 'WireGuard'}", target, keys)


def broken_samples(folder: Path, seeds: Iterable[int], rates: Iterable[float] = RATES) -> Iterator[Broken]:
    """The sample captures broken as they are, with their link headers and their handshakes."""
    seeds, rates = list(seeds), list(rates)
    for path in sorted(SAMPLES.rglob("*.pcap*")):
        whole, keys = _keys_apart(path, folder)
        for rate in rates:
            for seed in seeds:
                target = folder / f"sample-{path.stem}-{rate}-{seed}.pcapng"
                title = f"{path.relative_to(SAMPLES)}, rate {rate}, seed {seed}"
                yield Broken(title, mutate(whole, target, rate, seed), keys)


def cut_samples(folder: Path) -> Iterator[Broken]:
    """The encrypted samples, and behind them their frames cut by the snap length anywhere."""
    for path in sorted((SAMPLES / "encrypted").glob("*.pcap*")):
        whole, keys = _keys_apart(path, folder)
        with open_capture(whole) as capture:
            frames = list(capture.frames())
        cut = (Cut(each.data, size) for each in frames for size in range(len(each.data)))
        target = folder / f"cut-{path.stem}.pcap"
        write_packets(target, (*(each.data for each in frames), *cut), frames[0].link_type)
        yield Broken(f"{path.relative_to(SAMPLES)}, cut", target, keys)


def write_corpus(path: Path) -> Path:
    """One capture with the packets of all samples and all vectors."""
    return write_packets(path, corpus())


def corpus() -> Iterator[bytes]:
    """The packets of all samples and all vectors."""
    yield from _samples()
    yield from vectors()


def write_packets(path: Path, packets: Iterable[bytes | Cut], link_type: int = RAW) -> Path:
    """A capture, by default of raw IP, a packet a millisecond."""
    with open_writer(path, link_type) as writer:
        for number, each in enumerate(packets):
            packet, captured = each if isinstance(each, Cut) else (each, len(each))
            writer.write(packet[:captured], _TIME + number * 1_000_000, len(packet))
    return path


def vectors() -> Iterator[bytes]:
    """The packets of the vectors, their verdicts aside."""
    loaded = json.loads(VECTORS.read_bytes())["vectors"]
    yield from (packet for each in loaded if (packet := bytes.fromhex(each["hex"] or "")))


def _samples() -> Iterator[bytes]:
    for path in sorted(SAMPLES.glob("*.pcapng")):
        with open_capture(path) as capture:
            yield from (frame.data for frame in capture.frames())


def _keys_apart(path: Path, folder: Path) -> tuple[Path, Path | None]:
    """The capture and its key log; editcap writes no file anew that begins with its keys."""
    keys = path.with_suffix(".keys")
    with open_capture(path) as capture:
        if not capture.has_secrets():
            return path, keys if keys.exists() else None
        frames = list(capture.frames())
        whole, keys = folder / f"{path.stem}-whole.pcap", folder / keys.name
        keys.write_bytes(b"".join(data for _, data in capture.secrets))
    with open_writer(whole, frames[0].link_type) as writer:
        for frame in frames:
            writer.write(frame.data, frame.time)
    return whole, keys


def _udp(payload: bytes, ports: tuple[int, ...], forth: bool) -> bytes:
    ends = (bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)))[:: 1 if forth else -1]
    size = 8 + len(payload)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, 17, 0) + b"".join(ends)
    return ip + struct.pack(">HHHH", *ports, size, 0) + payload


def _line(entry: Entry) -> str:
    return f"{entry.kind} = {base64.b64encode(entry.key.raw).decode()}\n"
