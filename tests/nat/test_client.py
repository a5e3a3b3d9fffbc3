"""The client's state machine against 23 runs of upstream's own, and what must hold for any run."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fzctl.errors import EncodeError
from fzctl.nat.client import ClientNat, Effects, State
from fzctl.protocol.codec import decode
from fzctl.protocol.ranges import proxy_ips

TRACES = json.loads((Path(__file__).parent / "vectors" / "client_nat_traces.json").read_bytes())["traces"]
GATEWAY = "gw-1"
RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
EIGHT = proxy_ips(8)


def packet(number: int) -> bytes:
    return b"E" + number.to_bytes(4, "big")


def run_step(nat: ClientNat, step: dict[str, Any]) -> Effects:
    now = step["at_ms"]
    key = step.get("gateway", ""), step.get("domain", ""), step.get("resource", "")
    match step["op"]:
        case "update":
            packets = list(map(packet, step.get("packets", ())))
            return nat.update(*key, step["proxy_ips"], now, packets)
        case "outgoing":
            return nat.handle_outgoing(*key, packet(step["packet"]), now)
        case "status":
            return nat.on_domain_status(*key, step["status"])
        case "dns_query":
            nat.recreate(step["domain"])
            return Effects()
        case "gateway_gone":
            return nat.clear_by_gateway(step["gateway"])
        case "resource_gone":
            return nat.clear_by_resource(step["resource"])
    raise AssertionError(step["op"])


def test_all_traces_are_here() -> None:
    assert len(TRACES) == 23


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace["name"])
def test_the_trace_is_upstreams(trace: dict[str, Any]) -> None:
    nat = ClientNat()
    for step in trace["steps"]:
        effects = run_step(nat, step)
        expected = dict(step["result"])
        sent = expected.pop("assigned_ips_sent")
        assert ([] if effects.assigned is None else [effects.assigned.hex()]) == [
            each["hex"] for each in sent
        ]
        for each in sent:
            assert (each["gateway"], each["domain"], each["resource"]) == (
                step["gateway"], step["domain"], step["resource"],
            )  # fmt: skip
        if step["op"] == "status":
            assert effects.released == tuple(map(packet, expected.pop("released")))
        if step["op"] == "outgoing":
            outcome = "buffered" if effects.buffered else "sent"
            assert outcome == expected.pop("outcome")
            assert effects.released == (() if effects.buffered else (packet(step["packet"]),))
        assert not expected


@pytest.mark.parametrize("count", [0, 1, 3, 5, 7, 9])
def test_another_count_of_proxy_ips_makes_no_entry(count: int) -> None:
    nat = ClientNat()
    with pytest.raises(EncodeError, match="4 or 8 proxy IPs"):
        nat.update(GATEWAY, "example.com", RESOURCE, ["100.96.0.1"] * count, 0)
    assert nat.entries() == []
    assert nat.handle_outgoing(GATEWAY, "example.com", RESOURCE, b"E", 1) == Effects(released=(b"E",))


def test_an_unknown_status_is_a_failure() -> None:
    nat = ClientNat()
    nat.update(GATEWAY, "example.com", RESOURCE, EIGHT, 0, [b"E1"])
    assert nat.on_domain_status(GATEWAY, "example.com", RESOURCE, "active") == Effects(lost=(b"E1",))
    assert nat.state(GATEWAY, "example.com", RESOURCE) is State.FAILED


def test_a_late_active_revives_and_a_late_inactive_undoes() -> None:
    nat = ClientNat()
    nat.update(GATEWAY, "example.com", RESOURCE, EIGHT, 0)
    for status, state in (
        ("Inactive", State.FAILED), ("Active", State.CONFIRMED), ("Inactive", State.FAILED),
    ):  # fmt: skip
        nat.on_domain_status(GATEWAY, "example.com", RESOURCE, status)
        assert nat.state(GATEWAY, "example.com", RESOURCE) is state


def test_what_waited_is_told_as_lost_when_the_gateway_or_the_resource_goes() -> None:
    for by_gateway in (True, False):
        nat = ClientNat()
        nat.update(GATEWAY, "a.example", RESOURCE, EIGHT, 0, [b"E1"])
        nat.update(GATEWAY, "b.example", RESOURCE, proxy_ips(8, 1), 0, [b"E2"])
        gone = nat.clear_by_gateway(GATEWAY) if by_gateway else nat.clear_by_resource(RESOURCE.upper())
        assert gone == Effects(lost=(b"E1", b"E2"))
        assert nat.entries() == []


def test_the_entries_show_where_each_domain_stands() -> None:
    nat = ClientNat()
    nat.update(GATEWAY, "Example.com", RESOURCE, EIGHT, 0, [b"E1"])
    nat.handle_outgoing(GATEWAY, "example.com.", RESOURCE, b"E2", 2000)
    [entry] = nat.entries()
    assert (entry.domain, entry.state, entry.buffering) == ("Example.com", State.PENDING, True)
    assert (entry.sent_at, entry.sent_count, entry.waiting) == (2000, 2, 2)
    assert entry.proxy_ips == tuple(EIGHT)
    nat.on_domain_status(GATEWAY, "example.com", RESOURCE, "Active")
    nat.recreate("EXAMPLE.COM")
    [entry] = nat.entries()
    assert (entry.state, entry.buffering, entry.waiting) == (State.RECREATING, False, 0)


class AnyRun(RuleBasedStateMachine):
    """No packet vanishes untold, and nothing is sent sooner than the rule allows but for a query."""

    def __init__(self) -> None:
        super().__init__()
        self.nat = ClientNat()
        self.now = 0
        self.number = 0
        self.given: Counter[bytes] = Counter()
        self.came_out: Counter[bytes] = Counter()
        self.first: bytes | None = None
        self.last_sent: int | None = None
        self.asked = False

    def key(self) -> tuple[str, str, str]:
        return GATEWAY, "example.com", RESOURCE

    def take(self, effects: Effects) -> None:
        self.came_out.update(effects.released)
        self.came_out.update(effects.lost)
        if effects.assigned is None:
            return
        assert decode(effects.assigned).accepted
        assert self.first in (None, effects.assigned)
        assert self.last_sent is None or self.asked or self.now - self.last_sent >= 2000
        self.first, self.last_sent, self.asked = effects.assigned, self.now, False

    def some(self, count: int) -> list[bytes]:
        self.number += count
        packets = [packet(self.number // 2 + each) for each in range(count)]
        self.given.update(packets)
        return packets

    @rule(passed=st.sampled_from([0, 1, 999, 1000, 1999, 2000, 5000]))
    def wait(self, passed: int) -> None:
        self.now += passed

    @rule(count=st.integers(0, 40))
    def update(self, count: int) -> None:
        self.take(self.nat.update(*self.key(), EIGHT, self.now, self.some(count)))

    @rule()
    def outgoing(self) -> None:
        [one] = self.some(1)
        self.take(self.nat.handle_outgoing(*self.key(), one, self.now))

    @rule(status=st.sampled_from(["Active", "Inactive", "Whatever"]))
    def status(self, status: str) -> None:
        known = self.nat.state(*self.key()) is not None
        self.take(self.nat.on_domain_status(*self.key(), status))
        expected = State.CONFIRMED if status == "Active" else State.FAILED
        assert self.nat.state(*self.key()) is (expected if known else None)

    @rule()
    def query(self) -> None:
        self.nat.recreate("example.com")
        self.asked |= self.nat.state(*self.key()) is State.RECREATING

    @rule(by_gateway=st.booleans())
    def clear(self, by_gateway: bool) -> None:
        self.take(self.nat.clear_by_gateway(GATEWAY) if by_gateway else self.nat.clear_by_resource(RESOURCE))
        self.first, self.last_sent, self.asked = None, None, False

    @invariant()
    def nothing_is_lost_untold(self) -> None:
        waiting = sum(entry.waiting for entry in self.nat.entries())
        assert self.came_out <= self.given
        assert (self.given - self.came_out).total() == waiting <= 32


TestAnyRun = AnyRun.TestCase
