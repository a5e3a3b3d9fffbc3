"""The protocol's events, recognised in every sample."""

from __future__ import annotations

from collections import Counter

import pytest

from fzctl.logs.event import SEVERITIES
from fzctl.logs.events import (
    BOTH,
    EVENTS,
    EventKind,
    addresses_of,
    is_info_only,
    kind_of,
    needed_filter,
    recognise,
)
from fzctl.protocol.kinds import kind_by_name
from tests.logs.read import one, sample

GATEWAY_ID = "dc1b77ae-0bf3-4dad-a4f0-eeb9026e6076"
CLIENT_ID = "fc5639b1-6b71-4b4f-92fb-2dcfc8ae9a19"
RESOURCE = "9ad2e144-d6e8-42cf-99aa-792e1af470ea"
UNKNOWN = "Unknown / unsupported control protocol"
LAST_ACCESS = "Access to last resource for Client removed"
STAMP = "2026-08-22T00:53:24.158Z"

COUNTS = {
    "client_stackdriver.jsonl": {
        "proxy_ips_assigned": 16, "assigned_ips_sent": 22, "nat_active": 16, "nat_inactive": 3,
        "nat_recreating": 6, "unknown_kind": 2, "response_ignored": 1,
    },
    "client.log": {
        "proxy_ips_assigned": 16, "assigned_ips_sent": 27, "nat_active": 13, "nat_inactive": 3,
        "nat_recreating": 7, "nat_pending": 16, "nat_set_up_again": 7, "nat_still_pending": 4,
        "unknown_kind": 3, "response_ignored": 3, "undecodable": 3,
    },
    "gateway.log": {
        "nat_set_up": 12, "nat_mapping": 93, "resource_not_allowed": 2, "lookup_failed": 2, "unknown_kind": 2,
        "nat_setup_failed": 2, "no_records": 1, "lookup_dropped": 1, "undecodable": 2,
    },
    "relay.jsonl": {"nat_set_up": 2, "nat_mapping": 12},
    "apple_app.jsonl": {},
}  # fmt: skip
COUNTS["gateway.jsonl"] = COUNTS["gateway.log"]


@pytest.mark.parametrize("name", COUNTS)
def test_a_sample_has_these_events(name: str) -> None:
    kinds = [kind for event in sample(name) if (kind := kind_of(event)) is not None]
    assert Counter(kind.name for kind in kinds) == COUNTS[name]
    role = "client" if "client" in name else "gateway"
    assert {kind.role for kind in kinds} <= {role, BOTH}


def test_equal_texts_of_client_and_gateway_are_told_apart() -> None:
    text = "Setting up DNS resource NAT"
    client = one(f"{STAMP} DEBUG tunnel_proto::client: {text} gid={GATEWAY_ID} domain=a.b rid={RESOURCE}")
    gateway = one(
        f"{STAMP} DEBUG tunnel_proto::gateway::client_on_gateway: {text} domain=a.b "
        f"resolved_ips={{10.0.0.1}} "
        f"proxy_ips={{100.96.0.1, fd00::1}} cid={CLIENT_ID}"
    )
    sent, set_up = recognise(client), recognise(gateway)
    assert sent is not None
    assert set_up is not None
    assert sent[1:] == (GATEWAY_ID, None, RESOURCE, "a.b", (), None, None)
    assert set_up[1:] == (None, CLIENT_ID, None, "a.b", ("100.96.0.1", "fd00::1"), None, None)
    assert (sent.kind.name, set_up.kind.name) == ("assigned_ips_sent", "nat_set_up")
    # The fields decide, not the target alone.
    assert kind_of(client._replace(fields=())) is None
    assert kind_of(gateway._replace(fields=())) is None


def lines_of(kind: EventKind) -> list[str]:
    fields = "".join(f" {name}=x" for name in kind.needs)
    reason = ": because" if kind.reason else ""
    return [
        f"{STAMP} {kind.level:>5} {target}: {text}{reason}{fields}"
        for target in kind.targets
        for text in kind.texts or ("",)
    ]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: f"{kind.role}-{kind.name}")
def test_each_declared_event_is_recognised_from_each_of_its_targets(kind: EventKind) -> None:
    for line in lines_of(kind):
        found = recognise(one(line.replace(":  ", ": ")))
        assert found is not None, line
        assert found.kind.name == kind.name
        assert (found.reason is not None) == kind.reason


def test_the_declarations_are_sound() -> None:
    assert len({(kind.name, kind.role) for kind in EVENTS}) == len(EVENTS)
    for kind in EVENTS:
        assert kind.level in SEVERITIES
        assert kind.message is None or kind_by_name(kind.message) is not None


@pytest.mark.parametrize(
    ("line", "gateway", "client", "code"),
    [
        (f"tunnel_proto::client: {UNKNOWN} code=7 pid=Gateway({GATEWAY_ID})", GATEWAY_ID, None, "7"),
        (f"tunnel_proto::client: {UNKNOWN} code=0 pid=Client({CLIENT_ID})", None, CLIENT_ID, "0"),
        ("tunnel_proto::gateway: Unknown control protocol event code=4", None, None, "4"),
        (f"tunnel_proto::gateway: {LAST_ACCESS} cid={CLIENT_ID}", None, CLIENT_ID, None),
    ],
)  # fmt: skip
def test_ids_are_of_whom_the_log_says(
    line: str, gateway: str | None, client: str | None, code: str | None
) -> None:
    found = recognise(one(f"{STAMP} DEBUG {line}"))
    assert found is not None
    assert (found.gateway, found.client, found.code) == (gateway, client, code)


def test_goodbye_names_no_role_because_both_log_the_same() -> None:
    found = recognise(
        one(f"{STAMP}  INFO snownet::node: Connection removed (received `goodbye`) cid={CLIENT_ID}")
    )
    assert found is not None
    assert (found.kind.name, found.kind.message) == ("goodbye_received", "goodbye")
    assert (found.gateway, found.client) == (None, None)


def test_the_filter_follows_from_the_declarations() -> None:
    assert needed_filter() == "info,client_shared=debug,firezone_gateway=debug,tunnel_proto=trace"
    assert needed_filter(old=True) == "info,firezone_tunnel=trace"


def test_info_only_is_known_by_what_is_missing() -> None:
    assert is_info_only(["INFO", "WARN", None])
    assert not is_info_only(["INFO", "DEBUG"])
    assert not is_info_only([None])
    assert not is_info_only([])


def test_addresses_out_of_lists_and_sets() -> None:
    assert (
        addresses_of("[100.96.0.1, fd00::]")
        == addresses_of("{100.96.0.1, fd00::}")
        == ("100.96.0.1", "fd00::")
    )
    assert addresses_of("[]") == ()
