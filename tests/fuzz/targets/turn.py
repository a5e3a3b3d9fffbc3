"""Any bytes are a STUN message, ChannelData or neither; what is one reads the same when written again."""

from __future__ import annotations

from typing import Any

from fzctl.wireguard import stun
from fzctl.wireguard.endpoints import format_endpoint
from fzctl.wireguard.keys import Secret
from fzctl.wireguard.relayerrors import explain
from fzctl.wireguard.stunproof import add_fingerprint, fits_fingerprint, is_signed_with, sign
from fzctl.wireguard.transactions import Answer, Question
from fzctl.wireguard.turn import channel_data, unwrap, wrap_channel_data
from tests.wireguard import stunvectors
from tests.wireguard.turnserver import data_indication

TOKENS = (
    *(
        b"\x21\x12\xa4\x42",
        b"\x00\x01",
        b"\x01\x01",
        b"\x01\x13",
        b"\0\x16",
        b"\0\x17",
        b"\x40\0",
        b"\0\x13",
        b"\0\x12\0\x08\0\x01",
    ),
    *(
        b"\0\x12\0\x14\0\x02",
        b"\0\x09\0\x08\0\0\4\1nope",
        b"\0\x08\0\x14" + bytes(20),
        b"\x80\x28\0\4",
        b"\x80\x23\0\x08\0\1",
    ),
)
KEY = Secret(b"k" * 16)


def check(data: bytes) -> None:
    spans = stun.attribute_spans(data)
    message = stun.decode_message(data)
    assert (spans is None) == (message is None)
    is_signed_with(data, KEY)
    fits_fingerprint(data)
    carried = unwrap(data)
    if carried is not None:
        assert carried[0] in data
        assert (carried[1].channel is None) == (channel_data(data, 0, len(data)) is None)
    span = channel_data(data, 0, len(data))
    if span is not None:
        again = wrap_channel_data(int.from_bytes(data[:2], "big"), data[span[0] : span[1]])
        assert data.startswith(again)
        assert len(data) - len(again) < 4
    for start in range(min(len(data), 4)):
        assert channel_data(b"ab" + data, 2 + start, 2 + len(data)) == _moved(
            channel_data(data, start, len(data))
        )
    if message is None or spans is None:
        return
    assert all(20 <= start <= end <= len(data) for _, start, end in spans)
    written = stun.encode_message(message.kind, message.transaction, message.attributes.items())
    read = stun.decode_message(written)
    assert read is not None
    assert read.kind == message.kind
    assert read.attributes.items() <= message.attributes.items()
    for name, value in message.attributes.items():
        _check_value(name, value, message)
    if len(written) < 60000:
        signed = sign(written, KEY)
        assert is_signed_with(signed, KEY) or stun.MESSAGE_INTEGRITY in message.attributes
        marked = add_fingerprint(signed)
        assert fits_fingerprint(marked) or stun.FINGERPRINT in message.attributes


def _check_value(name: int, value: bytes, message: stun.Message) -> None:
    for transaction in (None, message.transaction):
        place = stun.decode_address(value, transaction)
        if place is not None:
            assert stun.encode_address(place, transaction)[1:] == value[1:]
            format_endpoint(place)
    error = stun.decode_error(value)
    if error is not None:
        assert 0 <= error[0] < 1000
        text = explain(Answer(Question(stun.ALLOCATE), message, *error))
        assert len(text) < 1000


def _moved(span: tuple[int, int] | None) -> tuple[int, int] | None:
    return None if span is None else (span[0] + 2, span[1] + 2)


def seeds() -> list[bytes]:
    return [
        *(
            stunvectors.REQUEST,
            stunvectors.RESPONSE_IPV4,
            stunvectors.RESPONSE_IPV6,
            stunvectors.LONG_TERM_REQUEST,
        ),
        data_indication(b"\4\0\0\0" + bytes(28), ("192.0.2.1", 51820)),
        data_indication(b"hi", ("2001:db8::1", 51820)),
        wrap_channel_data(0x4000, b"\4\0\0\0" + bytes(28)) + bytes(3),
        stun.encode_message(
            0x113,
            bytes(12),
            [
                (stun.ERROR_CODE, stun.encode_error(401, "Unauthorized")),
                (stun.REALM, b"r"),
                (stun.NONCE, b"n"),
            ],
        ),
        stun.encode_message(
            0x113,
            bytes(12),
            [
                (stun.ERROR_CODE, stun.encode_error(300, "")),
                (stun.ALTERNATE_SERVER, stun.encode_address(("192.0.2.9", 3478), None)),
            ],
        ),
    ]


def inputs() -> Any:
    from hypothesis import strategies as st

    names = st.sampled_from((6, 8, 9, 12, 13, 18, 19, 20, 21, 22, 25, 32, 0x8023, 0x8028)) | st.integers(
        0, 0xFFFF
    )
    addresses = st.builds(
        stun.encode_address, st.tuples(st.ip_addresses().map(str), st.integers(0, 0xFFFF)), st.none()
    )
    values = st.one_of(
        st.binary(max_size=30),
        addresses,
        st.builds(stun.encode_error, st.integers(300, 699), st.text(max_size=9)),
    )
    messages = st.builds(
        stun.encode_message,
        st.sampled_from((1, 3, 0x16, 0x17, 0x101, 0x103, 0x113, 0x118)) | st.integers(0, 0x3FFF),
        st.binary(min_size=12, max_size=12),
        st.lists(st.tuples(names, values), max_size=5),
    )
    return st.one_of(
        messages,
        messages.map(lambda data: sign(data, KEY)),
        messages.map(add_fingerprint),
        st.binary(max_size=60),
    )
