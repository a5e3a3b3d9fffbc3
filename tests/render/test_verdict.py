"""The verdict says what is wrong first, and where to look."""

from __future__ import annotations

from fzctl.analysis.story import Story
from fzctl.nat.client import State
from fzctl.nat.patterns import DomainPattern
from fzctl.render.verdict import Verdict, last_answer, verdict_on
from tests.analysis.scenario import Scene, only_domain
from tests.records import harmful
from tests.render.analyses import analysis_of, hostile, inactive, with_traffic, working


def verdict_of(scene: Scene, **options: object) -> Verdict:
    return verdict_on(analysis_of(scene.records, **options))  # type: ignore[arg-type]


def test_an_input_without_messages_is_not_called_well() -> None:
    assert verdict_of(Scene()) == Verdict("ignored", "There is no control message in this input.", (), ())


def test_a_domain_that_works_is_well_with_its_slowest_answer() -> None:
    found = verdict_of(working(2))
    assert found.mood == "good"
    assert found.headline == (
        "All is well. Each of the 2 domains that the client asked for works; the slowest answer took 37 ms."
    )
    assert found.look == ()


def test_of_a_clock_that_stepped_back_no_span_is_told() -> None:
    scene = Scene()
    scene.ask(1)
    scene.answer(0.9)
    assert verdict_of(scene).headline == "All is well. The one domain that the client asked for works."


def test_an_inactive_after_ten_seconds_leads_to_the_gateways_dns() -> None:
    found = verdict_of(inactive())
    assert found.mood == "bad"
    assert found.headline.startswith(
        "wiki.example.com does not work: the gateway answered Inactive after 12.040 s"
    )
    assert "DNS lookup" in found.headline
    assert found.look[0].startswith("the DNS servers that the gateway asks for wiki.example.com")


def test_an_inactive_at_once_leads_to_policy_and_address() -> None:
    scene = Scene()
    scene.ask(0)
    scene.answer(0.01, status="Inactive")
    assert "policy" in verdict_of(scene).look[0]
    outside = verdict_of(scene, patterns={None: DomainPattern("*.example.org")})
    assert "does not cover" in outside.headline
    assert "admin portal" in outside.look[0]


def twice(first: str | None, second: str | None) -> Verdict:
    """One domain in two connections, and what it was answered."""
    scene = Scene()
    for start, status in ((0, first), (60, second)):
        scene.ask(start)
        if status is not None:
            scene.answer(start + 0.1, status=status)
        scene.goodbye(start + 30)
    return verdict_of(scene)


def test_a_domain_of_two_connections_is_one_domain() -> None:
    assert "The one domain that the client asked for works" in twice("Active", "Active").headline
    assert "a.example does not work" in twice("Inactive", "Inactive").headline
    assert "a.example was never answered" in twice(None, None).headline


def test_what_the_next_connection_mended_is_not_called_dead() -> None:
    assert twice("Inactive", "Active").headline == (
        "a.example did not work for a while (Inactive), and does again."
    )
    assert "a.example does not work" in twice("Active", "Inactive").headline


def test_lost_packets_are_counted_in_the_verdict() -> None:
    assert "1 packet sent there since then was lost." in verdict_on(with_traffic()).headline


def test_a_question_without_an_answer_is_told() -> None:
    scene = Scene()
    scene.ask(0)
    scene.ask(3)
    scene.ask(20, "b.example", 1)
    scene.answer(20.1, "b.example")
    scene.goodbye(60)
    assert verdict_of(scene).headline.startswith("a.example was never answered: asked 2 times")


def test_beyond_midnight_a_moment_has_its_date() -> None:
    scene = Scene()
    scene.ask(0)
    scene.answer(86_400, status="Inactive")
    scene.goodbye(86_401)
    found = verdict_of(scene)
    assert "around 2026-09-22 14:13:20 UTC" in found.look[0]
    assert found.sentences[-1].endswith("with a Goodbye at 2026-09-22 14:13:21 UTC.")


def test_what_could_not_be_read_is_told() -> None:
    cut = analysis_of(working().records)._replace(problems=("a.pcap ends \x1b[31mearly",))
    assert verdict_on(cut).sentences[1] == "Not all of it could be read: a.pcap ends \\x1b[31mearly."
    assert "could be read" in verdict_on(analysis_of([])._replace(problems=("x",))).sentences[0]


def test_without_times_no_time_is_told() -> None:
    scene = working()
    scene.goodbye(5)
    timeless = analysis_of([each._replace(time=None) for each in scene.records])
    assert verdict_on(timeless).sentences == (
        "Seen: 3 control messages, 1 domain.", "One side ended the connection with a Goodbye.",
    )  # fmt: skip


def test_many_names_are_cut_short() -> None:
    scene = Scene()
    for number in range(5):
        scene.ask(number, f"h{number}.example", number)
        scene.answer(number + 0.1, f"h{number}.example", "Inactive")
    assert verdict_of(scene).headline.startswith("h0.example, h1.example, h2.example and 2 more do not work")


def test_a_status_that_came_back_is_told_and_how_it_ended() -> None:
    scene = Scene(session=1)
    scene.ask(0)
    scene.answer(0.1, status="Inactive")
    scene.ask(1)
    scene.answer(1.1)
    scene.goodbye(2)
    found = verdict_of(scene)
    assert found.headline.startswith("a.example did not work for a while")
    assert found.sentences[-1].startswith("The client ended the connection with a Goodbye")
    assert last_answer(only_domain(story_of(scene))) is State.CONFIRMED


def test_a_message_that_one_end_did_not_see_is_told() -> None:
    scene = Scene(file="a")
    asked, answered = scene.ask(0), scene.answer(0.1)
    copy = asked._replace(frame=1, file="b", copy_of=1, copy_in="a", time=(asked.time or 0) + 1000)
    found = verdict_on(analysis_of([asked, copy, answered], files=("a", "b"), merged=True))
    assert found.mood == "ignored"
    assert "1 is missing somewhere (the first is A#2, missing in B)" in found.headline
    assert found.sentences[0].startswith("Seen: 2 control messages")


def test_what_a_packet_says_is_harmless_in_the_verdict() -> None:
    found = verdict_on(hostile())
    assert harmful(" ".join((found.headline, *found.sentences, *found.look))) == set()


def story_of(scene: Scene) -> Story:
    return analysis_of(scene.records).story
