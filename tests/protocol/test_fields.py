"""The field types: read, written, shown in columns, given on a command line."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.errors import EncodeError
from fzctl.protocol.fields import (
    MAX_U16,
    U16,
    Domain,
    Field,
    FieldType,
    Ip,
    IpList,
    Protocol,
    Status,
    Uuid,
    json_string,
)
from fzctl.protocol.reader import Reader
from fzctl.protocol.reasons import Refusal

UUID = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
LIST = IpList(option="ip", column="proxy_ip", sent_counts=(4, 8))
ANY_COUNT = IpList(option="ip", column="proxy_ip")

EVERY_TYPE: list[FieldType] = [Uuid(), Domain(), Ip(), LIST, ANY_COUNT, Status(), U16(), Protocol()]


@pytest.mark.parametrize(
    ("field_type", "text", "value"),
    [
        (Uuid(), f'"{UUID.upper()}"', UUID),
        (Domain(), '"A.b."', "A.b"),
        (Domain(), '"a\\\\.b"', "a\\.b"),
        (Ip(), '"0::1"', "::1"),
        (ANY_COUNT, "[]", []),
        (LIST, '["0::1","1.2.3.4"]', ["::1", "1.2.3.4"]),
        (Status(), '"Active"', "Active"),
        (Status(), '{"Active":null}', "Active"),
        (Status(), '"Inactive"', "Inactive"),
        (Status(), '"active"', "Inactive"),
        (Status(), '{"":null}', "Inactive"),
        (U16(), "0", 0),
        (U16(), "65535", 65535),
        (Protocol(), '"icmp"', ("icmp", None)),
        (Protocol(), '{"icmp":null}', ("icmp", None)),
        (Protocol(), '{"tcp":{"dst_port":443}}', ("tcp", 443)),
        (Protocol(), '{"udp":[53]}', ("udp", 53)),
    ],
)
def test_a_value_is_read_in_canonical_form(field_type: FieldType, text: str, value: Any) -> None:
    reader = Reader(text.encode())
    assert field_type.read(reader) == value
    assert reader.index == len(text)


@pytest.mark.parametrize(
    ("field_type", "text", "reason"),
    [
        (Uuid(), '"x"', "bad_uuid"),
        (Domain(), '""', "bad_domain"),
        (Ip(), '"1.2.3"', "bad_ip"),
        (LIST, '["1.2.3.4",""]', "bad_ip"),
        (LIST, '"1.2.3.4"', "wrong_type"),
        (U16(), "65536", "bad_value"),
        (U16(), "-1", "bad_value"),
        (U16(), "443.0", "wrong_type"),
        (U16(), "true", "wrong_type"),
        (Protocol(), '"tcp"', "wrong_type"),
        (Protocol(), '"sctp"', "unknown_variant"),
        (Protocol(), '{"TCP":{"dst_port":1}}', "unknown_variant"),
    ],
)
def test_what_a_type_refuses(field_type: FieldType, text: str, reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        field_type.read(Reader(text.encode()))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("field_type", "expected"),
    [
        (Uuid(), "a UUID"),
        (Domain(), "a domain name"),
        (Ip(), "an IP address"),
        (LIST, "an array"),
    ],
)
def test_a_refusal_says_what_was_expected(field_type: FieldType, expected: str) -> None:
    with pytest.raises(Refusal, match=f"^expected {expected}, found the number 7$"):
        field_type.read(Reader(b"7"))


def test_a_protocol_that_is_none_is_named() -> None:
    with pytest.raises(EncodeError, match=r"^the protocol is tcp, udp or icmp, not 'sctp'$"):
        Protocol().encode(("sctp", 1))
    with pytest.raises(Refusal, match=r'^"sctp" is none of tcp, udp, icmp$'):
        Protocol().read(Reader(b'"sctp"'))


def test_a_single_text_is_no_list_of_addresses() -> None:
    with pytest.raises(EncodeError, match=r"^proxy IPs are a list of addresses, not '1\.2\.3\.4'$"):
        LIST.encode("1.2.3.4")


@pytest.mark.parametrize(
    ("field_type", "value", "text"),
    [
        (Uuid(), UUID.replace("-", "").upper(), f'"{UUID}"'),
        (Domain(), "A\\.b c.", '"A\\\\.b\\\\ c"'),
        (Domain(), '"\\\\', '"\\"\\\\\\\\"'),
        (Ip(), "0:0::1", '"::1"'),
        (ANY_COUNT, [], "[]"),
        (ANY_COUNT, ("1.2.3.4",), '["1.2.3.4"]'),
        (LIST, ["::1"] * 4, '["::1","::1","::1","::1"]'),
        (LIST, ["::"] * 8, "[" + ",".join(['"::"'] * 8) + "]"),
        (Status(), "Active", '"Active"'),
        (Status(), "Inactive", '"Inactive"'),
        (U16(), 0, "0"),
        (U16(), "65535", "65535"),
        (U16(), "007", "7"),
        (Protocol(), ("icmp", None), '"icmp"'),
        (Protocol(), ("tcp", 443), '{"tcp":{"dst_port":443}}'),
        (Protocol(), ("udp", "53"), '{"udp":{"dst_port":53}}'),
    ],
)
def test_a_value_is_written_as_a_sender_writes_it(field_type: FieldType, value: Any, text: str) -> None:
    assert field_type.encode(value) == text
    json.loads(text)


@pytest.mark.parametrize(
    ("field_type", "value", "forced"),
    [
        (Uuid(), "x", '"x"'),
        (Domain(), "a..b", '"a..b"'),
        (Domain(), "\u00e9\n\x1f\udcff", '"\u00e9\\n\\u001f\\udcff"'),
        (Ip(), "1.2.3", '"1.2.3"'),
        (LIST, [], "[]"),
        (LIST, ["::"] * 3, '["::","::","::"]'),
        (LIST, ["::"] * 5, '["::","::","::","::","::"]'),
        (ANY_COUNT, ["", "x"], '["","x"]'),
        (ANY_COUNT, "1.2.3.4", '"1.2.3.4"'),
        (ANY_COUNT, 7, '"7"'),
        (Status(), "active", '"active"'),
        (Status(), None, '"None"'),
        (U16(), 65536, "65536"),
        (U16(), -1, "-1"),
        (U16(), "-1", "-1"),
        (U16(), "", '""'),
        (U16(), "-", '"-"'),
        (U16(), "1.5", '"1.5"'),
        (U16(), "\u0661", '"\u0661"'),
        (U16(), True, '"True"'),
        (U16(), "9" * 5000, '"' + "9" * 5000 + '"'),
        (Protocol(), ("sctp", 1), '{"sctp":{"dst_port":1}}'),
        (Protocol(), ("tcp", None), '"tcp"'),
        (Protocol(), ("tcp", 65536), '{"tcp":{"dst_port":65536}}'),
        (Protocol(), ("tcp", "x"), '{"tcp":{"dst_port":"x"}}'),
    ],
)
def test_what_no_sender_writes_is_refused_and_can_be_forced(
    field_type: FieldType, value: Any, forced: str
) -> None:
    with pytest.raises(EncodeError) as caught:
        field_type.encode(value)
    assert str(caught.value).isascii()
    assert field_type.encode_anything(value) == forced
    json.loads(forced)


@pytest.mark.parametrize("field_type", EVERY_TYPE, ids=lambda each: type(each).__name__)
def test_what_can_be_sent_is_forced_into_the_same_text(field_type: FieldType) -> None:
    good: dict[type[FieldType], Any] = {
        Uuid: UUID,
        Domain: "a.b",
        Ip: "::1",
        IpList: ["1.2.3.4"] * 4,
        Status: "Active",
        U16: 7,
        Protocol: ("tcp", 7),
    }
    value = good[type(field_type)]
    assert field_type.encode_anything(value) == field_type.encode(value)


@pytest.mark.parametrize("field_type", [Uuid(), Domain(), Ip(), LIST, Status(), U16()])
@given(value=st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=4))
def test_any_value_is_written_or_refused_and_forced(field_type: FieldType, value: Any) -> None:
    json.loads(field_type.encode_anything(value))
    try:
        text = field_type.encode(value)
    except EncodeError:
        return
    assert json.loads(text) is not None
    assert field_type.encode(field_type.read(Reader(text.encode()))) == text


@given(st.text())
def test_any_text_is_a_json_string_with_the_fewest_escapes(text: str) -> None:
    written = json_string(text)
    assert json.loads(written) == json.loads(json.dumps(text))
    assert len(written) <= len(json.dumps(text, ensure_ascii=False)) + 5 * sum(
        "\ud800" <= c <= "\udfff" for c in text
    )


def test_what_utf8_cannot_say_is_escaped_and_its_neighbours_are_not() -> None:
    assert json_string("\ud7ff\ud800\udfff\ue000") == '"\ud7ff\\ud800\\udfff\ue000"'


COMPACT_SAMPLES = [
    (Uuid(), f'"{UUID}"', True),
    (Uuid(), f'"{UUID.upper()}"', False),
    (Uuid(), f'"{{{UUID}}}"', False),
    (Domain(), '"a"', True),
    (Domain(), '"*._tcp.Example-1.com"', True),
    (Domain(), '"a."', False),
    (Domain(), '"."', False),
    (Domain(), '""', False),
    (Domain(), '"a..b"', False),
    (Domain(), '".a"', False),
    (Domain(), '"a b"', False),
    (Domain(), '"a\\\\.b"', False),
    (Domain(), '"\u00e9"', False),
    (Domain(), '"' + "a" * 63 + '"', True),
    (Domain(), '"' + "a" * 64 + '"', False),
    (Domain(), '"' + "a." * 126 + 'a"', True),
    (Domain(), '"' + "a." * 127 + 'a"', False),
    (Domain(), '"' + "a" * 63 + ("." + "a" * 63) * 2 + "." + "a" * 61 + '"', True),
    (Domain(), '"' + "a" * 63 + ("." + "a" * 63) * 2 + "." + "a" * 62 + '"', False),
    (Ip(), '"0.0.0.0"', True),
    (Ip(), '"255.249.199.99"', True),
    (Ip(), '"256.1.1.1"', False),
    (Ip(), '"01.1.1.1"', False),
    (Ip(), '"1.1.1"', False),
    (Ip(), '"fd00:2021:1111:8000::"', True),
    (Ip(), '"fd00:2021:1111:8000::1"', True),
    (Ip(), '"fd00:2021:1111:8000::1f:ffff"', True),
    (Ip(), '"fd00:2021:1111:8000::1f:0"', True),
    (Ip(), '"fd00:2021:1111:8000::0"', False),
    (Ip(), '"fd00:2021:1111:8000::01"', False),
    (Ip(), '"fd00:2021:1111:8000::0:1"', False),
    (Ip(), '"FD00:2021:1111:8000::1"', False),
    (LIST, "[]", True),
    (LIST, '["1.2.3.4"]', True),
    (LIST, '["1.2.3.4","fd00:2021:1111:8000::"]', True),
    (LIST, '["1.2.3.4",]', False),
    (LIST, '["1.2.3.4" ,"1.2.3.4"]', False),
    (Status(), '"Active"', True),
    (Status(), '"Inactive"', True),
    (Status(), '"active"', False),
    (U16(), "0", True),
    (U16(), "9999", True),
    (U16(), "00", False),
    (U16(), "-0", False),
    (U16(), "65536", False),
]


@pytest.mark.parametrize(("field_type", "text", "is_compact"), COMPACT_SAMPLES)
def test_the_compact_form(field_type: FieldType, text: str, is_compact: bool) -> None:
    pattern = field_type.compact()
    assert pattern is not None
    assert (re.fullmatch(pattern, text) is not None) == is_compact


def test_the_compact_form_of_a_protocol_is_left_to_the_reader() -> None:
    assert Protocol().compact() is None


@pytest.mark.parametrize(
    "field_type", [each for each in EVERY_TYPE if each.compact()], ids=lambda each: type(each).__name__
)
@given(data=st.data())
def test_whatever_is_compact_is_read_as_itself_and_written_the_same(
    field_type: FieldType, data: st.DataObject
) -> None:
    pattern = field_type.compact()
    assert pattern is not None
    # hypothesis knows neither possessive repetition nor looking ahead; both only take something away.
    looser = re.compile(re.sub(r"(?<=[*}])\+|\(\?=[^)]*\)", "", pattern), re.ASCII)
    text = data.draw(st.from_regex(looser, fullmatch=True).filter(lambda drawn: re.fullmatch(pattern, drawn)))
    reader = Reader(text.encode())
    value = field_type.read(reader)
    assert reader.index == len(text)
    assert value == json.loads(text)
    try:
        assert field_type.encode(value) == text
    except EncodeError:
        assert isinstance(value, list)
        assert field_type.encode_anything(value) == text


@pytest.mark.parametrize(
    ("field", "members", "expected"),
    [
        (Field("id", Uuid(), "Id"), {"id": UUID}, {"id": ("guid", [UUID])}),
        (Field("name", Domain(), "Name"), {"name": "a"}, {"name": ("string", ["a"])}),
        (Field("at", Ip(), "At"), {"at": "::1"}, {"at_ipv4": ("ipv4", []), "at_ipv6": ("ipv6", ["::1"])}),
        (
            Field("at", Ip(), "At"),
            {"at": "1.2.3.4"},
            {"at_ipv4": ("ipv4", ["1.2.3.4"]), "at_ipv6": ("ipv6", [])},
        ),
        (
            Field("ips", LIST, "IPs"),
            {"ips": ["::1", "1.2.3.4", "::2"]},
            {"proxy_ipv4": ("ipv4", ["1.2.3.4"]), "proxy_ipv6": ("ipv6", ["::1", "::2"])},
        ),
        (Field("s", Status(), "S"), {"s": "Active"}, {"s": ("string", ["Active"])}),
        (Field("n", U16(), "N"), {"n": 0}, {"n": ("uint16", [0])}),
        (
            Field("p", Protocol(), "P"),
            {"p": "udp", "dst_port": 53},
            {"p": ("string", ["udp"]), "dst_port": ("uint16", [53])},
        ),
        (
            Field("p", Protocol(), "P"),
            {"p": "icmp", "dst_port": None},
            {"p": ("string", ["icmp"]), "dst_port": ("uint16", [])},
        ),
    ],
)
def test_columns_pick_their_values(field: Field, members: dict[str, Any], expected: dict[str, Any]) -> None:
    picked = {column.name: (column.kind, list(column.pick(members))) for column in field.columns()}
    assert picked == expected
    assert all(list(column.pick({})) == [] for column in field.columns())
    assert all(column.label for column in field.columns())


@pytest.mark.parametrize(
    ("field", "flags"),
    [
        (Field("id", Uuid(), "Id"), [("id", "UUID", False, True)]),
        (Field("name", Domain(), "Name"), [("name", "NAME", False, True)]),
        (Field("at", Ip(), "At"), [("at", "IP", False, True)]),
        (Field("ips", LIST, "IPs"), [("ip", "IP", True, False), ("ip_count", "4|8", False, False)]),
        (Field("s", Status(), "S"), [("s", "Active|Inactive", False, True)]),
        (Field("n", U16(), "N"), [("n", "N", False, True)]),
        (
            Field("p", Protocol(), "P"),
            [("tcp", "PORT", False, False), ("udp", "PORT", False, False), ("icmp", None, False, False)],
        ),
    ],
)
def test_options_of_the_command_line(field: Field, flags: list[tuple[str, str | None, bool, bool]]) -> None:
    options = field.options()
    assert [(each.flag, each.metavar, each.many, each.required) for each in options] == flags
    assert all(each.help for each in options)


@pytest.mark.parametrize(
    ("field", "given_options", "value"),
    [
        (Field("id", Uuid(), "Id"), {"id": UUID}, UUID),
        (Field("ips", LIST, "IPs"), {"ip": ["::1"]}, ["::1"]),
        (Field("ips", LIST, "IPs"), {"ip": ["::1"], "ip_count": None}, ["::1"]),
        (
            Field("ips", LIST, "IPs"),
            {"ip": None, "ip_count": "4"},
            ["100.96.0.1", "100.96.0.2", "100.96.0.3", "100.96.0.4"],
        ),
        (Field("p", Protocol(), "P"), {"tcp": "443", "udp": None, "icmp": False}, ("tcp", "443")),
        (Field("p", Protocol(), "P"), {"tcp": None, "udp": "0", "icmp": False}, ("udp", "0")),
        (Field("p", Protocol(), "P"), {"tcp": None, "udp": None, "icmp": True}, ("icmp", None)),
        (Field("p", Protocol(), "P"), {"udp": 0}, ("udp", 0)),
    ],
)
def test_values_come_out_of_options(field: Field, given_options: dict[str, Any], value: Any) -> None:
    assert field.type.from_options(field.name, given_options) == value


@pytest.mark.parametrize(
    "options", [{}, {"tcp": None, "icmp": False}, {"tcp": "1", "udp": "2"}, {"tcp": "1", "icmp": True}]
)
def test_exactly_one_protocol_is_given(options: dict[str, Any]) -> None:
    with pytest.raises(EncodeError, match="give one of --tcp PORT, --udp PORT and --icmp"):
        Protocol().from_options("protocol", options)


@pytest.mark.parametrize(
    ("field_type", "value", "members"),
    [
        (Uuid(), UUID, {"x": UUID}),
        (LIST, ["::1"], {"x": ["::1"]}),
        (Protocol(), ("tcp", 1), {"x": "tcp", "dst_port": 1}),
        (Protocol(), ("icmp", None), {"x": "icmp", "dst_port": None}),
    ],
)
def test_values_go_to_members_and_come_back(
    field_type: FieldType, value: Any, members: dict[str, Any]
) -> None:
    assert field_type.to_json("x", value) == members
    assert field_type.from_json("x", members) == value


@pytest.mark.parametrize("options", [{}, {"ip": None, "ip_count": None}, {"ip": ["::"], "ip_count": "4"}])
def test_either_addresses_or_their_number_are_given(options: dict[str, Any]) -> None:
    with pytest.raises(EncodeError, match=r"give either --ip IP \.\.\. or --ip-count 4\|8"):
        LIST.from_options("proxy_ips", options)


@pytest.mark.parametrize("count", ["", "x", "4.0", "\u0664"])
def test_a_count_that_is_no_number_is_named_in_the_refusal(count: str) -> None:
    with pytest.raises(EncodeError) as caught:
        LIST.from_options("proxy_ips", {"ip_count": count})
    assert str(caught.value) == f"--ip-count is 4 or 8, not {count!a}"


def test_a_protocol_without_a_port_may_leave_it_out() -> None:
    assert Protocol().from_json("x", {"x": "icmp"}) == ("icmp", None)
    with pytest.raises(KeyError):
        Protocol().from_json("x", {"dst_port": 1})


@pytest.mark.parametrize(
    ("field_type", "value", "texts"),
    [
        (Uuid(), UUID, [UUID]),
        (U16(), 7, ["7"]),
        (LIST, ["::1", "1.2.3.4"], ["::1", "1.2.3.4"]),
        (Protocol(), ("icmp", None), ["icmp"]),
        (Protocol(), ("tcp", 0), ["tcp port 0"]),
    ],
)
def test_people_read_a_line_a_value(field_type: FieldType, value: Any, texts: list[str]) -> None:
    assert field_type.texts(value) == texts


def test_what_the_help_of_the_options_says() -> None:
    fields = Field("ips", LIST, "IPs"), Field("p", Protocol(), "P"), Field("at", Ip(), "At")
    assert {option.flag: option.help for field in fields for option in field.options()} == {
        "ip": "IPs",
        "ip_count": "as many from the resource ranges",
        "tcp": "TCP to this port",
        "udp": "UDP to this port",
        "icmp": "ICMP",
        "at": "At",
    }


def test_ports_have_16_bits() -> None:
    assert MAX_U16 == 2**16 - 1
