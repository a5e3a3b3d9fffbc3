"""From inputs to analyses: one after another, merged, shifted, filtered, interrupted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from fzctl.analysis import bounded
from fzctl.analysis.ladder import Analysis, Flow, Sent
from fzctl.cli import analysing
from fzctl.cli.analysing import Analysing
from fzctl.cli.analysisoptions import add_analysis_arguments
from fzctl.cli.parser import Parser, add_common_arguments
from fzctl.errors import UsageError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.writer import open_writer
from fzctl.records import Record
from tests.analysis.scenario import rule_ids, udp
from tests.cli.conftest import Run
from tests.records import RESOURCE, assigned, goodbye, status

SAMPLES = Path(__file__).parents[2] / "captures"
SECOND = 10**9
START = 1_790_000_000 * SECOND
OTHER = assigned("b.example", "100.96.0.5", "100.96.0.6", "100.96.0.7", "100.96.0.8")
INSIDE, PROXY = "100.64.0.7", "100.96.0.1"


def parse(*options: str) -> Namespace:
    parser = Parser()
    add_common_arguments(parser)
    add_analysis_arguments(parser)
    return parser.parse(["-q", *options])


def analysed(*options: str, at: str | None = None) -> list[Analysis]:
    return list(Analysing(parse(*options), at=at, most_rungs=100).analyses())


def capture(path: Path, *packets: tuple[float, bytes]) -> str:
    with open_writer(str(path), link_type=101) as writer:
        for at, packet in packets:
            writer.write(packet, START + round(at * SECOND))
    return str(path)


def encrypted(name: str) -> list[str]:
    keys = SAMPLES / "encrypted" / f"{name}.keys"
    return ["-k", str(keys), str(SAMPLES / "encrypted" / f"{name}.pcap")]


def test_each_input_is_a_world_of_its_own() -> None:
    first, second = analysed(str(SAMPLES / "setup.pcapng"), str(SAMPLES / "inactive.pcapng"))
    assert [len(first.files), len(second.files)] == [1, 1]
    assert rule_ids(first.story) == []
    assert rule_ids(second.story) == ["FZ307", "FZ314"]


def test_packets_in_plain_are_counted_by_what_the_nat_was() -> None:
    [found] = analysed(str(SAMPLES / "inactive.pcapng"))
    [domain] = found.story.connections[0].domains
    assert {phase: each.packets_to for phase, each in domain.traffic.items()} == {"pending": 1, "failed": 1}
    assert [type(rung) for rung in found.rungs.things] == [Sent, Flow, Sent, Sent, Flow]


def test_packets_before_the_first_message_belong_to_nothing(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.pcap", (0, udp(INSIDE, PROXY)), (1, assigned()), (2, udp(INSIDE, PROXY)))
    [found] = analysed(path)
    assert found.story.first == START + SECOND
    assert found.story.connections[0].other_packets == 1


def test_traffic_of_others_tells_that_there_was_time_for_an_answer(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.pcap", (0, assigned()), (59, udp("10.0.0.1", "10.0.0.2")))
    [found] = analysed(path)
    assert rule_ids(found.story) == ["FZ301"]
    assert (found.story.last, found.story.end) == (START, START + 59 * SECOND)
    [shifted] = analysed(path, "--offset", f"{path}=5")
    assert shifted.story.end == START + 64 * SECOND


def test_an_encrypted_capture_ends_with_its_last_datagram() -> None:
    options = encrypted("direct")
    with open_capture(options[-1]) as packets:
        *_, last = packets.frames()
    assert [each.story.end for each in analysed(*options)] == [last.time]


def test_an_encrypted_capture_tells_its_sessions_and_the_handshake_is_the_beginning() -> None:
    [found] = analysed(*encrypted("rekeyed"))
    assert [session.rekeys for session in found.story.sessions] == [None, 1, 2, 3]
    assert found.story.first == found.story.sessions[0].time
    assert found.story.connections[0].other_packets > 0


def test_of_a_relayed_tunnel_each_message_is_one_rung_with_its_copy() -> None:
    [found] = analysed(*encrypted("relayed"))
    sent = [rung for rung in found.rungs.things if isinstance(rung, Sent)]
    assert len(sent) == 8
    assert [len(rung.copies) for rung in sent] == [1] * 8


def two_ends(folder: Path) -> tuple[str, str]:
    """A tunnel from its client and from its gateway, whose clock is 5 s ahead; the second answer is lost."""
    client = capture(
        folder / "client.pcap",
        (0, assigned()), (0.5, udp(INSIDE, PROXY)), (1, status()), (1.5, udp(INSIDE, PROXY)),
        (2, OTHER),
    )  # fmt: skip
    gateway = capture(
        folder / "gateway.pcap",
        (5.01, assigned()), (5.99, status()), (6.51, udp(INSIDE, PROXY)),
        (7.01, OTHER),
        (7.5, status("b.example")),
    )  # fmt: skip
    return client, gateway


def test_two_ends_of_a_tunnel_are_one_story_once_their_clocks_agree(tmp_path: Path) -> None:
    client, gateway = two_ends(tmp_path)
    [found] = analysed("--merge", client, gateway, "--offset", f"{gateway}=-5")
    assert found.files == (client, gateway)
    [connection] = found.story.connections
    assert connection.copies == 3
    assert connection.kinds == {"assigned_ips": 2, "domain_status": 2}
    sent = [rung for rung in found.rungs.things if isinstance(rung, Sent)]
    assert [(rung.record.file, len(rung.copies)) for rung in sent] == [
        (client, 1), (gateway, 1), (client, 1), (gateway, 0),
    ]  # fmt: skip


def test_packets_of_merged_captures_wait_for_the_messages_of_the_others(tmp_path: Path) -> None:
    client, gateway = two_ends(tmp_path)
    [found] = analysed("--merge", client, gateway, "--offset", f"{gateway}=-5")
    traffic = found.story.connections[0].domains[0].traffic
    # In the client's own capture; the gateway's copy of the second one is not counted again.
    assert {phase: each.packets_to for phase, each in traffic.items()} == {"pending": 1, "confirmed": 1}


def test_without_merge_the_same_files_are_two_stories(tmp_path: Path) -> None:
    assert [each.story.messages for each in analysed(*two_ends(tmp_path))] == [3, 4]


@pytest.mark.parametrize(
    ("at", "states"),
    [
        ("+1", ["pending"]),
        ("#3", ["pending"]),
        ("#4", ["failed"]),
        ("2026-11-22T12:43:30Z", ["failed"]),
        ("1", []),
    ],
)
def test_the_state_at_a_moment(at: str, states: list[str]) -> None:
    [found] = analysed(str(SAMPLES / "inactive.pcapng"), at=at)
    assert found.asked == at
    assert [each.state and each.state.value for each in found.story.moment or ()] == states


def test_a_filter_and_a_count_choose_messages(tmp_path: Path) -> None:
    path = str(SAMPLES / "inactive.pcapng")
    [found] = analysed("-Y", "fzp2p.kind == 0", path)
    assert found.story.connections[0].kinds == {"assigned_ips": 2}
    assert [each.story.messages for each in analysed("-c", "4", path, path)] == [3, 1]
    [answered] = analysed("-Y", "fzp2p.response_in", path)
    assert answered.story.messages == 2


def test_patterns_find_domains_that_a_resource_does_not_cover() -> None:
    path = str(SAMPLES / "setup.pcapng")
    for pattern in ("*.example.org", f"{RESOURCE.upper()}=*.example.org"):
        [found] = analysed("--pattern", pattern, path)
        assert rule_ids(found.story) == ["FZ311"]
    [fine] = analysed("--pattern", "*.example.org", "--pattern", f"{RESOURCE}=**.example.com", path)
    assert rule_ids(fine.story) == []


def test_on_firezones_own_interface_a_message_is_a_finding() -> None:
    [found] = analysed("--tun", str(SAMPLES / "setup.pcapng"))
    assert rule_ids(found.story) == ["FZ501"]


def test_a_broken_input_costs_only_itself(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(Path(encrypted("direct")[-1]).read_bytes()[:900])
    inputs = Analysing(parse(*encrypted("direct"), str(broken)), most_rungs=9)
    first, second = inputs.analyses()
    assert (first.story.messages, first.problems) == (10, ())
    assert second.problems == tuple(inputs.problems)
    assert inputs.exit_code == 3
    assert len(inputs.problems) == 1


def test_ctrl_c_keeps_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = Analysing(parse(str(SAMPLES / "setup.pcapng")), most_rungs=9)
    whole = inputs.records_of

    def two_and_stop(source: str) -> Iterator[Record]:
        yield from islice(whole(source), 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(inputs, "records_of", two_and_stop)
    analyses = inputs.analyses()
    assert next(analyses).story.messages == 2
    with pytest.raises(KeyboardInterrupt):
        next(analyses)


def test_few_packets_wait_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(analysing, "MOST_WAITING", 2)
    flood = [(1 + number / 100, udp(INSIDE, PROXY)) for number in range(50)]
    client = capture(tmp_path / "a.pcap", (0, assigned()), *flood, (3, goodbye()))
    other = capture(tmp_path / "b.pcap", (0.5, status()))
    [found] = analysed("--merge", client, other)
    assert found.story.connections[0].other_packets == 50


def test_without_inputs_it_asks_for_one() -> None:
    with pytest.raises(UsageError, match="no capture file"):
        Analysing(parse())


@pytest.mark.parametrize("verb", ["analyze", "check", "stats"])
def test_too_many_domains_end_it_with_what_came_before(
    verb: str, fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded.Room.__init__, "__defaults__", (3,))
    path = capture(tmp_path / "a.pcap", *[(place, status(f"d{place}.example")) for place in range(9)])
    found = fzctl(verb, path)
    assert found.code == 3
    assert "more than 3 domains and connections: what comes from frame" in found.err
    if verb != "check":
        assert "d1.example" in found.out
        assert "d4.example" not in found.out


def test_of_a_packet_that_waits_for_other_captures_the_header_is_kept() -> None:
    class Waiting:
        def waits(self) -> bool:
            return True

    file = analysing._File(Waiting(), None, 0)  # type: ignore[arg-type]
    for frame in range(3):
        file._deliver(START, udp(INSIDE, PROXY) + bytes(60_000), frame=frame)
    assert [len(packet) for _, packet, _ in file._waiting] == [40] * 3
