"""The verb inject: in memory with a virtual clock, and over UDP on loopback as users start it."""

from __future__ import annotations

import fcntl
import json
import re
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fzctl.carriers.base import Received
from fzctl.carriers.memory import MemoryCarrier, VirtualClock, memory_pair
from fzctl.carriers.peer import PeerCarrier
from fzctl.cli.inject import Injection
from fzctl.cli.output import make_output
from fzctl.cli.parser import build_parser
from fzctl.errors import CaptureError, CarrierError
from fzctl.pcap.capture import open_capture
from fzctl.wireguard.keys import encode_key
from tests.cli.conftest import ENVIRONMENT, Run
from tests.cli.tunnels import ADDRESS, PATIENCE, Answer, other_end, silence, write_config
from tests.records import RESOURCE, assigned, goodbye, raw, status
from tests.wireguard.lab import A, B, C

ASKING = ("assigned-ips", "--resource", RESOURCE, "--domain", "example.com", "--ip-count", "4")
SIZE = len(assigned())


class Scene:
    """An injection in memory: the other end answers after ``delay`` seconds of no real time."""

    def __init__(self, *words: str, answer: Answer = silence, delay: float = 0.01) -> None:
        args = build_parser("inject").parse(["-i", "wg0", *words, *ASKING])
        self.clock = VirtualClock()
        self.ours, theirs = memory_pair(self.clock, delay, ("wg0", "far"))
        self.came: list[tuple[float, bytes]] = []
        self.injection = Injection(args, assigned(), make_output(args, None, live=True), self.clock)

        def take(received: Received) -> None:
            self.came.append((self.clock.now, received.packet))
            for packet in answer(received.packet):
                theirs.send(packet)

        theirs.on_packet = take

    def run(self) -> int:
        self.injection.run(self.ours)
        self.injection.report()
        self.ours.receive(1)  # what is still on its way arrives
        return self.injection.exit_code

    @property
    def times(self) -> list[float]:
        return [round(when, 2) for when, _ in self.came]


def after(count: int, *packets: bytes) -> Answer:
    """Answers as soon as so many have come."""
    seen = 0

    def answer(packet: bytes) -> Iterable[bytes]:
        nonlocal seen
        seen += 1
        return packets if seen >= count else ()

    return answer


def test_help_looks_like_this(fzctl: Run, golden: Callable[[str, str], None]) -> None:
    golden(fzctl("inject", "--help").out, "help-inject.txt")


# --- in virtual time ---


def test_messages_leave_at_their_interval_and_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene("-c", "3", "--interval", "0.5", "--goodbye")
    assert scene.run() == 0
    assert scene.times == [0.01, 0.51, 1.01, 1.01]
    assert [packet for _, packet in scene.came] == [assigned()] * 3 + [goodbye()]
    out, err = capsys.readouterr()
    assert out == ""
    line = f"fzctl: sent AssignedIps example.com 100.96.0.1..4 ({SIZE} bytes) to wg0\n"
    assert err == f"{line * 3}fzctl: sent Goodbye (48 bytes) to wg0\nfzctl: 4 packets sent\n"


def test_a_question_is_repeated_as_a_client_does_until_its_answer_comes(
    capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    scene = Scene("--expect", answer=after(3, status("other.example"), status("Example.com.")))
    assert scene.run() == 0
    assert scene.times == [0.01, 2.01, 4.01]
    out, err = capsys.readouterr()
    assert out.endswith(f"Example.com  Active  {RESOURCE}  after 4.02 s\n")
    golden(err + out, "inject-answered.txt")


def test_each_of_many_questions_has_its_answer(capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene("--expect", "-c", "3", "--interval", "0.1", "-T", "jsonl", "-q", answer=after(1, status()))
    assert scene.run() == 0
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [(each["frame"], each["response_time"]) for each in found] == [(2, 0.02), (4, 0.02), (6, 0.02)]
    assert err == ""
    assert scene.times == [0.01, 0.11, 0.21]


def test_no_answer_is_exit_6_and_what_came_instead_is_told(
    capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    came = (
        status("other.example"), raw(1, {"resource": "\x1b[31m"}), goodbye(), raw(9, "x"),
        assigned("a.example"), bytes.fromhex("45000014") + bytes(16),
    )  # fmt: skip
    scene = Scene("--expect", "--timeout", "5", answer=after(2, *came))
    assert scene.run() == 6
    assert scene.times == [0.01, 2.01, 4.01]
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b" not in err
    golden(err, "inject-silence.txt")


def test_a_flood_of_other_messages_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    flood = [status(f"{number}.example") for number in range(500)]
    assert Scene("--expect", "--timeout", "1", answer=after(1, *flood)).run() == 6
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "no answer" in line)
    assert "492 of other sorts" in line
    assert len(line) < 1200


@pytest.mark.parametrize(
    ("options", "times"),
    [
        (("--retry", "0"), [0.01]),
        (("--retry", "2"), [0.01, 2.01, 4.01]),
        (("--timeout", "3"), [0.01, 2.01]),
        ((), [0.01, 2.01, 4.01, 6.01, 8.01]),
    ],
)
def test_retries_and_time_are_limits(options: tuple[str, ...], times: list[float]) -> None:
    scene = Scene("--expect", *options)
    assert scene.run() == 6
    assert scene.times == times


def test_one_unanswered_of_many_is_exit_6(capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene("--expect", "-c", "2", "--timeout", "1", answer=after(2, status()))
    assert scene.run() == 6
    assert "2 packets sent, 1 of 2 questions answered" in capsys.readouterr().err


def test_what_did_not_leave_is_never_called_sent(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(MemoryCarrier):
        def send(self, packet: bytes) -> None:
            raise CarrierError("send on", "wg0", "it is gone")

    scene = Scene("--expect")
    with pytest.raises(CarrierError):
        scene.injection.run(Broken("wg0", scene.clock, 0.0))
    scene.injection.report()
    assert capsys.readouterr().err == "fzctl: no packets sent, 0 of 1 question answered\n"


# --- what is asked for ---


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("-i", "wg0", "assigned-ips", "--resource", RESOURCE, "--domain", "a", "--ip", "1.2.3.4"), "4 or 8"),
        (("-i", "wg0", "--expect", "goodbye"), "nobody answers Goodbye: leave --expect away"),
        (("-i", "wg0", "--expect", "raw", "--kind", "9"), "nobody answers such a message"),
        (("-i", "wg0", "--expect", "raw", "--kind", "0", "--json", "{"), "needs resource and domain"),
        (("-i", "wg0", "--expect", "--dry-run", "goodbye"), "nobody answers Goodbye"),
        (("-i", "wg0", "--timeout", "1", "goodbye"), "--retry and --timeout go with --expect"),
        (("-i", "wg0", "--timeout", "-1", "--expect", "goodbye"), "no number of seconds"),
        (("-i", "wg0", "--retry", "-1", "--expect", "goodbye"), "whole number"),
        (("-i", "wg0", "-c", "0", "goodbye"), "whole number above 0"),
        (("goodbye",), "name one target"),
        (("-i", "wg0", "nonsense"), "invalid choice"),
    ],
)
def test_mistakes_are_told_before_anything_is_opened(
    words: tuple[str, ...], complaint: str, fzctl: Run
) -> None:
    found = fzctl("inject", *words)
    assert (found.code, found.out) == (2, "")
    assert complaint in found.err
    assert found.err.count("\n") == 1


def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    for name in ("socket", "socketpair", "create_connection", "getaddrinfo", "if_nametoindex"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr("fzctl.carriers.sockets.open_socket", refuse)


@pytest.mark.parametrize("front", [True, False])
def test_a_dry_run_shows_all_and_opens_no_socket_and_no_file(
    front: bool,
    fzctl: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[str, str], None],
) -> None:
    path = write_config(tmp_path, 7, mode=0o644)
    no_sockets(monkeypatch)
    written = ("-w", str(tmp_path / "x.pcapng"), "--keylog", str(tmp_path / "x.keys"))
    options = ("--peer", path, *written, "--expect", "-c", "3", "--goodbye", "--dry-run")
    found = fzctl("inject", *(*options, *ASKING) if front else (*ASKING, *options))
    assert found.code == 0
    golden((found.err + found.out).replace(str(tmp_path), "/home/me"), "inject-dry-run.txt")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["wg.conf"]
    interface = fzctl("inject", "-i", "wg0", "--dry-run", "-T", "hex", "goodbye")
    assert (interface.code, interface.out) == (0, goodbye().hex() + "\n")


def test_a_dry_run_needs_no_scapy(shell: Run) -> None:
    """Its import opens sockets, and takes longer than all the rest."""
    script = "import sys; from fzctl.cli.main import main; code = main(sys.argv[1:]); "
    script += "sys.exit(code or 'scapy' in str(list(sys.modules)))"
    words = " ".join(ASKING)
    assert shell(f'{sys.executable} -c "{script}" inject -i wg0 --dry-run --expect {words}').code == 0


# --- on loopback ---


def answers(packet: bytes) -> Iterable[bytes]:
    return [status("other.example"), status()] if packet == assigned() else []


def test_a_message_gets_into_a_tunnel_and_its_answer_out(fzctl: Run, tmp_path: Path) -> None:
    with other_end(answers) as end:
        path = write_config(tmp_path, end.port)
        found = fzctl("inject", "--peer", path, "--expect", "--goodbye", "-T", "jsonl", *ASKING)
        assert end.waits_for(2) == [assigned(), goodbye()]
    assert found.code == 0
    answer = json.loads(found.out)
    assert (answer["name"], answer["direction"], answer["path"]) == ("domain_status", "in", ["wireguard"])
    assert answer["fields"]["domain"] == "example.com"
    assert 0 < answer["response_time"] < 5
    peer = f"peer {ADDRESS}:{end.port}"
    assert found.err == (
        f"fzctl: target: {peer} (WireGuard, {path})\n"
        f"fzctl: sent AssignedIps example.com 100.96.0.1..4 ({SIZE} bytes) to {peer}\n"
        f"fzctl: sent Goodbye (48 bytes) to {peer}\n"
        "fzctl: 2 packets sent, 1 of 1 question answered\n"
    )


@pytest.mark.parametrize("form", ["text", "tree", "json", "hex"])
def test_the_answer_is_shown_in_every_form(form: str, fzctl: Run, tmp_path: Path) -> None:
    with other_end(answers) as end:
        path = write_config(tmp_path, end.port)
        found = fzctl("inject", "--peer", path, "--expect", "-T", form, *ASKING)
    assert found.code == 0
    if form == "hex":
        assert found.out == status().hex() + "\n"
    elif form == "json":
        assert json.loads(found.out)[0]["response_time"] > 0
    else:
        assert re.search(r"after \d+(\.\d+)? (us|ms|s)", found.out)


def test_what_is_written_opens_with_its_own_keys_and_stays_private(fzctl: Run, tmp_path: Path) -> None:
    capture, keys = tmp_path / "x.pcapng", tmp_path / "x.keys"
    with other_end(answers) as end:
        words = ("--peer", write_config(tmp_path, end.port), "-w", str(capture), "--keylog", str(keys))
        assert fzctl("inject", *words, "--expect", "-q", *ASKING).code == 0
    decoded = fzctl("decode", "-T", "jsonl", str(capture))
    found = [json.loads(line) for line in decoded.out.splitlines()]
    assert [(each["name"], each["direction"]) for each in found] == [
        ("assigned_ips", "a>b"), ("domain_status", "b>a"), ("domain_status", "b>a"),
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in (capture, keys)} == {0o600}
    assert encode_key(A.raw) not in decoded.out + decoded.err


def test_a_capture_on_stdout_is_alone_there(tmp_path: Path, shell: Run) -> None:
    with other_end(answers) as end:
        path = write_config(tmp_path, end.port)
        words = " ".join(ASKING)
        found = shell(
            f"$FZCTL inject --peer {path} --expect -w - {words} 2>err | $FZCTL decode -T jsonl - ; cat err"
        )
    names = [json.loads(line)["name"] for line in found.lines if line.startswith("{")]
    assert names == ["assigned_ips", "domain_status", "domain_status"]
    assert "1 of 1 question answered" in found.out


def test_no_answer_on_loopback_is_exit_6(fzctl: Run, tmp_path: Path) -> None:
    with other_end(after(1, status("other.example"))) as end:
        path = write_config(tmp_path, end.port)
        found = fzctl("inject", "--peer", path, "--expect", "--timeout", "0.3", *ASKING)
    assert (found.code, found.out) == (6, "")
    assert f"meanwhile came: 1 DomainStatus for other.example, resource {RESOURCE}\n" in found.err


def test_the_wrong_peer_is_told_with_what_to_do(
    fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PeerCarrier.connect, "__defaults__", (0.5,))
    with other_end(static=C) as end:
        found = fzctl("inject", "--peer", write_config(tmp_path, end.port), "goodbye")
        assert end.packets == []
    assert (found.code, found.out) == (4, "")
    assert "fzctl: no packets sent\n" in found.err
    assert "nothing came back in 0.5 s (WireGuard is silent to strangers)" in found.err
    assert encode_key(B.public) in found.err
    assert "fzctl: sent" not in found.err


def test_no_endpoint_is_told_with_what_to_do(fzctl: Run, tmp_path: Path) -> None:
    found = fzctl("inject", "--peer", write_config(tmp_path, None), "goodbye")
    assert (found.code, found.out) == (4, "")
    assert "no Endpoint in the config says where it is; add one" in found.err


def test_an_unreachable_endpoint_is_told_with_what_to_do(fzctl: Run, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((ADDRESS, 0))
        port = taken.getsockname()[1]
    found = fzctl("inject", "--peer", write_config(tmp_path, port), "goodbye")
    assert (found.code, found.out) == (4, "")
    assert f"cannot connect to peer {ADDRESS}:{port}: nothing listens on that UDP port" in found.err
    found = fzctl("inject", "--peer", write_config(tmp_path, port), "--expect", *ASKING)
    assert "fzctl: no packets sent\n" in found.err


def test_keys_that_others_can_read_are_warned_of_and_never_shown(fzctl: Run, tmp_path: Path) -> None:
    with other_end() as end:
        path = write_config(tmp_path, end.port, mode=0o644)
        found = fzctl("inject", "--peer", path, "goodbye")
        assert end.waits_for(1) == [goodbye()]
    assert found.code == 0
    assert f"fzctl: WARNING: {path}: others can read the keys in it" in found.err
    assert encode_key(A.raw) not in found.err + found.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["connecting", "waiting for the answer", "between two"])
def test_a_signal_at_any_moment_leaves_whole_files_and_exit_0(
    moment: str, number: int, tmp_path: Path
) -> None:
    capture, keys = tmp_path / "x.pcapng", tmp_path / "x.keys"
    with other_end(static=C if moment == "connecting" else B) as end:
        words = ["--peer", write_config(tmp_path, end.port), "-w", str(capture), "--keylog", str(keys)]
        words += ["--expect"] if moment == "waiting for the answer" else ["-c", "9", "--interval", "60"]
        process = subprocess.Popen(
            [sys.executable, "-m", "fzctl", "inject", *words, *ASKING],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if moment == "connecting":
            until(lambda: keys.exists() and capture.exists() and count_frames(capture) > 0)
        else:
            assert end.waits_for(1) == [assigned()]
            # It is there before the program has counted it.
            assert process.stderr is not None
            while "fzctl: sent " not in process.stderr.readline():
                assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "")
    sent = "no packets" if moment == "connecting" else "1 packet"
    tail = ", 0 of 1 question answered" if moment == "waiting for the answer" else ""
    assert err.endswith(f"fzctl: {sent} sent{tail}\n")
    assert "Traceback" not in err
    assert count_frames(capture) >= (1 if moment == "connecting" else 3)
    with open_capture(capture) as opened:
        assert opened.has_secrets()
    assert keys.read_text().endswith("\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_reader_that_reads_nothing_does_not_keep_it_from_ending(number: int, tmp_path: Path) -> None:
    with other_end() as end:
        words = ["--peer", write_config(tmp_path, end.port), "-w", "-", "-c", "100000", "--interval", "0"]
        process = subprocess.Popen(
            [sys.executable, "-m", "fzctl", "inject", *words, "goodbye"],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096,
        )  # fmt: skip
        with process:
            assert process.stdout is not None
            pipe = process.stdout.fileno()
            until(lambda: int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder) > 3800)
            waited = 0.0
            # The first signal waits for the reader, the next one does not, nor the one behind the verb.
            while process.poll() is None and waited < PATIENCE:
                process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                waited += 0.2
            process.kill()
    assert process.returncode in (0, 128 + number)


def count_frames(path: Path) -> int:
    """The whole frames that are there so far."""
    count = 0
    with suppress(CaptureError), open_capture(path) as opened:
        for _ in opened.frames():
            count += 1
    return count


def until(test: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not test():
        assert time.monotonic() < end
        time.sleep(0.02)
