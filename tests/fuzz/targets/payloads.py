"""Fast and strict path agree on any payload; what was accepted, written anew, is accepted as the same.

The first byte chooses the kind; the rest is the payload.
"""

from __future__ import annotations

from typing import Any

from fzctl.errors import EncodeError
from fzctl.protocol import strict
from fzctl.protocol.codec import decode, encode_payload, judge
from fzctl.protocol.kinds import AUTO, DIALECTS, KINDS, Kind
from fzctl.protocol.packet import build_packet
from fzctl.protocol.reader import is_sound_json
from fzctl.protocol.reasons import REASONS
from tests.protocol.test_vectors import CONTROL

TOKENS = (
    *(b'"resource":', b'"domain":', b'"proxy_ips":', b'"status":', b'"code":', b'"dst":', b'"protocol":'),
    *(
        b'"Active"',
        b'"tcp":{"dst_port":',
        b'"icmp"',
        b"null",
        b"\\u0061",
        b"\\ud83d\\ude00",
        b"\\ud800",
        b"urn:uuid:",
    ),
    *(
        b'"6b7188f5-00ac-41dc-9ddd-57e2384f31ef"',
        b'"100.96.0.1"',
        b'"::ffff:1.2.3.4"',
        b"1e400",
        b"-0",
        b"\\\\046",
        b"[[[[",
    ),
)
LONGEST = 1233


def check(data: bytes) -> None:
    kind = KINDS[data[0] % len(KINDS)] if data else KINDS[0]
    payload = data[1:]
    packet = build_packet(kind.number, payload, force=True)
    message = judge(packet, 40, kind.dialects[0])
    values, refusal = strict.read_fields(kind, payload)
    if not kind.fields:
        assert message.accepted
        return
    assert message.accepted == (refusal is None)
    if refusal is not None:
        reason, error = strict.explain(refusal, payload)
        assert (message.reason, message.error) == (reason, error)
        assert reason in REASONS
        assert 0 <= (refusal.offset or 0) <= len(payload)
        assert values.items() <= message.fields.items()
        return
    assert message.fields == values
    assert is_sound_json(payload)
    again(kind, values)
    for dialect in (AUTO, *DIALECTS):
        other = judge(packet, 40, dialect)
        if other.dialect in kind.dialects:
            assert (other.accepted, other.fields) == (True, values)


def again(kind: Kind, values: dict[str, Any]) -> None:
    """What a receiver holds, as a sender would write it."""
    written = encode_payload(kind, values, force=True)
    once, refusal = strict.read_fields(kind, written)
    assert refusal is None
    assert once == values
    assert encode_payload(kind, once, force=True) == written
    try:
        assert encode_payload(kind, values) == written
    except EncodeError:
        pass
    if len(written) <= 1232:
        sent = decode(build_packet(kind.number, written), kind.dialects[0])
        assert (sent.accepted, sent.fields) == (True, values)


def seeds() -> list[bytes]:
    found = []
    for vector in CONTROL:
        packet, offset = bytes.fromhex(vector["hex"]), vector["expect"]["l4_offset"]
        if offset is not None and len(packet) < LONGEST:
            for number, kind in enumerate(KINDS):
                if packet[offset : offset + 1] == bytes((kind.number,)) and vector["dialect"] in (
                    AUTO,
                    *kind.dialects,
                ):
                    found.append(bytes((number,)) + packet[offset + 8 :])
    return found


def inputs() -> Any:
    from hypothesis import strategies as st

    from tests.redact.test_redactor import payloads

    return st.builds(
        lambda number, payload: bytes((number,)) + payload, st.integers(0, len(KINDS) - 1), payloads()
    )
