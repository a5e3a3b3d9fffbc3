"""What the tests of WireGuard share: two peers with fixed keys, whole sessions, a pcap walk."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from fzctl.protocol.packet import build_packet
from fzctl.wireguard.keylog import LOCAL_EPHEMERAL, LOCAL_STATIC, PRESHARED, REMOTE_STATIC, Entry, KeyLog
from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.messages import Initiation, Response, Transport, parse
from fzctl.wireguard.noise import (
    NO_PSK,
    SessionKeys,
    read_initiation,
    tai64n,
    write_initiation,
    write_response,
)
from fzctl.wireguard.suite import TransportCipher

DATA = Path(__file__).parent / "data"

A = PrivateKey(b"a" * 32)
B = PrivateKey(b"b" * 32)
C = PrivateKey(b"c" * 32)
PSK = Secret(b"p" * 32)
A_ADDRESS, B_ADDRESS = "192.0.2.1:51820", "192.0.2.2:51821"
CONTROL = build_packet(2, b"")
IPV4_PACKET = bytes.fromhex("4500 0030 0000 0000 4011 0000 0a000001 0a000002") + bytes(range(28))
IPV6_PACKET = bytes.fromhex("60000000 0010 1140") + bytes(range(48))

_fresh = count(1)


class Lab(NamedTuple):
    """A handshake between two peers and what belongs to it."""

    initiator: PrivateKey
    responder: PrivateKey
    initiator_ephemeral: PrivateKey
    responder_ephemeral: PrivateKey
    psk: Secret
    initiation: bytes
    response: bytes
    keys: SessionKeys
    initiator_index: int
    responder_index: int

    def to_responder(self, counter: int, packet: bytes) -> bytes:
        sealed = TransportCipher(self.keys.to_responder).seal(counter, packet)
        return Transport(self.responder_index, counter, sealed).pack()

    def to_initiator(self, counter: int, packet: bytes) -> bytes:
        sealed = TransportCipher(self.keys.to_initiator).seal(counter, packet)
        return Transport(self.initiator_index, counter, sealed).pack()

    def initiator_log(self) -> KeyLog:
        return log(
            Entry(LOCAL_STATIC, self.initiator),
            Entry(REMOTE_STATIC, Secret(self.responder.public)),
            Entry(LOCAL_EPHEMERAL, self.initiator_ephemeral),
            Entry(PRESHARED, self.psk),
        )

    def responder_log(self) -> KeyLog:
        return log(
            Entry(LOCAL_STATIC, self.responder),
            Entry(REMOTE_STATIC, Secret(self.initiator.public)),
            Entry(LOCAL_EPHEMERAL, self.responder_ephemeral),
            Entry(PRESHARED, self.psk),
        )


def log(*entries: Entry) -> KeyLog:
    numbered = (entry._replace(line=line, log="keys.txt") for line, entry in enumerate(entries, start=1))
    return KeyLog("keys.txt", tuple(numbered))


def shake_hands(
    initiator: PrivateKey = A,
    responder: PrivateKey = B,
    psk: Secret = NO_PSK,
    indices: tuple[int, int] | None = None,
) -> Lab:
    """A fresh handshake; no two in a test run have the same keys or, unless given, indices."""
    number = next(_fresh)
    first = PrivateKey(number.to_bytes(16, "big") + b"i" * 16)
    second = PrivateKey(number.to_bytes(16, "big") + b"r" * 16)
    ours, theirs = indices or (0x1000_0000 + number, 0x2000_0000 + number)
    initiation, _ = write_initiation(ours, initiator, first, responder.public, tai64n(number))
    message = parse(initiation)
    assert isinstance(message, Initiation)
    opened = read_initiation(message, responder.public, {responder.public: responder}.get)
    response, keys = write_response(opened, theirs, second, psk)
    assert isinstance(parse(response), Response)
    return Lab(initiator, responder, first, second, psk, initiation, response, keys, ours, theirs)


class Captured(NamedTuple):
    frame: int
    src: str
    dst: str
    datagram: bytes


def read_pcap(name: str) -> Iterator[Captured]:
    """UDP over IPv4 in a little-endian Ethernet capture, enough for the files in data/."""
    data = (DATA / name).read_bytes()
    assert data[:4] == bytes.fromhex("d4c3b2a1")
    position, frame = 24, 0
    while position < len(data):
        (size,) = struct.unpack_from("<8xI", data, position)
        packet = data[position + 16 + 14 : position + 16 + size]
        position, frame = position + 16 + size, frame + 1
        if packet[0] >> 4 == 4 and packet[9] == 17:
            udp = packet[(packet[0] & 15) * 4 :]
            ports = struct.unpack_from(">HHH", udp)
            src, dst = (
                f"{'.'.join(map(str, packet[at : at + 4]))}:{port}"
                for at, port in zip((12, 16), ports, strict=False)
            )
            yield Captured(frame, src, dst, udp[8 : ports[2]])


def write_pcap(path: Path, datagrams: Iterable[tuple[bool, bytes]]) -> None:
    """Datagrams between A_ADDRESS and B_ADDRESS as raw IPv4 frames; true: from A to B."""
    ends = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
    ports = 51820, 51821
    data = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for number, (forth, datagram) in enumerate(datagrams):
        way = 1 if forth else -1
        udp = struct.pack(">HHHH", *ports[::way], 8 + len(datagram), 0) + datagram
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0) + b"".join(ends[::way])
        size = len(ip) + len(udp)
        data += struct.pack("<IIII", 1_700_000_000 + number, 0, size, size) + ip + udp
    path.write_bytes(data)
