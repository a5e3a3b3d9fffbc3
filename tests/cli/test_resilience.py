"""``resilience``: the matrix, simulated and over a tunnel on loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.carriers.peer import PeerCarrier
from fzctl.errors import EXIT_CARRIER, EXIT_DONE, EXIT_NEGATIVE, EXIT_USAGE
from fzctl.live.gateway import Answer, Rules
from fzctl.live.scenarios import SCENARIOS
from fzctl.protocol.fields import Status
from tests.cli.conftest import ENVIRONMENT, Run
from tests.live.loop import gateway_on_loopback
from tests.records import RESOURCE

QUICK = Rules(otherwise=Answer(delay=0.001))


def test_help_looks_like_this(fzctl: Run, golden: Callable[[str, str], None]) -> None:
    golden(fzctl("resilience", "--help").out, "help-resilience.txt")


def test_without_options_everything_is_tried_against_a_simulated_gateway(
    fzctl: Run, golden: Callable[[str, str], None]
) -> None:
    result = fzctl("resilience", "--runs", "20")
    assert (result.code, result.err) == (EXIT_DONE, "")
    assert result.lines[0] == "a simulated gateway, 20 runs of 3 domains each, seed 0"
    golden(result.out, "resilience.txt")


def test_a_seed_repeats_a_run_to_the_last_letter_and_another_one_does_not(fzctl: Run) -> None:
    command = ["resilience", "--select", "loss", "--runs", "10", "-T", "json", "--seed"]
    first, again, other = (json.loads(fzctl(*command, seed).out) for seed in ("4", "4", "-5"))
    assert first == again
    assert first["scenarios"] != other["scenarios"]
    assert (first["seed"], other["seed"]) == (4, -5)


def test_json_says_what_was_expected_and_seen(fzctl: Run) -> None:
    result = fzctl("resilience", "--select", "late-inactive", "--runs", "3", "--domains", "2", "-T", "json")
    found = json.loads(result.out)
    assert (result.code, found["simulated"], found["gateway"], found["ok"]) == (0, True, "simulated", True)
    [row] = found["scenarios"]
    assert (row["verdict"], row["runs"], row["domains"]) == ("known_weakness", 3, 6)
    assert row["weak"] == ["no_stale_state"]
    assert row["seen"]["no_stale_state"]["failed"] == 3
    assert row["seen"]["set_up"] == {"held": 3, "failed": 0, "undecided": 0, "notes": []}


def test_verbose_tells_what_the_rules_say_of_every_row(fzctl: Run) -> None:
    out = fzctl("resilience", "-v", "--select", "calm", "--runs", "1", "--domain", "Wiki.example.com").out
    assert "1 run of 1 domain each" in out
    assert "    rule: one question and one answer\n    seen: everything held in every run\n" in out


def test_list_tells_about_the_scenarios_and_tries_none(fzctl: Run) -> None:
    out = fzctl("resilience", "--list", "--select", "goodbye", "--select", "loss").out
    assert out.startswith("loss-5\n    done: 5 % of the messages are lost, either way\n")
    found = json.loads(fzctl("resilience", "--list", "-T", "json").out)
    assert len(found["scenarios"]) == len(SCENARIOS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--select", "nothing\x1b"], "there is no scenario 'nothing\\x1b' (--list names them)"),
        (["--runs", "0"], "'0' is no whole number above 0"),
        (["--seed", "x"], "'x' is no whole number"),
        (["--seed", "9" * 30], "no whole number of up to 18 digits"),
        (["--domains", "1001"], "--domains goes up to 1000"),
        (["--domains", "2", "--domain", "a"], "give either --domains N or --domain NAME"),
        (["--domain", "a..b"], "empty label"),
        (["--resource", "x"], "argument --resource: "),
        (["--timeout", "5"], "--timeout goes with -i or --peer"),
        (["--timeout", "0"], "'0' is no number from"),
        (["--timeout", "nan"], "'nan' is no number from"),
        (["--dry-run"], "name one target: -i IFACE or --peer WG.conf"),
        (["--keylog", "k"], "name one target"),
        (["-i", "wg0", "--peer", "wg.conf"], "name one target"),
        (["-i", "wg0", "-w", "-"], "stdout is for the matrix; give -w a file"),
        (["-i", "wg0", "--select", "corrupt"], "for a simulated gateway only"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: list[str], words: str, fzctl: Run) -> None:
    result = fzctl("resilience", *arguments)
    assert (result.code, result.out) == (EXIT_USAGE, "")
    assert words in result.err
    assert result.err.count("\n") == 1


# --- over a tunnel ---


def live(fzctl: Run, tmp_path: Path, rules: Rules, *arguments: str) -> tuple[int, str, str]:
    with gateway_on_loopback(rules) as tunnel:
        return fzctl("resilience", "--peer", tunnel.config(tmp_path), "--runs", "1", *arguments)


def test_a_gateway_behind_a_tunnel_is_named_before_anything_is_sent(fzctl: Run, tmp_path: Path) -> None:
    names = ["--select", "calm", "--select", "question-lost", "--select", "corrupt", "--domain", "a.example"]
    code, out, err = live(fzctl, tmp_path, QUICK, *names)
    assert code == EXIT_DONE
    assert err.startswith("fzctl: target: peer 127.0.0.1:")
    assert err.count("\n") == 1
    lines = out.splitlines()
    assert lines[0].startswith("peer 127.0.0.1:")
    assert lines[0].endswith("1 run of 1 domain each, seed 0")
    assert [line.split()[:2] for line in lines[3:5]] == [["calm", "held"], ["corrupt", "not"]]
    assert "why: a simulated gateway only" in out
    assert "question-lost  held              100 %    2." in out
    assert "2 held, 0 broken, 1 not run" in out


def test_a_gateway_that_says_no_is_broken_and_the_exit_code_says_so(fzctl: Run, tmp_path: Path) -> None:
    rules = Rules(otherwise=Answer(status=Status.INACTIVE))
    code, out, _ = live(fzctl, tmp_path, rules, "--select", "calm", "--timeout", "0.5")
    assert code == EXIT_NEGATIVE
    assert "BROKEN" in out
    assert "AGAINST THE RULES" in out
    assert "the gateway said Inactive" in out.replace("\n          ", " ")


def test_a_gateway_that_is_mute_is_no_success_and_nothing_more_is_tried(fzctl: Run, tmp_path: Path) -> None:
    rules = Rules(otherwise=Answer(status="none"))
    code, out, _ = live(fzctl, tmp_path, rules, "--timeout", "0.3", "-T", "json")
    found = json.loads(out)
    assert (code, found["ok"]) == (EXIT_NEGATIVE, False)
    assert [row["verdict"] for row in found["scenarios"]] == [
        "undecided",
        *["not_run"] * (len(SCENARIOS) - 1),
    ]


def test_the_traffic_is_recorded_with_its_keys(fzctl: Run, tmp_path: Path) -> None:
    capture = tmp_path / "traffic.pcapng"
    live(fzctl, tmp_path, QUICK, "--select", "calm", "--domains", "1", "-w", str(capture))
    shown = fzctl("decode", "-T", "fields", "-e", "fzp2p.kind", "-e", "fzp2p.status", str(capture)).out
    assert [line.split() for line in shown.splitlines()] == [["0"], ["1", "Active"]]


def test_a_dry_run_shows_everything_and_sends_nothing(fzctl: Run, tmp_path: Path) -> None:
    nobody = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    nobody.bind(("127.0.0.1", 0))
    nobody.setblocking(False)
    with gateway_on_loopback(QUICK) as tunnel:
        config = tunnel.config(tmp_path)
    text = Path(config).read_text().replace(f":{tunnel.port}", f":{nobody.getsockname()[1]}")
    Path(config).write_text(text)
    result = fzctl("resilience", "--peer", config, "--dry-run", "--select", "calm", "--select", "corrupt")
    assert result.code == EXIT_DONE
    assert "target: peer 127.0.0.1:" in result.err
    assert "would run calm, 3 times each; nothing is sent (dry run)" in result.err
    assert [f"host{number}.example.com" in line for number, line in enumerate(result.lines, start=1)] == [
        True
    ] * 3
    assert RESOURCE in result.out
    with nobody, pytest.raises(BlockingIOError):
        nobody.recv(9)


def test_a_tunnel_that_does_not_come_about_is_told_with_its_own_exit_code(
    fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gateway_on_loopback(QUICK) as tunnel:
        config = tunnel.config(tmp_path)
    result = fzctl("resilience", "--peer", config)
    assert (result.code, result.out) == (EXIT_CARRIER, "")
    assert "cannot connect to peer 127.0.0.1:" in result.err
    result = fzctl("resilience", "-i", "no-such-device")
    assert (result.code, result.out) == (EXIT_CARRIER, "")
    assert "no-such-device" in result.err


@pytest.mark.parametrize("form", ["text", "json"])
def test_ctrl_c_prints_what_was_seen_so_far(
    form: str, fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = 0
    send = PeerCarrier.send

    def impatient(self: PeerCarrier, packet: bytes) -> None:
        nonlocal sent
        sent += 1
        if sent == 3:
            raise KeyboardInterrupt
        send(self, packet)

    monkeypatch.setattr(PeerCarrier, "send", impatient)
    names = ["--select", "calm", "--select", "answer-lost", "--domains", "1"]
    code, out, err = live(fzctl, tmp_path, QUICK, *names, "-T", form)
    assert code == EXIT_DONE
    assert "Traceback" not in err
    if form == "json":
        assert [row["name"] for row in json.loads(out)["scenarios"]] == ["calm"]
    else:
        assert "1 held, 0 broken" in out


def test_a_tunnel_that_breaks_keeps_what_was_seen(
    fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = 0
    send = PeerCarrier.send

    def breaking(self: PeerCarrier, packet: bytes) -> None:
        nonlocal sent
        sent += 1
        if sent == 2:
            self.close()
        send(self, packet)

    monkeypatch.setattr(PeerCarrier, "send", breaking)
    names = ["--select", "calm", "--select", "answer-lost", "--domains", "1"]
    code, out, err = live(fzctl, tmp_path, QUICK, *names)
    assert code == EXIT_CARRIER
    assert "1 held, 0 broken" in out
    assert "it is closed" in err


def test_no_scapy_and_no_rich_is_needed() -> None:
    code = (
        "import sys; from fzctl.cli.main import main; main(['resilience', '--runs', '1']);"
        "assert not {'scapy', 'rich', 'cryptography', 'dataclasses'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, check=True, capture_output=True, timeout=60)
