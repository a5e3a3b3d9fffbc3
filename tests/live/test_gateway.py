"""Playing the gateway: rules, delays, losses, wrong answers, Goodbye either way; in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.live import gateway as gateway_module
from fzctl.live.client import Habits
from fzctl.live.gateway import ADDRESSES, Answer, GatewayPlayer, Rules
from fzctl.live.player import (
    CLOSED,
    CONFIRMED,
    FAILED,
    FOREIGN,
    IGNORED,
    LOST,
    NOTE,
    TABLE,
    UNANSWERED,
)
from fzctl.nat.gateway import Resource
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.codec import decode
from tests.live.scenes import OTHER, RESOURCE, WIKI, Scene, answer
from tests.records import assigned, goodbye, hostile_packets, packet, raw, status

GIT = "git.example.com"


def ask(player: GatewayPlayer, domain: str = WIKI, now: float = 0.0, source: str = "a") -> list[str]:
    """The statuses that come back at once."""
    return [
        str(decode(each.packet).fields["status"]) for each in player.receive(assigned(domain), now, source)
    ]


def state(scene: Scene) -> str:
    [exchange] = scene.exchanges
    return exchange.state


def test_without_rules_everything_is_active_and_stands_in_the_table() -> None:
    player = GatewayPlayer()
    assert ask(player) == ["Active"]
    assert {row.target for row in player.tables()["a"]} == {ADDRESSES[0]}
    assert [each.name for each in player.events()] == ["received", TABLE]
    assert ask(player) == ["Active"]
    assert [each.name for each in player.events()] == ["received"]


def test_each_client_has_its_own_table_and_answers_go_to_who_asked() -> None:
    player = GatewayPlayer()
    [first] = player.receive(assigned(WIKI), 0.0, "a")
    [second] = player.receive(assigned(GIT), 0.0, "b")
    assert (first.to, second.to) == ("a", "b")
    assert [player.tables()[each][0].domain for each in "ab"] == [WIKI, GIT]
    assert [each.to for each in player.stop(1.0)] == ["a", "b"]
    assert player.stop(2.0) == []


def test_what_is_not_allowed_is_inactive_at_once_without_a_lookup() -> None:
    rules = Rules(resources=(Resource(OTHER, DomainPattern("**")),), otherwise=Answer(delay=5.0))
    player = GatewayPlayer(rules)
    assert ask(player) == ["Inactive"]
    assert player.next_timeout() is None
    assert any("no authorization" in each.sentence for each in player.events())


def test_what_is_denied_is_inactive_though_everything_else_is_allowed() -> None:
    player = GatewayPlayer(Rules(denied=frozenset({RESOURCE.upper()})))
    assert ask(player) == ["Inactive"]
    other = packet("assigned_ips", resource=OTHER, domain=WIKI, proxy_ips=["100.96.0.1"] * 4)
    assert len(player.receive(other, 0.0, "a")) == 1
    assert player.tables()["a"]


def test_a_domain_that_the_resource_does_not_cover_is_inactive() -> None:
    player = GatewayPlayer(Rules(resources=(Resource(RESOURCE, DomainPattern("*.example.org")),)))
    assert ask(player) == ["Inactive"]
    assert player.tables() == {"a": []}


def test_the_first_answer_that_covers_the_domain_counts() -> None:
    answers = (answer("git.*.com", status="Inactive"), answer("*.example.com", status="none"))
    player = GatewayPlayer(Rules(answers=answers))
    assert ask(player, GIT) == ["Inactive"]
    assert player.tables() == {"a": []}
    assert ask(player, WIKI) == []
    assert len(player.tables()["a"]) == 4
    assert ask(player, "example.org") == ["Active"]
    assert player.counts[LOST] == 1


def test_addresses_of_the_rules_stand_behind_the_proxy_ips() -> None:
    player = GatewayPlayer(Rules(answers=(answer(GIT, addresses=("10.0.0.2", "10.0.0.1")),)))
    ask(player, GIT)
    assert [row.target for row in player.tables()["a"]] == ["10.0.0.1", "10.0.0.2"] * 2


@pytest.mark.parametrize(("delay", "expected"), [(0.25, 0.25), (2.5, 2.5), (9.9, 9.9)])
def test_a_lookup_takes_its_time(delay: float, expected: float) -> None:
    scene = Scene(rules=Rules(otherwise=answer(delay=delay))).run(20)
    assert state(scene) == CONFIRMED
    assert scene.exchanges[0].seconds == pytest.approx(expected, abs=0.01)


def test_a_lookup_of_ten_seconds_is_inactive() -> None:
    scene = Scene(rules=Rules(otherwise=answer(delay=12.0)), habits=Habits(traffic=None)).run(14)
    assert state(scene) == FAILED
    assert scene.exchanges[0].seconds == pytest.approx(10.0, abs=0.01)
    assert scene.gateway.tables() == {"": []}


def test_lookups_that_take_too_long_are_not_held_beyond_their_ten_seconds() -> None:
    player = GatewayPlayer(Rules(otherwise=Answer(delay=3600.0)))
    assert not ask(player)
    assert player.next_timeout() == 10.0
    assert len(player.handle_timeout(10.0)) == 1
    assert player.next_timeout() is None


def test_each_question_is_looked_up_and_answered_for_itself() -> None:
    """There is no throttle: the second question has its own answer."""
    scene = Scene(rules=Rules(otherwise=answer(delay=3.0))).run(8, until_done=False)
    assert [time for time, _ in scene.sent()] == pytest.approx([0.0, 2.0], abs=0.01)
    assert [time for time, _ in scene.answered()] == pytest.approx([3.0, 5.0], abs=0.02)


def test_the_first_answers_are_lost_for_each_client_and_domain() -> None:
    player = GatewayPlayer(Rules(otherwise=answer(lose=1)))
    assert [ask(player, domain, 0.0, who) for who in "ab" for domain in (WIKI, GIT)] == [[]] * 4
    assert ask(player) == ["Active"]
    player.receive(goodbye(), 1.0, "a")
    assert ask(player) == []


def test_losses_by_chance_are_the_same_for_a_seed() -> None:
    def run(seed: int) -> list[int]:
        player = GatewayPlayer(Rules(otherwise=answer(loss=0.5), seed=seed))
        return [len(ask(player)) for _ in range(200)]

    assert run(1) == run(1) != run(2)
    assert 60 < sum(run(1)) < 140


WRONG_ENDS = {
    "resource": UNANSWERED,
    "domain": UNANSWERED,
    "json": UNANSWERED,
    "kind": UNANSWERED,
    "status": FAILED,
    "twice": CONFIRMED,
    "late": CONFIRMED,
}


@pytest.mark.parametrize(("how", "ends"), WRONG_ENDS.items())
def test_what_a_client_makes_of_a_wrong_answer(how: str, ends: str) -> None:
    scene = Scene(rules=Rules(otherwise=answer(wrong=how))).run(30)
    assert state(scene) == ends
    assert any(each.name == NOTE and "wrong" in each.sentence for each in scene.told)
    if ends == UNANSWERED:
        assert scene.names(IGNORED) == [IGNORED] * len(scene.sent())
        assert len(scene.sent()) == 8


def test_a_late_inactive_undoes_a_confirmed_one() -> None:
    scene = Scene(rules=Rules(otherwise=answer(wrong="late"))).run(5)
    assert state(scene) == CONFIRMED
    scene.go_on(1.1, until_done=False)
    assert state(scene) == FAILED


def test_goodbye_drops_the_clients_table_and_no_one_elses() -> None:
    player = GatewayPlayer()
    ask(player, source="a")
    ask(player, source="b")
    player.events()
    assert player.receive(goodbye(), 1.0, "a") == []
    assert list(player.tables()) == ["b"]
    assert [each.name for each in player.events()] == ["received", CLOSED, TABLE]
    assert [each.to for each in player.stop(2.0)] == ["b"]


def test_a_lookup_whose_client_has_left_is_not_answered() -> None:
    player = GatewayPlayer(Rules(otherwise=Answer(delay=1.0)))
    ask(player)
    player.receive(goodbye(), 0.5, "a")
    assert player.handle_timeout(1.0) == []
    assert any("the client is gone" in each.sentence for each in player.events())


@pytest.mark.parametrize("came", [status(), raw(9, b"x"), raw(0, b"{"), raw(3, b"{}")])
def test_what_a_gateway_ignores_is_told_and_not_answered(came: bytes) -> None:
    player = GatewayPlayer()
    assert player.receive(came, 0.0, "a") == []
    assert [each.name for each in player.events()] == ["received", IGNORED]


def test_packets_of_others_are_counted() -> None:
    player = GatewayPlayer()
    for each in (b"", b"\x45", bytes(40), bytes.fromhex("60") + bytes(1400)):
        assert player.receive(each, 0.0, "a") == []
    assert player.counts == {FOREIGN: 4}


def test_hostile_messages_are_answered_at_most_with_what_a_sender_sends() -> None:
    player = GatewayPlayer()
    for each in hostile_packets():
        assert all(decode(sent.packet).accepted for sent in player.receive(each, 0.0, "a"))


SOME = st.sampled_from(
    [
        assigned(WIKI),
        assigned(GIT),
        raw(0, f'["{RESOURCE}","{GIT}",["100.96.0.1"]]'),
        status(WIKI),
        goodbye(),
        raw(9),
        raw(0, "[]"),
    ]
)
STEPS = st.lists(
    st.tuples(st.floats(0, 12), st.sampled_from(["", "a"]), SOME | st.binary(max_size=60)), max_size=30
)
ANSWERS = st.builds(
    answer,
    status=st.sampled_from(["Active", "Inactive", "none"]),
    delay=st.sampled_from([0.0, 1.0, 9.9995, 12.0]),
    loss=st.floats(0, 1),
    lose=st.integers(0, 2),
    wrong=st.none() | st.sampled_from(sorted(WRONG_ENDS)),
)


@given(STEPS, ANSWERS)
def test_no_sequence_of_packets_and_times_makes_it_raise(
    steps: list[tuple[float, str, bytes]], otherwise: Answer
) -> None:
    player = GatewayPlayer(Rules(otherwise=otherwise))
    now = 0.0
    questions = answers = 0
    for pause, source, data in steps:
        now += pause
        due = player.next_timeout()
        if due is not None and due <= now:
            answers += len(player.handle_timeout(now))
        questions += decode(data).accepted
        answers += len(player.receive(data, now, source))
        player.events()
    assert answers <= 2 * questions
    while (due := player.next_timeout()) is not None:
        player.handle_timeout(due)
    player.stop(now)


def test_lost_answers_are_counted_for_a_bounded_number_of_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "_MOST_COUNTED", 2)
    player = GatewayPlayer(Rules(otherwise=Answer(lose=1)))
    for domain in ("a.com", "b.com", "c.com"):
        assert not ask(player, domain)
    assert ask(player, "c.com") == ["Active"]
    assert not ask(player, "a.com")
