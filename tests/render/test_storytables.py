"""Tables: troubles first, nothing empty, harmless."""

from __future__ import annotations

from fzctl.render.storytables import Table, tables_of, without_empty_columns
from tests.analysis.scenario import Scene, two_sessions
from tests.records import harmful
from tests.render.analyses import analysis_of, hostile, inactive, with_traffic, working


def cells(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def named(tables: list[Table], title: str) -> Table:
    [found] = [table for table in tables if table.title.startswith(title)]
    return found


def test_domains_with_troubles_come_first() -> None:
    scene = Scene()
    for number, status in enumerate(("Active", "Inactive", "Active")):
        scene.ask(number, f"h{number}.example", number)
        scene.answer(number + 0.1, f"h{number}.example", status)
    table = named(tables_of(analysis_of(scene.records), 2), "Domains")
    assert [row[0] for row in cells(table)] == ["h1.example", "h0.example"]
    assert table.left_out == 1


def test_exchanges_that_are_as_they_should_be_are_left_out() -> None:
    assert [each.title for each in tables_of(analysis_of(working().records), 9)] == ["Domains"]
    table = named(tables_of(analysis_of(inactive().records), 9), "Exchanges")
    assert cells(table) == [
        ["wiki.example.com", "14:13:20.000", "#1 #2 > #3", "2", "Inactive", "12.040 s", "yes"]
    ]


def test_traffic_is_counted_by_phase() -> None:
    table = without_empty_columns(named(tables_of(with_traffic(), 9), "Packets"))
    assert table.headings == ("Domain", "Early", "Working", "Lost")
    assert cells(table) == [["a.example", "1 / 0", "1 / 1", "1 / 0"]]


def test_the_moment_tells_each_domains_state() -> None:
    scene = Scene()
    scene.ask(0)
    table = named(tables_of(analysis_of(scene.records, asked="#1"), 9), "The state at #1")
    assert cells(table)[0][2:] == ["asked, packets wait", "14:13:20.000 #1"]
    empty = named(tables_of(analysis_of([], asked="#1"), 9), "The state at #1")
    assert cells(empty)[0][0] == "no domain was known yet"


def test_connections_and_sessions_have_tables() -> None:
    scene = Scene(session=1)
    scene.ask(0)
    scene.goodbye(1)
    tables = tables_of(analysis_of(scene.records, decryptors={None: two_sessions()}), 9)
    assert cells(named(tables, "Connections"))[0][-1] == "client 14:13:21"
    assert cells(named(tables, "WireGuard sessions"))[1][4] == "of 1"


def test_what_lasts_beyond_midnight_has_its_dates() -> None:
    scene = Scene(session=1)
    scene.ask(0)
    scene.goodbye(86_400)
    tables = tables_of(analysis_of(scene.records, asked="#2"), 9)
    assert cells(named(tables, "Connections"))[0][-2:] == [
        "2026-09-21 14:13:20.000", "client 2026-09-22 14:13:20",
    ]  # fmt: skip
    assert cells(named(tables, "Exchanges"))[0][1] == "2026-09-21 14:13:20.000"


def test_hostile_texts_are_harmless() -> None:
    for table in tables_of(hostile(), 1000):
        assert harmful("".join(text for row in cells(table) for text in row)) == set()
