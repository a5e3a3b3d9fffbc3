"""Any bytes are a packet with one verdict, whole and cut, and the verdict is consistent in itself.

The rules of the verdict are those of ``protocol/packet.py`` and ``protocol/codec.py``.
"""

from __future__ import annotations

from typing import Any

from fzctl.protocol.codec import decode, decode_truncated, judge
from fzctl.protocol.fields import Protocol
from fzctl.protocol.kinds import AUTO, DIALECTS
from fzctl.protocol.packet import MAX_PACKET, is_ours, parse_packet, transport_of
from fzctl.protocol.reasons import REASONS
from tests.protocol.test_vectors import PACKETS

TOKENS = (
    *(bytes(32), b"\x60\0\0\0", b"\xff\0", b"\x2c\0\0\0\0\0\0\0", b"\x3b", b"\0\x28", b"\xff" + bytes(7)),
    *(b'{"resource":"', b'","domain":"', b'","proxy_ips":["', b'"]}', b'","status":"Active"}', b"\\u0000"),
)
LONGEST = 1400
JUDGES = (AUTO, *DIALECTS)


def check(data: bytes) -> None:
    view = parse_packet(data)
    assert view.reason == "ok" or view.reason in REASONS
    assert (view.problem is None) == (view.reason == "ok")
    assert view.ours == is_ours(data)
    assert 0 <= view.offset <= len(data)
    transport_of(data)
    for dialect in JUDGES:
        message = decode(data, dialect)
        agree(message)
        assert message.packet == data
        assert message.header == view
        if view.reason not in ("ok", "too_short"):
            assert (message.control, message.reason) == (False, view.reason)
        if message.control and message.kind is not None:
            assert judge(data, view.offset, dialect) == message
            assert len(data) <= MAX_PACKET
            assert (
                data[: message.offset] + bytes((message.kind,)) + (message.reserved or b"") + message.payload
                == data
            )
        cut = decode_truncated(data[: len(data) * 2 // 3], dialect)
        agree(cut)
        assert not (cut.reason == "truncated" and cut.accepted)


def agree(message: Any) -> None:
    """What belongs together in any verdict."""
    assert message.accepted == (message.reason == "ok")
    assert message.reason == "ok" or message.reason in REASONS
    assert (message.error is None) == message.accepted
    declared = () if message.declaration is None else tuple(each.name for each in message.declaration.fields)
    assert set(message.fields) <= {*declared, Protocol.PORT}
    if message.accepted:
        assert set(message.fields) >= set(declared)


def seeds() -> list[bytes]:
    return [bytes.fromhex(each["hex"]) for each in PACKETS if len(each["hex"]) < 2 * LONGEST]


def inputs() -> Any:
    from hypothesis import strategies as st

    from tests.pcap import build
    from tests.redact.test_redactor import packets

    headers = st.lists(
        st.tuples(
            st.sampled_from((0, 43, 44, 60, 135, 139, 140, 253, 254, 51)), st.binary(min_size=8, max_size=8)
        ),
        max_size=4,
    )
    chained = st.builds(build.control, st.binary(max_size=60), hop_limit=st.integers(0, 255), headers=headers)
    return st.one_of(packets, chained, st.binary(max_size=120))
