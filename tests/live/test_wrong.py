"""Wrong answers: each wrong in its one way, and in no other."""

from __future__ import annotations

import pytest

from fzctl.live.wrong import WRONG, wrong_answers
from fzctl.protocol.codec import decode
from tests.records import RESOURCE, status

RIGHT = {"resource": RESOURCE, "domain": "example.com", "status": "Active"}


@pytest.mark.parametrize("how", ["resource", "domain", "status"])
def test_one_field_is_another(how: str) -> None:
    [(later, packet)] = wrong_answers(how, RIGHT)
    sent = decode(packet)
    assert later == 0
    assert sent.name == "domain_status"
    assert sent.accepted
    if how == "status":
        assert b'"Maybe"' in packet
        assert sent.fields["status"] != "Active"
    else:
        assert {name for name in RIGHT if sent.fields[name] != RIGHT[name]} == {how}


def test_json_breaks_off() -> None:
    [(_, packet)] = wrong_answers("json", RIGHT)
    assert decode(packet).reason == "bad_json"


def test_nobody_knows_the_kind() -> None:
    [(_, packet)] = wrong_answers("kind", RIGHT)
    assert decode(packet).reason == "unknown_event"


def test_twice_is_the_right_answer_two_times() -> None:
    assert wrong_answers("twice", RIGHT) == [(0.0, status())] * 2


@pytest.mark.parametrize(("first", "second"), [("Active", "Inactive"), ("Inactive", "Active")])
def test_the_opposite_comes_late(first: str, second: str) -> None:
    found = wrong_answers("late", {**RIGHT, "status": first})
    assert [(later, decode(packet).fields["status"]) for later, packet in found] == [
        (0.0, first),
        (1.0, second),
    ]


def test_every_way_has_words_and_works() -> None:
    for how, words in WRONG.items():
        assert words
        assert wrong_answers(how, RIGHT)
