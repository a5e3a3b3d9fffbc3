"""Makes the encrypted captures that run.py measures on, with their key logs; the same bytes every time.

One handshake over Ethernet, IPv4 and UDP, then transport messages of one size in both directions,
and among them one in a hundred that holds a control message. The keys are made up and open nothing
else.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from fzctl.wireguard.keylog import format_keylog, handshake_entries
from fzctl.wireguard.keys import PrivateKey, Secret
from fzctl.wireguard.messages import Transport
from fzctl.wireguard.noise import tai64n, write_initiation, write_response
from fzctl.wireguard.suite import TransportCipher

PACKETS = 200_000
CONTROL_EVERY = 100

_TEMPLATES = 600
_OVERHEAD = 32
_FIRST_NANOSECOND = 1_790_000_000_000_000_000
_GAP = 100_000
_INDICES = (0x11111101, 0x22222202)  # the initiator's and the responder's
_ENDS = ((bytes((192, 0, 2, 1)), 51820), (bytes((198, 51, 100, 2)), 51821))
_MACS = (bytes.fromhex("02005e000001"), bytes.fromhex("02005e000002"))

Make = Callable[[random.Random], bytes]


def write_encrypted(file: BinaryIO, keys: Path, size: int, control: Make) -> None:
    """Write a capture of transport messages of ``size`` bytes, and its key log.

    ``control`` makes a control packet out of chance.
    """
    chance = random.Random(2)
    static, ephemeral = _key(chance), _key(chance)
    theirs, their_ephemeral = _key(chance), _key(chance)
    psk = Secret(chance.randbytes(32))
    keys.touch(mode=0o600)
    keys.write_text(format_keylog(handshake_entries(static, theirs.public, ephemeral, psk)), encoding="ascii")
    file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
    first, opened = write_initiation(_INDICES[0], static, ephemeral, theirs.public, tai64n(_FIRST_NANOSECOND))
    second, session = write_response(opened, _INDICES[1], their_ephemeral, psk)
    ciphers = TransportCipher(session.to_responder), TransportCipher(session.to_initiator)
    _write_record(file, 0, 0, first)
    _write_record(file, 1, 1, second)
    counters = [0, 0]
    for packet in _packets(chance, size - _OVERHEAD, control):
        # The responder says nothing before its first transport message has come.
        way = chance.getrandbits(1) if counters[0] else 0
        sealed = ciphers[way].seal(counters[way], packet)
        message = Transport(_INDICES[1 - way], counters[way], sealed)
        counters[way] += 1
        _write_record(file, 1 + sum(counters), way, message.pack())


def _packets(chance: random.Random, size: int, control: Make) -> Iterator[bytes]:
    templates = [_traffic(chance, size) for _ in range(_TEMPLATES)]
    for number in range(PACKETS):
        if number % CONTROL_EVERY == CONTROL_EVERY - 1:
            yield control(chance)
        else:
            yield templates[int(chance.random() * _TEMPLATES)]


def _traffic(chance: random.Random, size: int) -> bytes:
    """A UDP packet as it would travel, its body random."""
    if chance.random() < 0.5:
        body = struct.pack(">HHHH", 50000, 443, size - 20, 1) + chance.randbytes(size - 28)
        head = struct.pack(">BBHHHBBH", 0x45, 0, size, 1, 0x4000, 64, 17, 0)
        return head + bytes((100, 64, 0, 1)) + bytes((100, 96, 0, chance.randrange(1, 255))) + body
    body = struct.pack(">HHHH", 50000, 443, size - 40, 1) + chance.randbytes(size - 48)
    ends = bytes.fromhex("fd002021111100000000000000000001fd002021111180000000000000000002")
    return struct.pack(">IHBB", 0x60000000, size - 40, 17, 64) + ends + body


def _write_record(file: BinaryIO, number: int, way: int, datagram: bytes) -> None:
    (src, src_port), (dst, dst_port) = _ENDS[way], _ENDS[1 - way]
    size = 28 + len(datagram)
    frame = _MACS[1 - way] + _MACS[way] + b"\x08\x00"
    frame += struct.pack(">BBHHHBBH", 0x45, 0, size, number & 0xFFFF, 0x4000, 64, 17, 0) + src + dst
    frame += struct.pack(">HHHH", src_port, dst_port, size - 20, 0) + datagram
    seconds, nanoseconds = divmod(_FIRST_NANOSECOND + number * _GAP, 1_000_000_000)
    file.write(struct.pack("<IIII", seconds, nanoseconds, len(frame), len(frame)) + frame)


def _key(chance: random.Random) -> PrivateKey:
    return PrivateKey(chance.randbytes(32))
