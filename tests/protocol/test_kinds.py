"""The declarations: which kinds exist, what they are called, and that they do not collide."""

from __future__ import annotations

import pytest

from fzctl.protocol.kinds import AUTO, CLIENT, DIALECTS, GATEWAY, KINDS, columns, find_kind, kind_by_name


@pytest.mark.parametrize(
    ("number", "dialect", "name"),
    [
        (0, "seed", "request"),
        (1, "seed", "response"),
        (2, "seed", None),
        (3, "seed", None),
        (0, "current", "assigned_ips"),
        (1, "current", "domain_status"),
        (2, "current", "goodbye"),
        (3, "current", None),
        (0, "next", "assigned_ips"),
        (1, "next", "domain_status"),
        (2, "next", "goodbye"),
        (3, "next", "no_authorization"),
        (4, "next", None),
        (255, "next", None),
        (0, "auto", None),
        (0, "", None),
    ],
)
def test_a_dialect_has_its_kinds(number: int, dialect: str, name: str | None) -> None:
    kind = find_kind(number, dialect)
    assert (kind.name if kind else None) == name


def test_names_and_commands_find_their_kind() -> None:
    for kind in KINDS:
        assert kind_by_name(kind.name) is kind
        assert kind.command == kind.name.replace("_", "-")
    assert kind_by_name("assigned-ips") is None
    assert kind_by_name("unknown") is None


def test_no_two_kinds_share_a_name_nor_a_number_in_one_dialect() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    places = [(kind.number, dialect) for kind in KINDS for dialect in kind.dialects]
    assert len(set(places)) == len(places)
    assert {dialect for _, dialect in places} == set(DIALECTS)
    assert AUTO not in DIALECTS


def test_every_kind_and_field_has_words_for_people() -> None:
    for kind in KINDS:
        assert kind.sentence.endswith(".")
        assert len({field.name for field in kind.fields}) == len(kind.fields)
        assert all(field.label for field in kind.fields)


def test_the_columns_are_those_of_the_contract() -> None:
    assert {name: column.kind for name, column in columns().items()} == {
        "resource": "guid",
        "domain": "string",
        "proxy_ipv4": "ipv4",
        "proxy_ipv6": "ipv6",
        "status": "string",
        "dst_ipv4": "ipv4",
        "dst_ipv6": "ipv6",
        "protocol": "string",
        "dst_port": "uint16",
        "code": "uint16",
    }


def test_the_columns_have_these_labels_in_wireshark() -> None:
    assert {name: column.label for name, column in columns().items()} == {
        "resource": "Resource",
        "domain": "Domain",
        "proxy_ipv4": "Proxy IPs (IPv4)",
        "proxy_ipv6": "Proxy IPs (IPv6)",
        "status": "NAT status",
        "dst_ipv4": "Destination (IPv4)",
        "dst_ipv6": "Destination (IPv6)",
        "protocol": "Protocol",
        "dst_port": "Destination port",
        "code": "Code",
    }


def test_kinds_that_share_a_column_agree_on_its_type() -> None:
    shared = columns()
    for kind in KINDS:
        for field in kind.fields:
            for column in field.columns():
                assert column.kind == shared[column.name].kind


def test_a_message_is_for_a_role_and_never_for_the_one_that_sends_it() -> None:
    """Firezone's ``handle_network_input``, on both sides."""
    handled = {kind.name: kind.handled_by for kind in KINDS}
    assert handled == {
        "assigned_ips": (GATEWAY,),
        "domain_status": (CLIENT,),
        "goodbye": (CLIENT, GATEWAY),
        "no_authorization": (CLIENT,),
        "request": (GATEWAY,),
        "response": (CLIENT,),
    }
    for kind in KINDS:
        question = kind_by_name(kind.answers or "")
        assert question is None or set(question.handled_by).isdisjoint(kind.handled_by)
