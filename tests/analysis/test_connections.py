"""One connection: its order, its roles, the gateway's table, its end."""

from __future__ import annotations

from fzctl.protocol.ranges import proxy_ips
from tests.analysis.scenario import NET, WEB, Scene, message, only_connection, only_domain, rule_ids
from tests.records import raw


def test_who_asks_is_the_client_and_who_says_goodbye_is_known() -> None:
    scene = Scene(1)
    scene.ask(0)
    scene.answer(0.1)
    scene.goodbye(1, "b>a")
    connection = only_connection(scene.story())
    assert connection.client == "a"
    assert connection.goodbye is not None
    assert (connection.goodbye.role, connection.goodbye.direction) == ("gateway", "b>a")
    assert connection.table == ()


def test_an_answer_shows_the_client_as_well() -> None:
    scene = Scene(1)
    scene.answer(0)
    assert only_connection(scene.story()).client == "a"


def test_in_plain_nobody_is_known() -> None:
    scene = Scene()
    scene.ask(0)
    scene.goodbye(1)
    connection = only_connection(scene.story())
    assert connection.client is None
    assert connection.goodbye is not None
    assert connection.goodbye.role is None


def test_a_message_that_its_receiver_ignores_changes_nothing() -> None:
    scene = Scene(1)
    scene.ask(0)
    scene.answer(0.1)
    scene.answer(0.2, status="Inactive", direction="a>b")
    scene.add(0.3, message("no_authorization", dst="10.0.0.1", protocol="icmp", dst_port=None), "a>b")
    story = scene.story()
    assert rule_ids(story) == ["FZ404", "FZ404"]
    assert only_domain(story).inactive == 0


def test_a_denial_is_told_for_each_address() -> None:
    scene = Scene(1)
    for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
        scene.add(0, message("no_authorization", dst=address, protocol="icmp", dst_port=None), "b>a")
    story = scene.story()
    assert [(each.rule.id, each.times) for each in story.findings] == [("FZ313", 2), ("FZ313", 1)]


def test_after_goodbye_messages_are_late_and_change_nothing() -> None:
    scene = Scene(1)
    scene.ask(0)
    scene.answer(0.1)
    scene.goodbye(1)
    scene.answer(1.1, status="Inactive")
    scene.ask(1.2, "b.example", 1)
    story = scene.story()
    assert rule_ids(story) == ["FZ401", "FZ401"]
    assert only_domain(story).inactive == 0
    assert only_connection(story).after_goodbye == 2


def test_both_sides_may_say_goodbye_but_one_only_once() -> None:
    scene = Scene(1)
    scene.goodbye(1)
    scene.goodbye(1.01, "b>a")
    assert rule_ids(scene.story()) == []
    scene.goodbye(1.02)
    assert rule_ids(scene.story()) == ["FZ401"]


def test_overtaking_shows_in_wireguards_counters() -> None:
    scene = Scene(1)
    scene.ask(0, counter=5)
    scene.ask(1, "b.example", 1, counter=3)
    scene.answer(1.1, counter=1)
    scene.answer(1.2, "b.example", counter=2)
    scene.ask(1.3, "c.example", 2, session=2, counter=0)
    scene.answer(1.4, "c.example", session=2, counter=0)
    story = scene.story()
    assert rule_ids(story) == ["FZ403"]
    assert only_connection(story).reordered == 1
    assert "is 3, after 5" in story.findings[0].detail


def test_a_proxy_ip_of_another_domain_wipes_the_table() -> None:
    scene = Scene()
    scene.ask(0, "a.example", 0)
    scene.ask(0.1, "b.example", 1)
    scene.ask(1, "c.example", 0)
    for domain in ("a.example", "b.example", "c.example"):
        scene.answer(1.1, domain)
    story = scene.story()
    connection = only_connection(story)
    [wipe] = connection.wipes.things
    assert (wipe.proxy_ip, wipe.domain, wipe.before, wipe.rows) == (
        "100.96.0.1",
        "c.example",
        "a.example",
        16,
    )
    assert {row.domain for row in connection.table} == {"c.example"}
    assert [each.is_mapped for each in connection.domains] == [False, False, True]
    [finding] = [each for each in story.findings if each.rule.id == "FZ207"]
    assert finding.frames == (1, 3)


def test_the_same_domain_under_two_resources_shares_its_addresses() -> None:
    scene = Scene()
    for resource, domain in ((NET, "A.example"), (WEB, "a.example")):
        scene.ask(0, domain, resource=resource)
        scene.answer(0.1, domain, resource=resource)
    story = scene.story()
    assert rule_ids(story) == []
    assert len(only_connection(story).domains) == 2


def test_after_a_wipe_a_refresh_of_the_old_domain_wipes_again() -> None:
    scene = Scene()
    for at, domain in ((0, "a.example"), (1, "b.example"), (2, "a.example")):
        scene.ask(at, domain, 0)
        scene.answer(at + 0.1, domain)
    connection = only_connection(scene.story())
    assert len(connection.wipes.things) == 2
    assert {row.domain for row in connection.table} == {"a.example"}


def test_other_proxy_ips_for_the_same_domain_are_told() -> None:
    scene = Scene()
    scene.ask(0, number=0)
    scene.answer(0.1)
    scene.ask(1, number=1)
    scene.answer(1.1)
    assert rule_ids(scene.story()) == ["FZ208"]


def test_a_repetition_with_other_bytes_is_told() -> None:
    scene = Scene()
    scene.ask(0)
    scene.ask(2, ips=proxy_ips(4))
    scene.answer(2.1)
    story = scene.story()
    assert rule_ids(story) == ["FZ312", "FZ310"]
    assert only_domain(story).exchanges.things[0].same_bytes is False


def test_kinds_and_refusals_are_counted() -> None:
    scene = Scene()
    scene.ask(0)
    scene.answer(0.1)
    scene.add(1, raw(1, "{}"), "b>a")
    scene.add(2, raw(9), "b>a")
    connection = only_connection(scene.story())
    assert connection.kinds == {"assigned_ips": 1, "domain_status": 2, "unknown": 1}
    assert connection.refused == {"missing_field": 1, "unknown_event": 1}


def test_cut_application_packets_are_counted_and_belong_to_nobody() -> None:
    scene = Scene()
    scene.ask(0)
    scene.answer(0.1)
    analyzer = scene.fed()
    for packet in (b"", b"E", b"`", b"\0" * 40):
        analyzer.packet(None, packet)
    story = analyzer.finish()
    assert only_connection(story).other_packets == 4
    assert only_domain(story).traffic == {}


def test_a_repetition_may_come_a_little_early_for_the_network_varies() -> None:
    for after, rules in ((1.85, ["FZ303"]), (1.95, [])):
        scene = Scene()
        scene.ask(0)
        scene.ask(after)
        scene.answer(after + 0.01)
        assert rule_ids(scene.story()) == rules
