"""Two captures of one tunnel become one, in the order of time, with copies recognised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fzctl.analysis.merge import merge
from fzctl.records import Record
from tests.analysis.scenario import SECOND, Scene, only_connection
from tests.records import goodbye


def both_ends(session: int | None = 1) -> tuple[Scene, Scene]:
    """The client's capture, and the gateway's, which sees questions later and answers earlier."""
    client, gateway = Scene(session, "client"), Scene(session, "gateway")
    client.ask(0)
    gateway.ask(0.01)
    gateway.answer(0.02)
    client.answer(0.03)
    return client, gateway


def test_records_come_in_the_order_of_time_and_copies_name_their_first() -> None:
    for session in (1, None):
        client, gateway = both_ends(session)
        merged = list(merge([client.records, gateway.records]))
        assert [(each.file, each.frame) for each in merged] == [
            ("client", 1), ("gateway", 1), ("gateway", 2), ("client", 2),
        ]  # fmt: skip
        assert [(each.copy_in, each.copy_of) for each in merged] == [
            (None, None), ("client", 1), (None, None), ("gateway", 2),
        ]  # fmt: skip


def test_both_ends_are_one_connection_without_findings() -> None:
    client, gateway = both_ends()
    gateway.session = 7
    scene = Scene()
    scene.records = list(merge([client.records, gateway.records]))
    story = scene.story(merged=True)
    assert story.findings == ()
    assert only_connection(story).copies == 2


def test_what_only_one_end_saw_is_no_copy() -> None:
    client, gateway = both_ends()
    del gateway.records[0]
    merged = list(merge([client.records, gateway.records]))
    assert [each.copy_of for each in merged] == [None, None, 2]


def test_another_counter_is_another_message_and_one_capture_has_no_copies_of_itself() -> None:
    client, gateway = Scene(1, "client"), Scene(1, "gateway")
    client.ask(0, counter=1)
    client.ask(0.1, counter=2)
    gateway.ask(0.2, counter=2)
    merged = list(merge([client.records, gateway.records]))
    assert [each.copy_of for each in merged] == [None, None, 2]


def test_what_one_capture_holds_twice_is_said_twice() -> None:
    plain = Scene(None, "a")
    records = [plain.ask(0), plain.ask(0.1)]
    assert [each.copy_of for each in merge([records])] == [None, None]


def test_what_is_too_far_apart_is_no_copy_until_the_clocks_are_set() -> None:
    client, gateway = both_ends()
    late = [each._replace(time=(each.time or 0) + 60 * SECOND) for each in gateway.records]
    assert all(each.copy_of is None for each in merge([client.records, late]))
    merged = list(merge([client.records, late], offsets=[0, -60 * SECOND]))
    assert [each.copy_of for each in merged] == [None, 1, None, 2]
    assert merged[1].time == gateway.records[0].time
    assert any(each.copy_of for each in merge([client.records, late], window=61 * SECOND))


def test_three_captures_of_one_message_have_one_first() -> None:
    scenes = [Scene(1, name) for name in "abc"]
    records = [scene.ask(number / 10) for number, scene in enumerate(scenes)]
    merged = list(merge([[each] for each in records]))
    assert [(each.copy_in, each.copy_of) for each in merged] == [(None, None), ("a", 1), ("a", 1)]


@given(st.lists(st.lists(st.none() | st.integers(0, 5), max_size=6), max_size=4))
def test_nothing_is_lost_and_each_captures_order_stays(times: list[list[int | None]]) -> None:
    sources = []
    for number, own in enumerate(times):
        latest, records = 0, []
        for frame, time in enumerate(own, start=1):
            latest = max(latest, time or 0)
            packet = Scene(None, str(number)).ask(0)
            records.append(packet._replace(frame=frame, time=None if time is None else latest))
        sources.append(records)
    merged: list[Record] = list(merge(sources))
    assert len(merged) == sum(map(len, times))
    for number, own in enumerate(times):
        assert [each.frame for each in merged if each.file == str(number)] == list(range(1, len(own) + 1))
    known = [each.time for each in merged if each.time is not None]
    assert known == sorted(known)


def test_a_flood_of_equal_messages_is_merged_in_linear_time() -> None:
    client, gateway = Scene(None, "client"), Scene(None, "gateway")
    for place in range(20_000):
        client.add(place * 1e-6, goodbye(), "a>b")
    gateway.add(0.5, goodbye(), "a>b")
    merged = list(merge([client.records, gateway.records]))
    assert sum(each.copy_of is not None for each in merged) == 1
