"""What is judged when it is over: no answer, no repetition, silence, and the likely cause of an Inactive."""

from __future__ import annotations

import pytest

from fzctl.analysis.closing import seconds, since, why_inactive
from fzctl.analysis.findings import Spot
from tests.analysis.scenario import SECOND, START, Scene, rule_ids, udp

PACKET = udp("100.64.0.1", "100.96.0.1")


def test_no_answer_is_an_error_only_when_there_was_time_for_one() -> None:
    for end, rule in ((9.9, "FZ302"), (10, "FZ301")):
        scene = Scene()
        scene.ask(0)
        scene.ask(3)
        scene.goodbye(end)
        [finding] = scene.story().findings
        assert (finding.rule.id, finding.frames) == (rule, (1, 2))
        assert "asked 2 times" in finding.detail


def test_an_input_that_goes_on_had_time_for_an_answer_whatever_it_holds() -> None:
    for end, rule in ((0, "FZ302"), (9.9, "FZ302"), (10, "FZ301")):
        scene = Scene()
        scene.ask(0)
        analyzer = scene.fed()
        analyzer.goes_on_until(START + round(end * SECOND))
        story = analyzer.finish()
        [finding] = story.findings
        assert finding.rule.id == rule
        assert (story.last, story.end) == (START, START + round(end * SECOND))
        assert " 0.000" not in finding.detail


def test_without_times_no_answer_is_no_answer() -> None:
    scene = Scene()
    scene.records = [scene.ask(0)._replace(time=None)]
    assert rule_ids(scene.story()) == ["FZ301"]


def test_traffic_that_should_have_repeated_the_question_is_told() -> None:
    scene = Scene()
    scene.ask(0)
    for after, rules in ((1.9, ["FZ301"]), (2.5, ["FZ301", "FZ304"])):
        analyzer = scene.fed()
        analyzer.packet(START + round(after * SECOND), PACKET, frame=9)
        analyzer.packet(START + 20 * SECOND, b"")
        assert rule_ids(analyzer.finish()) == rules


def test_a_repetition_after_the_packet_is_what_a_client_does() -> None:
    scene = Scene()
    scene.ask(0)
    analyzer = scene.fed()
    analyzer.packet(START + 3 * SECOND, PACKET)
    analyzer.record(scene.ask(3.001))
    analyzer.record(scene.answer(3.1))
    assert rule_ids(analyzer.finish()) == ["FZ310"]


def test_silence_until_the_end_is_told_where_all_packets_are_seen() -> None:
    for sees_packets in (True, False):
        quiet, other = Scene(1), Scene(2)
        other.ends = "192.0.2.9:9", "192.0.2.8:8"
        quiet.ask(0)
        quiet.answer(0.1)
        analyzer = quiet.fed()
        if sees_packets:
            analyzer.packet(START + SECOND, PACKET, session=1)
        analyzer.record(other.goodbye(181))
        assert rule_ids(analyzer.finish()) == (["FZ402"] if sees_packets else [])


def test_after_a_goodbye_silence_is_what_one_expects() -> None:
    scene = Scene(1)
    scene.ask(0)
    scene.answer(0.1)
    scene.goodbye(1)
    analyzer = scene.fed()
    analyzer.packet(START + SECOND, PACKET, session=1)
    analyzer.packet(START + 500 * SECOND, PACKET, session=9, ends=("x", "y"))
    assert rule_ids(analyzer.finish()) == []


@pytest.mark.parametrize(
    ("passed", "fastest", "is_outside", "cause"),
    [
        (None, None, False, "is not known"),
        (SECOND, None, True, "does not cover the domain"),
        (10 * SECOND, 5, False, "did not end in its ten seconds"),
        (5, 6, False, "likely no authorization"),
        (7, 6, False, "no authorization, no DNS resource, or"),
        (7, None, False, "no authorization, no DNS resource, or"),
    ],
)
def test_the_time_tells_a_likely_cause(
    passed: int | None, fastest: int | None, is_outside: bool, cause: str
) -> None:
    assert cause in why_inactive(passed, fastest, is_outside=is_outside)


def test_spans_of_time_are_short() -> None:
    assert [seconds(each) for each in (97_000, 24_123_456, 999_999_999, SECOND, 12_040_000_000)] == [
        "0.097 ms", "24.12 ms", "1000 ms", "1.000 s", "12.040 s",
    ]  # fmt: skip
    assert since(Spot(1, None, None), 5) is None
    assert since(Spot(1, 2, None), 5) == 3


def test_only_what_is_sooner_than_any_active_is_called_so() -> None:
    assert "sooner than any Active" in why_inactive(19, 20, is_outside=False)
    assert "sooner" not in why_inactive(20, 20, is_outside=False)
