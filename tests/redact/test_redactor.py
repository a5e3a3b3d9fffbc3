"""Redaction: nothing that names anybody is left, and everything else stays as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fzctl.protocol.codec import decode
from fzctl.protocol.packet import MAX_PACKET, build_packet
from fzctl.protocol.values import domain_key, parse_ip
from fzctl.records import Record
from fzctl.redact import redactor as module
from fzctl.redact.redactor import Redactor
from fzctl.render.hexdump import hexdump
from fzctl.render.jsonform import to_jsonl
from fzctl.render.lines import to_line
from fzctl.render.tree import to_tree
from tests.protocol.test_vectors import VECTORS
from tests.records import RESOURCE, assigned, goodbye, hostile_packets, raw, record, status

KEY = b"key"

# Words that our own sentences and field names do not hold, so that finding one means a leak.
words = st.from_regex(r"q[a-zA-Z0-9]{3,10}z", fullmatch=True)
labels = st.one_of(
    words, st.builds("{}-{}".format, words, words), st.builds("_{}".format, words), st.just("*")
)
domains = st.lists(labels, min_size=1, max_size=4).map(".".join).filter(lambda text: text.strip("*."))
uuids = st.uuids().map(str)
addresses = st.ip_addresses().map(str)
escapings: Sequence[Any] = (
    lambda text: text,
    str.upper,
    lambda text: text + ".",
    lambda text: "".join(f"\\{ord(each):03}" for each in text[:9]) + text[9:],
    lambda text: text.replace("q", "\\q"),
    lambda text: text.replace("q", "ü"),
    lambda text: text.replace(".", ".."),
    lambda text: text.replace("-", "\x1b[31m"),
)
domain_texts = st.builds(lambda text, change: change(text), domains, st.sampled_from(escapings))
uuid_texts = st.one_of(
    uuids,
    uuids.map(str.upper),
    uuids.map(lambda text: text.replace("-", "")),
    uuids.map("urn:uuid:{}".format),
    uuids.map("{{{}}}".format),
    uuids.map(lambda text: text[1:]),
)
address_texts = st.one_of(
    addresses,
    addresses.map(str.upper),
    addresses.map(lambda text: text + ".1"),
    st.from_regex(r"[1-9]?[0-9]{1,2}(\.[0-9]{1,3}){3}", fullmatch=True),
    st.from_regex(r"::ffff(:0)?:[1-9]{2}(\.[0-9]{1,3}){3}", fullmatch=True),
)
values = {
    "resource": uuid_texts,
    "domain": domain_texts,
    "proxy_ips": st.lists(address_texts, max_size=4),
    "status": st.sampled_from(["Active", "Inactive", {"Active": None}, 4]) | words,
    "code": st.integers(-1, 70000) | st.sampled_from([1.5, 100.0]),
    "dst": address_texts,
    "protocol": st.sampled_from(
        ["icmp", {"tcp": {"dst_port": 443}}, {"udp": [53]}, {"tcp": {"dst_port": 99999}}]
    ),
}
shapes = (
    {"resource", "domain", "proxy_ips"},
    {"resource", "domain", "status"},
    {"resource", "domain", "code"},
    {"dst", "protocol"},
)


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """JSON of every kind: sound, odd, positional, with strangers, escaped, cut or with bytes thrown in."""
    members = {name: draw(values[name]) for name in sorted(draw(st.sampled_from(shapes)))}
    if draw(st.booleans()):
        members[draw(domains)] = draw(
            st.one_of(domains, uuids, st.lists(addresses), st.dictionaries(domains, uuids))
        )
    if draw(st.integers(0, 5)) == 0 and members:
        del members[draw(st.sampled_from(sorted(members)))]
    value: Any = list(members.values()) if draw(st.integers(0, 5)) == 0 else members
    compact = draw(st.booleans())
    text = json.dumps(value, separators=(",", ":") if compact else None, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 5)) == 0:
        text = re.sub(r"[a-z]", lambda found: f"\\u{ord(found[0]):04x}", text, count=draw(st.integers(1, 5)))
    payload = text.encode()
    if draw(st.integers(0, 3)) == 0:
        cut = draw(st.integers(0, len(payload)))
        payload = payload[:cut] + draw(
            st.sampled_from([b"", b'"', b"\\", b"}", b"\xff", b"\xe0\x80\x80", b"nul", b"1e"])
        )
    return payload


packets = st.builds(build_packet, st.integers(0, 4), payloads().filter(lambda payload: len(payload) <= 1232))


def redact(packet: bytes, **more: Any) -> Record:
    return Redactor(KEY).redact(record(packet, **more))


def everything_shown(found: Record) -> str:
    """All that any form of output holds, and the bytes of a written capture."""
    message = found.message
    return "\n".join(
        (
            to_jsonl(found),
            to_line(found),
            to_tree(found),
            hexdump(message.packet),
            message.packet.decode("latin-1"),
            str(message.fields),
        )
    ).lower()


@settings(max_examples=400)
@given(packets)
def test_nothing_that_names_anybody_is_shown_in_any_form(packet: bytes) -> None:
    text = decode(packet).payload.decode("latin-1").lower()
    secrets = set(re.findall(r"q[a-z0-9]{3,10}z", text))
    secrets |= set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", text))
    found = re.findall(r"[0-9a-f:.]{11,}", text)
    secrets |= {each for each in found if each.count(".") == 3 or "::" in each}
    shown = everything_shown(redact(packet))
    assert not {secret for secret in secrets if secret in shown}


@settings(max_examples=600)
@given(packets)
def test_length_and_verdict_stay_in_the_packet_itself(packet: bytes) -> None:
    before = decode(packet)
    after = redact(packet).message
    assert len(after.packet) == len(packet)
    assert after.packet[:48] == packet[:48]
    again = decode(after.packet, after.dialect)
    for message in (after, again):
        assert (
            message.control,
            message.kind,
            message.name,
            message.dialect,
            message.accepted,
            message.reason,
        ) == (
            *(before.control, before.kind, before.name),
            *(before.dialect, before.accepted, before.reason),
        )
    assert (after.error is None) == before.accepted
    assert set(after.fields) == set(before.fields)


@given(domains, uuids, st.lists(addresses, max_size=8))
def test_the_compact_form_stays_compact_and_its_texts_canonical(
    domain: str, uuid: str, ips: list[str]
) -> None:
    canonical = [parse_ip(ip) for ip in ips]
    packet = raw(0, {"resource": uuid, "domain": domain, "proxy_ips": canonical})
    if len(packet) <= MAX_PACKET:
        after = redact(packet).message
        assert after.is_compact == decode(packet).is_compact
        assert json.loads(after.payload) == after.fields
        assert [":" in ip for ip in after.fields["proxy_ips"]] == [":" in ip for ip in canonical]


@given(st.lists(st.tuples(domains, uuids, addresses), min_size=2, max_size=6))
def test_equal_stays_equal_and_different_different(triples: list[tuple[str, str, str]]) -> None:
    redactor = Redactor(KEY)
    before, after = [], []
    for domain, uuid, ip in [*triples, *((domain.upper(), uuid, ip) for domain, uuid, ip in triples)]:
        fields = redactor.redact(record(assigned_any(uuid, domain, ip))).message.fields
        before.append((domain_key(domain), uuid, parse_ip(ip)))
        after.append((domain_key(fields["domain"]), fields["resource"], fields["proxy_ips"][0]))
    for column in range(3):
        pairs = {(old[column], new[column]) for old, new in zip(before, after, strict=True)}
        assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})


def assigned_any(uuid: str, domain: str, ip: str) -> bytes:
    return raw(0, {"resource": uuid, "domain": domain, "proxy_ips": [ip]})


def test_case_of_a_domain_stays() -> None:
    before = "GitLab.Example.COM"
    after = redact(status(before)).message.fields["domain"]
    assert [each.isupper() for each in after] == [each.isupper() for each in before]


def test_no_text_stands_for_itself_even_where_all_others_are_taken() -> None:
    for key in range(600):
        redactor = Redactor(key.to_bytes(2, "big"))
        assert [text for text in "0123456789" if redactor.redact_text(text) == text] == []


def test_a_uuid_is_the_same_one_in_each_of_its_forms() -> None:
    redactor = Redactor(KEY)
    forms = [RESOURCE, RESOURCE.upper(), RESOURCE.replace("-", ""), "urn:uuid:" + RESOURCE, f"{{{RESOURCE}}}"]
    found = {
        redactor.redact(record(raw(1, {"resource": form, "domain": "a", "status": "Active"}))).message.fields[
            "resource"
        ]
        for form in forms
    }
    assert len(found) == 1
    assert RESOURCE not in found


def test_another_key_gives_other_texts_and_the_same_key_the_same() -> None:
    packet = assigned("gitlab.example.com")
    found = [Redactor(key).redact(record(packet)).message.packet for key in (b"a", b"a", b"b")]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("text", ["gitlab.example.com", RESOURCE, "100.96.0.1", "fd00:2021:1111:8000::1"])
def test_a_text_alone_is_replaced_as_in_messages(text: str) -> None:
    redactor = Redactor(KEY)
    inside = json.loads(redactor.redact(record(raw(9, json.dumps([text])))).message.payload)
    assert redactor.redact_text(text) == inside[0] != text


def test_what_the_protocol_spells_stays() -> None:
    packet = raw(3, '{"dst":"10.0.0.1","protocol":{"tcp":{"dst_port":443}}}')
    after = redact(packet).message.payload.decode()
    assert re.fullmatch(r'\{"dst":"[0-9.]{8}","protocol":\{"tcp":\{"dst_port":443\}\}\}', after)
    assert redact(status(text="Inactive")).message.fields["status"] == "Inactive"
    assert redact(raw(1, '{"\\u0072esource":"q"}')).message.payload.startswith(b'{"\\u0072esource":')


def test_a_string_without_end_that_only_begins_as_a_word_of_the_protocol_is_replaced() -> None:
    redactor = Redactor(b"key")
    assert b"resource1" not in redactor.redact_payload(b'{"domain":"resource1')
    assert b"resource1" not in redactor.redact_payload(b'{"domain":"resource1"')
    assert redactor.redact_payload(b'{"resource') == b'{"resource'
    assert redactor.redact_payload(b'{"domain":"') == b'{"domain":"'


def test_digits_behind_an_escaped_backslash_are_no_escape_and_are_replaced() -> None:
    redactor = Redactor(KEY)
    assert redactor.redact_text(r"\113") == r"\120"
    assert redactor.redact_text(r"\046") == r"\046"
    digits = redactor.redact_text("113")
    assert digits != "113"
    assert redactor.redact_text(r"\\113") == rf"\\{digits}"


def test_a_record_keeps_its_place() -> None:
    found = redact(goodbye(), frame=9, file="-", copy_of=3)
    assert found == record(goodbye(), 9, file="-", copy_of=3)


def test_a_file_names_somebody_too_but_for_its_endings() -> None:
    found = redact(goodbye(), file="/srv/acme.example/acme.pcapng.gz", copy_of=3, copy_in="connlib/ACME.pcap")
    assert found.file is not None
    assert re.fullmatch(r"/\w{3}/(\w{4})\.\w{7}/\1\.pcapng\.gz", found.file)
    assert found.copy_in is not None
    assert re.fullmatch(r"\w{7}/[A-Z]{4}\.pcap", found.copy_in)
    assert "acme" not in f"{found.file} {found.copy_in}".lower()
    assert Redactor(KEY).redact_path("logs/connlib.latest").endswith("/connlib.latest")


def test_a_line_that_is_no_hex_keeps_its_complaint() -> None:
    before = Record(
        1,
        None,
        decode(b"")._replace(error="line 3 is not hexadecimal"),
        line_error="line 3 is not hexadecimal",
    )
    assert Redactor(KEY).redact(before) == before


UDP6 = bytes.fromhex("60000000001911402001067c27e4001400000000000000022001067c27e40014000000000000000a")
UDP6 += bytes.fromhex("003500350019ffff") + b"\7secret-q\3com\0 more"[:17]
TCP4 = (
    bytes.fromhex("45000030000040004006000ac000020bc633640a01bb01bb000000000000000050180000ffff0000")
    + b"password"
)
ADDRESSES = (UDP6[8:24], UDP6[24:40], TCP4[12:16], TCP4[16:20])
FOREIGN = {
    "UDP over IPv6": UDP6,
    "TCP over IPv4": TCP4,
    "a broken one": TCP4[:25],
    "none at all": b"secret words",
    "empty": b"",
}


@pytest.mark.parametrize("packet", FOREIGN.values(), ids=FOREIGN)
def test_ordinary_traffic_keeps_its_verdict_and_nothing_else(packet: bytes) -> None:
    before, after = decode(packet), redact(packet).message
    assert (after.control, after.reason, len(after.packet)) == (before.control, before.reason, len(packet))
    for name in (b"secret", b"password", b"words", *ADDRESSES):
        assert name not in after.packet


def test_equal_addresses_of_ordinary_traffic_stay_equal() -> None:
    redactor = Redactor(KEY)
    first, second = (
        redactor.redact(record(each)).message.packet for each in (TCP4, TCP4[:16] + TCP4[12:16] + TCP4[20:])
    )
    assert first[12:16] == second[12:16] == second[16:20] != TCP4[12:16]


def test_every_vector_keeps_its_verdict() -> None:
    redactor = Redactor(KEY)
    for vector in VECTORS:
        if vector["hex"] is not None:
            before = decode(bytes.fromhex(vector["hex"]), vector["dialect"])
            after = redactor.redact(record(b"")._replace(message=before)).message
            again = decode(after.packet, vector["dialect"])
            for message in (after, again):
                assert (message.control, message.accepted, message.reason) == (
                    *(before.control, before.accepted),
                    before.reason,
                ), vector["name"]


def test_hostile_messages_keep_their_verdict() -> None:
    for packet in hostile_packets():
        before, after = decode(packet), redact(packet).message
        assert (before.reason, len(before.packet)) == (after.reason, len(after.packet))
        assert decode(after.packet).reason == before.reason


def test_a_name_without_end_takes_linear_time_and_is_always_replaced_by_the_same() -> None:
    name = "a1" * 100_000
    first, second = Redactor(KEY), Redactor(KEY)
    new = first.redact_text(name)
    assert len(new) == len(name)
    assert new != name
    assert second.redact_text(f"other {name}").endswith(f" {new}")
    assert first.redact_text(name[:-1]) != new[:-1]
    assert first._replacements == {}


def test_names_without_end_take_bounded_memory_and_stay_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 10)
    redactor, names = Redactor(KEY), [f"name{number}" for number in range(50)]
    before = list(map(redactor.redact_text, names))
    assert list(map(redactor.redact_text, names)) == before
    assert len(redactor._replacements) == 10
