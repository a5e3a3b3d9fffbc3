"""The table for a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from fzctl.render.table import table_text, to_table
from tests.records import assigned, goodbye, harmful, hostile_packets, raw, record
from tests.render.test_lines import SCREEN

RECORDS = [record(packet, frame) for frame, packet in enumerate(SCREEN, 1)]


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_looks_like_this(width: int, golden: Callable[[str, str], None]) -> None:
    golden(table_text(RECORDS, width, colour=False), f"table-{width}.txt")


@pytest.mark.parametrize("width", [1, 10, 40, 80, 120, 500])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, table_text(RECORDS, width, colour=False).splitlines())) <= width


def test_colours_are_there_where_asked_and_change_nothing_else() -> None:
    coloured = table_text(RECORDS, 120, colour=True)
    assert "\x1b[31mrefused" in coloured
    assert "\x1b[32mok" in coloured
    assert "\x1b[33mignored" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == table_text(
        RECORDS, 120, colour=False
    ).splitlines()


def test_columns_with_nothing_to_say_are_left_out() -> None:
    names = [column.header for column in to_table([record(goodbye(), time=None)], 120).columns]
    assert names == ["Frame", "Kind", "Verdict"]


def test_of_several_files_the_file_is_named() -> None:
    text = table_text(
        [record(goodbye(), file="#a.pcap"), record(goodbye(), file="b.pcap")], 120, colour=False
    )
    assert re.search(r"#a\.pcap +1 .*\n.*b\.pcap +1 ", text)


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    for packet in hostile_packets():
        text = table_text([record(packet, file="[red]\x1b[31m\u202e")], 300, colour=False)
        assert not harmful(text)
    assert "[red]alert[/red]" in table_text(
        [record(raw(1, '{"resource":"[red]alert[/red]"}'))], 200, colour=False
    )


def test_a_domain_in_markup_stays_what_it_is() -> None:
    assert "a[bold]b.example" in table_text([record(assigned("a[bold]b.example"))], 200, colour=True)


def test_no_records_make_no_table() -> None:
    assert table_text([], 80, colour=False).strip() == ""


def test_the_day_stands_above_and_where_there_are_several_in_each_row() -> None:
    day = 86_400 * 10**9
    one = [record(goodbye(), time=day), record(goodbye(), time=None)]
    assert table_text(one, 80, colour=False).startswith("1970-01-02 UTC   Frame")
    assert table_text([record(goodbye(), time=2**80)], 80, colour=False).startswith("Time (UTC)  Frame")
    two = [record(goodbye(), time=day), record(goodbye(), time=2 * day)]
    title, *rows = table_text(two, 80, colour=False).splitlines()
    assert title.startswith("Time (UTC)  ")
    assert [row[:25] for row in rows] == ["1970-01-02 00:00:00.000  ", "1970-01-03 00:00:00.000  "]
