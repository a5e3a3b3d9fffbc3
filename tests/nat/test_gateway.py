"""The gateway's manners: what it answers at once, after a lookup, late, and never."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.nat import gateway as gateway_module
from fzctl.nat.gateway import LOOKUP_LIMIT, MOST_LOOKUPS, Gateway, Lookup, Reaction, Resource
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.codec import Message, decode, encode
from fzctl.protocol.kinds import ASSIGNED_IPS, GOODBYE, KINDS, NO_AUTHORIZATION
from fzctl.protocol.packet import build_packet
from fzctl.protocol.ranges import proxy_ips

WEB = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
NET = "0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77"
CLIENT = "client-1"


@pytest.fixture
def gateway() -> Gateway:
    found = Gateway()
    found.authorize(CLIENT, Resource(WEB, DomainPattern("*.example.com")))
    found.authorize(CLIENT, Resource(NET, None))
    return found


def ask(domain: str = "wiki.example.com", resource: str = WEB, addresses: list[str] | None = None) -> Message:
    addresses = proxy_ips(8) if addresses is None else addresses
    values = {"resource": resource, "domain": domain, "proxy_ips": addresses}
    return decode(encode(ASSIGNED_IPS, values, force=True))


def lookup_of(reaction: Reaction) -> Lookup:
    assert reaction.lookup is not None
    assert reaction.send == ()
    return reaction.lookup


def status_of(reaction: Reaction | None) -> str:
    assert reaction is not None
    [packet] = reaction.send
    message = decode(packet, "current")
    assert message.accepted
    return str(message.fields["status"])


def test_a_lookup_comes_first_and_then_the_answer(gateway: Gateway) -> None:
    lookup = lookup_of(gateway.handle(CLIENT, ask("Wiki.example.com"), 5))
    assert (lookup.domain, lookup.resource, lookup.deadline) == ("Wiki.example.com", WEB, 5 + LOOKUP_LIMIT)
    answer = gateway.complete(lookup.number, ["10.0.0.1", "10.0.0.2"], 100)
    assert answer is not None
    assert decode(answer.send[0]).fields == {
        "resource": WEB,
        "domain": "Wiki.example.com",
        "status": "Active",
    }
    assert [row.target for row in gateway.table(CLIENT)] == ["10.0.0.1", "10.0.0.2"] * 2 + [None] * 4
    assert gateway.complete(lookup.number, [], 101) is None


def test_names_are_repeated_as_they_were_read(gateway: Gateway) -> None:
    payload = json.dumps([WEB.upper(), r"wik\105.example.com.", []]).encode()
    lookup = lookup_of(gateway.handle(CLIENT, decode(build_packet(ASSIGNED_IPS.number, payload)), 0))
    answer = gateway.complete(lookup.number, [], 1)
    assert answer is not None
    assert f'{{"resource":"{WEB}","domain":"wiki.example.com","status":"Active"}}'.encode() in answer.send[0]


def test_an_unauthorized_resource_is_inactive_at_once(gateway: Gateway) -> None:
    reaction = gateway.handle(CLIENT, ask(resource=WEB.replace("6", "7")), 0)
    assert reaction.lookup is None
    assert status_of(reaction) == "Inactive"
    assert gateway.deadline() is None


def test_no_address_at_all_is_active(gateway: Gateway) -> None:
    lookup = lookup_of(gateway.handle(CLIENT, ask(), 0))
    answer = gateway.complete(lookup.number, [], 1)
    assert status_of(answer) == "Active"
    assert answer is not None
    assert answer.note == "wiki.example.com has no address"
    assert {row.target for row in gateway.table(CLIENT)} == {None}


@pytest.mark.parametrize(
    ("domain", "resource", "why"),
    [("example.org", WEB, "does not cover"), ("wiki.example.com", NET, "no DNS resource")],
)
def test_what_the_resource_does_not_cover_is_inactive_after_the_lookup(
    gateway: Gateway, domain: str, resource: str, why: str
) -> None:
    lookup = lookup_of(gateway.handle(CLIENT, ask(domain, resource), 0))
    answer = gateway.complete(lookup.number, ["10.0.0.1"], 1)
    assert status_of(answer) == "Inactive"
    assert answer is not None
    assert why in str(answer.note)
    assert gateway.table(CLIENT) == []


def test_a_resource_revoked_during_the_lookup_is_inactive(gateway: Gateway) -> None:
    lookup = lookup_of(gateway.handle(CLIENT, ask(), 0))
    assert gateway.revoke(CLIENT, WEB) == Reaction(CLIENT)
    assert status_of(gateway.complete(lookup.number, ["10.0.0.1"], 1)) == "Inactive"


def test_a_lookup_ends_after_ten_seconds_as_inactive(gateway: Gateway) -> None:
    gateway.handle(CLIENT, ask(), 0)
    second = lookup_of(gateway.handle(CLIENT, ask("b.example.com"), 1))
    assert gateway.deadline() == LOOKUP_LIMIT
    assert gateway.expire(LOOKUP_LIMIT - 1) == []
    [late] = gateway.expire(LOOKUP_LIMIT)
    assert status_of(late) == "Inactive"
    assert status_of(gateway.complete(second.number, ["10.0.0.1"], second.deadline)) == "Inactive"
    assert gateway.table(CLIENT) == []


def test_every_message_asks_anew_and_one_too_many_gets_no_answer(gateway: Gateway) -> None:
    for _ in range(MOST_LOOKUPS):
        lookup_of(gateway.handle(CLIENT, ask(), 0))
    reaction = gateway.handle(CLIENT, ask(), 0)
    assert (reaction.send, reaction.lookup) == ((), None)
    assert "1000 lookups" in str(reaction.note)
    gateway.complete(0, [], 1)
    lookup_of(gateway.handle(CLIENT, ask(), 1))


def test_a_proxy_ip_of_another_domain_wipes_the_table_even_for_a_refused_one(gateway: Gateway) -> None:
    gateway.complete(lookup_of(gateway.handle(CLIENT, ask(), 0)).number, ["10.0.0.1"], 1)
    assert len(gateway.table(CLIENT)) == 8
    refused = lookup_of(gateway.handle(CLIENT, ask("example.org", addresses=["100.96.0.4"]), 2))
    assert status_of(gateway.complete(refused.number, ["10.0.0.2"], 3)) == "Inactive"
    assert gateway.table(CLIENT) == []


def test_a_refresh_maps_anew_and_wipes_nothing(gateway: Gateway) -> None:
    gateway.complete(lookup_of(gateway.handle(CLIENT, ask(), 0)).number, ["10.0.0.1"], 1)
    other = lookup_of(gateway.handle(CLIENT, ask("b.example.com", addresses=proxy_ips(4, 1)), 2))
    gateway.complete(other.number, ["10.0.0.3"], 3)
    again = lookup_of(gateway.handle(CLIENT, ask("WIKI.example.com"), 4))
    gateway.complete(again.number, ["10.0.0.2"], 5)
    targets = [row.target for row in gateway.table(CLIENT)]
    assert targets == ["10.0.0.2"] * 4 + ["10.0.0.3"] * 4 + [None] * 4


@pytest.mark.parametrize("count", [0, 3, 100])
def test_the_number_of_proxy_ips_is_the_senders_affair(gateway: Gateway, count: int) -> None:
    addresses = [f"1.0.0.{each}" for each in range(count)]
    lookup = lookup_of(gateway.handle(CLIENT, ask(addresses=addresses), 0))
    assert status_of(gateway.complete(lookup.number, ["10.0.0.1"], 1)) == "Active"
    assert len(gateway.table(CLIENT)) == count


def test_goodbye_takes_the_client_and_all_its_state(gateway: Gateway) -> None:
    gateway.complete(lookup_of(gateway.handle(CLIENT, ask(), 0)).number, ["10.0.0.1"], 1)
    open_still = lookup_of(gateway.handle(CLIENT, ask(), 2))
    reaction = gateway.handle(CLIENT, decode(build_packet(GOODBYE.number, b"any payload")), 3)
    assert (reaction.closed, reaction.send) == (True, ())
    assert (gateway.clients(), gateway.table(CLIENT)) == ([], [])
    assert gateway.handle(CLIENT, ask(), 4).send == ()
    answer = gateway.complete(open_still.number, ["10.0.0.1"], 5)
    assert answer is not None
    assert answer.send == ()


def test_goodbye_is_said_with_the_last_authorization_and_when_the_gateway_ends(gateway: Gateway) -> None:
    assert gateway.revoke(CLIENT, NET) == Reaction(CLIENT)
    last = gateway.revoke(CLIENT, WEB.upper())
    assert last.closed
    assert decode(last.send[0]).name == GOODBYE.name
    gateway.authorize(CLIENT, Resource(WEB, None))
    assert gateway.close(CLIENT) == last
    assert gateway.close(CLIENT) == gateway.revoke(CLIENT, WEB) == Reaction(CLIENT)


def test_a_connection_that_fails_goes_without_a_word(gateway: Gateway) -> None:
    lookup_of(gateway.handle(CLIENT, ask(), 0))
    gateway.forget(CLIENT)
    [late] = gateway.expire(LOOKUP_LIMIT)
    assert late.send == ()


@pytest.mark.parametrize(
    "kind", [each for each in range(6) if each not in (ASSIGNED_IPS.number, GOODBYE.number)]
)
def test_other_kinds_are_ignored(gateway: Gateway, kind: int) -> None:
    for payload in (b"", b"{}", b'{"dst":"10.0.0.1","protocol":"icmp"}'):
        reaction = gateway.handle(CLIENT, decode(build_packet(kind, payload)), 0)
        assert (reaction.send, reaction.lookup, reaction.closed) == ((), None, False)
        assert str(reaction.note).startswith("ignored")


def test_malformed_json_gets_no_answer(gateway: Gateway) -> None:
    reaction = gateway.handle(CLIENT, decode(build_packet(ASSIGNED_IPS.number, b'{"resource":')), 0)
    assert (reaction.send, reaction.lookup) == ((), None)


def test_an_answer_that_does_not_fit_is_none(gateway: Gateway) -> None:
    gateway.authorize(CLIENT, Resource(NET, DomainPattern("**")))
    # Positional arrays are shorter than objects, and all answers are objects.
    domain = ".".join([r"\001" * 58] * 4)
    payload = json.dumps([NET, domain, []]).encode()
    lookup = lookup_of(gateway.handle(CLIENT, decode(build_packet(ASSIGNED_IPS.number, payload)), 0))
    answer = gateway.complete(lookup.number, [], 1)
    assert answer is not None
    assert answer.send == ()
    assert str(answer.note).startswith("no answer: the payload has ")


def test_no_authorization_is_throttled_until_the_next_authorization(gateway: Gateway) -> None:
    tcp = {"protocol": "tcp", "dst_port": 443}
    first = gateway.deny(CLIENT, "10.9.9.9", tcp, 0)
    assert first is not None
    assert decode(first).fields == {"dst": "10.9.9.9", **tcp}
    assert decode(first).name == NO_AUTHORIZATION.name
    assert gateway.deny(CLIENT, "10.9.9.9", {"protocol": "icmp", "dst_port": None}, 1999) is None
    gateway.authorize(CLIENT, Resource(NET, None))
    assert gateway.deny(CLIENT, "10.9.9.9", tcp, 1999) == first


@given(st.integers(0, 5), st.binary(max_size=60), st.sampled_from(["", CLIENT]))
def test_no_message_makes_it_stumble(kind: int, payload: bytes, client: str) -> None:
    found = Gateway()
    found.authorize(CLIENT, Resource(WEB, DomainPattern("**")))
    for dialect in ("auto", "seed", "current", "next"):
        reaction = found.handle(client, decode(build_packet(kind, payload), dialect), 0)
        assert reaction.client == client
    assert len(KINDS) == 6


def test_a_client_that_may_reach_nothing_is_told_so_once_it_is_known() -> None:
    gateway = Gateway()
    assert gateway.handle(CLIENT, ask(), 0).send == ()
    gateway.admit(CLIENT)
    assert status_of(gateway.handle(CLIENT, ask(), 1)) == "Inactive"
    assert gateway.clients() == [CLIENT]


def test_a_lookup_can_be_refused_by_who_holds_it_but_not_twice(gateway: Gateway) -> None:
    lookup = lookup_of(gateway.handle(CLIENT, ask(), 0))
    answer = gateway.refuse(lookup.number, "it is a test")
    assert status_of(answer) == "Inactive"
    assert answer is not None
    assert answer.note == "it is a test"
    assert gateway.table(CLIENT) == []
    assert gateway.refuse(lookup.number, "again") is None
    orphan = lookup_of(gateway.handle(CLIENT, ask(), 1))
    gateway.forget(CLIENT)
    gone = gateway.refuse(orphan.number, "too late")
    assert gone is not None
    assert gone.send == ()


def test_a_table_that_a_client_fills_has_an_end_and_keeps_answering_for_what_it_holds(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "MOST_ROWS", 8)
    first = lookup_of(gateway.handle(CLIENT, ask(addresses=proxy_ips(8)), 0))
    assert status_of(gateway.complete(first.number, ["10.0.0.1"], 1)) == "Active"
    other = lookup_of(gateway.handle(CLIENT, ask("git.example.com", addresses=["100.100.0.1"]), 2))
    reaction = gateway.complete(other.number, ["10.0.0.2"], 3)
    assert reaction == Reaction(CLIENT, note="the NAT table would have over 8 rows: no answer")
    again = lookup_of(gateway.handle(CLIENT, ask(addresses=proxy_ips(8)), 4))
    assert status_of(gateway.complete(again.number, ["10.0.0.3"], 5)) == "Active"
    assert {row.domain for row in gateway.table(CLIENT)} == {"wiki.example.com"}


def test_of_too_many_authorizations_the_first_are_forgotten(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "MOST_RESOURCES", 2)
    gateway.authorize(CLIENT, Resource(WEB, DomainPattern("*.example.com")))
    gateway.authorize(CLIENT, Resource("11111111-00ac-41dc-9ddd-57e2384f31ef", None))
    assert status_of(gateway.handle(CLIENT, ask(resource=NET), 0)) == "Inactive"
    lookup_of(gateway.handle(CLIENT, ask(), 0))
