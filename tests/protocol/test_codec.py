"""Messages: bytes to verdict, values to bytes, and the way there and back."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fzctl.errors import EncodeError
from fzctl.protocol import kinds
from fzctl.protocol.codec import (
    Message,
    canonical_values,
    decode,
    decode_truncated,
    encode,
    encode_payload,
    judge,
)
from fzctl.protocol.fields import U16, Domain, Field, IpList, Status
from fzctl.protocol.kinds import KINDS, Kind, kind_by_name
from fzctl.protocol.packet import MAX_PACKET, MAX_PAYLOAD, build_packet, parse_packet
from fzctl.protocol.reasons import REASONS
from fzctl.protocol.values import format_domain, format_ip, parse_domain

UUID = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
STATUS = b'{"resource":"' + UUID.encode() + b'","domain":"example.com","status":"Active"}'
RESPONSE = STATUS.replace(b'"status":"Active"', b'"code":200')
ASSIGNED = STATUS.replace(b'"status":"Active"', b'"proxy_ips":["100.96.0.1","fd00:2021:1111:8000::"]')
TARGET = b'{"dst":"1.2.3.4","protocol":{"tcp":{"dst_port":443}}}'


def kind_named(name: str) -> Kind:
    kind = kind_by_name(name)
    assert kind is not None
    return kind


def with_extension(packet: bytes) -> bytes:
    """The same packet behind an empty destination options header, which the short way does not know."""
    size = len(packet) - 40 + 8
    return packet[:4] + size.to_bytes(2, "big") + b"\x3c" + packet[7:40] + b"\xff" + bytes(7) + packet[40:]


LABELS = st.lists(
    st.binary(min_size=1, max_size=12) | st.text("abcXYZ019-_*", min_size=1, max_size=20).map(str.encode),
    max_size=4,
)
ADDRESSES = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6),
    st.ip_addresses(v=4, network="100.96.0.0/11"),
    st.ip_addresses(v=6, network="fd00:2021:1111:8000::/107"),
).map(lambda address: format_ip(address.packed))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "resource": st.uuids().map(str),
    "domain": LABELS.map(format_domain),
    "proxy_ips": st.sampled_from((4, 8)).flatmap(
        lambda count: st.lists(ADDRESSES, min_size=count, max_size=count)
    ),
    "status": st.sampled_from(("Active", "Inactive")),
    "code": st.integers(0, 0xFFFF),
    "dst": ADDRESSES,
}
COMPACT_ADDRESSES = st.one_of(
    st.ip_addresses(v=4), st.ip_addresses(v=6, network="fd00:2021:1111:8000::/107")
).map(lambda address: f'"{address}"')
COMPACT: dict[str, st.SearchStrategy[str]] = {
    "resource": st.uuids().map(lambda value: f'"{value}"'),
    "domain": st.lists(st.text("abcXYZ019-_*", min_size=1, max_size=63), min_size=1, max_size=3).map(
        lambda labels: f'"{".".join(labels)}"'
    ),
    "proxy_ips": st.lists(COMPACT_ADDRESSES, max_size=9).map(lambda texts: f"[{','.join(texts)}]"),
    "status": st.sampled_from(('"Active"', '"Inactive"')),
    "code": st.integers(0, 9999).map(str),
}
PROTOCOLS = st.just({"protocol": "icmp", "dst_port": None}) | st.fixed_dictionaries(
    {"protocol": st.sampled_from(("tcp", "udp")), "dst_port": st.integers(0, 0xFFFF)}
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[Kind, dict[str, Any]]:
    kind = draw(st.sampled_from(KINDS))
    members: dict[str, Any] = {}
    for field in kind.fields:
        members.update(
            draw(PROTOCOLS) if field.name == "protocol" else {field.name: draw(VALUES[field.name])}
        )
    return kind, members


@given(messages(), st.binary(min_size=7, max_size=7))
def test_what_is_encoded_is_decoded_to_the_same_fields(
    message: tuple[Kind, dict[str, Any]], reserved: bytes
) -> None:
    kind, members = message
    packet = encode(kind, members, reserved=reserved)
    for dialect in kind.dialects:
        for carried in (packet, with_extension(packet)):
            assume(len(carried) <= MAX_PACKET)
            decoded = decode(carried, dialect)
            assert (decoded.control, decoded.accepted, decoded.reason, decoded.error) == (
                True,
                True,
                "ok",
                None,
            )
            assert (decoded.kind, decoded.name, decoded.dialect) == (kind.number, kind.name, dialect)
            assert decoded.declaration is kind
            assert decoded.fields == members
            assert decoded.reserved == reserved
            assert decoded.payload == encode_payload(kind, members)
            assert encode(kind, decoded.fields, reserved=reserved) == packet


@given(messages(), st.sampled_from([None, 2, "\t"]), st.booleans(), st.randoms(use_true_random=False))
def test_json_in_any_layout_gives_the_same_fields(
    message: tuple[Kind, dict[str, Any]], indent: Any, ascii_only: bool, random: Any
) -> None:
    kind, members = message
    assume(kind.fields)
    pairs = list(json.loads(encode_payload(kind, members)).items())
    array = json.dumps([value for _, value in pairs], indent=indent, ensure_ascii=ascii_only).encode()
    assert canonical_values(kind, array) == members
    pairs += [("unknown", [1e300, {"resource": None}]), ("", None)]
    random.shuffle(pairs)
    text = json.dumps(dict(pairs), indent=indent, ensure_ascii=ascii_only).encode()
    assert canonical_values(kind, text) == members


@given(messages(), st.data())
def test_the_short_way_and_the_strict_way_agree(
    message: tuple[Kind, dict[str, Any]], data: st.DataObject
) -> None:
    kind, members = message
    payload = bytearray(encode_payload(kind, members))
    for _ in range(data.draw(st.integers(0, 2))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(
                st.sampled_from(b'0a1f:."{}[],-\\ AZ\xff')
            )
    packet = build_packet(kind.number, bytes(payload), force=True)
    decoded = judge(packet, 40, kind.dialects[0])
    strict = canonical_values(kind, bytes(payload))
    assert decoded.accepted == (strict is not None or not kind.fields)
    if decoded.accepted:
        assert decoded.fields == (strict or {})
    if decoded.is_compact:
        assert encode_payload(kind, decoded.fields, force=True) == payload


@pytest.mark.parametrize(
    "kind", [each for each in KINDS if COMPACT.keys() >= {field.name for field in each.fields} > set()]
)
@given(data=st.data())
def test_whatever_the_compact_pattern_takes_is_what_a_sender_writes(kind: Kind, data: st.DataObject) -> None:
    members = [f'"{name}":{data.draw(COMPACT[name])}' for name in (field.name for field in kind.fields)]
    payload = ("{" + ",".join(members) + "}").encode()
    decoded = judge(build_packet(kind.number, payload, force=True), 40, kind.dialects[0])
    assert decoded.is_compact
    assert decoded.fields == canonical_values(kind, payload)
    assert encode_payload(kind, decoded.fields, force=True) == payload


@pytest.mark.parametrize(
    ("kind", "payload", "is_compact"),
    [
        (1, STATUS, True),
        (0, ASSIGNED, True),
        (1, STATUS.replace(b"example", b"ex ample"), False),
        (1, STATUS + b" ", False),
        (1, STATUS + b"\n", False),
        (1, STATUS.replace(b":", b": "), False),
        (1, STATUS.replace(UUID.encode(), UUID.upper().encode()), False),
        (3, TARGET, False),
        (2, b"", False),
    ],
)
def test_only_a_senders_own_spelling_is_compact(kind: int, payload: bytes, is_compact: bool) -> None:
    decoded = decode(build_packet(kind, payload))
    assert decoded.accepted
    assert decoded.is_compact == is_compact
    assert (decoded.values is None) == is_compact


@given(st.binary(max_size=1300), st.sampled_from((*kinds.DIALECTS, kinds.AUTO, "other")))
def test_any_bytes_give_a_message(data: bytes, dialect: str) -> None:
    for message in (decode(data, dialect), decode_truncated(data, dialect)):
        check(message, data)


@given(
    st.integers(0, 4),
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            [STATUS, RESPONSE, ASSIGNED, TARGET, b"{", b"}", b"[", b'"', b",", b"\\u", b"0", b" "]
        )
    )
    .map(b"".join)
    .map(lambda payload: payload[:MAX_PAYLOAD]),
    st.sampled_from((*kinds.DIALECTS, kinds.AUTO)),
)
def test_any_payload_gives_a_message(kind: int, payload: bytes, dialect: str) -> None:
    packet = build_packet(kind, payload)
    message = decode(packet, dialect)
    check(message, packet)
    assert message.control
    assert message.payload == payload
    assert decode(with_extension(packet)[:MAX_PACKET], dialect).reason in (
        message.reason,
        "ip_length_mismatch",
    )


def check(message: Message, data: bytes) -> None:
    assert message.packet == data
    assert message.reason in REASONS
    assert message.accepted == (message.reason == "ok") == (message.error is None)
    assert message.accepted <= message.control
    assert (message.reserved is None) == (message.kind is None)
    assert data.endswith(message.payload)
    assert 0 <= message.offset <= len(data)
    kind = message.declaration
    assert message.name == (kind.name if kind else "unknown")
    json.dumps(message.fields)
    if message.accepted and kind is not None:
        accepted = decode(
            build_packet(kind.number, encode_payload(kind, message.fields, force=True)), message.dialect
        )
        assert accepted.fields == message.fields


@pytest.mark.parametrize(
    "packet", [encode(kind_named("goodbye"), {}), build_packet(1, STATUS), build_packet(0, ASSIGNED)]
)
def test_the_short_way_and_the_long_way_judge_a_packet_alike(packet: bytes) -> None:
    short, long = decode(packet), decode(with_extension(packet))
    assert (short.offset, long.offset) == (40, 48)
    assert short[1:8] == long[1:8]
    assert (short.fields, short.payload, short.reserved) == (long.fields, long.payload, long.reserved)
    assert long.header.offset == 48
    assert short.header == parse_packet(packet)


@pytest.mark.parametrize("payload", [b"[" * 1232, b'{"x":' * 246, b'"' * 1232, b"9" * 1232, b"\\" * 1232])
def test_a_packet_full_of_nesting_is_judged(payload: bytes) -> None:
    assert decode(build_packet(0, payload)).reason in ("bad_json", "wrong_type", "trailing_data")


@pytest.mark.parametrize(
    "payload", [b"[" * 100_000, b'{"x":' + b"[" * 100_000, ASSIGNED[:-1] + b',"x":' + b"[" * 100_000]
)
def test_a_hundred_thousand_brackets_are_too_large_and_can_be_judged(payload: bytes) -> None:
    packet = build_packet(0, payload[:65000], force=True)
    assert decode(packet).reason == "ip_too_large"
    message = judge(packet[:40] + bytes(8) + payload, 40)
    assert not message.accepted
    assert canonical_values(kind_named("assigned_ips"), payload) is None


@pytest.mark.parametrize(
    ("kind", "payload", "dialect", "name", "reason"),
    [
        (0, ASSIGNED, "current", "assigned_ips", "ok"),
        (1, STATUS, "current", "domain_status", "ok"),
        (2, b"anything", "current", "goodbye", "ok"),
        (3, TARGET, "next", "no_authorization", "ok"),
        (4, b"", "current", "unknown", "unknown_event"),
        (255, b"\xff", "current", "unknown", "unknown_event"),
        (1, RESPONSE, "seed", "response", "ok"),
        (1, b' {"code":1,"domain":"a","resource":"' + UUID.encode() + b'"} ', "seed", "response", "ok"),
        (1, b'{"code":', "seed", "response", "bad_json"),
        (1, b'{"code":70000}', "seed", "response", "bad_value"),
        (1, b'{"x":1,"code":5,"resource":7}', "seed", "response", "wrong_type"),
        # It takes both: the newer field there, the older absent.
        (1, RESPONSE[:-1] + b',"status":"Active"}', "current", "domain_status", "ok"),
        (1, b'{"code":1,"status":7}', "current", "domain_status", "wrong_type"),
        (1, b"{}", "current", "domain_status", "missing_field"),
        (3, b'{"dst":"1.2.3.4","protocol":None}', "next", "no_authorization", "bad_json"),
        (1, b'["' + UUID.encode() + b'","a",200]', "current", "domain_status", "wrong_type"),
        (1, b'"code"', "current", "domain_status", "wrong_type"),
        (0, b'{"code":1}', "current", "assigned_ips", "missing_field"),
    ],
)
def test_the_dialect_that_judges_of_itself(
    kind: int, payload: bytes, dialect: str, name: str, reason: str
) -> None:
    message = decode(build_packet(kind, payload))
    assert (message.dialect, message.name, message.reason) == (dialect, name, reason)
    assert message[:-1] == decode(build_packet(kind, payload), dialect)[:-1]


@pytest.mark.parametrize(
    ("kind", "payload", "dialect", "reason"),
    [
        (1, RESPONSE, "current", "missing_field"),
        (1, STATUS, "seed", "missing_field"),
        (2, b"", "seed", "unknown_event"),
        (3, TARGET, "current", "unknown_event"),
        (3, TARGET, "seed", "unknown_event"),
        (1, STATUS, "next", "ok"),
    ],
)
def test_a_given_dialect_is_kept(kind: int, payload: bytes, dialect: str, reason: str) -> None:
    message = decode(build_packet(kind, payload), dialect)
    assert (message.dialect, message.reason) == (dialect, reason)


@pytest.mark.parametrize(("dialect", "judging"), [("auto", "current"), ("next", "next"), ("seed", "seed")])
def test_a_packet_that_is_refused_names_the_dialect_too(dialect: str, judging: str) -> None:
    for packet in (b"", bytes(1281), build_packet(1, STATUS)[:47]):
        assert decode(packet, dialect).dialect == judging
        assert decode_truncated(packet, dialect).dialect == judging


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        (STATUS[:-1], {"resource": UUID, "domain": "example.com", "status": "Active"}),
        (STATUS[:-10], {"resource": UUID, "domain": "example.com"}),
        (STATUS.replace(b"example", b"ex..ample"), {"resource": UUID, "status": "Active"}),
        (STATUS.replace(b'"example.com"', b"7"), {"resource": UUID, "status": "Active"}),
        (STATUS.replace(b'"example.com"', b"[}"), {"resource": UUID}),
        (STATUS + b"x", {"resource": UUID, "domain": "example.com", "status": "Active"}),
        (b'{"domain":"a","domain":"b"}', {"domain": "a"}),
        (b'["' + UUID.encode() + b'","a"]', {"resource": UUID, "domain": "a"}),
        (b'["x","a","Active"]', {}),
        (b"", {}),
        (b"null", {}),
    ],
)
def test_a_refused_message_shows_what_could_be_read(payload: bytes, fields: dict[str, Any]) -> None:
    message = decode(build_packet(1, payload))
    assert not message.accepted
    assert message.fields == fields
    assert not message.is_compact


def test_what_could_be_read_of_a_protocol_is_both_members() -> None:
    message = decode(build_packet(3, b'{"protocol":{"udp":[53]},"dst":7}'))
    assert (message.reason, message.fields) == ("wrong_type", {"protocol": "udp", "dst_port": 53})


def test_a_message_without_a_header_has_no_kind_and_no_payload() -> None:
    packet = build_packet(1, b"")
    message = decode(packet[:4] + b"\0\7" + packet[6:47])
    assert (message.control, message.reason) == (True, "too_short")
    assert (message.kind, message.declaration, message.reserved, message.payload) == (None, None, None, b"")
    assert (message.name, message.fields, message.offset) == ("unknown", {}, 40)


def test_an_unknown_kind_keeps_its_bytes() -> None:
    message = decode(build_packet(200, b"\xff\x00", reserved=b"\1\2\3\4\5\6\7"))
    assert (message.kind, message.name, message.declaration) == (200, "unknown", None)
    assert (message.reserved, message.payload, message.fields) == (b"\1\2\3\4\5\6\7", b"\xff\x00", {})
    assert message.error is not None
    assert "no message of kind 200" in message.error


@pytest.mark.parametrize(
    "packet", [build_packet(1, STATUS), with_extension(build_packet(0, ASSIGNED)), build_packet(2, b"")]
)
def test_a_packet_cut_at_any_length_is_truncated(packet: bytes) -> None:
    whole = decode(packet)
    for size in range(len(packet)):
        cut = decode_truncated(packet[:size])
        check(cut, packet[:size])
        if size < 40 or (size < whole.offset and packet[6] != 255):
            assert not cut.control
            assert cut.kind is None
            continue
        assert (cut.control, cut.accepted, cut.reason) == (True, False, "truncated")
        assert (
            cut.error == f"the capture lacks the last {len(packet) - size} bytes of the packet (snap length)"
        )
        assert cut.kind == (whole.kind if size >= whole.offset + 8 else None)
        assert cut.fields.items() <= whole.fields.items()
        assert whole.payload.startswith(cut.payload)


def test_a_cut_shows_each_field_from_the_byte_on_where_it_is_complete() -> None:
    packet = build_packet(1, STATUS)
    complete = {
        name: packet.index(end) + len(end)
        for name, end in [("resource", b'ef"'), ("domain", b'com"'), ("status", b'ive"')]
    }
    for size in range(48, len(packet)):
        assert list(decode_truncated(packet[:size]).fields) == [
            n for n, end in complete.items() if end <= size
        ]


def test_a_cut_that_took_only_white_space_keeps_all_fields() -> None:
    packet = build_packet(1, STATUS + b"  ")
    cut = decode_truncated(packet[:-2])
    assert (cut.accepted, cut.reason, cut.fields) == (False, "truncated", decode(packet).fields)


@pytest.mark.parametrize("dialect", ["auto", "seed"])
def test_a_cut_message_is_read_by_the_dialect_of_its_fields(dialect: str) -> None:
    cut = decode_truncated(build_packet(1, RESPONSE)[:-2], dialect)
    assert (cut.dialect, cut.name, cut.reason) == ("seed", "response", "truncated")


def test_a_given_dialect_is_kept_for_a_cut_and_for_a_whole_message() -> None:
    packet = build_packet(1, RESPONSE)
    for part, reason in ((packet[:-2], "truncated"), (packet, "missing_field")):
        message = decode_truncated(part, "current")
        assert (message.dialect, message.name, message.reason) == ("current", "domain_status", reason)


def test_a_cut_beyond_what_ipv6_can_carry_is_judged_as_it_is() -> None:
    packet = build_packet(0, b"x" * 65527, force=True)
    assert decode_truncated(packet[:-1]).reason == "truncated"
    for complete in (packet, packet + bytes(5000)):
        assert decode_truncated(complete).reason == "ip_too_large"
    assert decode_truncated(build_packet(1, STATUS)) == decode(build_packet(1, STATUS))


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("assigned_ips", {}, "AssignedIps needs a value for resource"),
        ("assigned_ips", {"resource": UUID, "domain": None}, "AssignedIps needs a value for domain"),
        ("assigned_ips", {"resource": UUID, "domain": "a"}, "AssignedIps needs a value for proxy_ips"),
        (
            "assigned_ips",
            {"resource": UUID, "domain": "a", "proxy_ips": ["::"] * 3},
            "gives 4 or 8 proxy IPs, not 3",
        ),
        ("domain_status", {"resource": "x"}, 'DomainStatus: "x" is no UUID'),
        ("domain_status", {"resource": UUID, "domain": "a..b"}, "has an empty label"),
        (
            "domain_status",
            {"resource": UUID, "domain": "a", "status": "on"},
            "a status is Active or Inactive, not 'on'",
        ),
        ("no_authorization", {"dst": "1.2.3.4"}, "NoAuthorization needs a value for protocol"),
        ("no_authorization", {"dst": "1.2.3.4", "protocol": "tcp"}, "None is no whole number"),
        (
            "response",
            {"resource": UUID, "domain": "a", "code": 65536},
            "65536 is no whole number from 0 to 65535",
        ),
    ],
)
def test_a_sender_refuses_and_says_why(name: str, values: dict[str, Any], problem: str) -> None:
    with pytest.raises(EncodeError, match=re.escape(problem)):
        encode(kind_named(name), values)


def test_nothing_is_forced_of_itself() -> None:
    with pytest.raises(EncodeError, match="is no UUID"):
        encode_payload(kind_named("domain_status"), {"resource": "x"})


def test_force_sends_what_a_sender_refuses_but_not_what_is_missing() -> None:
    kind = kind_named("assigned_ips")
    bad = {"resource": "x", "domain": "", "proxy_ips": ["::", "y"]}
    assert encode_payload(kind, bad, force=True) == b'{"resource":"x","domain":"","proxy_ips":["::","y"]}'
    assert decode(encode(kind, bad, force=True)).reason == "bad_uuid"
    with pytest.raises(EncodeError, match="needs a value for proxy_ips"):
        encode(kind, {"resource": UUID, "domain": "a"}, force=True)


def test_a_sender_refuses_a_payload_over_1232_bytes() -> None:
    kind = kind_named("request")
    values = {"resource": UUID, "domain": "a", "proxy_ips": ["1.2.3.4"] * 200}
    with pytest.raises(EncodeError, match="a sender's limit is 1232"):
        encode(kind, values)
    assert decode(encode(kind, values, force=True)).reason == "ip_too_large"


def test_a_kind_without_fields_has_no_payload() -> None:
    assert encode_payload(kind_named("goodbye"), {"anything": 1}) == b""
    assert canonical_values(kind_named("goodbye"), b"{}") == {}


@given(st.text())
def test_force_writes_any_text_as_json(text: str) -> None:
    payload = encode_payload(
        kind_named("response"), {"resource": text, "domain": text, "code": text}, force=True
    )
    assert list(json.loads(payload)) == ["resource", "domain", "code"]
    assert not decode(build_packet(1, payload, force=True), "seed").accepted


MADE_UP = Kind(
    number=77,
    name="made_up_kind",
    title="MadeUp",
    dialects=("current", "next"),
    fields=(
        Field("who", Domain(), "Who"),
        Field("hops", IpList(option="hop", column="hop_ip", sent_counts=(1, 2)), "Hops"),
        Field("mood", Status(), "Mood"),
        Field("weight", U16(), "Weight"),
    ),
    sentence="A test sends it.",
)


@pytest.fixture
def made_up() -> Iterator[Kind]:
    KINDS.append(MADE_UP)
    try:
        yield MADE_UP
    finally:
        KINDS.remove(MADE_UP)


def test_a_kind_needs_its_declaration_and_nothing_else(made_up: Kind) -> None:
    members = {"who": "a.b", "hops": ["10.0.0.1", "::1"], "mood": "Inactive", "weight": 40000}
    packet = encode(made_up, members)
    assert (
        packet[40:]
        == b'\x4d\0\0\0\0\0\0\0{"who":"a.b","hops":["10.0.0.1","::1"],"mood":"Inactive","weight":40000}'
    )
    message = decode(packet)
    assert (message.accepted, message.name, message.dialect) == (True, "made_up_kind", "current")
    assert message.declaration is made_up
    assert message.fields == members
    assert decode(packet, "seed").reason == "unknown_event"
    assert kind_by_name("made_up_kind") is made_up
    assert made_up.command == "made-up-kind"

    compact = decode(encode(made_up, {**members, "hops": ["10.0.0.1"], "weight": 4}))
    assert compact.is_compact
    assert compact.fields == {**members, "hops": ["10.0.0.1"], "weight": 4}

    assert decode(build_packet(77, b'{"who":"a","hops":[],"mood":"x","weight":-1}')).reason == "bad_value"
    with pytest.raises(EncodeError, match="MadeUp: a sender gives 1 or 2 proxy IPs, not 0"):
        encode(made_up, {**members, "hops": []})

    own = {
        name: column
        for name, column in kinds.columns().items()
        if name in ("who", "hop_ipv4", "hop_ipv6", "mood", "weight")
    }
    assert {name: list(column.pick(members)) for name, column in own.items()} == {
        "who": ["a.b"],
        "hop_ipv4": ["10.0.0.1"],
        "hop_ipv6": ["::1"],
        "mood": ["Inactive"],
        "weight": [40000],
    }
    options = [option for field in made_up.fields for option in field.options()]
    assert [option.flag for option in options] == ["who", "hop", "hop_count", "mood", "weight"]
    given_options = {"who": "a.b", "hop": ["::1"], "mood": "Active", "weight": "7"}
    values = {field.name: field.type.from_options(field.name, given_options) for field in made_up.fields}
    assert decode(encode(made_up, values)).fields == {
        "who": "a.b",
        "hops": ["::1"],
        "mood": "Active",
        "weight": 7,
    }


def test_the_made_up_kind_is_gone_again() -> None:
    assert MADE_UP not in KINDS
    assert decode(build_packet(77, b"")).reason == "unknown_event"


def test_the_quirk_domain_makes_the_largest_messages_of_the_reference() -> None:
    longest = ".".join(["a" * 63] * 3 + ["a" * 61])
    quirk = ".".join(["a" * 63] * 3 + ["a" * 60, "a"])
    assert parse_domain(quirk) == quirk
    sizes = [
        len(
            encode_payload(
                kind_named("domain_status"), {"resource": UUID, "domain": domain, "status": "Inactive"}
            )
        )
        for domain in (longest, quirk)
    ]
    assert sizes == [336, 337]
    addresses = [str(ipaddress.ip_address("100.127.255.254") - each) for each in range(4)]
    addresses += [f"fd00:2021:1111:8000::1f:{0xFFFF - each:x}" for each in range(4)]
    values = {"resource": UUID, "domain": longest, "proxy_ips": addresses}
    assert len(encode_payload(kind_named("assigned_ips"), values)) == 526
