"""Wire formats: what is a WireGuard message, and that both directions agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.wireguard.messages import (
    CookieReply,
    Initiation,
    Message,
    Response,
    Transport,
    format_index,
    message_type,
    parse,
)

MESSAGES: dict[int, Message] = {
    1: Initiation(0x01020304, b"e" * 32, b"s" * 48, b"t" * 28, b"1" * 16, b"2" * 16),
    2: Response(0x01020304, 0x05060708, b"e" * 32, b"y" * 16, b"1" * 16, b"2" * 16),
    3: CookieReply(0x01020304, b"n" * 24, b"c" * 32),
    4: Transport(0x01020304, 0x1122334455667788, b"d" * 16),
}
SIZES = {1: 148, 2: 92, 3: 64, 4: 32}
each_message = pytest.mark.parametrize("kind", MESSAGES)


@each_message
def test_messages_come_back_from_the_wire(kind: int) -> None:
    packed = MESSAGES[kind].pack()
    assert len(packed) == SIZES[kind]
    assert packed[:4] == bytes((kind, 0, 0, 0))
    assert message_type(packed) == kind
    assert parse(packed) == MESSAGES[kind]


def test_numbers_are_little_endian() -> None:
    assert MESSAGES[4].pack()[4:16] == bytes.fromhex("04030201 8877665544332211")


@each_message
def test_only_transport_messages_may_be_longer(kind: int) -> None:
    assert message_type(MESSAGES[kind].pack() + b"x") == (4 if kind == 4 else 0)


@each_message
def test_no_message_is_shorter(kind: int) -> None:
    packed = MESSAGES[kind].pack()
    assert not any(message_type(packed[:size]) for size in range(len(packed)) if (kind, size) != (4, 32))


@each_message
@pytest.mark.parametrize("position", [1, 2, 3])
def test_the_reserved_bytes_are_zero(kind: int, position: int) -> None:
    packed = bytearray(MESSAGES[kind].pack())
    packed[position] = 1
    assert message_type(bytes(packed)) == 0
    assert parse(bytes(packed)) is None


@pytest.mark.parametrize("kind", [0, 5, 255])
def test_there_are_four_types(kind: int) -> None:
    assert all(message_type(bytes((kind, 0, 0, 0)) + bytes(size)) == 0 for size in (28, 60, 88, 144))


@each_message
def test_a_message_is_recognised_within_a_frame(kind: int) -> None:
    packed = MESSAGES[kind].pack()
    for frame in (b"front" + packed + b"back", memoryview(bytearray(b"front" + packed + b"back"))):
        assert message_type(frame, 5, 5 + len(packed)) == kind


@given(
    st.binary(max_size=200)
    | st.tuples(st.integers(1, 4), st.binary(max_size=200)).map(lambda t: bytes((t[0], 0, 0, 0)) + t[1])
)
def test_garbage_parses_or_is_none(datagram: bytes) -> None:
    message = parse(datagram)
    assert (message is not None) == bool(message_type(datagram))
    if message is not None:
        assert message.pack() == datagram


def test_an_index_is_written_as_wireshark_writes_it() -> None:
    assert format_index(0x00C0FFEE) == "0x00C0FFEE"
