"""The layers' reading of packets is the protocol floor's; what is not changed is rebuilt to the byte."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.config import conf
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

from fzctl import layers
from fzctl.layers import FzP2p, FzP2pRefused, KindLayer, control_packet, layer_for, verdict
from fzctl.protocol.codec import decode, decode_truncated
from fzctl.protocol.kinds import KINDS
from fzctl.protocol.packet import build_packet, declared_length

VECTORS = json.loads((Path(__file__).parents[1] / "protocol/vectors/packets.json").read_text())["vectors"]
RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
STATUS = b'{"resource":"6b7188f5-00ac-41dc-9ddd-57e2384f31ef","domain":"example.com","status":"Active"}'
PRETTY = (
    b'\n{ "domain" : "Example.com." ,\t"status":{"Active":null}, "x":[1e999], "resource":"%s"}\r\n'
    % RESOURCE.encode()
)
HOSTILE = ["\x1b[2J\x1b]0;x\x07", "\u202egnp", "[red]", "\x9b31m", "a\nb\r"]

ipv6_vectors = pytest.mark.parametrize(
    "vector",
    [each for each in VECTORS if (each.get("hex") or "").startswith("6")],
    ids=lambda vector: vector["name"],
)


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """Errors in dissectors surface, and each test begins in the dialect auto."""
    before, conf.debug_dissector = conf.debug_dissector, True
    conf.contribs["fzp2p"]["dialect"] = "auto"
    yield
    conf.debug_dissector = before
    conf.contribs["fzp2p"]["dialect"] = "auto"


def dissect(kind: int, payload: bytes, reserved: bytes = bytes(7)) -> Packet:
    return IPv6(build_packet(kind, payload, reserved=reserved, force=True))


def message_layer(packet: Packet) -> KindLayer | None:
    last = packet[FzP2p].payload if FzP2p in packet else None
    return last if isinstance(last, KindLayer) else None


# --- the reading ----------------------------------------------------------------------------------


@ipv6_vectors
def test_scapy_reads_each_vector_as_the_protocol_floor_does(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    conf.contribs["fzp2p"]["dialect"] = vector["dialect"]
    packet = IPv6(raw)
    message = decode(raw[: declared_length(raw)], vector["dialect"])
    assert verdict(packet) == message
    layer = message_layer(packet)
    assert (layer is not None) == message.accepted
    if layer is not None:
        assert layer.declaration is message.declaration
        assert layer.members() == message.fields
    elif FzP2pRefused in packet:
        assert packet[FzP2pRefused].reason == message.reason != "ok"
        assert packet[FzP2pRefused].error == message.error


@ipv6_vectors
def test_each_vector_is_rebuilt_copied_and_pickled_to_the_byte(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    packet = IPv6(raw)
    for each in (
        packet,
        packet.copy(),
        copy.deepcopy(packet),
        next(iter(packet)),
        pickle.loads(pickle.dumps(packet)),
    ):
        assert bytes(each) == raw
        assert each.summary() == packet.summary()
        assert each.show(dump=True) == packet.show(dump=True)


def test_the_setting_says_whose_rules_judge() -> None:
    raw = build_packet(1, b'{"resource":"%s","domain":"a","code":200}' % RESOURCE.encode())
    assert IPv6(raw).summary() == "IPv6 / FzP2p / Response a 200"
    conf.contribs["fzp2p"]["dialect"] = "current"
    assert IPv6(raw)[FzP2pRefused].reason == "missing_field"
    packet = IPv6(raw)
    conf.contribs["fzp2p"]["dialect"] = "seed"
    assert verdict(packet).accepted


@pytest.mark.parametrize(
    ("kind", "payload", "summary"),
    [
        (2, b"", "IPv6 / FzP2p / Goodbye"),
        (2, b"later", "IPv6 / FzP2p / Goodbye / Raw"),
        (1, STATUS, "IPv6 / FzP2p / DomainStatus example.com Active"),
        (
            0,
            b"",
            "IPv6 / FzP2p / FzP2pRefused assigned_ips bad_json: the payload ends where a value is expected",
        ),
        (0, b"{", "IPv6 / FzP2p / FzP2pRefused assigned_ips bad_json: "),
        (9, b"\x00\xff", "IPv6 / FzP2p / FzP2pRefused kind 9 unknown_event: "),
        (9, b"", "IPv6 / FzP2p / FzP2pRefused kind 9 unknown_event: "),
        (1, b" " * 1233, "IPv6 / FzP2p / FzP2pRefused ip_too_large: "),
    ],
    ids=[
        "goodbye",
        "goodbye-with-payload",
        "status",
        "nothing",
        "cut",
        "unknown",
        "unknown-empty",
        "too-large",
    ],
)
def test_one_line_says_what_it_is(kind: int, payload: bytes, summary: str) -> None:
    packet = dissect(kind, payload)
    assert packet.summary().startswith(summary)
    assert bytes(packet) == build_packet(kind, payload, force=True)


def test_refused_bytes_stay_and_the_reason_stands_beside_them() -> None:
    packet = dissect(0, b'{"resource":3}')
    shown = packet.show(dump=True) or ""
    assert "reason    = wrong_type" in shown
    assert "error     = expected a UUID, found the number 3 (line 1, column 13)" in shown
    assert "load      = b'{\"resource\":3}'" in shown
    assert "reason=wrong_type" in repr(packet)


def test_a_header_that_is_cut_is_refused_as_too_short() -> None:
    packet = IPv6(bytes.fromhex("6000000000 03 ff 00" + "00" * 32 + "010203"))
    assert packet.summary().startswith("IPv6 / FzP2pRefused too_short: ")
    assert FzP2p not in packet
    assert packet[FzP2pRefused].load == b"\1\2\3"


def test_layers_read_alone_are_judged_without_a_packet_around_them() -> None:
    assert FzP2p(b"\1" + bytes(7) + STATUS).summary() == "FzP2p / DomainStatus example.com Active"
    assert verdict(layers.DomainStatus(STATUS)).accepted
    refused = layers.DomainStatus(b"{}")
    assert isinstance(refused, FzP2pRefused)
    assert bytes(refused) == b"{}"
    assert refused.reason == "too_short"
    assert verdict(FzP2p(b"\1" + bytes(7))).reason == "bad_json"
    assert isinstance(FzP2p(b"\1"), FzP2pRefused)
    assert verdict(Raw(b"E")).reason == "ip_malformed"


def test_a_packet_that_the_snap_length_cut_is_truncated() -> None:
    raw = build_packet(1, STATUS)
    packet = IPv6(raw[:90])
    packet.wirelen = len(raw)
    assert verdict(packet) == decode_truncated(raw[:90])
    assert packet[FzP2pRefused].reason == "truncated"


@given(st.binary(max_size=80), st.integers(0, 4))
def test_no_bytes_make_it_stumble(data: bytes, kind: int) -> None:
    for raw in (
        build_packet(kind, data),
        build_packet(0, b"")[:40][:4]
        + len(data).to_bytes(2, "big")
        + bytes.fromhex("ff00")
        + bytes(32)
        + data,
    ):
        packet = IPv6(raw)
        assert bytes(packet) == raw
        assert verdict(packet) == decode(raw)
        assert packet.summary()
        assert packet.show(dump=True)
    classes: list[type[Packet]] = [FzP2p, FzP2pRefused, *map(layer_for, KINDS)]
    for layer in classes:
        if data:
            assert bytes(layer(data)) == data
            assert layer(data).summary()


# --- changing and building ------------------------------------------------------------------------


def test_white_space_unknown_keys_and_reserved_bytes_survive_until_a_field_changes() -> None:
    packet = dissect(1, PRETTY, reserved=b"reserve")
    assert bytes(packet) == build_packet(1, PRETTY, reserved=b"reserve")
    assert packet[layers.DomainStatus].members() == {
        "resource": RESOURCE,
        "domain": "Example.com",
        "status": "Active",
    }
    packet.status = "Inactive"
    del packet[IPv6].plen
    expected = f'{{"resource":"{RESOURCE}","domain":"Example.com","status":"Inactive"}}'
    assert bytes(packet) == build_packet(1, expected.encode(), reserved=b"reserve")


def test_an_address_appended_in_place_is_built_and_leaves_copies_alone() -> None:
    raw = bytes(control_packet(layers.AssignedIps(proxy_ips=["10.0.0.1"])))
    packet, other = IPv6(raw), IPv6(raw)
    kept = packet.copy()
    packet.proxy_ips.append("10.0.0.2")
    del packet[IPv6].plen
    assert IPv6(bytes(packet)).proxy_ips == ["10.0.0.1", "10.0.0.2"]
    assert bytes(kept) == bytes(other) == raw
    assert IPv6(raw).proxy_ips == ["10.0.0.1"]


def test_changing_a_refused_payload_judges_it_anew() -> None:
    packet = dissect(1, b"[]")
    packet[FzP2pRefused].load = STATUS
    del packet[IPv6].plen
    assert verdict(packet).accepted


def test_a_kind_is_set_by_its_layer_or_by_name() -> None:
    for kind in KINDS:
        assert (FzP2p() / layer_for(kind)()).kind == kind.number
        assert FzP2p(kind=kind.name).kind == kind.number
    assert "kind      = request" in ((FzP2p() / layers.Request()).show(dump=True) or "")
    with pytest.raises(KeyError, match="no_such"):
        FzP2p(kind="no_such")
    assert FzP2p(kind=200).summary() == "FzP2p 200"


def test_a_sender_refuses_what_the_layers_build() -> None:
    three = layers.AssignedIps(domain="a..b", proxy_ips=["10.0.0.1", "10.0.0.2", "x"])
    assert len(three.refusals()) == 2
    assert "4 or 8 proxy IPs, not 3" in three.refusals()[1]
    assert bytes(three)
    assert layers.Goodbye().refusals() == []
    big = layers.AssignedIps(proxy_ips=["fd00:2021:1111:8000:1111:2222:3333:4444"] * 64)
    assert "1232" in big.refusals()[-1]
    assert IPv6(bytes(control_packet(big)))[FzP2pRefused].reason == "ip_too_large"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_from_packets_is_shown_inert(hostile: str) -> None:
    text = json.dumps(hostile)
    packets = [
        control_packet(layers.DomainStatus(domain=hostile, status=hostile)),
        control_packet(layers.AssignedIps(domain=hostile, resource=hostile, proxy_ips=[hostile])),
        dissect(1, STATUS.replace(b'"example.com"', text.encode())),
        dissect(1, STATUS.replace(b'"example.com"', json.dumps(hostile, ensure_ascii=False).encode())),
        dissect(3, f'{{"dst":"::1","protocol":{text}}}'.encode()),
        dissect(1, hostile.encode()),
    ]
    for packet in packets:
        for shown in (packet.summary(), (packet.show(dump=True) or "").replace("\n", ""), repr(packet)):
            assert all(" " <= each <= "~" for each in shown), shown
