"""Makes the captures that run.py measures on; the same bytes every time.

    python3 benchmarks/make_captures.py          all of them, into benchmarks/out/ (about 5 GB)
    python3 benchmarks/make_captures.py NAME ...  only these, such as mix-0.1-ethernet.pcap

A mix has a million packets of TCP and UDP over IPv4 and IPv6 in the sizes of the simple IMIX
(64, 594 and 1500 bytes in 7 : 4 : 1), among them a share of control messages, every one different,
and every payload too.
Encrypted captures (see encrypted.py) need the package ``cryptography``.
"""

from __future__ import annotations

import gzip
import random
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "out"

MIX_PACKETS = 1_000_000
CONTROL_PACKETS = 200_000
FEW_PACKETS = 20_000
SMALL_PACKETS = 20
DOMAINS, DOMAIN_PACKETS = 1000, 1_000_000

_TEMPLATES = 600
# The longest that stands before a payload: Ethernet, IPv6 and TCP.
_HEADERS = 14 + 40 + 20
_SIZES = (64,) * 7 + (594,) * 4 + (1500,)
_IPV4_SHARE = 0.6
_TCP, _UDP = 6, 17
_FIRST_SECOND = 1_790_000_000
_NANOSECONDS = 1_000_000_000
_GAP = 100_000
_WORDS = ("git", "wiki", "mail", "build", "db", "app", "vpn", "docs", "api", "grafana", "jira", "files")
_TOPS = ("example.com", "corp.example.net", "intranet.example.org", "internal", "eu-west-1.example.cloud")
_MACS = bytes.fromhex("02005e00000102005e000002")


class Spec(NamedTuple):
    """One capture: how many packets, which share of them control (0 to 1), how framed.

    With ``domains``, questions about so many and their answers, and nothing else.
    """

    packets: int
    control: float
    ethernet: bool
    pcapng: bool
    domains: int = 0


def _specs() -> dict[str, Spec]:
    specs = {}
    for link in ("ethernet", "raw"):
        for ending in ("pcap", "pcapng"):
            framing = link == "ethernet", ending == "pcapng"
            for percent in ("0", "0.1", "10"):
                specs[f"mix-{percent}-{link}.{ending}"] = Spec(MIX_PACKETS, float(percent) / 100, *framing)
            specs[f"control-{link}.{ending}"] = Spec(CONTROL_PACKETS, 1.0, *framing)
    specs["few-10-ethernet.pcap"] = Spec(FEW_PACKETS, 0.1, True, False)
    specs["domains-raw.pcap"] = Spec(DOMAIN_PACKETS, 1.0, False, False, DOMAINS)
    specs["small-raw.pcap"] = Spec(SMALL_PACKETS, 0.5, False, False)
    return specs


SPECS = _specs()
# Packed ones: how the name ends.
PACKED = ("gz", "zst")
# The encrypted ones: the size of their datagrams.
ENCRYPTED = {"encrypted-128.pcap": 128, "encrypted-1312.pcap": 1312}


def make(name: str) -> Path:
    """Make one capture of SPECS or ENCRYPTED, or one of SPECS packed, unless it is there; its path."""
    path = OUT / name
    if not path.exists():
        OUT.mkdir(exist_ok=True)
        if str(ROOT) not in sys.path:
            sys.path.insert(0, str(ROOT))
        part = path.with_suffix(path.suffix + ".part")
        with part.open("wb", buffering=1 << 20) as file:
            if name in SPECS:
                _write(file, SPECS[name])
            elif name.endswith(PACKED):
                _pack(file, make(name.rpartition(".")[0]), name.rpartition(".")[2])
            else:
                from benchmarks.encrypted import write_encrypted

                write_encrypted(file, keys_path(path), ENCRYPTED[name], _control)
        part.replace(path)
    return path


def _pack(file: BinaryIO, source: Path, ending: str) -> None:
    if ending == "gz":
        with (
            source.open("rb") as plain,
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as to,
        ):
            shutil.copyfileobj(plain, to, 1 << 20)
        return
    from fzctl.pcap.compression import load_zstd

    with source.open("rb") as plain, load_zstd(str(source)).ZstdFile(file, mode="wb", level=3) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)


def keys_path(capture: Path) -> Path:
    """Where the key log of an encrypted capture stands."""
    return capture.with_suffix(".keys")


def _write(file: BinaryIO, spec: Spec) -> None:
    link_type = 1 if spec.ethernet else 101
    if spec.pcapng:
        file.write(struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
        file.write(struct.pack("<IIHHIHHB3xII", 1, 32, link_type, 0, 0, 9, 1, 9, 0, 32))
    else:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type))
    header = struct.Struct("<IIII").pack
    block = struct.Struct("<IIIIIII").pack
    for number, frame in enumerate(_frames(spec)):
        size = len(frame)
        seconds, nanoseconds = divmod(number * _GAP, _NANOSECONDS)
        if not spec.pcapng:
            file.write(header(_FIRST_SECOND + seconds, nanoseconds, size, size) + frame)
            continue
        padding = -size % 4
        high, low = divmod((_FIRST_SECOND + seconds) * _NANOSECONDS + nanoseconds, 1 << 32)
        head = block(6, 32 + size + padding, 0, high, low, size, size)
        file.write(head + frame + bytes(padding) + head[4:8])


def _frames(spec: Spec) -> Iterator[bytes]:
    chance = random.Random(1)
    if spec.domains:
        packets = [_exchange(chance, number) for number in range(spec.domains)]
        for number in range(spec.packets // 2):
            for packet in packets[number % spec.domains]:
                yield _frame(packet, spec)
        return
    templates = [_frame(_traffic(chance), spec) for _ in range(_TEMPLATES)]
    # As encrypted traffic is: nothing in it stands twice, or it would shrink as no capture does.
    noise = random.Random(2)
    for _ in range(spec.packets):
        if chance.random() < spec.control:
            yield _frame(_control(chance), spec)
        else:
            template = templates[int(chance.random() * _TEMPLATES)]
            kept = template[:_HEADERS]
            yield kept + noise.randbytes(len(template) - len(kept))


def _frame(packet: bytes, spec: Spec) -> bytes:
    if not spec.ethernet:
        return packet
    return _MACS + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


def _traffic(chance: random.Random) -> bytes:
    size = chance.choice(_SIZES)
    protocol = chance.choice((_TCP, _UDP))
    header_size = 20 if chance.random() < _IPV4_SHARE else 40
    body_size = size - header_size
    if protocol == _UDP:
        ports = chance.choice((53, 443, 51820)), chance.randrange(32768, 61000)
        transport = struct.pack(">HHHH", *ports, body_size, chance.randrange(1, 65536))
    else:
        numbers = chance.getrandbits(32), chance.getrandbits(32)
        ports = 443, chance.randrange(32768, 61000)
        checksum = chance.randrange(1, 65536)
        transport = struct.pack(">HHIIHHHH", *ports, *numbers, 0x5010, 501, checksum, 0)
    body = transport + chance.randbytes(body_size - len(transport))
    if header_size == 20:
        fixed = struct.pack(">BBHHHBBH", 0x45, 0, size, chance.getrandbits(16), 0x4000, 64, protocol, 0xBEEF)
        return (
            fixed + bytes((10, 0)) + chance.randbytes(2) + bytes((203, 0, 113, chance.randrange(256))) + body
        )
    source = bytes.fromhex("20010db8") + chance.randbytes(12)
    destination = bytes.fromhex("26064700") + chance.randbytes(12)
    return struct.pack(">IHBB", 0x60000000, body_size, protocol, 64) + source + destination + body


def _control(chance: random.Random) -> bytes:
    digits = f"{chance.getrandbits(128):032x}"
    resource = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
    domain = f"{chance.choice(_WORDS)}-{chance.randrange(100_000)}.{chance.choice(_TOPS)}"
    start = f'{{"resource":"{resource}","domain":"{domain}",'
    if chance.random() < 0.5:
        status = "Active" if chance.random() < 0.9 else "Inactive"
        kind, text = 1, f'{start}"status":"{status}"}}'
    else:
        kind, text = 0, f'{start}"proxy_ips":[{_proxy_ips(chance)}]}}'
    return _packet(kind, text)


def _exchange(chance: random.Random, number: int) -> tuple[bytes, bytes]:
    """The question about one domain and its answer."""
    resource = f"{chance.getrandbits(32):08x}-0000-4000-a000-{number:012x}"
    start = f'{{"resource":"{resource}","domain":"host-{number}.example.com",'
    addresses = [f"100.96.{number >> 6}.{(number & 63) * 4 + place}" for place in range(4)]
    listed = ",".join(f'"{each}"' for each in addresses)
    status = "Active" if number % 10 else "Inactive"
    return (
        _packet(0, f'{start}"proxy_ips":[{listed}]}}'),
        _packet(1, f'{start}"status":"{status}"}}'),
    )


def _packet(kind: int, text: str) -> bytes:
    payload = bytes((kind, 0, 0, 0, 0, 0, 0, 0)) + text.encode()
    return struct.pack(">IHBB", 0x60000000, len(payload), 255, 0) + bytes(32) + payload


def _proxy_ips(chance: random.Random) -> str:
    low = chance.randrange(1, 250)
    net = f"100.{chance.randrange(96, 112)}.{chance.randrange(256)}"
    addresses = [f"{net}.{low + n}" for n in range(4)]
    if chance.random() < 0.8:
        net = f"fd00:2021:1111:8000::{chance.randrange(1, 32):x}"
        addresses += [f"{net}:{low + n:x}" for n in range(4)]
    return ",".join(f'"{address}"' for address in addresses)


def main(names: list[str]) -> int:
    every = [*SPECS, *ENCRYPTED]
    unknown = [name for name in names if name not in every]
    if unknown:
        print(f"no such capture: {', '.join(unknown)}; there are {', '.join(every)}", file=sys.stderr)
        return 2
    for name in names or every:
        print(make(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
