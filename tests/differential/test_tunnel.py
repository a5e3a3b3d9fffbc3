"""Encrypted captures read quickly against read with all care, by chance: the same messages from inside."""

from __future__ import annotations

import io
import struct
from random import Random
from typing import NamedTuple

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.capture import open_capture
from fzctl.records import Record
from fzctl.tunnel import Tunnel
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import KeyLog
from tests.differential import captures
from tests.differential.messages import control
from tests.differential.scale import SEED, many
from tests.pcap import build, naive
from tests.wireguard.lab import Lab, shake_hands

CAPTURES = 60


class Sealed(NamedTuple):
    capture: bytes
    logs: list[KeyLog]


def sealed(chance: Random) -> Sealed:
    """Several sessions whose messages are mixed, some of them damaged, twice, cut or without keys."""
    labs = [shake_hands() for _ in range(chance.randrange(1, 4))]
    counters = [[0, 0] for _ in labs]
    is_ng, link_type = chance.random() < 0.4, chance.choice((1, 101, 276))
    tags = [0x8100] * chance.choice((0, 0, 1))
    frames = []
    for lab in labs:
        frames += [frame(chance, each, link_type, tags) for each in (lab.initiation, lab.response)]
    for _ in range(chance.randrange(120)):
        which, way = chance.randrange(len(labs)), chance.randrange(2)
        datagram = seal(chance, labs[which], way, counters[which][way])
        counters[which][way] += 1
        if chance.random() < 0.1:
            datagram = damaged(chance, datagram)
        frames += [frame(chance, datagram, link_type, tags)] * chance.choice((1, 1, 1, 1, 1, 2))
    frames += [captures.frame(chance, link_type) for _ in range(chance.randrange(20))]
    order = list(range(2 * len(labs), len(frames)))
    if chance.random() < 0.3:
        chance.shuffle(order)
    mixed = [*frames[: 2 * len(labs)], *(frames[number] for number in order)]
    snap = chance.choice((262_144, 262_144, 120))
    if is_ng:
        packets = (build.packet(each[:snap], n, length=len(each)) for n, each in enumerate(mixed))
        data = build.section() + build.interface(link_type) + b"".join(packets)
    else:
        head = struct.pack("<IHHiIII", build.NANOSECOND_MAGIC, 2, 4, 0, 0, snap, link_type)
        data = head + b"".join(build.record(each[:snap], n, 0, len(each)) for n, each in enumerate(mixed))
    logs = [
        lab.initiator_log() if chance.random() < 0.5 else lab.responder_log()
        for lab in labs
        if chance.random() < 0.9
    ]
    return Sealed(data if chance.random() < 0.8 else captures.break_capture(chance, data), logs)


def seal(chance: Random, lab: Lab, way: int, counter: int) -> bytes:
    how = chance.random()
    if how < 0.3:
        packet = control(chance)
    elif how < 0.9:
        packet = captures.packet(chance)[:60_000]
    else:
        packet = chance.choice((b"", bytes(16), chance.randbytes(chance.randrange(80))))
    padded = packet + bytes(-len(packet) % 16) if chance.random() < 0.7 else packet
    return (lab.to_initiator if way else lab.to_responder)(counter, padded)


def damaged(chance: Random, datagram: bytes) -> bytes:
    broken = bytearray(datagram)
    # What becomes of a packet that is no message does not depend on what stands behind its header.
    at = chance.randrange(min(len(broken), 72))
    broken[at] ^= 1 << chance.randrange(8)
    return bytes(broken) if chance.random() < 0.8 else bytes(broken[: chance.randrange(len(broken) + 1)])


def frame(chance: Random, datagram: bytes, link_type: int, tags: list[int]) -> bytes:
    how = chance.randrange(8)
    if how == 0:
        datagram = naive.channel(datagram, padding=-len(datagram) % 4)
    elif how == 1:
        datagram = naive.indication(datagram)
    udp = naive.udp(datagram)
    packet = naive.ipv6(udp) if chance.random() < 0.3 else naive.ipv4(udp)
    if link_type == 101:
        return packet
    return build.ethernet(packet, *tags) if link_type == 1 else build.cooked_v2(packet, *tags)


def read(case: Sealed, *, quick: bool) -> tuple[list[Record], int | None, int]:
    """The records, where the capture is damaged, and how many of its frames were passed."""
    decryptor = Decryptor()
    for log in case.logs:
        decryptor.add(log)
    found: list[Record] = []
    error_at = None
    with open_capture(io.BytesIO(case.capture)) as capture:
        try:
            found.extend(Tunnel(decryptor).records(capture.packets(decryptor.skip if quick else None)))
        except CaptureError as error:
            error_at = error.offset
        return found, error_at, capture.frame_count


@pytest.mark.parametrize("part", range(2))
def test_what_is_passed_over_holds_no_message(part: int) -> None:
    chance = Random(f"tunnel {SEED} {part}")
    inside = 0
    for number in range(many(CAPTURES / 2)):
        case = sealed(chance)
        try:
            expected = read(case, quick=False)
        except CaptureError:
            continue  # it begins like no capture any more
        assert read(case, quick=True) == expected, f"capture {number} of part {part}"
        inside += sum(record.path[-1] == "wireguard" for record in expected[0])
    assert inside > 5 * many(CAPTURES / 2)
