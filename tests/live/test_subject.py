"""The client that is watched: its account of packets and states, and that what is wrong is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.live.subject import PORTAL_TIME, QUERY_AFTER, TRAFFIC_EVERY, Origin, Subject
from fzctl.nat.buffer import CAPACITY, PacketBuffer
from fzctl.nat.client import ClientNat, Effects, State
from fzctl.protocol.codec import decode
from fzctl.protocol.fields import Status
from tests.live.bearing import TARGETS
from tests.records import goodbye, packet, raw

ACTIVE, INACTIVE = Status.ACTIVE, Status.INACTIVE


class Stage:
    """A subject, its clock, and what it sent."""

    def __init__(self, *, silent: bool = False, targets: Any = TARGETS) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, int, bytes]] = []
        self.confirmed: list[int] = []
        self.agenda: list[tuple[float, Callable[[float], None]]] = []
        self.subject = Subject(
            targets,
            lambda index, packet: self.sent.append((self.now, index, packet)),
            lambda seconds, what: self.agenda.append((round(self.now + seconds, 6), what)),
            self.confirmed.append,
            silent=silent,
        )

    def wait(self, until: float) -> None:
        while due := [each for each in self.agenda if each[0] <= until]:
            first = min(due, key=lambda each: each[0])
            self.agenda.remove(first)
            self.now = first[0]
            first[1](self.now)
        self.now = until

    def say(self, status: str, index: int = 0, origin: Origin = Origin(False, 1, 1)) -> None:  # noqa: B008
        target = TARGETS[index]
        self.subject.receive(
            packet("domain_status", resource=target.resource, domain=target.domain.upper(), status=status),
            self.now,
            origin,
        )

    def begin(self, index: int = 0) -> None:
        self.subject.begin(index, self.now)

    @property
    def course(self) -> Any:
        return self.subject.courses[0]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_domain_is_asked_for_once_and_its_packets_wait(stage: Stage) -> None:
    stage.begin()
    assert [decode(sent).name for _, _, sent in stage.sent] == ["assigned_ips"]
    stage.wait(1.5)
    assert len(stage.course.queued) == 2
    stage.say(ACTIVE)
    assert (stage.course.state, stage.course.confirmed_at) == (State.CONFIRMED, 1.5)
    assert (stage.course.released, len(stage.course.queued)) == (2, 0)
    assert stage.confirmed == [0]
    stage.wait(2.5)
    assert stage.course.released == 3
    assert not stage.course.stale


def test_questions_are_repeated_with_traffic_only(stage: Stage) -> None:
    stage.begin()
    stage.wait(6.5)
    assert [time for time, _, _ in stage.sent] == [0, 2, 4, 6]
    silent = Stage(silent=True)
    silent.begin()
    silent.wait(60)
    assert [time for time, _, _ in silent.sent] == [0]


def test_a_query_for_one_domain_updates_the_others_too(stage: Stage) -> None:
    stage.begin()
    stage.agenda.clear()  # no traffic
    stage.wait(2.5)
    stage.begin(1)
    assert [(time, index) for time, index, _ in stage.sent] == [(0, 0), (2.5, 0), (2.5, 1)]


def test_a_failed_domain_is_asked_for_again_by_the_application(stage: Stage) -> None:
    stage.begin()
    stage.say(INACTIVE)
    assert stage.course.lost == 1
    stage.wait(QUERY_AFTER - 0.01)
    assert (len(stage.sent), stage.course.state) == (1, State.FAILED)
    stage.wait(QUERY_AFTER)
    assert (len(stage.sent), stage.course.state, stage.course.exchange) == (2, State.PENDING, 2)


def test_one_that_came_up_meanwhile_is_not_asked_for_again(stage: Stage) -> None:
    stage.begin()
    stage.say(INACTIVE)
    stage.say(ACTIVE)
    stage.wait(2 * QUERY_AFTER)
    assert len(stage.sent) == 1


def test_an_application_that_is_silent_asks_no_more() -> None:
    stage = Stage(silent=True)
    stage.begin()
    stage.say(INACTIVE)
    stage.wait(2 * QUERY_AFTER)
    assert (len(stage.sent), stage.course.state) == (1, State.FAILED)


def test_a_query_after_the_goodbye_asks_no_gateway(stage: Stage) -> None:
    stage.begin()
    stage.subject.end(stage.now)
    stage.subject.query(0, stage.now)
    assert (len(stage.sent), stage.course.state) == (1, None)


def test_a_refresh_begins_an_exchange_and_a_recovery(stage: Stage) -> None:
    stage.begin()
    stage.say(ACTIVE)
    stage.wait(3)
    stage.subject.query(0, stage.now)
    course = stage.course
    assert (course.state, course.exchange, course.since, course.confirmed_at) == (State.PENDING, 2, 3, None)
    stage.wait(3.5)
    assert not course.queued  # a refresh lets packets pass
    stage.say(ACTIVE, origin=Origin(False, 2, 2))
    assert course.confirmed_at == 3.5


def test_a_goodbye_ends_everything_and_the_next_packet_asks_the_portal(stage: Stage) -> None:
    stage.begin()
    stage.wait(0.5)
    stage.subject.receive(goodbye(), stage.now, Origin())
    assert (stage.course.state, stage.course.lost) == (None, 1)
    stage.say(ACTIVE)
    assert stage.course.state is None
    assert not stage.course.after_goodbye
    stage.wait(TRAFFIC_EVERY + PORTAL_TIME)
    assert (len(stage.sent), stage.course.exchange, len(stage.course.queued)) == (2, 2, 1)


@pytest.mark.parametrize(
    "other", [raw(9), raw(1, "{"), b"", b"\x45", packet("no_authorization", dst="10.0.0.1", protocol="icmp")]
)
def test_what_is_no_answer_and_no_goodbye_changes_nothing(other: bytes, stage: Stage) -> None:
    stage.begin()
    before = (stage.course.state, len(stage.course.queued))
    stage.subject.receive(other, stage.now, Origin())
    assert (stage.course.state, len(stage.course.queued)) == before


def test_an_answer_for_another_domain_changes_nothing(stage: Stage) -> None:
    stage.begin()
    other = packet("domain_status", resource=TARGETS[0].resource, domain="else.example", status=ACTIVE)
    stage.subject.receive(other, stage.now, Origin())
    assert stage.course.state is State.PENDING


# --- what is stale ---


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin(), "did not give"),
        (Origin(False, 0, 2), "earlier exchange"),
        (Origin(False, 1, 0), "had overtaken"),
        (Origin(False, 1, 2), None),
    ],
)
def test_who_decided_a_state_is_told(origin: Origin, words: str | None, stage: Stage) -> None:
    stage.begin()
    stage.say(INACTIVE, origin=Origin(False, 1, 1))
    stage.say(ACTIVE, origin=origin)
    assert stage.course.state is State.CONFIRMED
    if words is None:
        assert not stage.course.stale
    else:
        [note] = stage.course.stale
        assert words in note
        assert note.startswith("one.example.com: ")


def test_an_old_answer_that_decides_nothing_is_no_stale_state(stage: Stage) -> None:
    stage.begin()
    stage.say(ACTIVE)
    stage.say(ACTIVE, origin=Origin())
    assert not stage.course.stale


def test_recovery_begins_when_a_domain_ceases_to_be_confirmed(stage: Stage) -> None:
    stage.begin()
    stage.say(ACTIVE)
    stage.wait(3)
    stage.say(INACTIVE)
    assert (stage.course.since, stage.course.confirmed_at) == (3, None)
    stage.wait(8.5)
    stage.say(ACTIVE, origin=Origin(False, 2, 2))
    assert (stage.course.since, stage.course.confirmed_at) == (3, 8.5)


# --- the account of the packets ---

steps = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from((0.5, 1.0, 2.0, 7.0, 40.0))),
    st.tuples(st.just("say"), st.sampled_from((ACTIVE, INACTIVE, "Maybe"))),
    st.tuples(st.just("query"), st.none()),
    st.tuples(st.just("goodbye"), st.none()),
)


@given(st.lists(steps, max_size=12))
def test_whatever_happens_every_packet_is_accounted_for_in_its_order(script: list[tuple[str, Any]]) -> None:
    stage = Stage()
    stage.begin()
    stage.begin(1)
    for what, value in script:
        if what == "wait":
            stage.wait(stage.now + value)
        elif what == "say":
            stage.say("Inactive" if value == "Maybe" else value)
        elif what == "query":
            stage.subject.query(0, stage.now)
        else:
            stage.subject.end(stage.now)
    stage.subject.check_packets()
    for course in stage.subject.courses:
        assert not course.out_of_order
        assert not course.after_goodbye
        waiting = len(course.queued) + len(course.waiting_for_portal)
        assert course.released + course.lost + waiting == len(course.handed)
        assert len(course.queued) <= CAPACITY


def test_a_buffer_that_overflows_loses_the_oldest_and_that_is_right(stage: Stage) -> None:
    stage.begin()
    stage.wait(CAPACITY + 4.5)
    assert (stage.course.lost, len(stage.course.queued)) == (5, CAPACITY)
    stage.say(ACTIVE)
    assert not stage.course.out_of_order


def backwards(self: PacketBuffer) -> tuple[bytes, ...]:
    packets = tuple(reversed(self._packets))
    self._packets.clear()
    return packets


def forgetful(self: PacketBuffer) -> tuple[bytes, ...]:
    self._packets.clear()
    return ()


def too_small(self: PacketBuffer, packet: bytes) -> bytes | None:
    self._packets.append(packet)
    return self._packets.popleft() if len(self._packets) > 1 else None


@pytest.mark.parametrize(
    ("method", "broken", "words"),
    [
        ("drain", backwards, "out of turn"),
        ("drain", forgetful, "still held"),
        ("push", too_small, "although there was room"),
    ],
)
def test_a_buffer_that_does_wrong_is_found(
    method: str, broken: Any, words: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PacketBuffer, method, broken)
    stage.begin()
    stage.wait(2.5)
    stage.say(ACTIVE)
    stage.subject.check_packets()
    assert any(words in note for note in stage.course.out_of_order), stage.course.out_of_order


def test_a_client_that_loses_packets_when_the_nat_is_up_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ClientNat.on_domain_status

    def lossy(self: ClientNat, *arguments: str) -> Effects:
        effects = whole(self, *arguments)
        return Effects(lost=effects.released)

    monkeypatch.setattr(ClientNat, "on_domain_status", lossy)
    stage.begin()
    stage.say(ACTIVE)
    assert any("lost when the NAT was up" in note for note in stage.course.out_of_order)


def test_a_client_that_remembers_beyond_a_goodbye_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClientNat, "clear_by_gateway", lambda self, gateway: Effects())
    stage.begin()
    stage.subject.end(stage.now)
    stage.say(ACTIVE)
    [note] = stage.course.after_goodbye
    assert "after the Goodbye" in note
