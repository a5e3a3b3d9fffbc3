"""The client's packet buffer: each packet once, a repeated SYN in place, the oldest overwritten."""

from __future__ import annotations

import struct
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fzctl.nat.buffer import CAPACITY, PacketBuffer

SYN, ACK = 0x02, 0x10


def tcp4(
    flags: int = SYN, *, sequence: int = 7, source: int = 50000, mark: int = 0, target: int = 1
) -> bytes:
    header = struct.pack(">HHIIBBHHH", source, 443, sequence, 0, 5 << 4, flags, 1000 + mark, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, mark, 0, 64, 6, 0, bytes(4), bytes((100, 96, 0, target)))
    return ip + header


def tcp6(flags: int = SYN, *, mark: int = 0) -> bytes:
    header = struct.pack(">HHIIBBHHH", 50000, 443, 7, 0, 5 << 4, flags, 1000 + mark, 0, 0)
    return struct.pack(">IHBB", 6 << 28 | mark, 20, 6, 64) + bytes(31) + b"\1" + header


def test_packets_come_out_in_the_order_of_their_coming_and_only_once() -> None:
    buffer = PacketBuffer()
    assert [buffer.push(each) for each in (b"E1", b"E2", b"E3")] == [None] * 3
    assert len(buffer) == 3
    assert buffer.drain() == (b"E1", b"E2", b"E3")
    assert buffer.drain() == ()


def test_the_same_bytes_are_kept_once() -> None:
    buffer = PacketBuffer()
    buffer.push(b"E1")
    buffer.push(b"E2")
    assert buffer.push(b"E1") == b"E1"
    assert buffer.drain() == (b"E1", b"E2")


def test_of_too_many_the_oldest_is_overwritten() -> None:
    buffer = PacketBuffer()
    packets = [bytes((0x45, number)) for number in range(CAPACITY + 3)]
    assert [buffer.push(each) for each in packets] == [None] * CAPACITY + packets[:3]
    assert buffer.drain() == tuple(packets[3:])


def test_a_repeated_syn_takes_the_place_of_the_first() -> None:
    for make in (tcp4, tcp6):
        buffer = PacketBuffer()
        buffer.push(make())
        buffer.push(b"E other")
        assert buffer.push(make(mark=1)) == make()
        assert buffer.drain() == (make(mark=1), b"E other")


def test_another_connection_or_no_syn_is_a_packet_of_its_own() -> None:
    others = (
        tcp4(sequence=8),
        tcp4(source=50001),
        tcp4(target=2),
        tcp4(ACK, mark=1),
        tcp4(ACK, mark=2),
        tcp6(),
        tcp4()[:-8],
    )
    buffer = PacketBuffer()
    buffer.push(tcp4())
    assert [buffer.push(each) for each in others] == [None] * len(others)


def test_doubles_handed_in_together_stay() -> None:
    buffer = PacketBuffer(capacity=3)
    assert buffer.extend([b"E1", b"E1", b"E2"]) == []
    assert buffer.extend([b"E1", b"E3"]) == [b"E1", b"E1"]
    assert buffer.drain() == (b"E2", b"E1", b"E3")


@given(st.lists(st.one_of(st.binary(max_size=4), st.builds(tcp4, mark=st.integers(0, 3))), max_size=60))
def test_every_packet_is_kept_or_told_as_lost(packets: list[bytes]) -> None:
    buffer = PacketBuffer(capacity=5)
    lost = [each for each in map(buffer.push, packets) if each is not None]
    kept = buffer.drain()
    assert Counter(lost) + Counter(kept) == Counter(packets)
    assert len(kept) == len(set(kept)) <= 5
