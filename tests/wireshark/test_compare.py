"""Two readings beside each other: equal in any form of text, different by frame and field."""

from __future__ import annotations

import pytest

from fzctl.analysis.exchanges import follow_whole
from fzctl.wireshark.compare import Difference, compared_fields, differences, our_values, their_values
from tests.records import TIME, assigned, goodbye, raw, record, status

SHOWN = {
    "fzp2p.kind": ["0x01"],
    "fzp2p.reserved": ["00:00:00:00:00:00:0A"],
    "fzp2p.resource": ["6B7188F5-00ac-41dc-9ddd-57e2384f31ef"],
    "fzp2p.accepted": ["True"],
    "fzp2p.status": ["Active"],
}


def test_what_tshark_shows_is_brought_into_our_form() -> None:
    values = their_values(SHOWN)
    assert values["fzp2p.kind"] == ["1"]
    assert values["fzp2p.reserved"] == ["0000000000000a"]
    assert values["fzp2p.resource"] == ["6b7188f5-00ac-41dc-9ddd-57e2384f31ef"]
    assert values["fzp2p.accepted"] == ["1"]
    assert values["fzp2p.status"] == ["Active"]
    assert values["fzp2p.domain"] == []


def test_older_and_newer_booleans_are_the_same() -> None:
    shown = ("1", "True", "0", "False")
    assert [their_values({"fzp2p.accepted": [text]})["fzp2p.accepted"] for text in shown] == [
        ["1"], ["1"], ["0"], ["0"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "ours"),
    [
        ("::1.2.3.4", "::102:304"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        ("::ffff:0:102:304", "::ffff:0:102:304"),
        ("fd00:2021:1111:8000::1", "fd00:2021:1111:8000::1"),
        ("::", "::"),
        ("gitlab.example.com", "gitlab.example.com"),
        ("a\0b", "a\0b"),
    ],
)
def test_addresses_are_written_as_receivers_write_them(shown: str, ours: str) -> None:
    assert their_values({"fzp2p.proxy_ipv6": [shown]})["fzp2p.proxy_ipv6"] == [ours]


def test_equal_readings_have_no_difference() -> None:
    values = our_values(record(assigned()))
    assert values["fzp2p.proxy_ipv4"] == ["100.96.0.1", "100.96.0.2", "100.96.0.3", "100.96.0.4"]
    assert differences([(1, values)], [(1, dict(values))]) == []


def test_a_field_that_differs_is_named_with_both_values() -> None:
    ours = our_values(record(goodbye()))
    theirs = {**ours, "fzp2p.reason": ["bad_json"]}
    assert differences([(7, ours)], [(7, theirs)]) == [Difference(7, "fzp2p.reason", ("ok",), ("bad_json",))]


def test_a_message_that_one_side_does_not_have_is_a_difference() -> None:
    values = our_values(record(raw(9)))
    assert differences([(3, values)], []) == [Difference(3, "fzp2p", ("unknown_event",), None)]
    assert differences([], [(3, values)]) == [Difference(3, "fzp2p", None, ("unknown_event",))]


def test_several_messages_of_a_frame_are_compared_in_their_order() -> None:
    first, second = our_values(record(goodbye())), our_values(record(assigned()))
    assert differences([(1, first), (1, second)], [(1, first), (1, second)]) == []
    assert differences([(1, first), (1, second)], [(1, second), (1, first)]) != []


def test_everything_is_compared_but_how_sessions_are_counted() -> None:
    assert "fzp2p.session" not in compared_fields()
    wanted = {"kind", "accepted", "reason", "proxy_ipv6", "response_to", "response_in", "response_time"}
    assert {f"fzp2p.{name}" for name in wanted} <= set(compared_fields())


def test_times_are_compared_by_the_nanosecond() -> None:
    question, answer = follow_whole([record(assigned(), 1, TIME), record(status(), 2, TIME + 37_000_001)])
    assert our_values(question)["fzp2p.response_in"] == ["2"]
    assert our_values(answer)["fzp2p.response_time"] == ["0.037000001"]
