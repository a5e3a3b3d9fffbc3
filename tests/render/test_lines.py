"""One line a message."""

from __future__ import annotations

import re
from collections.abc import Callable

from fzctl.records import Exchange
from fzctl.render.lines import after, paint, place_of, to_line
from tests.records import RESOURCE, WHEN, assigned, goodbye, harmful, hostile_packets, raw, record, status

SCREEN = [
    assigned("gitlab.example.com"),
    assigned(
        "a.example.com",
        "100.96.0.1",
        "100.96.0.2",
        "100.96.0.3",
        "100.96.0.4",
        *(f"fd00::{n}" for n in range(4)),
    ),
    status("gitlab.example.com", "Inactive"),
    goodbye(),
    raw(9, "future"),
    raw(3, {"dst": "10.0.0.1", "protocol": {"tcp": {"dst_port": 443}}}),
    raw(1, {"resource": "gitlab", "domain": "a\\ b"}),
    raw(1, {"resource": RESOURCE, "domain": "example.com", "code": 200}),
    goodbye()[:45],
    b"\x45",
    b"",
]


def test_lines_look_like_this(golden: Callable[[str, str], None]) -> None:
    records = [record(packet, frame) for frame, packet in enumerate(SCREEN, 1)]
    records.append(records[0]._replace(frame=1_000_000, copy_of=1, time=None, file="b.pcap"))
    golden("".join(to_line(each) + "\n" for each in records), "lines.txt")


def test_colours_change_nothing_but_colours() -> None:
    for packet in SCREEN:
        coloured = to_line(record(packet), colour=True)
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).rstrip() == to_line(record(packet))


def test_a_terminal_gets_the_time_of_day_and_a_short_id() -> None:
    brief = to_line(record(status()), brief=True)
    assert brief.startswith("12:43:01.123456 ")
    assert brief.endswith("  6b7188f5")
    assert to_line(record(status())).startswith(WHEN)
    assert to_line(record(status())).endswith(RESOURCE)


def test_no_time_is_a_dash() -> None:
    assert to_line(record(goodbye(), time=None)).startswith("- ")


def test_hostile_text_stays_one_harmless_line() -> None:
    for packet in hostile_packets():
        line = to_line(record(packet, file="\x1b[31m\n\u202e.pcap"))
        assert not harmful(line)
        assert "\n" not in line


def test_a_place_is_the_frame_and_of_several_files_the_file() -> None:
    assert place_of(record(b"", 4)) == "#4"
    assert place_of(record(b"", 4, file="a\nb")) == "a\\x0ab#4"


def test_paint_colours_where_asked() -> None:
    assert paint("x", "bad", True) == "\x1b[31mx\x1b[0m"
    assert paint("x", "bad", False) == "x"


def test_an_answer_tells_how_long_it_took_where_that_is_known() -> None:
    answer = record(status())._replace(exchange=Exchange(1, response_to=1, response_time=3_123_456))
    assert after(answer) == "after 3.12 ms"
    assert to_line(answer).endswith(f"{RESOURCE}  after 3.12 ms")
    assert after(record(status())) == after(record(assigned())._replace(exchange=Exchange(1))) == ""
