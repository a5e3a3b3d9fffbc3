"""Counts, rates, sizes and response times, by kind, session and domain."""

from __future__ import annotations

import pytest

from fzctl.analysis import stats as module
from fzctl.analysis.exchanges import follow
from fzctl.analysis.stats import Stats, stats_of
from tests.analysis.scenario import SECOND, START, Scene
from tests.records import raw


def scene() -> Scene:
    found = Scene(1)
    found.ask(0)
    found.answer(0.25)
    found.ask(1, "b.example", 1)
    found.ask(3, "b.example", 1)
    found.answer(4, "B.example", "Inactive")
    found.add(4.5, raw(1, "{}"), "b>a", session=2)
    found.add(4.6, raw(1, "{}"), "b>a", session=2, copy_of=6)
    return found


def test_everything_is_counted_once_and_copies_apart() -> None:
    total = stats_of(scene().records).total
    assert (total.messages, total.copies, total.refused) == (6, 1, 1)
    assert (total.first, total.last) == (START, START + 4.5 * SECOND)
    assert total.rate == pytest.approx(5 / 4.5)
    assert total.busiest == 2


def test_groups_are_kinds_sessions_and_domains() -> None:
    report = stats_of(scene().records)
    assert {name: each.messages for name, each in report.kinds.items()} == {
        "assigned_ips": 3,
        "domain_status": 3,
    }
    assert {key: each.messages for key, each in report.sessions.items()} == {(None, 1): 5, (None, 2): 1}
    assert [(key[1], each.name, each.messages) for key, each in report.domains.items()] == [
        ("a.example", "a.example", 2), ("b.example", "b.example", 3),
    ]  # fmt: skip
    assert report.reasons == {"missing_field": 1}


def test_response_times_count_from_the_first_question() -> None:
    report = stats_of(scene().records)
    answers = report.kinds["domain_status"].answers
    assert (answers.values, answers.least, answers.greatest) == (2, SECOND // 4, 3 * SECOND)
    assert report.kinds["assigned_ips"].answers.values == 0
    assert [each.answers.greatest for each in report.domains.values()] == [SECOND // 4, 3 * SECOND]


def test_sizes_are_those_of_the_payload() -> None:
    report = stats_of(scene().records)
    sizes = report.total.sizes
    assert (sizes.least, sizes.greatest) == (2, max(len(each.message.payload) for each in scene().records))


def test_a_repeated_answer_has_no_response_time_of_its_own() -> None:
    found = Scene()
    found.ask(0)
    found.answer(1)
    found.answer(5)
    assert stats_of(found.records).total.answers.values == 1


def test_exchanges_that_are_known_already_are_taken_over() -> None:
    assert stats_of(follow(scene().records)) == stats_of(scene().records)


def test_without_times_there_is_no_rate() -> None:
    found = Scene()
    record = found.ask(0)._replace(time=None)
    total = stats_of([record]).total
    assert (total.first, total.rate, total.busiest) == (None, None, 0)
    assert stats_of([]).total.messages == 0


def test_names_tell_the_file_where_there_are_several() -> None:
    found, plain = Scene(1, "x.pcap"), Scene()
    names = [each.name for each in stats_of([found.ask(0), plain.ask(0)]).sessions.values()]
    assert names == ["session 1 of x.pcap", "in plain"]


def test_the_same_bytes_in_another_dialect_are_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KNOWN", 1)
    stats, found = Stats(), Scene()
    record = found.ask(0)
    stats.observe(record)
    stats.observe(record._replace(message=record.message._replace(name="request", dialect="seed")))
    stats.observe(record)
    assert {name: each.messages for name, each in stats.report().kinds.items()} == {
        "assigned_ips": 2,
        "request": 1,
    }


def test_packets_too_large_for_a_receiver_are_counted_and_not_remembered() -> None:
    found, stats = Scene(), Stats()
    for place in range(3):
        stats.observe(found.add(place, raw(0, b"x" * 60_000), "a>b"))
    assert stats.report().total.messages == 3
    assert stats._by_packet == {}
