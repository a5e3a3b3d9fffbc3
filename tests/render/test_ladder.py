"""The rows of the ladder: arrows, notes, what is missing between them."""

from __future__ import annotations

from fzctl.render.ladder import ladder_rows
from fzctl.render.marks import file_marks
from fzctl.render.rows import FLOW, GAP, LEFT, MESSAGE, MISSING, MORE, RIGHT, Row
from tests.analysis.scenario import Scene
from tests.records import harmful, raw
from tests.render.analyses import analysis_of, hostile, inactive, with_traffic, working


def told(rows: list[Row]) -> list[tuple[str, str, str, str]]:
    return [(row.kind, row.way, f"{row.label} {row.about}".strip(), row.note) for row in rows]


def test_a_lost_answer_is_a_row_before_the_repetition() -> None:
    rows = ladder_rows(analysis_of(inactive().records), 100)
    assert told(rows) == [
        (MESSAGE, RIGHT, "AssignedIps wiki.example.com", "asks: packets wait"),
        (GAP, "", "2.016 s", ""),
        (MISSING, LEFT, "no answer came: lost?", ""),
        (MESSAGE, RIGHT, "AssignedIps wiki.example.com", "asks again after 2.016 s"),
        (GAP, "", "10.024 s", ""),
        (MESSAGE, LEFT, "DomainStatus Inactive wiki.example.com", "FAILED after 12.040 s, FZ307"),
    ]


def test_packets_stand_between_messages_with_what_became_of_them() -> None:
    flows = [row for row in ladder_rows(with_traffic(), 100) if row.kind == FLOW]
    assert [(row.label, row.about, row.note, row.mood) for row in flows] == [
        ("1 packet, 60 bytes", "", "early: client holds it", "ignored"),
        ("2 packets", "1 there, 1 back", "passing", "good"),
        ("1 packet, 60 bytes", "", "lost at the gateway", "bad"),
    ]


def test_a_question_that_is_never_answered_says_so() -> None:
    scene = Scene()
    scene.ask(0)
    scene.ask(1, "b.example", 1)
    scene.answer(1.5, "b.example")
    rows = ladder_rows(analysis_of(scene.records), 100)
    assert told(rows)[1] == (MISSING, LEFT, "no answer within 1.500 s", "")


def test_what_is_not_answered_waits_until_the_input_or_the_connection_ends() -> None:
    scene = Scene()
    scene.ask(0)
    rows = ladder_rows(analysis_of(scene.records), 100)
    assert told(rows)[1] == (MISSING, LEFT, "no answer: it ends here", "")
    scene.goodbye(5)
    scene.ask(20)
    scene.answer(20.1)
    rows = ladder_rows(analysis_of(scene.records), 100)
    assert told(rows)[1] == (MISSING, LEFT, "no answer within 5.000 s", "")


def test_a_denied_packet_is_no_good_news() -> None:
    denied = raw(3, '{"dst":"10.0.0.1","protocol":{"tcp":{"dst_port":443}}}')
    scene = Scene()
    scene.add(0, denied, "b>a")
    [row] = ladder_rows(analysis_of(scene.records), 100)
    assert told([row]) == [(MESSAGE, LEFT, "NoAuthorization 10.0.0.1", "denied: tcp port 443, FZ313")]
    assert row.mood == "ignored"


def test_of_many_rungs_the_ends_are_shown_and_how_many_are_missing() -> None:
    rows = ladder_rows(analysis_of(working(50).records), 3)
    assert [row.label for row in rows if row.kind == MORE] == ["94 more"]
    assert [row.frame for row in rows if row.kind == MESSAGE] == ["#1", "#2", "#3", "#98", "#99", "#100"]


def test_messages_of_two_ends_say_where_they_were_not_seen() -> None:
    scene = Scene(file="a")
    asked, answered = scene.ask(0), scene.answer(0.1)
    copy = asked._replace(frame=1, file="b", copy_of=1, copy_in="a", time=(asked.time or 0) + 1000)
    analysis = analysis_of([asked, copy, answered], files=("a", "b"), merged=True)
    assert file_marks(analysis) == {"a": "A", "b": "B"}
    rows = [row for row in ladder_rows(analysis, 9) if row.kind == MESSAGE]
    assert [row.frame for row in rows] == ["A#1", "A#2"]
    assert ["not seen in B" in row.note for row in rows] == [False, True]


def test_the_way_follows_the_tunnels_direction() -> None:
    scene = Scene(session=1)
    scene.ask(0)
    scene.answer(0.1)
    scene.goodbye(1, "b>a")
    rows = [row for row in ladder_rows(analysis_of(scene.records), 9) if row.kind == MESSAGE]
    assert [row.way for row in rows] == [RIGHT, LEFT, LEFT]


def test_hostile_texts_are_harmless_in_every_row() -> None:
    rows = ladder_rows(hostile(), 1000)
    assert len(rows) > 50
    assert harmful("".join(f"{row.label}{row.about}{row.note}{row.frame}" for row in rows)) == set()
