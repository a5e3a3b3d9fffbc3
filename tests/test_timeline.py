"""Packets and log lines on one clock, and what belongs together."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fzctl.logs.align import WINDOW, Offset, Sighting
from fzctl.logs.event import Event
from fzctl.logs.redaction import LogRedactor
from fzctl.logs.selection import Moment, Selection, of_domain, of_target
from fzctl.records import Record
from fzctl.redact.redactor import Redactor
from fzctl.timeline import (
    MOST_ALIKE,
    MOST_WAITING,
    Choice,
    Clock,
    Entry,
    Place,
    clocks_of,
    join,
    redact_entry,
    remember_domains,
    shifted,
)
from tests.logs.read import one
from tests.records import RESOURCE, TIME, assigned, goodbye, record, status

SECOND = 10**9
CLIENT = "tunnel_proto::client"
NAT = "tunnel_proto::client::dns_resource_nat"
ACTIVE = "DNS resource NAT is active"


def line(at: float, domain: str = "a.example", *, number: int = 1, file: str = "c.log", **more: str) -> Event:
    """The client's line about an AssignedIps ``at`` seconds after TIME."""
    fields = f"gid=x domain={domain}" + "".join(f" {name}={value}" for name, value in more.items())
    event = one(f"2026-08-22T00:53:24.158Z DEBUG {CLIENT}: Setting up DNS resource NAT {fields}")
    return event._replace(time=TIME + round(at * SECOND), file=file, line=number)


def packet(at: float, domain: str = "a.example", *, frame: int = 1) -> Record:
    return record(assigned(domain), frame, TIME + round(at * SECOND))


def joined(records: list[Record], events: list[Event], clocks: dict[str, Clock] | None = None) -> list[Entry]:
    return list(join(records, events, clocks or {}))


def partners(entries: list[Entry]) -> list[tuple[str, tuple[int, ...]]]:
    return [
        ("packet" if each.record else "log", tuple(place.number for place in each.partners))
        for each in entries
    ]


def test_a_line_and_the_packet_of_which_it_tells_name_each_other() -> None:
    found = joined(
        [packet(1, frame=7), packet(2, "b.example", frame=8)], [line(0.9, number=5), line(5, number=6)]
    )
    assert partners(found) == [("log", (7,)), ("packet", (5,)), ("packet", ()), ("log", ())]
    assert found[1].partners == (Place("c.log", 5),)


def test_what_is_further_apart_than_the_window_does_not_belong_together() -> None:
    far = WINDOW / SECOND + 0.001
    assert partners(joined([packet(0)], [line(far)])) == [("packet", ()), ("log", ())]
    assert partners(joined([packet(far)], [line(0)])) == [("log", ()), ("packet", ())]


def test_each_repetition_has_its_own_line() -> None:
    found = joined(
        [packet(0, frame=1), packet(0.1, frame=2)],
        [line(0.2, number=1), line(0.25, number=2), line(0.3, number=3)],
    )
    assert partners(found) == [("packet", (1,)), ("packet", (2,)), ("log", (1,)), ("log", (2,)), ("log", ())]


def test_two_logs_may_tell_of_one_packet() -> None:
    found = joined([packet(0, frame=3)], [line(0.1, file="a.log"), line(0.2, file="b.log", number=9)])
    assert partners(found) == [("packet", (1, 9)), ("log", (3,)), ("log", (3,))]


def test_another_resource_is_another_message() -> None:
    other = "0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77"
    assert partners(joined([packet(0)], [line(0, rid=other)])) == [("packet", ()), ("log", ())]
    assert partners(joined([packet(0)], [line(0, rid=RESOURCE)])) == [("packet", (1,)), ("log", (1,))]


def test_a_copy_and_a_refused_message_belong_to_no_line() -> None:
    copy = packet(0)._replace(copy_of=1)
    assert partners(joined([copy], [line(0)])) == [("packet", ()), ("log", ())]


def test_lines_without_time_stay_behind_the_one_above() -> None:
    below = one("  caused by something", goes_on=True)
    found = joined([packet(0.5), packet(1.5)], [line(0), below, line(1), below])
    assert [each.event is not None for each in found] == [True, True, False, True, True, False]


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.integers(0, 40), st.integers(0, 40))
def test_nothing_is_lost_and_each_side_keeps_its_order(dice: random.Random, packets: int, lines: int) -> None:
    records = sorted(
        (packet(dice.random() * 3, f"{dice.choice('ab')}.example", frame=frame) for frame in range(packets)),
        key=lambda each: each.time or 0,
    )
    events = sorted(
        (line(dice.random() * 3, f"{dice.choice('ab')}.example", number=number) for number in range(lines)),
        key=lambda each: each.time or 0,
    )
    found = joined(records, events)
    assert [each.record for each in found if each.record] == records
    assert [each.event for each in found if each.event] == events
    times = [each.time or 0 for each in found]
    assert times == sorted(times)
    # Whoever names a partner is named by it, and they are near each other.
    by_frame = {each.record.frame: each for each in found if each.record}
    by_line = {each.event.line: each for each in found if each.event}
    for entry in by_line.values():
        for place in entry.partners:
            other = by_frame[place.number]
            assert entry.event is not None
            assert Place("c.log", entry.event.line) in other.partners
            assert abs((entry.time or 0) - (other.time or 0)) <= WINDOW
    assert sum(len(each.partners) for each in by_frame.values()) == sum(
        len(each.partners) for each in by_line.values()
    )


def test_memory_is_bounded_where_everything_happens_at_once() -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        for frame in range(3 * MOST_WAITING):
            taken += 1
            yield packet(0, f"d{frame}.example", frame=frame)

    entries = join(endless(), [], {})  # type: ignore[arg-type]
    next(entries)
    assert taken <= MOST_WAITING + 1


def test_the_logs_own_time_can_be_told() -> None:
    clock = Clock("c.log", 7 * SECOND)
    [event] = shifted([line(0)], clock.nanoseconds)
    [entry] = joined([], [event], {"c.log": clock})
    assert (entry.time, entry.nanoseconds) == (TIME + 7 * SECOND, 7 * SECOND)


def seen(domain: str, time: float) -> Sighting:
    return Sighting(("assigned_ips", domain), round(time * SECOND))


CAPTURE = [seen(f"d{number}", number * 5) for number in range(10)]


def log(shift: float, count: int = 10) -> list[Sighting]:
    return [each._replace(time=each.time - round(shift * SECOND)) for each in CAPTURE[:count]]


def test_each_log_has_a_clock_of_its_own() -> None:
    found = clocks_of({"a": log(3600), "b": log(-2)}, CAPTURE, {})
    assert {name: round(clock.nanoseconds / SECOND) for name, clock in found.items()} == {"a": 3600, "b": -2}
    assert all(clock.is_own and clock.offset and clock.offset.is_sure for clock in found.values())


def test_a_log_without_messages_goes_by_the_others() -> None:
    found = clocks_of({"a": log(60), "b": []}, CAPTURE, {})
    assert found["b"].nanoseconds == found["a"].nanoseconds == 60 * SECOND
    assert not found["b"].is_own


def test_no_estimate_takes_the_clock_as_it_is() -> None:
    assert clocks_of({"a": log(60, 2)}, CAPTURE, {}) == {"a": Clock("a", 0, is_own=False)}


def test_what_is_given_is_not_estimated() -> None:
    found = clocks_of({"a": log(60), "b": log(60)}, CAPTURE, {"a": 5})
    assert found["a"] == Clock("a", 5, given=True)
    assert found["b"].offset == Offset(60 * SECOND, 10, 0, True)


def entry(thing: Record | Event) -> Entry:
    return Entry(
        thing.time, thing if isinstance(thing, Record) else None, thing if isinstance(thing, Event) else None
    )


@pytest.mark.parametrize(("domain", "wanted"), [("a.example", True), ("b.example", False)])
def test_a_domain_chooses_lines_and_packets(domain: str, wanted: bool) -> None:
    tests = [of_domain(domain)]
    choice = Choice(Selection([*tests, of_target(["tunnel_proto"])]), Selection(tests))
    assert [choice(entry(each)) for each in (line(0), packet(0), packet(0, "c.example"))] == [
        wanted,
        wanted,
        False,
    ]


def test_times_count_from_the_first_of_both() -> None:
    since = Moment(10 * SECOND, after_first=True)
    choice = Choice(Selection(since=since), Selection(since=since))
    things = (line(0), packet(9), line(9.5), packet(10), line(11))
    assert [choice(entry(each)) for each in things] == [False, False, False, True, True]


def test_a_redacted_entry_names_nobody() -> None:
    redactor = Redactor(b"key")
    logs = LogRedactor(redactor)
    found = joined(
        [packet(0, "secretz")._replace(file="secretz.pcap")], [line(0, "secretz", file="secretz.log")]
    )
    redacted = [redact_entry(each, redactor, logs) for each in found]
    assert "secretz" not in repr(redacted).lower()
    assert b"secretz".hex() not in "".join(
        each.record.message.packet.hex() for each in redacted if each.record
    )
    assert redacted[0].partners[0].file == redactor.redact_path("secretz.log")


def test_a_domain_of_one_word_in_a_packet_is_a_name_in_the_logs() -> None:
    redactor = Redactor(b"key")
    event = one("2026-08-22T00:53:24.158Z DEBUG a::b: resolving intranet for www.example.com")
    records = [record(assigned("intranet")), record(status("www.example.com")), record(goodbye())]
    assert list(remember_domains(records, redactor)) == records
    assert "intranet" not in (LogRedactor(redactor).redact(event).message or "")


def test_long_lines_do_not_wait_by_the_thousand() -> None:
    taken = 0

    def lines() -> Iterator[Event]:
        nonlocal taken
        for taken in range(1, 500):
            yield line(0, number=taken)._replace(raw="x" * 100_000)

    entries = join([], lines(), {})
    assert next(entries).event is not None
    assert taken < 100
    assert sum(1 for _ in entries) == 498


def test_of_equal_messages_without_end_the_last_still_find_their_lines() -> None:
    packets = [packet(0, frame=number) for number in range(1, 1001)]
    entries = joined(packets, [line(0.001, number=number) for number in range(1, 1001)])
    told = {each.record.frame: each.partners for each in entries if each.record and each.partners}
    assert sorted(told) == list(range(1001 - MOST_ALIKE, 1001))
    assert {len(places) for places in told.values()} == {1}
