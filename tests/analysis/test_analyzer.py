"""The story as a whole: what was done to a run of messages is what the findings say."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.analysis import analyzer as module
from fzctl.analysis.analyzer import Analyzer, analyze
from fzctl.nat.client import State
from fzctl.nat.patterns import DomainPattern
from fzctl.pcap.capture import open_capture
from fzctl.protocol.codec import decode
from fzctl.protocol.packet import build_packet
from fzctl.protocol.ranges import proxy_ips
from fzctl.records import Outer, Record, read_records
from fzctl.tunnel import Tunnel
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import parse_keylog
from tests.analysis.scenario import (
    NET,
    SECOND,
    START,
    WEB,
    Scene,
    message,
    only_connection,
    only_domain,
    rule_ids,
    two_sessions,
    udp,
)

CAPTURES = Path(__file__).parents[2] / "captures"
DOMAINS = ["a.example", "b.example", "c.example"]


class Event(NamedTuple):
    """A message of the run; times are milliseconds."""

    at: int
    is_question: bool
    domain: int
    status: str


@st.composite
def runs(draw: st.DrawFn) -> list[Event]:
    """Domains that are set up and refreshed, answered as a gateway does, then dropped, doubled, delayed."""
    sound = []
    for domain in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, 3000))
        for _ in range(draw(st.integers(1, 4))):
            sound.append(Event(at, True, domain, ""))
            at += draw(st.integers(1, 12_000))
            sound.append(Event(at, False, domain, draw(st.sampled_from(["Active", "Active", "Inactive"]))))
            at += draw(st.integers(1, 5000))
    suffered = []
    for event in sound:
        fate = draw(st.sampled_from(["kept"] * 5 + ["lost", "doubled", "delayed"]))
        if fate == "delayed":
            event = event._replace(at=event.at + draw(st.integers(1, 20_000)))
        if fate != "lost":
            suffered.append(event)
        if fate == "doubled":
            suffered.append(event._replace(at=event.at + draw(st.integers(1, 3000))))
    return sorted(suffered)


def expected(run: list[Event], domain: int) -> set[str]:
    """What follows from the events of one domain, told naively."""
    found, last_status, end = set(), "", max((event.at for event in run), default=0)
    first = last = questions = answers = 0
    is_open = False
    for event in run:
        if event.domain != domain:
            continue
        if event.is_question:
            if not is_open or answers:
                is_open, first, questions, answers = True, event.at, 1, 0
            else:
                questions += 1
                if event.at - last < 1900:
                    found.add("FZ303")
            last = event.at
            continue
        if not is_open:
            found.add("FZ305")
        else:
            answers += 1
            if answers > questions:
                found.add("FZ306")
            if answers == 1 and event.status == "Active" and event.at - first > 2000:
                found.add("FZ310")
        if event.status == "Inactive":
            found |= {"FZ307", "FZ308"} if last_status == "Active" else {"FZ307"}
        elif last_status == "Inactive":
            found.add("FZ309")
        last_status = event.status
    if is_open and not answers:
        found.add("FZ301" if end - first >= 10_000 else "FZ302")
    return found


@given(runs(), st.sampled_from([None, 1]))
def test_findings_follow_from_what_was_done_to_the_messages(run: list[Event], session: int | None) -> None:
    scene = Scene(session)
    for event in run:
        at, domain = event.at / 1000, DOMAINS[event.domain]
        if event.is_question:
            scene.ask(at, domain, event.domain)
        else:
            scene.answer(at, domain, event.status)
    story = scene.story()
    for number, domain in enumerate(DOMAINS):
        found = {each.rule.id for each in story.findings if each.subject.domain == domain}
        assert found == expected(run, number), (run, domain)
    assert {each.subject.domain for each in story.findings} <= set(DOMAINS)


@given(runs())
def test_states_are_those_of_the_last_message(run: list[Event]) -> None:
    scene = Scene()
    for event in run:
        if event.is_question:
            scene.ask(event.at / 1000, DOMAINS[event.domain], event.domain)
        else:
            scene.answer(event.at / 1000, DOMAINS[event.domain], event.status)
    last = {DOMAINS[event.domain]: event for event in run}
    found = {
        each.domain: each.state for connection in scene.story().connections for each in connection.domains
    }
    names = {"": State.PENDING, "Active": State.CONFIRMED, "Inactive": State.FAILED}
    assert found == {domain: names[event.status] for domain, event in last.items()}


any_record = st.builds(
    Record,
    frame=st.integers(1, 50),
    time=st.none() | st.integers(START, START + 30 * SECOND),
    message=st.builds(
        decode,
        st.builds(
            build_packet,
            st.integers(0, 5),
            st.sampled_from([
                b"", b"{}", b"[]",
                f'{{"resource":"{WEB}","domain":"a.b","proxy_ips":["100.96.0.1","::"]}}'.encode(),
                f'["{WEB}","A.b.",["100.96.0.1"]]'.encode(),
                f'{{"resource":"{WEB}","domain":"a.c","proxy_ips":["100.96.0.1"]}}'.encode(),
                f'{{"resource":"{WEB}","domain":"a.b","status":{{"Odd":null}}}}'.encode(),
                f'{{"resource":"{WEB}","domain":"a.b","code":7}}'.encode(),
                b'{"dst":"10.0.0.1","protocol":"icmp"}',
            ]) | st.binary(max_size=20),
            reserved=st.sampled_from([bytes(7), b"1234567"]),
            hop_limit=st.sampled_from([0, 64]),
        ),
        st.sampled_from(["auto", "seed", "current", "next"]),
    ),
    path=st.sampled_from([("raw", "ipv6"), ("ethernet", "turn", "wireguard")]),
    outer=st.none()
    | st.builds(
        Outer, *[st.sampled_from("xy")] * 2, st.none() | st.integers(1, 3), st.none() | st.integers(0, 9)
    ),
    direction=st.sampled_from([None, "a>b", "b>a"]),
    copy_of=st.none() | st.integers(1, 50),
    file=st.sampled_from([None, "f", "g"]),
)  # fmt: skip


@given(st.lists(any_record, max_size=30), st.booleans(), st.binary(max_size=60))
def test_nothing_makes_it_stumble(records: list[Record], merged: bool, packet: bytes) -> None:
    analyzer = Analyzer(
        merged=merged, patterns={None: DomainPattern("*.c")}, tun_device=True, at=START + 5 * SECOND
    )
    for record in records:
        analyzer.record(record)
        analyzer.packet(record.time, packet, frame=record.frame, file=record.file, session=1, ends=("x", "y"))
    story = analyzer.finish()
    assert story.messages == len(records)
    told = sum(sum(each.kinds.values()) + each.copies for each in story.connections)
    assert told <= len(records)


def test_a_sound_run_has_no_findings() -> None:
    scene = Scene(1)
    scene.ask(0)
    scene.answer(0.02)
    scene.ask(60)
    scene.answer(60.02)
    scene.goodbye(61)
    story = scene.story()
    assert story.findings == ()
    assert only_domain(story).state is None
    assert (story.messages, story.first, story.last) == (5, START, START + 61 * SECOND)


def test_records_get_their_exchange() -> None:
    scene = Scene()
    scene.ask(0)
    scene.answer(1)
    analyzer = Analyzer()
    asked, answered = map(analyzer.record, scene.records)
    assert asked is not None
    assert answered is not None
    assert (asked.number, answered.response_to, answered.response_time) == (1, 1, SECOND)


def test_an_exchange_may_span_a_rekey() -> None:
    scene = Scene(1)
    scene.ask(0)
    scene.answer(1, session=2)
    story = scene.story()
    assert story.findings == ()
    assert only_connection(story).sessions == ((None, 1), (None, 2))
    assert only_domain(story).exchanges.things[0].answer_count == 1


def test_after_a_goodbye_a_new_session_is_a_new_connection() -> None:
    scene = Scene(1)
    scene.ask(0)
    scene.answer(1)
    scene.goodbye(2)
    scene.ask(3, session=2)
    scene.answer(4, session=2)
    story = scene.story()
    assert [(each.tunnel, each.number) for each in story.connections] == [(1, 1), (1, 2)]
    assert story.findings == ()


def test_in_plain_a_question_after_goodbye_begins_a_new_connection_and_an_answer_does_not() -> None:
    scene = Scene()
    scene.ask(0)
    scene.answer(1)
    scene.goodbye(2)
    scene.answer(3)
    scene.ask(4)
    scene.answer(5)
    story = scene.story()
    assert [each.number for each in story.connections] == [1, 2]
    assert rule_ids(story) == ["FZ401"]


def test_other_ends_are_another_tunnel() -> None:
    scene = Scene(1)
    scene.ask(0)
    scene.ends = "192.0.2.77:1", "198.51.100.2:51820"
    scene.answer(1, session=2)
    story = scene.story()
    assert len(story.connections) == 2
    assert sorted(rule_ids(story)) == ["FZ302", "FZ305"]


def test_a_copy_counts_once_and_joins_what_is_in_plain_with_its_tunnel() -> None:
    scene = Scene()
    scene.ask(0)
    scene.ask(0.001, session=1, copy_of=1)
    scene.answer(0.1, session=1)
    scene.answer(0.101, copy_of=3)
    story = scene.story(decryptors={None: Decryptor()})
    assert story.findings == ()
    connection = only_connection(story)
    assert (connection.copies, connection.kinds) == (2, {"assigned_ips": 1, "domain_status": 1})


def test_the_moment_is_what_was_true_at_that_time() -> None:
    scene = Scene()
    scene.ask(0)
    scene.answer(1)
    scene.ask(1.5, "b.example", 1)
    scene.answer(3, status="Inactive")
    for at, states in (
        (-1, []),
        (0, [State.PENDING]),
        (1, [State.CONFIRMED]),
        (2, [State.CONFIRMED, State.PENDING]),
        (9, [State.FAILED, State.PENDING]),
    ):
        moment = scene.story(at=START + at * SECOND).moment
        assert moment is not None
        assert [each.state for each in moment] == states
    assert scene.story().moment is None


def test_a_resource_is_held_against_its_pattern() -> None:
    scene = Scene()
    scene.ask(0, "a.b.example")
    scene.answer(0.01, "a.b.example", "Inactive")
    scene.ask(1, "x.example", 1, resource=NET)
    scene.answer(1.01, "x.example", resource=NET)
    story = scene.story(patterns={WEB.upper(): DomainPattern("*.example"), None: DomainPattern("**.example")})
    assert rule_ids(story) == ["FZ311", "FZ307"]
    assert "does not cover" in story.findings[1].detail
    assert "FZ311" not in rule_ids(scene.story(patterns={NET: DomainPattern("*.example")}))


def test_on_the_tun_device_every_message_is_out_of_place() -> None:
    scene = Scene()
    scene.goodbye(0)
    assert rule_ids(scene.story(tun_device=True)) == ["FZ501"]
    assert rule_ids(scene.story()) == []


def test_only_wanted_rules_are_judged() -> None:
    scene = Scene()
    scene.answer(0, status="Inactive")
    assert rule_ids(scene.story(wanted=lambda rule: rule.id == "FZ305")) == ["FZ305"]


def test_traffic_is_counted_by_domain_and_state() -> None:
    scene = Scene()
    scene.ask(0)
    scene.answer(1)
    scene.answer(2, status="Inactive")
    analyzer = Analyzer()
    there, back = udp("100.64.0.1", proxy_ips(4)[2]), udp(proxy_ips(4)[2], "100.64.0.1", 100)
    for record in scene.records:
        analyzer.record(record)
        analyzer.packet(record.time, there, frame=7)
        analyzer.packet(record.time, back)
        analyzer.packet(record.time, udp("100.64.0.1", "9.9.9.9"))
    story = analyzer.finish()
    traffic = only_domain(story).traffic
    assert list(traffic) == ["pending", "confirmed", "failed"]
    assert {
        (each.packets_to, each.bytes_to, each.packets_from, each.bytes_from) for each in traffic.values()
    } == {(1, 60, 1, 100)}
    assert only_connection(story).other_packets == 9
    [lost] = [each for each in story.findings if each.rule.id == "FZ314"]
    assert lost.frames == (7,)


def test_packets_of_a_session_without_messages_belong_to_the_tunnel_of_its_ends() -> None:
    scene = Scene(1)
    scene.ask(0)
    scene.answer(1)
    analyzer = scene.fed()
    packet = udp("100.64.0.1", "100.96.0.1")
    analyzer.packet(START, packet, session=2, ends=(scene.ends[1], scene.ends[0]))
    analyzer.packet(START, packet, session=3, ends=("192.0.2.9:9", "192.0.2.8:8"))
    assert only_domain(analyzer.finish()).traffic["confirmed"].packets_to == 1


def test_where_two_captures_show_one_tunnel_its_packets_count_once() -> None:
    first, second = Scene(1, "x"), Scene(1, "y")
    analyzer = Analyzer(merged=True)
    analyzer.record(first.ask(0))
    analyzer.record(second.ask(0.1, copy_of=1, copy_in="x"))
    for file in ("x", "y"):
        analyzer.packet(START, udp("100.64.0.1", "100.96.0.1"), file=file, session=1)
    assert only_domain(analyzer.finish()).traffic["pending"].packets_to == 1


def test_a_session_from_before_the_goodbye_does_not_begin_anew() -> None:
    for goodbye, connections, rules in ((20, 1, ["FZ401"]), (5, 2, ["FZ302"])):
        decryptor, scene = two_sessions(), Scene(1)
        records = [
            scene.ask(0),
            scene.answer(0.1),
            scene.goodbye(1)._replace(frame=goodbye),
            scene.ask(2, session=2)._replace(frame=25),
        ]
        story = analyze(records, decryptors={None: decryptor})
        assert len(story.connections) == connections
        assert rule_ids(story) == rules


def test_in_plain_a_denial_after_goodbye_begins_no_connection() -> None:
    scene = Scene()
    scene.goodbye(0)
    scene.add(1, message("no_authorization", dst="10.0.0.1", protocol="icmp", dst_port=None), "b>a")
    assert rule_ids(scene.story()) == ["FZ401"]


def test_the_sample_of_a_lost_answer_tells_its_story() -> None:
    with open_capture(str(CAPTURES / "inactive.pcapng")) as capture:
        story = analyze(read_records(capture.candidates()))
    [finding] = story.findings
    assert (finding.rule.id, finding.frames) == ("FZ307", (4,))
    assert (
        finding.detail == "Inactive after 12.040 s: the gateway's DNS lookup did not end in its ten seconds"
    )
    [exchange] = only_domain(story).exchanges.things
    assert (exchange.question_count, exchange.same_bytes, exchange.status) == (2, True, "Inactive")


@pytest.mark.parametrize(
    ("name", "sessions", "relayed"), [("direct", 1, 0), ("rekeyed", 4, 0), ("relayed", 2, 15)]
)
def test_the_encrypted_samples_are_one_connection_each(name: str, sessions: int, relayed: int) -> None:
    decryptor = Decryptor(parse_keylog((CAPTURES / "encrypted" / f"{name}.keys").read_bytes(), "keys"))
    analyzer = Analyzer(decryptors={None: decryptor})
    with open_capture(str(CAPTURES / "encrypted" / f"{name}.pcap")) as capture:
        for record in Tunnel(decryptor, watcher=analyzer.watcher()).records(capture.packets()):
            analyzer.record(record)
    story = analyzer.finish()
    connection = only_connection(story)
    assert (connection.client, len(story.sessions)) == ("a", sessions)
    assert connection.goodbye is not None
    assert connection.goodbye.role == "client"
    assert sum(each.paths["relayed"] for each in story.sessions) == relayed
    assert [each.rekeys for each in story.sessions] == [None, *range(1, sessions)]
    assert {each.rule.id for each in story.findings} <= {"FZ307", "FZ309", "FZ102"}


def test_what_is_remembered_of_single_packets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_JUDGED", 2)
    scene = Scene()
    for number in range(5):
        scene.ask(number, f"{number}.example", number)
    analyzer = scene.fed()
    assert len(analyzer._judged) <= 2
    assert len(only_connection(analyzer.finish()).domains) == 5
