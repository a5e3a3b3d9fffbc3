"""The verb replay: in memory with a virtual clock, and over UDP on loopback as users start it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fzctl.carriers.base import Received
from fzctl.carriers.memory import MemoryCarrier, VirtualClock, memory_pair
from fzctl.cli.impairment import impairments_of
from fzctl.cli.parser import build_parser
from fzctl.cli.replay import Replay
from fzctl.errors import CaptureError, CarrierError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.frame import Datagram
from fzctl.pcap.writer import open_writer
from fzctl.records import Record
from fzctl.wireguard.messages import TRANSPORT
from tests.cli.conftest import ENVIRONMENT, ROOT, Run
from tests.cli.test_inject import no_sockets, until
from tests.cli.tunnels import ADDRESS, PATIENCE, Answer, other_end, silence, write_config
from tests.records import TIME, assigned, goodbye, raw, record, status

SECOND = 10**9
KEEPALIVE = 32  # bytes of a transport message without a packet
PACKETS = [assigned("a.example"), status("a.example"), assigned("b.example"), raw(9, "x"), goodbye()]
RECORDS = [record(packet, n, TIME + n * SECOND // 2) for n, packet in enumerate(PACKETS, start=1)]
ENCRYPTED = ROOT / "captures" / "encrypted"


@pytest.fixture
def capture(tmp_path: Path) -> str:
    """PACKETS, half a second apart, as seen on a TUN device: it does not tell the way."""
    path = str(tmp_path / "in.pcapng")
    with open_writer(path) as writer:
        for each in RECORDS:
            writer.write(each.message.packet, each.time)
    return path


def parse(*words: str) -> Namespace:
    return build_parser("replay").parse([*words, "x.pcap", "-i", "wg0"])


class Scene:
    """A replay in memory."""

    def __init__(self, *words: str, answer: Answer = silence, records: list[Record] = RECORDS) -> None:
        args = parse(*words)
        self.clock = VirtualClock()
        self.ours, theirs = memory_pair(self.clock, names=("wg0", "far"))
        self.came: list[tuple[float, bytes]] = []
        self.replay = Replay(args, records, "interface wg0", impairments_of(args), self.clock)

        def take(received: Received) -> None:
            self.came.append((self.clock.now, received.packet))
            for packet in answer(received.packet):
                self.clock.call_at(self.clock.now + 0.1, partial(theirs.send, packet))

        theirs.on_packet = take

    def run(self) -> dict[str, Any]:
        self.replay.run(self.ours)
        self.clock.wait(0)
        return self.replay.counts()

    @property
    def times(self) -> list[float]:
        return [round(when, 3) for when, _ in self.came]

    @property
    def packets(self) -> list[bytes]:
        return [packet for _, packet in self.came]


def gateway(packet: bytes) -> Iterable[bytes]:
    domain = {PACKETS[0]: "a.example", PACKETS[2]: "B.example"}.get(packet)
    return [] if domain is None else [status(domain), goodbye()]


def test_help_looks_like_this(fzctl: Run, golden: Callable[[str, str], None]) -> None:
    golden(fzctl("replay", "--help").out, "help-replay.txt")


# --- in virtual time ---


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ((), [0, 0.5, 1, 1.5, 2]),
        (("-x", "2"), [0, 0.25, 0.5, 0.75, 1]),
        (("--speed", "0.5"), [0, 1, 2, 3, 4]),
        (("--pps", "10"), [0, 0.1, 0.2, 0.3, 0.4]),
        (("--at-once",), [0] * 5),
        (("--loop", "2"), [n / 2 for n in range(10)]),
        (("--loop", "2", "--pps", "10"), [n / 10 for n in range(10)]),
    ],
)
def test_messages_leave_at_their_pace(words: tuple[str, ...], times: list[float]) -> None:
    scene = Scene(*words)
    counts = scene.run()
    assert scene.times == pytest.approx(times, abs=0.001)
    assert scene.packets == PACKETS * (len(times) // 5)
    assert (counts["sent"], counts["messages"]) == (len(times), len(times))


def test_answers_are_counted_with_their_times_and_waited_for_no_longer_than_needed() -> None:
    scene = Scene(answer=gateway)
    counts = scene.run()
    assert (counts["questions"], counts["answered"], counts["other_messages"]) == (2, 2, 2)
    assert counts["response_time"] == {key: pytest.approx(0.1, abs=0.001) for key in ("min", "mean", "max")}
    assert scene.clock.now == pytest.approx(2.0, abs=0.001)


@pytest.mark.parametrize(("words", "end"), [((), 4.0), (("--linger", "0.5"), 2.5), (("--linger", "0"), 2.0)])
def test_answers_that_never_come_are_waited_for_so_long(words: tuple[str, ...], end: float) -> None:
    scene = Scene(*words)
    assert scene.run()["answered"] == 0
    assert scene.clock.now == pytest.approx(end, abs=0.001)


SPOILING = ("--loss", "20%", "--duplicate", "0.2", "--reorder", "20%", "--corrupt", "0.2", "--loop", "40")


def test_a_seed_repeats_a_run_exactly_and_its_counts_add_up() -> None:
    first, second, third = (Scene(*SPOILING, "--pps", "100", "--seed", seed) for seed in ("7", "7", "8"))
    counts = first.run()
    assert counts == second.run() | {"target": counts["target"]}
    third.run()
    assert first.came == second.came != third.came
    assert all(counts[name] for name in ("lost", "duplicated", "reordered", "corrupted"))
    assert counts["sent"] == len(first.came) == 200 - counts["lost"] + counts["duplicated"]
    assert counts["seed"] == 7
    assert sum(packet not in PACKETS for packet in first.packets) >= counts["corrupted"] > 0


def test_what_did_not_leave_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(MemoryCarrier):
        left = 2

        def send(self, packet: bytes) -> None:
            self.left -= 1
            if self.left < 0:
                raise CarrierError("send on", "wg0", "it is gone")

    scene = Scene("-T", "json")
    with pytest.raises(CarrierError):
        scene.replay.run(Broken("wg0", scene.clock, 0.0))
    scene.replay.report()
    out, err = capsys.readouterr()
    counts = json.loads(out)
    assert (counts["sent"], counts["messages"], counts["complete"]) == (2, 5, False)
    assert err.startswith("fzctl: 2 packets sent in 0.5 s\n")


def test_a_report_before_anything_was_sent_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    Scene().replay.report()
    assert capsys.readouterr().err == "fzctl: no packets sent\n"


def test_the_report_looks_like_this(
    capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    scene = Scene(*SPOILING, "--pps", "100", "--seed", "7", "-T", "json", answer=gateway)
    scene.run()
    scene.replay.is_complete = True
    scene.replay.report()
    out, err = capsys.readouterr()
    golden(err + out, "replay.txt")


# --- what is sent, and what not ---


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("-i", "wg0"), "replay needs a capture file"),
        (("x.pcap",), "name one target"),
        (("x.pcap", "-i", "wg0", "-x", "2", "--pps", "3"), "-x, --pps and --at-once are three paces"),
        (("x.pcap", "-i", "wg0", "--at-once", "--pps", "3"), "three paces"),
        (("x.pcap", "-i", "wg0", "-x", "0"), "no number above 0"),
        (("x.pcap", "-i", "wg0", "--pps", "nan"), "no number of 0 or more"),
        (("x.pcap", "-i", "wg0", "--loss", "5"), "write 5% or 0.05"),
        (("x.pcap", "-i", "wg0", "--seed", "5"), "--seed goes with"),
        (("x.pcap", "-i", "wg0", "--loop", "0"), "whole number above 0"),
        (("x.pcap", "-i", "wg0", "-Y", "nonsense"), "nonsense"),
    ],
)
def test_mistakes_are_told_before_anything_is_opened(
    words: tuple[str, ...], complaint: str, fzctl: Run
) -> None:
    found = fzctl("replay", *words)
    assert (found.code, found.out) == (2, "")
    assert complaint in found.err


def test_what_is_read_is_not_overwritten(fzctl: Run, capture: str) -> None:
    before = Path(capture).read_bytes()
    found = fzctl("replay", capture, "-i", "wg0", "-w", capture)
    assert (found.code, Path(capture).read_bytes()) == (2, before)
    assert "would overwrite an input" in found.err


def planned(found: Any) -> list[str]:
    return [line.split()[2] for line in found.lines]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), ["AssignedIps", "DomainStatus", "AssignedIps", "kind", "Goodbye"]),
        (("-Y", "fzp2p.kind == 0"), ["AssignedIps", "AssignedIps"]),
        (("-c", "2"), ["AssignedIps", "DomainStatus"]),
        (("--direction", "a>b"), ["AssignedIps", "AssignedIps"]),
        (("--direction", "b>a"), ["DomainStatus"]),
        (("--direction", "a>b", "-c", "1"), ["AssignedIps"]),
        (("--direction", "a>b", "--loop", "2"), ["AssignedIps"] * 4),
    ],
)
def test_a_dry_run_shows_which_messages_would_leave_and_when_and_opens_no_socket(
    words: tuple[str, ...], names: list[str], fzctl: Run, capture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_sockets(monkeypatch)
    found = fzctl("replay", capture, "-i", "wg0", "--dry-run", "-w", "never.pcapng", *words)
    assert found.code == 0
    assert planned(found) == names
    assert found.lines[0].startswith("+0.000000 ")
    assert f"would send {len(names)} packet" in found.err
    if "--direction" in words:
        assert "the input does not tell the way of" in found.err
        assert "a is the client" in found.err
    if words == ("--direction", "a>b"):
        assert "2 messages left out: nothing tells the way" in found.err
        assert "2 of 5 messages to send, a>b only" in found.err


def test_a_dry_run_shows_what_would_be_spoiled_and_a_run_does_the_same(
    fzctl: Run, capture: str, tmp_path: Path
) -> None:
    words = ("--loss", "30%", "--corrupt", "30%", "--loop", "10", "--at-once", "--seed", "5")
    shown = fzctl("replay", capture, "-i", "wg0", "--dry-run", *words)
    counted = json.loads(fzctl("replay", capture, "-i", "wg0", "--dry-run", "-T", "json", *words).out)
    assert counted["dry_run"] is True
    assert counted["lost"] == sum("(lost)" in line for line in shown.lines) > 0
    assert counted["corrupted"] == sum("(corrupted)" in line for line in shown.lines) > 0
    with other_end() as end:
        path = write_config(tmp_path, end.port)
        found = fzctl("replay", capture, "--peer", path, "-T", "json", "--linger", "0", *words)
        assert len(end.waits_for(counted["sent"])) == counted["sent"]
    assert found.code == 0
    assert {key: json.loads(found.out)[key] for key in ("sent", "lost", "corrupted", "seed")} == {
        key: counted[key] for key in ("sent", "lost", "corrupted", "seed")
    }


def test_the_seed_of_a_run_is_told_where_none_was_given(fzctl: Run, capture: str) -> None:
    words = ("replay", capture, "-i", "wg0", "--dry-run", "--loss", "50%")
    first = fzctl(*words)
    (line,) = (line for line in first.err.splitlines() if "repeats this run" in line)
    seed = line.split()[2]
    assert fzctl(*words, "--seed", seed).out == first.out


def test_nothing_that_matches_is_exit_1_and_opens_nothing(
    fzctl: Run, capture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_sockets(monkeypatch)
    found = fzctl("replay", capture, "-i", "wg0", "-Y", 'fzp2p.domain == "x"')
    assert (found.code, found.out) == (1, "")
    assert "fzctl: nothing matched to send\n" in found.err


def test_an_encrypted_capture_without_its_keys_gets_a_hint_and_with_them_is_sent(
    fzctl: Run, tmp_path: Path
) -> None:
    capture = str(ENCRYPTED / "direct.pcap")
    closed = fzctl("replay", capture, "-i", "wg0")
    assert closed.code == 1
    assert "give a key log with -k" in closed.err
    keys = tmp_path / "direct.keys"
    keys.touch(0o600)
    keys.write_bytes((ENCRYPTED / "direct.keys").read_bytes())
    expected = fzctl("decode", "-T", "hex", "-k", str(keys), capture).out.split()
    with other_end() as end:
        path = write_config(tmp_path, end.port)
        found = fzctl("replay", "-k", str(keys), capture, "--peer", path, "--at-once", "--linger", "0")
        assert [packet.hex() for packet in end.waits_for(len(expected))] == expected
    assert found.code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [((), True), (("--loop", "1000000000", "-c", "2"), True), (("-q",), False), (("--at-once",), False),
     (("--pps", "5"), False), (("-x", "1e12"), False)],
)  # fmt: skip
def test_who_would_wait_for_decades_because_a_clock_was_set_is_told(
    fzctl: Run, tmp_path: Path, words: tuple[str, ...], told: bool
) -> None:
    path = tmp_path / "set.pcap"
    with open_writer(str(path)) as writer:
        for time in (0, TIME):
            writer.write(assigned(), time)
    options = ("--dry-run", *words) if "--loop" not in words else words
    found = fzctl("replay", str(path), "-i", "none0", *options)
    assert ("message 2 leaves" in found.err and "-x, --pps and --at-once take less" in found.err) == told


def test_its_own_ways_count_more_than_the_kinds(fzctl: Run, tmp_path: Path) -> None:
    words = ("-k", str(ENCRYPTED / "direct.keys"), str(ENCRYPTED / "direct.pcap"), "-i", "wg0", "--dry-run")
    found = fzctl("replay", *words, "--direction", "b>a")
    assert found.code == 0
    assert "Goodbye" in planned(found)
    assert "does not tell the way" not in found.err


def test_what_a_broken_input_holds_is_sent_and_its_end_is_exit_3(
    fzctl: Run, capture: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pcapng"
    broken.write_bytes(Path(capture).read_bytes()[:-20])
    with other_end() as end:
        path = write_config(tmp_path, end.port)
        found = fzctl("replay", str(broken), "--peer", path, "--at-once", "--linger", "0")
        assert end.waits_for(4) == PACKETS[:4]
    assert found.code == 3
    assert "broken.pcapng" in found.err
    assert "4 packets sent" in found.err
    assert fzctl("replay", str(tmp_path / "none"), "-i", "wg0").code == 3


# --- on loopback ---


def test_a_replay_gets_into_a_tunnel_and_its_answers_are_counted(
    fzctl: Run, capture: str, tmp_path: Path
) -> None:
    written = tmp_path / "out.pcapng"
    with other_end(gateway) as end:
        path = write_config(tmp_path, end.port)
        words = ("--peer", path, "-x", "20", "-T", "json", "-w", str(written))
        found = fzctl("replay", "-r", capture, *words)
        assert end.waits_for(5) == PACKETS
    assert found.code == 0
    counts = json.loads(found.out)
    assert counts["target"] == f"peer {ADDRESS}:{end.port} (WireGuard, {path})"
    assert (counts["sent"], counts["questions"], counts["answered"]) == (5, 2, 2)
    assert counts["complete"] is True
    assert counts["seed"] is None
    assert "fzctl: 5 packets sent in 0.1" in found.err
    assert "fzctl: 2 of 2 questions answered (" in found.err
    names = [json.loads(line)["name"] for line in fzctl("decode", "-T", "jsonl", str(written)).lines]
    assert names.count("assigned_ips") == 2
    assert names.count("domain_status") == 3


def test_a_peer_that_is_not_there_is_exit_4_and_nothing_was_sent(
    fzctl: Run, capture: str, tmp_path: Path
) -> None:
    found = fzctl("replay", capture, "--peer", write_config(tmp_path, 9), "-T", "json")
    assert found.code == 4
    assert json.loads(found.out)["sent"] == 0
    assert "fzctl: no packets sent\n" in found.err
    assert "nothing listens on that UDP port" in found.err


def test_a_signal_ends_a_replay_with_whole_files_counts_and_exit_0(capture: str, tmp_path: Path) -> None:
    written = tmp_path / "out.pcapng"
    with other_end(lambda _: [goodbye()]) as end:
        words = ["--peer", write_config(tmp_path, end.port), "-w", str(written), "-T", "json"]
        process = subprocess.Popen(
            [sys.executable, "-m", "fzctl", "replay", capture, "--speed", "0.001", *words],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        # What it receives, it looks at when what it sent is counted.
        until(lambda: has_received(written, f"{ADDRESS}:{end.port}"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, end.packets) == (0, PACKETS[:1])
    counts = json.loads(out)
    assert (counts["sent"], counts["complete"]) == (1, False)
    assert "fzctl: 1 packet sent\n" in err
    with open_capture(written) as opened:
        assert sum(1 for _ in opened.frames()) >= 3


def has_received(path: Path, other: str) -> bool:
    """Stands a packet from the other end in the capture of the tunnel?"""
    with suppress(CaptureError), open_capture(path) as capture:
        return any(
            each.src == other and each.size > KEEPALIVE and each.data[each.start] == TRANSPORT
            for each in capture.packets()
            if isinstance(each, Datagram)
        )
    return False
