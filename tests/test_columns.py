"""The named fields of a record: what ``-Y`` and ``-e`` see."""

from __future__ import annotations

from typing import Any

import pytest

from fzctl.columns import NEEDS_LOOKAHEAD, OF_EXCHANGES, RecordFilter, all_columns
from fzctl.filter import FilterError
from fzctl.records import Exchange, Outer, Record
from tests.records import RESOURCE, TIME, assigned, goodbye, raw, record, status

CONTRACT = {
    *("kind", "reserved", "payload", "resource", "domain", "proxy_ipv4", "proxy_ipv6", "status", "code"),
    *("dst_ipv4", "dst_ipv6", "protocol", "dst_port", "accepted", "reason"),
    *("response_in", "response_to", "response_time", "retransmission_of", "exchange", "session"),
}


def values(name: str, found: Record) -> list[Any]:
    return list(all_columns()[name].values(found))


def test_the_contracts_names_are_all_there() -> None:
    ours = {name.removeprefix("fzp2p.") for name in all_columns() if name.startswith("fzp2p.")}
    assert ours == CONTRACT


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (
            assigned("example.com", "100.96.0.1", "fd00::1", "100.96.0.2", "fd00::2"),
            {
                "fzp2p.kind": [0],
                "fzp2p.reserved": [bytes(7)],
                "fzp2p.resource": [RESOURCE],
                "fzp2p.domain": ["example.com"],
                "fzp2p.proxy_ipv4": ["100.96.0.1", "100.96.0.2"],
                "fzp2p.proxy_ipv6": ["fd00::1", "fd00::2"],
                "fzp2p.accepted": [True],
                "fzp2p.reason": ["ok"],
                "frame.number": [7],
            },
        ),
        (status(text="Inactive"), {"fzp2p.kind": [1], "fzp2p.status": ["Inactive"]}),
        (goodbye(), {"fzp2p.kind": [2], "fzp2p.payload": [], "fzp2p.domain": []}),
        (
            raw(3, {"dst": "fd00::1", "protocol": {"udp": {"dst_port": 53}}}),
            {
                "fzp2p.dst_ipv4": [],
                "fzp2p.dst_ipv6": ["fd00::1"],
                "fzp2p.protocol": ["udp"],
                "fzp2p.dst_port": [53],
            },
        ),
        (
            raw(3, {"dst": "10.0.0.1", "protocol": "icmp"}),
            {"fzp2p.dst_ipv4": ["10.0.0.1"], "fzp2p.dst_port": []},
        ),
        (
            raw(1, {"resource": RESOURCE, "domain": "a", "code": 200}),
            {"fzp2p.code": [200], "fzp2p.status": []},
        ),
        (raw(9, b"\xff"), {"fzp2p.kind": [9], "fzp2p.payload": [b"\xff"], "fzp2p.reason": ["unknown_event"]}),
        (b"", {"fzp2p.kind": [], "fzp2p.reserved": [], "fzp2p.payload": [], "fzp2p.accepted": [False]}),
    ],
)
def test_a_column_holds_what_the_message_holds(packet: bytes, expected: dict[str, list[Any]]) -> None:
    found = record(packet, 7)
    assert {name: values(name, found) for name in expected} == expected


def test_generated_columns_come_from_the_exchange_and_the_session() -> None:
    outer = Outer("a", "b", 3, 0)
    found = record(status(), 5, outer=outer, exchange=Exchange(2, None, 4, 1_500_000_000, 3))
    assert {
        name: values("fzp2p." + name, found) for name in ("exchange", "response_to", "retransmission_of")
    } == {
        "exchange": [2],
        "response_to": [4],
        "retransmission_of": [3],
    }
    assert [float(each) for each in values("fzp2p.response_time", found)] == [1.5]
    assert values("fzp2p.response_in", found) == []
    assert values("fzp2p.session", found) == [3]
    assert {name for name in OF_EXCHANGES if values(name, record(status()))} == set()
    assert NEEDS_LOOKAHEAD < OF_EXCHANGES < set(all_columns())


def test_a_time_keeps_its_nanoseconds() -> None:
    (seconds,) = values("frame.time_epoch", record(goodbye(), time=TIME))
    assert f"{seconds:.9f}" == "1795351381.123456789"
    assert values("frame.time_epoch", record(goodbye(), time=None)) == []


@pytest.mark.parametrize(
    ("expression", "takes"),
    [
        ('fzp2p.domain contains "exam"', True),
        ('fzp2p.domain == "EXAMPLE.com"', False),
        ("fzp2p.kind == 1 and fzp2p.accepted == 1", True),
        ("fzp2p.proxy_ipv4", False),
        (f"fzp2p.resource == {RESOURCE}", True),
        ("fzp2p.kind in {0, 2}", False),
        ("frame.time_epoch == 1795351381.123456789", True),
        ("frame.number > 6", True),
        ("fzp2p", True),
    ],
)
def test_a_filter_asks_the_columns(expression: str, takes: bool) -> None:
    assert RecordFilter(expression)(record(status(), 7)) is takes


def test_a_filter_names_the_fields_that_it_uses() -> None:
    assert RecordFilter("fzp2p.kind == 1 or fzp2p.response_in").fields == {"fzp2p.kind", "fzp2p.response_in"}


def test_an_unknown_field_is_pointed_at() -> None:
    with pytest.raises(FilterError) as caught:
        RecordFilter("fzp2p.kind == 1 and fzp2p.domian")
    *_, expression, carets = str(caught.value).splitlines()
    assert expression[carets.index("^") : carets.rindex("^") + 1] == "fzp2p.domian"
