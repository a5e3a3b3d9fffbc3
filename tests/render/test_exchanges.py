"""A client's exchanges: lines, a table, objects."""

from __future__ import annotations

import pytest

from fzctl.live.player import CONFIRMED, FAILED, PENDING, UNANSWERED, Exchange
from fzctl.render.exchanges import exchange_object, to_exchange_line, to_exchange_table
from tests.records import RESOURCE, TIME, WHEN

IPS = ("100.96.0.1", "100.96.0.2", "100.96.0.3", "100.96.0.4")
ASKED = Exchange("wiki.example.com", RESOURCE, IPS, PENDING, 1, 10.0, 1)


@pytest.mark.parametrize(
    ("exchange", "text"),
    [
        (ASKED, "Pending     wiki.example.com  asked: 100.96.0.1..4"),
        (ASKED._replace(sent_count=2), "asked, the 2nd time: 100.96.0.1..4"),
        (ASKED._replace(sent_count=23, round=3), "asked, the 23rd time (refresh 2): 100.96.0.1..4"),
        (ASKED._replace(sent_count=12), "asked, the 12th time: 100.96.0.1..4"),
        (
            ASKED._replace(state=CONFIRMED, answered_at=10.0125),
            "Confirmed   wiki.example.com  after 12.5 ms, asked 1 time",
        ),
        (
            ASKED._replace(state=UNANSWERED, sent_count=8),
            "Unanswered  wiki.example.com  no answer, asked 8 times",
        ),
        (ASKED._replace(state=FAILED, sent_count=0), "Failed      wiki.example.com  not sent"),
    ],
)
def test_a_line(exchange: Exchange, text: str) -> None:
    line = to_exchange_line(exchange, TIME)
    assert line.startswith("2026-11-22T12:43:01.123456789Z  ")
    assert line.endswith(text)
    assert to_exchange_line(exchange, TIME, brief=True) == "12:43:01.123456" + line[30:]


def test_a_table_keeps_its_columns() -> None:
    some = [
        ASKED._replace(state=CONFIRMED, answered_at=12.0125, sent_count=2),
        ASKED._replace(domain="later.example.com", round=0, sent_count=0),
    ]
    assert to_exchange_table(some) == (
        "State         Answer  Sent  Round  Domain\n"
        "Confirmed     2.01 s     2      1  wiki.example.com\n"
        "Not begun          -     0      0  later.example.com\n"
    )


def test_colours_do_not_shift_the_columns() -> None:
    import re

    for text in (to_exchange_line(ASKED, TIME, colour=True), to_exchange_table([ASKED], colour=True)):
        assert "\x1b[33m" in text
        plain = re.sub(r"\x1b\[\d+m", "", text)
        assert plain in (to_exchange_line(ASKED, TIME), to_exchange_table([ASKED]))


def test_objects() -> None:
    found = exchange_object(ASKED._replace(state=CONFIRMED, answered_at=10.0125), TIME)
    assert found == {
        "schema": 1, "time": WHEN, "domain": "wiki.example.com", "resource": RESOURCE, "proxy_ips": list(IPS),
        "state": "confirmed", "round": 1, "sent": 1, "seconds": 0.0125,
    }  # fmt: skip
    assert "time" not in exchange_object(ASKED)
    assert exchange_object(ASKED)["seconds"] is None


def test_hostile_names_are_escaped() -> None:
    hostile = ASKED._replace(domain="a\x1b[2J")
    assert "\x1b" not in to_exchange_line(hostile, TIME) + to_exchange_table([hostile])


def test_domains_stand_in_a_column() -> None:
    line = to_exchange_line(ASKED, TIME, width=20)
    assert "wiki.example.com      asked" in line
