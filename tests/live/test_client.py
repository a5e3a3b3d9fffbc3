"""Playing the client: what is asked, asked again, given up and ended, in virtual time."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.live.client import ClientPlayer, Habits, Wish
from fzctl.live.gateway import Rules
from fzctl.live.player import CLOSED, CONFIRMED, FAILED, FOREIGN, IGNORED, PENDING, RECEIVED, UNANSWERED
from fzctl.nat.gateway import Resource
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.codec import decode
from fzctl.protocol.packet import build_packet
from tests.live.scenes import OTHER, RESOURCE, WIKI, Scene, answer
from tests.records import assigned, goodbye, hostile_packets, packet, raw, status


def states(scene: Scene) -> list[str]:
    return [each.state for each in scene.exchanges]


def test_a_domain_is_set_up_and_goodbye_said() -> None:
    scene = Scene()
    scene.run(5)
    scene.ours.stop()
    assert states(scene) == [CONFIRMED]
    assert [name for _, name in scene.sent()] == ["assigned_ips", "goodbye"]
    [exchange] = scene.exchanges
    assert (exchange.round, exchange.sent_count) == (1, 1)
    assert exchange.seconds is not None
    assert exchange.proxy_ips[0] == "100.96.0.1"
    assert len(exchange.proxy_ips) == 8


@pytest.mark.parametrize("traffic", [0.1, 0.5, 0.7, 2.0, 3.0])
def test_a_lost_answer_is_asked_for_again_with_the_first_packet_after_two_seconds(traffic: float) -> None:
    scene = Scene(habits=Habits(traffic=traffic), rules=Rules(otherwise=answer(lose=2)))
    scene.run(20)
    again = next(step * traffic for step in range(1, 100) if step * traffic >= 2 - 1e-9)
    expected = [0, again, 2 * again]
    assert [time for time, name in scene.sent() if name == "assigned_ips"] == pytest.approx(
        expected, abs=0.011
    )
    assert states(scene) == [CONFIRMED]
    assert scene.exchanges[0].sent_count == 3


def test_a_repeated_question_is_the_same_byte_for_byte() -> None:
    scene = Scene(rules=Rules(otherwise=answer(lose=2))).run(20)
    assert len({each.packet for each in scene.heard if each.name == "sent"}) == 1


def test_without_traffic_nothing_is_repeated() -> None:
    scene = Scene(habits=Habits(traffic=None), rules=Rules(otherwise=answer(lose=1))).run(60)
    assert [name for _, name in scene.sent()] == ["assigned_ips"]
    assert states(scene) == [UNANSWERED]
    assert scene.clock.now == pytest.approx(15.0, abs=0.01)


def test_what_is_not_answered_is_given_up_and_counts_if_it_comes_late() -> None:
    scene = Scene(habits=Habits(patience=3.0), rules=Rules(otherwise=answer(delay=4.0)))
    scene.run(10)
    assert states(scene) == [UNANSWERED]
    scene.go_on(2.0, until_done=False)
    assert states(scene) == [CONFIRMED]
    assert scene.exchanges[0].seconds == pytest.approx(4.0, abs=0.01)


def test_inactive_is_failed_and_a_late_active_revives_it() -> None:
    scene = Scene(rules=Rules(otherwise=answer(status="Inactive", wrong="late"))).run(5)
    assert states(scene) == [FAILED]
    scene.go_on(1.5, until_done=False)
    assert states(scene) == [CONFIRMED]


def test_a_refresh_asks_anew_each_time() -> None:
    scene = Scene(WIKI, "git.example.com", habits=Habits(refresh=10.0)).run(35, until_done=False)
    asked = [time for time, name in scene.sent()]
    assert asked == pytest.approx([0, 0, 10, 10, 20, 20, 30, 30], abs=0.01)
    assert [(each.round, each.state) for each in scene.exchanges] == [(4, CONFIRMED)] * 2


def test_a_refresh_whose_answer_is_lost_is_asked_again() -> None:
    rules = Rules(otherwise=answer(loss=0.6), seed=3)
    scene = Scene(habits=Habits(refresh=60.0), rules=rules).run(590, until_done=False)
    asked = [time for time, _ in scene.sent()]
    gaps = {round(later - before, 1) for before, later in itertools.pairwise(asked)}
    assert len(asked) > 12
    assert min(gaps) == 2.0
    assert states(scene) == [CONFIRMED]


def test_one_domain_of_two_resources_is_refreshed_for_both() -> None:
    wishes = [Wish(WIKI, RESOURCE), Wish(WIKI.upper(), OTHER), Wish(WIKI + ".", RESOURCE)]
    player = ClientPlayer(wishes, Habits(refresh=10.0))
    sent = player.start(0.0)
    fields = [decode(each.packet).fields for each in sent]
    assert [each["resource"] for each in fields] == [RESOURCE, OTHER]
    assert fields[0]["proxy_ips"] == fields[1]["proxy_ips"]
    for resource in (RESOURCE, OTHER):
        player.receive(packet("domain_status", resource=resource, domain=WIKI, status="Active"), 1.0)
    assert player.is_done
    assert len(player.handle_timeout(10.0)) == 2


def test_spacing_lets_domains_begin_one_after_the_other() -> None:
    scene = Scene(*(f"n{number}.example.com" for number in range(4)), habits=Habits(spacing=0.25)).run(5)
    assert [time for time, _ in scene.sent()] == pytest.approx([0, 0.25, 0.5, 0.75], abs=0.002)


@pytest.mark.parametrize(
    ("stack", "first", "many"),
    [("ipv4", "100.96.0.1", 4), ("ipv6", "fd00:2021:1111:8000::", 4), ("dual", "100.96.0.1", 8)],
)
def test_the_stack_chooses_the_addresses(stack: str, first: str, many: int) -> None:
    player = ClientPlayer([Wish(WIKI, RESOURCE, stack)])
    [sent] = player.start(0.0)
    addresses = decode(sent.packet).fields["proxy_ips"]
    assert (addresses[0], len(addresses)) == (first, many)
    assert [len(player.handle_timeout(step / 2)) for step in range(1, 5)] == [0, 0, 0, 1]


@pytest.mark.parametrize("returns", [False, True])
def test_a_gateways_goodbye_ends_it_or_begins_it_anew(returns: bool) -> None:
    scene = Scene(habits=Habits(returns=returns)).run(5)
    scene.theirs.stop()
    scene.go_on(5, until_done=False)
    assert scene.names(CLOSED) == [CLOSED]
    assert [name for _, name in scene.sent()] == ["assigned_ips"] * (2 if returns else 1)
    assert scene.client.is_done
    assert states(scene) == [CONFIRMED]
    scene.ours.stop()
    assert scene.sent()[-1][1] == ("goodbye" if returns else "assigned_ips")


def test_goodbye_before_the_answer_leaves_it_unanswered() -> None:
    scene = Scene(rules=Rules(otherwise=answer(delay=5.0))).run(1)
    scene.theirs.stop()
    scene.go_on(1)
    assert states(scene) == [UNANSWERED]
    assert scene.client.is_done
    assert scene.client.next_timeout() is None


def test_goodbye_is_said_once_and_only_where_something_was_said() -> None:
    player = ClientPlayer([Wish(WIKI, RESOURCE)])
    assert player.stop(0.0) == []
    player = ClientPlayer([Wish(WIKI, RESOURCE)], Habits(goodbye=False))
    player.start(0.0)
    assert player.stop(1.0) == []
    player = ClientPlayer([Wish(WIKI, RESOURCE)])
    player.start(0.0)
    assert [decode(each.packet).name for each in player.stop(1.0)] == ["goodbye"]
    assert player.stop(2.0) == []
    assert player.handle_timeout(100.0) == []


def test_what_a_client_cannot_send_failed() -> None:
    player = ClientPlayer([Wish("no..domain", RESOURCE), Wish(WIKI, RESOURCE)])
    [sent] = player.start(0.0)
    assert decode(sent.packet).fields["domain"] == WIKI
    assert [each.state for each in player.exchanges()] == [FAILED, PENDING]
    assert any("cannot send this" in each.sentence for each in player.events())


@pytest.mark.parametrize(
    ("came", "why"),
    [
        (assigned(), "a client is not meant to get AssignedIps"),
        (raw(9, b"x"), "receivers ignore it"),
        (raw(1, b"{"), "EOF"),
        (status("nobody.example.com"), "nobody asked for nobody.example.com"),
    ],
)
def test_what_a_client_ignores_is_told(came: bytes, why: str) -> None:
    player = ClientPlayer([Wish(WIKI, RESOURCE)])
    player.start(0.0)
    player.events()
    assert player.receive(came, 1.0) == []
    received, ignored = player.events()
    assert (received.name, ignored.name) == (RECEIVED, IGNORED)
    assert why in ignored.sentence or why == "EOF"
    assert not player.is_done


def test_packets_of_others_are_counted() -> None:
    player = ClientPlayer([Wish(WIKI, RESOURCE)])
    player.start(0.0)
    foreign = bytes.fromhex("4500001c00000000400100000a0000010a000002") + bytes(
        (8, 0, 0xF7, 0xFF, 0, 0, 0, 0)
    )
    for each in (foreign, b"", b"\x60", bytes(2000)):
        assert player.receive(each, 1.0) == []
    assert player.counts[FOREIGN] == 4


def test_hostile_messages_change_nothing() -> None:
    player = ClientPlayer([Wish(WIKI, RESOURCE)])
    player.start(0.0)
    for each in hostile_packets():
        assert player.receive(each, 1.0) == []
    assert [each.state for each in player.exchanges()] == [PENDING]


SOME = st.sampled_from(
    [
        assigned(WIKI),
        status(WIKI),
        status(WIKI, "Inactive"),
        status(WIKI.upper() + "."),
        goodbye(),
        raw(9),
        raw(1, json.dumps({"resource": RESOURCE, "domain": WIKI, "status": {"Active": None}})),
        raw(3, {"dst": "10.0.0.1", "protocol": "icmp"}),
        build_packet(1, b"")[:44],
    ]
)
STEPS = st.lists(st.tuples(st.floats(0, 5), SOME | st.binary(max_size=60)), max_size=30)


@given(STEPS, st.booleans(), st.none() | st.floats(0.5, 5))
def test_no_sequence_of_packets_and_times_makes_it_raise(
    steps: list[tuple[float, bytes]], returns: bool, refresh: float | None
) -> None:
    habits = Habits(returns=returns, refresh=refresh, patience=4.0)
    player = ClientPlayer([Wish(WIKI, RESOURCE), Wish("git.example.com", RESOURCE)], habits)
    now = 0.0
    last: dict[bytes, float] = {}
    sent = player.start(now)
    for pause, data in steps:
        now += pause
        due = player.next_timeout()
        if due is not None and due <= now:
            sent += player.handle_timeout(now)
        sent += player.receive(data, now)
    for each in sent:
        assert decode(each.packet).accepted
        last[each.packet] = each.at
    sent += player.stop(now)
    assert {each.state for each in player.exchanges()} <= {PENDING, CONFIRMED, FAILED, UNANSWERED}
    assert all(each.time <= now for each in player.events())


def test_two_resources_one_of_them_denied() -> None:
    rules = Rules(resources=(Resource(RESOURCE, DomainPattern("*.example.com")),))
    scene = Scene(WIKI, rules=rules, resource=OTHER).run(5)
    assert states(scene) == [FAILED]
