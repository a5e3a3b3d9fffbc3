"""The scapy fields: one for each field type, taking what people write and writing what senders write."""

from __future__ import annotations

import ipaddress
import uuid
from typing import Any

import pytest
from scapy.base_classes import Net
from scapy.fields import RawVal
from scapy.packet import fuzz

from fzctl.layers import KindLayer, layer_for
from fzctl.layers.fields import JsonField, printable, scapy_fields, short_addresses
from fzctl.protocol.codec import encode_payload
from fzctl.protocol.fields import U16, Column, Field, FieldType, Option
from fzctl.protocol.kinds import KINDS, Kind, kind_by_name
from fzctl.protocol.reader import Reader

RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def new(name: str, **fields: Any) -> KindLayer:
    kind = kind_by_name(name)
    assert kind is not None
    return layer_for(kind)(**fields)


@each_kind
def test_every_declared_type_has_a_scapy_field_of_its_own(kind: Kind) -> None:
    assert not [each for each in scapy_fields(kind) if type(each) is JsonField]


@each_kind
def test_defaults_build_what_the_codec_encodes(kind: Kind) -> None:
    layer = layer_for(kind)()
    assert bytes(layer) == encode_payload(kind, layer.members(), force=True)


def test_an_unknown_field_type_still_gets_a_field() -> None:
    class Flag(FieldType):
        """A made-up type, related to none."""

        def read(self, reader: Reader) -> Any:
            return reader.read_text(str, "a flag")

        def encode(self, value: Any) -> str:
            return "true" if value else "false"

        encode_anything = encode

        def columns(self, name: str, label: str) -> tuple[Column, ...]:
            return ()

        def options(self, name: str, label: str) -> tuple[Option, ...]:
            return ()

    class Age(U16):
        """A made-up type that derives from one with a scapy field."""

    fields = (Field("age", Age(), "Age"), Field("flag", Flag(), "Flag"))
    kind = Kind(9, "made_up", "MadeUp", ("current",), fields, "Made up.")
    assert [type(each).__name__ for each in scapy_fields(kind)] == ["U16Field", "JsonField"]
    assert bytes(layer_for(kind)(age="80", flag="yes")) == b'{"age":80,"flag":true}'


def test_objects_are_taken_as_their_text() -> None:
    layer = new(
        "assigned_ips",
        resource=uuid.UUID(RESOURCE),
        domain=b"example.com",
        proxy_ips=(ipaddress.ip_address("100.96.0.1"), b"fd00::1"),
    )
    assert layer.members() == {
        "resource": RESOURCE,
        "domain": "example.com",
        "proxy_ips": ["100.96.0.1", "fd00::1"],
    }


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ("10.0.0.1", ["10.0.0.1"]),
        (None, []),
        (Net("100.96.0.0/30"), ["100.96.0.0", "100.96.0.1", "100.96.0.2", "100.96.0.3"]),
        (iter(["::1"]), ["::1"]),
        (7, ["7"]),
    ],
    ids=["single", "none", "net", "iterator", "nonsense"],
)
def test_an_address_list_takes_all_that_names_addresses(given: object, held: list[str]) -> None:
    assert new("assigned_ips", proxy_ips=given).proxy_ips == held


def test_an_address_list_makes_one_packet_and_a_domain_list_makes_several() -> None:
    several = list(new("assigned_ips", domain=["a.example", "b.example"], proxy_ips=["10.0.0.1", "10.0.0.2"]))
    assert [each.domain for each in several] == ["a.example", "b.example"]
    assert [each.proxy_ips for each in several] == [["10.0.0.1", "10.0.0.2"]] * 2


def test_text_is_canonicalised_as_a_sender_does() -> None:
    built = bytes(
        new("assigned_ips", resource=RESOURCE.upper(), domain="Example.com.", proxy_ips=["FD00:0::1"] * 4)
    )
    addresses = ",".join(['"fd00::1"'] * 4)
    assert built == f'{{"resource":"{RESOURCE}","domain":"Example.com","proxy_ips":[{addresses}]}}'.encode()


def test_whatever_no_sender_would_send_is_built_all_the_same() -> None:
    layer = new("domain_status", resource="none", domain="a..b", status='"\x1b')
    assert bytes(layer) == b'{"resource":"none","domain":"a..b","status":"\\"\\u001b"}'
    assert bytes(new("response", code="many")).endswith(b'"code":"many"}')


def test_raw_values_stand_as_given() -> None:
    layer = new("domain_status", domain=RawVal(b',"domain":3'))
    assert bytes(layer).endswith(b'000","domain":3,"status":"Active"}')
    assert layer.summary()


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ({"protocol": "tcp", "dst_port": 443}, b'{"tcp":{"dst_port":443}}'),
        ({"protocol": "udp", "dst_port": "53"}, b'{"udp":{"dst_port":53}}'),
        ({"protocol": "icmp"}, b'"icmp"'),
        ({"protocol": "sctp", "dst_port": 1}, b'{"sctp":{"dst_port":1}}'),
        ({"protocol": "tcp", "dst_port": None}, b'"tcp"'),
    ],
)
def test_the_port_is_written_within_its_protocol(fields: dict[str, Any], written: bytes) -> None:
    assert bytes(new("no_authorization", **fields)) == b'{"dst":"0.0.0.0","protocol":' + written + b"}"


@each_kind
def test_fuzz_finds_values_for_every_kind(kind: Kind) -> None:
    layer = fuzz(layer_for(kind)())
    assert repr(layer)
    assert layer.summary()
    for _ in range(20):
        assert bytes(layer) == b"" if not kind.fields else bytes(layer).startswith(b"{")


def test_a_field_knows_only_its_own_place() -> None:
    kind = kind_by_name("domain_status")
    assert kind is not None
    shorter = kind._replace(fields=kind.fields[1:])
    assert bytes(layer_for(shorter)()) == b'{"domain":"example.com","status":"Active"}'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text ~", "plain text ~"),
        ("\x1b[31m\n\x7f", "\\x1b[31m\\n\\x7f"),
        ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
        ("\x9b2J\ud800é\U000e0041", "\\x9b2J\\ud800\\xe9\\U000e0041"),
        ("'\"\\", "'\"\\"),
    ],
)
def test_text_for_terminals_is_printable_ascii(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("addresses", "shown"),
    [
        ([], ""),
        (["10.0.0.1"], "10.0.0.1"),
        (["10.0.0.1", "10.0.0.2"], "10.0.0.1, 10.0.0.2"),
        (["100.96.0.1", "100.96.0.2", "100.96.0.3", "100.96.0.4"], "100.96.0.1..4"),
        (["fd00::", "fd00::1", "fd00::2"], "fd00::..2"),
        (["fd00::9", "fd00::a", "fd00::b"], "fd00::9..b"),
        (["10.0.0.254", "10.0.0.255", "10.0.1.0"], "10.0.0.254, 10.0.0.255, 10.0.1.0"),
        (["10.0.0.3", "10.0.0.2", "x\x1b"], "10.0.0.3, 10.0.0.2, x\\x1b"),
        (
            [f"10.0.{n}.0" for n in range(100)],
            "10.0.0.0, 10.0.1.0, 10.0.2.0, 10.0.3.0, 10.0.4.0, 10.0.5.0, 94 more",
        ),
    ],
)
def test_neighbours_are_shown_as_a_range(addresses: list[str], shown: str) -> None:
    assert short_addresses(addresses) == shown
