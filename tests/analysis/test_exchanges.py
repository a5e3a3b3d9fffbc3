"""Exchanges: who answers whom, what is a repetition, in one pass and with look-ahead."""

from __future__ import annotations

import pytest

from fzctl.analysis import exchanges
from fzctl.analysis.exchanges import follow, follow_whole
from fzctl.protocol.codec import decode, encode
from fzctl.protocol.kinds import kind_by_name
from fzctl.protocol.ranges import proxy_ips
from fzctl.records import Exchange, Outer, Record

RESOURCE = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
OTHER = "0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77"


def message(name: str, **values: object) -> bytes:
    kind = kind_by_name(name)
    assert kind is not None
    return encode(kind, values)


def ask(domain: str = "example.com", resource: str = RESOURCE) -> bytes:
    return message("assigned_ips", resource=resource, domain=domain, proxy_ips=proxy_ips(8))


def answer(domain: str = "example.com", status: str = "Active", resource: str = RESOURCE) -> bytes:
    return message("domain_status", resource=resource, domain=domain, status=status)


def records(*packets: bytes, session: int | None = None) -> list[Record]:
    outer = None if session is None else Outer("192.0.2.1:1", "192.0.2.2:2", session, 0)
    return [
        Record(frame, frame * 1000, decode(packet), outer=outer)
        for frame, packet in enumerate(packets, start=1)
    ]


def test_an_answer_belongs_to_the_question_with_its_resource_and_domain() -> None:
    found = list(
        follow(records(ask("a.example"), ask("b.example"), answer("b.example"), answer("a.example")))
    )
    assert [record.exchange and record.exchange.response_to for record in found] == [None, None, 2, 1]
    assert [record.exchange and record.exchange.number for record in found] == [1, 2, 2, 1]


def test_domains_are_compared_without_case() -> None:
    found = list(follow(records(ask("Wiki.Example.com"), answer("wiki.eXample.com"))))
    assert found[1].exchange == Exchange(1, response_to=1, response_time=1000)


def test_another_resource_is_another_exchange() -> None:
    found = list(follow(records(ask(), answer(resource=OTHER))))
    assert found[1].exchange is None


def test_a_repeated_question_names_the_first_and_the_time_counts_from_it() -> None:
    found = list(follow(records(ask(), ask(), answer())))
    assert found[1].exchange == Exchange(1, retransmission_of=1)
    assert found[2].exchange == Exchange(1, response_to=1, response_time=2000)


def test_a_question_after_the_answer_opens_a_new_exchange() -> None:
    found = list(follow(records(ask(), answer(), ask(), answer())))
    assert [record.exchange and record.exchange.number for record in found] == [1, 1, 2, 2]


def test_an_equal_second_answer_is_a_repetition_and_another_one_is_not() -> None:
    found = list(follow(records(ask(), answer(), answer(), answer(status="Inactive"))))
    assert found[2].exchange == Exchange(1, response_to=1, response_time=2000, retransmission_of=2)
    assert found[3].exchange == Exchange(1, response_to=1, response_time=3000)


def test_an_answer_without_a_question_has_no_exchange() -> None:
    assert next(follow(records(answer()))).exchange is None


def test_goodbye_and_refused_messages_take_no_part() -> None:
    refused = ask().replace(b"100.96.0.1", b"100.96.0.x")
    assert [r.exchange for r in follow(records(message("goodbye"), refused))] == [None, None]


def test_sessions_are_kept_apart() -> None:
    asked, answered = records(ask(), session=1) + records(answer(), session=2)
    assert list(follow([asked, answered]))[1].exchange is None


def test_files_are_kept_apart() -> None:
    asked, answered = records(ask())[0], records(answer())[0]
    found = list(follow([asked._replace(file="a.pcap"), answered._replace(file="b.pcap")]))
    assert found[1].exchange is None


def test_the_copy_of_a_message_is_no_retransmission() -> None:
    first, second = records(ask(), ask())
    assert list(follow([first, second._replace(copy_of=1)]))[1].exchange is None


def test_with_look_ahead_every_transmission_of_the_question_names_its_answer() -> None:
    found = follow_whole(records(ask(), ask(), answer(), answer(), ask("other.example")))
    assert [record.exchange and record.exchange.response_in for record in found] == [3, 3, None, None, None]


def test_the_seed_dialect_has_exchanges_too() -> None:
    request = message("request", resource=RESOURCE, domain="example.com", proxy_ips=["127.0.0.1"])
    response = message("response", resource=RESOURCE, domain="example.com", code=200)
    asked, answered = (
        Record(frame, 0, decode(packet, "seed")) for frame, packet in ((1, request), (2, response))
    )
    assert list(follow([asked, answered]))[1].exchange == Exchange(1, response_to=1, response_time=0)


def test_no_more_exchanges_are_remembered_than_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "MOST_OPEN", 2)
    found = list(follow(records(ask("a"), ask("b"), ask("c"), answer("a"), answer("c"))))
    assert [record.exchange and record.exchange.response_to for record in found[3:]] == [None, 3]
