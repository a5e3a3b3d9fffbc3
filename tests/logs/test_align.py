"""The offset between a log's clock and a capture's."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fzctl.logs.align import (
    FEWEST,
    WINDOW,
    Sighting,
    estimate_offset,
    sighting_of_event,
    sighting_of_record,
    sightings_in_capture,
    sightings_in_log,
)
from fzctl.records import Record
from tests.logs.read import sample
from tests.records import RESOURCE, assigned, goodbye, raw, record, status

SECOND = 10**9


def seen(domain: str, time: float, resource: str | None = None) -> Sighting:
    return Sighting(("assigned_ips", domain), round(time * SECOND), resource)


def test_a_known_offset_is_found_through_jitter_loss_and_strangers() -> None:
    dice = random.Random(1)
    log = [seen(f"d{number % 7}", number * 3 + dice.random()) for number in range(60)]
    capture = [
        each._replace(time=each.time + 3600 * SECOND + dice.randrange(20_000_000))
        for each in log
        if dice.random() < 0.7
    ]
    capture += [seen(f"d{number % 7}", dice.random() * 10_000) for number in range(20)]
    found = estimate_offset(log, capture)
    assert found is not None
    assert found.is_sure
    assert abs(found.nanoseconds - 3600 * SECOND) < 20_000_000
    assert 30 < found.pairs < 60
    assert found.spread < 20_000_000


@settings(max_examples=50)
@given(
    st.integers(-(10**15), 10**15),
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 10**12)), min_size=FEWEST, max_size=40, unique=True
    ),
)
def test_the_same_messages_give_exactly_their_offset(offset: int, messages: list[tuple[str, int]]) -> None:
    log = [Sighting(("assigned_ips", domain), time) for domain, time in messages]
    found = estimate_offset(log, [each._replace(time=each.time + offset) for each in log])
    assert found is not None
    assert abs(found.nanoseconds - offset) <= WINDOW
    assert found.pairs >= FEWEST


@pytest.mark.parametrize("count", range(FEWEST))
def test_too_few_pairs_are_no_estimate(count: int) -> None:
    log = [seen(f"d{number}", number) for number in range(count)]
    assert estimate_offset(log, log) is None
    assert estimate_offset(log, []) is None


def test_a_strict_rhythm_fits_several_offsets_and_is_not_sure() -> None:
    log = [seen("d", number * 10) for number in range(20)]
    found = estimate_offset(log, [each._replace(time=each.time + 5 * SECOND) for each in log])
    assert found is not None
    assert not found.is_sure


def test_resources_part_what_domains_do_not_and_old_logs_name_none() -> None:
    log = [seen("d", number, f"r{number}") for number in range(5)]
    capture = [seen("d", 100 + number, f"r{4 - number}") for number in range(5)]
    assert estimate_offset(log, capture) is None
    old = [each._replace(resource=None) for each in log]
    found = estimate_offset(old, capture)
    assert found is not None
    assert found.nanoseconds == 100 * SECOND


def test_packets_and_lines_of_the_same_story_are_paired() -> None:
    def packet(event_time: int, domain: str, kind: str) -> Record:
        data = assigned(domain) if kind == "assigned_ips" else status(domain)
        return record(data, time=event_time + 1_500_000_000)

    log = sightings_in_log(sample("client.log"))
    records = [packet(each.time, each.key[1], each.key[0]) for each in log]
    capture = [each._replace(resource=None) for each in sightings_in_capture(records)]
    found = estimate_offset(log, capture)
    assert found is not None
    assert found.nanoseconds == pytest.approx(1_500_000_000, abs=1000)
    assert found.pairs == len(log)


def test_a_capture_shows_what_was_accepted_once() -> None:
    fields: dict[str, Any] = {"resource": RESOURCE, "domain": "A.b.", "status": "Active"}
    records = [
        record(raw(1, json.dumps(fields)), 1, 10),
        record(raw(1, "{"), 2, 20),
        record(goodbye(), 3, 30, copy_of=2),
        record(goodbye(), 4, 40),
        record(goodbye(), 5, None),
    ]
    expected = [Sighting(("domain_status", "a.b"), 10, RESOURCE), Sighting(("goodbye", ""), 40)]
    assert sightings_in_capture(records) == expected


def test_many_messages_of_many_domains_stay_bounded() -> None:
    log = [seen(f"d{number % 300}", number * 0.1) for number in range(6000)]
    found = estimate_offset(log, [each._replace(time=each.time + SECOND) for each in log])
    assert found is not None
    assert found.pairs > 1000


def test_what_tells_of_no_message_is_no_sighting() -> None:
    event = next(each for each in sample("client.log") if each.message == "Setting up DNS resource NAT")
    seen_in_log = sighting_of_event(event)
    assert seen_in_log is not None
    assert seen_in_log.key == ("assigned_ips", "gitlab.mycorp.example")
    assert sighting_of_event(event._replace(time=None)) is None
    assert sighting_of_event(event._replace(message="Something else")) is None
    message = record(assigned("Gitlab.example"))
    assert sighting_of_record(message) == Sighting(
        ("assigned_ips", "gitlab.example"), message.time or 0, RESOURCE
    )
    for other in (message._replace(copy_of=1), message._replace(time=None), record(raw(0, "{"))):
        assert sighting_of_record(other) is None


def test_a_domain_asked_for_without_end_takes_no_memory() -> None:
    many = [record(assigned(), number, number) for number in range(1000)]
    assert len(sightings_in_capture(many)) == 64


def test_messages_that_come_too_often_to_be_told_apart_cost_no_more_than_others() -> None:
    """Each of them may belong to each other one of its domain: a quarter of a million pairs in one window."""
    log = [seen(f"d{domain}", number / 1000 + domain / 10**6) for domain in range(60) for number in range(64)]
    found = estimate_offset(log, [each._replace(time=each.time + 5 * SECOND) for each in log])
    assert found is not None
    assert abs(found.nanoseconds - 5 * SECOND) < WINDOW
