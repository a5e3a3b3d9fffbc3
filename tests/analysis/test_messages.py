"""What is wrong with one message, by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.analysis.messages import Fault, faults_of
from fzctl.protocol.codec import decode, decode_truncated
from fzctl.protocol.packet import build_packet
from fzctl.protocol.ranges import proxy_ips
from tests.analysis.scenario import WEB, message
from tests.records import raw


def faults(packet: bytes, *, cut: bool = False) -> list[Fault]:
    found = decode_truncated(packet) if cut else decode(packet)
    return list(faults_of(found, found.fields))


def ids(packet: bytes) -> list[str]:
    return [fault.rule.id for fault in faults(packet)]


def ask(addresses: list[str], domain: str = "a.example") -> bytes:
    return message("assigned_ips", resource=WEB, domain=domain, proxy_ips=addresses)


LONGEST = ".".join(["x" * 63] * 3 + ["y" * 61])
EXTENDED = bytes.fromhex("60000000 0010 00 00") + bytes(32) + b"\xff\0\1\4\0\0\0\0" + b"\2" + bytes(7)


@pytest.mark.parametrize(
    "packet",
    [
        ask(proxy_ips(8)),
        ask(proxy_ips(4, 7)),
        ask(proxy_ips(8, 3)[4:]),
        ask(["100.100.110.253", "100.100.110.254", "100.100.110.255", "100.100.112.0"]),
        ask(proxy_ips(8, 524_000), LONGEST),
        message(
            "domain_status", resource=WEB, domain=".".join(["x" * 63] * 3 + ["y" * 61]), status="Inactive"
        ),
        message("goodbye"),
        message("no_authorization", dst="10.0.0.1", protocol="tcp", dst_port=1),
    ],
)
def test_what_a_sender_writes_has_no_faults(packet: bytes) -> None:
    assert faults(packet) == []


LONG = ["fd00:2021:1111:8000:1111:2222:3333:4444"] * 8


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (raw(0, "{"), ["FZ101"]),
        (raw(9, "{"), ["FZ102"]),
        (build_packet(2, b"", reserved=b"\1" * 7), ["FZ104"]),
        (build_packet(2, b"", hop_limit=64, traffic_class=3), ["FZ105"]),
        (
            bytes.fromhex("60000000 0010 00 00") + bytes(32) + b"\xff\0\1\4\0\0\0\0" + b"\2" + bytes(7),
            ["FZ105"],
        ),
        (build_packet(2, b"x"), ["FZ106"]),
        (raw(1, {"resource": WEB, "domain": "a", "status": "active"}), ["FZ108", "FZ107"]),
        (raw(1, {"resource": WEB, "domain": "a", "status": {"Odd": None}}), ["FZ108", "FZ107"]),
        (raw(1, f'["{WEB}","a","Odd"]'), ["FZ108", "FZ107"]),
        (raw(1, f'["{WEB}","a","Inactive"]'), ["FZ108"]),
        (raw(1, {"domain": "a", "resource": WEB, "status": "Active"}), ["FZ108"]),
        (raw(1, {"resource": WEB, "domain": "a" + r"\001" * 62, "status": "Active"}), ["FZ109"]),
        (ask([]), ["FZ201"]),
        (ask(proxy_ips(8)[:3]), ["FZ201"]),
        (ask(proxy_ips(4)[:2] + proxy_ips(8)[4:6]), ["FZ202"]),
        (ask(proxy_ips(8)[4:] + proxy_ips(4)), ["FZ203"]),
        (ask(proxy_ips(4)[::-1]), ["FZ203"]),
        (ask([*proxy_ips(4)[:3], "10.0.0.1"]), ["FZ204"]),
        (ask(["100.100.111.1", "100.100.111.2", "100.100.111.3", "100.100.111.4"]), ["FZ205"]),
        (ask([*proxy_ips(4)[:3], "100.96.0.1"]), ["FZ206"]),
        (ask(LONG[:4] + LONG[:4], "x" * 60 + ".y" * 90), ["FZ109", "FZ202", "FZ206", "FZ204"]),
    ],
)
def test_each_fault_is_found(packet: bytes, expected: list[str]) -> None:
    assert ids(packet) == expected


def test_a_cut_message_is_not_a_refused_one() -> None:
    [fault] = faults(ask(proxy_ips(8))[:100], cut=True)
    assert (fault.rule.id, fault.variant) == ("FZ103", "truncated")


def test_refusals_are_told_apart_by_their_reason() -> None:
    [fault] = faults(raw(1, "{}"))
    assert fault.variant == "missing_field"
    assert fault.detail.startswith("missing_field: ")


def test_the_largest_sizes_are_told_apart() -> None:
    [first, *_] = faults(ask(LONG, "x" * 60 + ".y" * 90))
    assert (first.rule.id, first.variant) == ("FZ109", 571)
    [second, *_] = faults(ask(LONG, "x" * 60 + ".y" * 42))
    assert (second.rule.id, second.variant) == ("FZ109", 527)


@given(st.integers(0, 4), st.binary(max_size=80))
def test_no_message_makes_it_stumble(kind: int, payload: bytes) -> None:
    for fault in faults(build_packet(kind, payload)):
        assert fault.detail
