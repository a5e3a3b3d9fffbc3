"""The verb respond: its rules and screens in virtual time, and real clients over loopback."""

from __future__ import annotations

import json
import signal
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fzctl.carriers.base import Carrier, Received
from fzctl.carriers.memory import MemoryCarrier, VirtualClock
from fzctl.cli import respond
from fzctl.cli.parser import build_parser
from fzctl.live.gateway import Answer
from fzctl.protocol.codec import decode
from fzctl.protocol.packet import build_packet
from tests.cli.conftest import Run
from tests.cli.stage import process, set_stage, write_configs
from tests.cli.test_client import CONFIG, domains
from tests.records import HOSTILE, RESOURCE, assigned, goodbye, harmful, raw

OTHER = "0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77"
RULES = f"""\
delay = 0.5
deny = ["{OTHER}"]

[[answer]]
domains = "git.example.com"
addresses = ["10.0.0.7"]
lose = 1
"""


class Stage:
    """The gateway's verb in front of a client in memory, which sends at given times."""

    def __init__(self, fzctl: Run, clock: VirtualClock, end: MemoryCarrier) -> None:
        self.clock = clock
        self.end = end
        self.got: list[tuple[float, str]] = []
        self.end.on_packet = self._take
        self._fzctl = fzctl

    def run(self, *arguments: str, says: dict[float, bytes] | None = None) -> Any:
        for time, packet in (says or {}).items():
            self.clock.call_at(time, partial(self.end.send, packet))
        found = self._fzctl("respond", "--peer", "wg.conf", "--for", "10", *arguments)
        self.clock.wait(0)  # what was sent last arrives
        return found

    def _take(self, received: Received) -> None:
        message = decode(received.packet)
        what = str(message.fields.get("status", message.name))
        self.got.append((round(self.clock.now, 3), what))


@pytest.fixture
def stage(fzctl: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    monkeypatch.chdir(tmp_path)
    Path("wg.conf").touch(0o600)
    Path("wg.conf").write_text(CONFIG)
    Path("rules.toml").write_text(RULES)
    return Stage(fzctl, *set_stage(monkeypatch, respond))


def parsed(*arguments: str) -> Namespace:
    return build_parser("respond").parse(list(arguments))


def test_help_looks_like_this(fzctl: Run, golden: Callable[[str, str], None]) -> None:
    golden(fzctl("respond", "--help").out, "help-respond.txt")


def test_the_screen_looks_like_this(stage: Stage, golden: Callable[[str, str], None]) -> None:
    says = {
        0.0: assigned("wiki.example.com"),
        1.0: assigned("git.example.com", *(f"100.96.0.{each}" for each in range(5, 9))),
        2.0: raw(9, b"future"),
        3.0: assigned("git.example.com", *(f"100.96.0.{each}" for each in range(5, 9))),
        4.0: raw(0, b"{"),
    }
    found = stage.run("--rules", "rules.toml", "-v", says=says)
    assert found.code == 0
    golden(found.out + "--- stderr\n" + found.err, "respond-screen.txt")
    assert stage.got == [(0.5, "Active"), (3.5, "Active"), (10.0, "goodbye")]


def test_the_files_example_in_the_help_is_one_that_works(stage: Stage) -> None:
    text = respond._EPILOG.partition("\n\nexamples:")[0].partition("\n")[2]
    Path("example.toml").write_text(text)
    found = stage.run("--rules", "example.toml", "--dry-run")
    assert found.code == 0
    assert f"allowed: {RESOURCE} for *.example.com" in found.out
    assert (
        "answer for git.example.com: Active, after 0.05 s, the first 1 lost, 10 % lost by chance" in found.out
    )


def test_options_come_before_the_file(stage: Stage) -> None:
    rules = respond.gather_rules(
        parsed(
            "--rules", "rules.toml", "--answer", "git.*.com=none", "--answer", "**=Inactive", "--delay", "2",
            "--loss", "20%", "--lose", "3", "--wrong", "late", "--deny", RESOURCE.upper(), "--seed", "5",
        )
    )  # fmt: skip
    assert [(each.pattern.text, each.status, each.delay) for each in rules.answers] == [
        ("git.*.com", "none", 2.0), ("**", "Inactive", 2.0), ("git.example.com", "Active", 2.0),
    ]  # fmt: skip
    assert rules.denied == {OTHER, RESOURCE}
    assert (rules.otherwise.loss, rules.otherwise.lose, rules.otherwise.wrong) == (0.2, 3, "late")
    assert (rules.resources, rules.seed) == (None, 5)


def test_without_options_everything_is_active() -> None:
    rules = respond.gather_rules(parsed())
    assert (rules.resources, rules.answers, rules.otherwise) == (None, (), Answer())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "Active"),
        (["--allow", RESOURCE], "Active"),
        (["--allow", f"{RESOURCE}=*.example.com"], "Active"),
        (["--allow", f"{RESOURCE}=*.example.org"], "Inactive"),
        (["--allow", OTHER], "Inactive"),
        (["--deny", RESOURCE], "Inactive"),
        (["--answer", "*.example.com=Inactive"], "Inactive"),
        (["--answer", "*.example.com=Active", "--answer", "**=Inactive"], "Active"),
    ],
)
def test_the_rules_decide_the_answer(stage: Stage, options: list[str], expected: str) -> None:
    stage.run(*options, says={0.0: assigned("wiki.example.com")})
    assert stage.got == [(0.0, expected), (10.0, "goodbye")]


def test_no_answer_lost_answers_and_late_ones(stage: Stage) -> None:
    ask = assigned("wiki.example.com")
    stage.run("--lose", "1", "--delay", "0.5", says={0.0: ask, 2.0: ask, 4.0: assigned("b.example.com")})
    assert stage.got == [(2.5, "Active"), (10.0, "goodbye")]


def test_after_goodbye_the_table_is_gone_and_nobody_is_told_goodbye(stage: Stage) -> None:
    found = stage.run(says={0.0: assigned("wiki.example.com"), 1.0: goodbye()})
    assert stage.got == [(0.0, "Active")]
    assert "the client said Goodbye: its NAT table is gone" in found.err
    assert "100.96.0.1" not in found.err


def test_a_client_that_maps_ever_more_does_not_make_each_note_longer(stage: Stage) -> None:
    says = {
        number / 100: assigned(f"n{number}.example.com", *(f"100.96.{number}.{host}" for host in range(4)))
        for number in range(1, 61)
    }
    notes = stage.run("-v", says=says).err.split("the NAT table of ")
    assert len(notes) == 62
    assert max(each.count("\n") for each in notes[:-1]) <= 43
    assert "... and 40 more domains" in notes[-2]
    assert notes[-1].count("n60.example.com") == 1


def test_jsonl_is_one_object_a_message(stage: Stage) -> None:
    found = stage.run("-T", "jsonl", says={0.0: assigned("wiki.example.com"), 1.0: raw(9)})
    objects = [json.loads(line) for line in found.lines]
    assert [(each["name"], each["direction"]) for each in objects] == [
        ("assigned_ips", "in"), ("domain_status", "out"), ("unknown", "in"), ("goodbye", "out"),
    ]  # fmt: skip
    assert [each["frame"] for each in objects] == [1, 2, 3, 4]
    assert {tuple(each["path"]) for each in objects} == {("wireguard",)}


def test_it_stops_after_so_many_messages(stage: Stage) -> None:
    says = {float(number): assigned(f"n{number}.example.com") for number in range(5)}
    stage.run("-c", "2", says=says)
    assert [what for _, what in stage.got] == ["Active", "Active", "goodbye"]


def test_who_asks_for_the_tables_while_files_are_finished_does_not_end_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = vars(respond)["open_target"]
    handlers: list[object] = []

    @contextmanager
    def noted(*args: Any) -> Iterator[Carrier]:
        with opened(*args) as carrier:
            yield carrier
        handlers.append(signal.getsignal(signal.SIGUSR1))

    monkeypatch.setattr(respond, "open_target", noted)
    before = signal.getsignal(signal.SIGUSR1)
    assert stage.run().code == 0
    assert [callable(each) for each in handlers] == [True]
    assert signal.getsignal(signal.SIGUSR1) == before


def test_hostile_texts_are_shown_escaped(stage: Stage) -> None:
    packets = [raw(0, {"resource": RESOURCE, "domain": text, "proxy_ips": []}) for text in HOSTILE]
    packets += [
        build_packet(0, json.dumps([RESOURCE, "a\\027\\155.example", ["100.96.0.1"]]).encode()),
        raw(9, HOSTILE[0].encode()),
    ]
    found = stage.run("-v", says={0.1 * number: each for number, each in enumerate(packets)})
    assert found.code == 0
    assert not harmful(found.out + found.err)


def test_quiet_says_nothing_but_messages(stage: Stage) -> None:
    found = stage.run("-q", says={0.0: assigned("wiki.example.com"), 1.0: raw(9)})
    assert found.err == ""
    assert len(found.lines) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--answer", "wiki.example.com"], "is not DOMAINS=STATUS"),
        (["--answer", "wiki.example.com=Maybe"], "Active, Inactive, none"),
        (["--answer", "[=Active"], "no domain pattern"),
        (["--allow", "x"], "no UUID"),
        (["--allow", f"{RESOURCE}=***"], "no domain pattern"),
        (["--deny", "x"], "no UUID"),
        (["--loss", "120%"], "no chance"),
        (["--delay", "-1"], "no number from 0.001"),
        (["--wrong", "thing"], "invalid choice"),
        (["--rules", "bad.toml"], "bad.toml: answer[1].status is to be one of"),
    ],
)
def test_wrong_words_are_refused(stage: Stage, options: list[str], said: str) -> None:
    Path("bad.toml").write_text('[[answer]]\ndomains = "a"\nstatus = "Maybe"\n')
    found = stage.run(*options)
    assert found.code == 2
    assert said in found.err
    assert stage.got == []


def test_rules_that_cannot_be_read_are_told(stage: Stage) -> None:
    found = stage.run("--rules", "nowhere.toml")
    assert (found.code, found.out) == (3, "")
    assert "nowhere.toml: No such file" in found.err


def test_the_capture_does_not_overwrite_the_rules(stage: Stage) -> None:
    found = stage.run("--rules", "rules.toml", "-w", "./rules.toml")
    assert (found.code, found.out) == (2, "")
    assert "would overwrite an input" in found.err
    assert Path("rules.toml").read_text() == RULES


def test_an_unknown_target_is_told(fzctl: Run) -> None:
    assert "name one target" in fzctl("respond").err
    found = fzctl("respond", "--peer", "/nowhere/wg.conf")
    assert found.code == 4
    assert "cannot read /nowhere/wg.conf" in found.err


# --- processes ---


def test_two_clients_over_loopback_each_with_its_table(fzctl: Run, tmp_path: Path) -> None:
    gateway, *clients = write_configs(tmp_path, clients=2)
    with process(tmp_path, "respond", "--peer", gateway, "-w", "wire.pcapng", "-T", "jsonl") as other:
        other.says("2 clients")
        for name, config in zip(("wiki", "git"), clients, strict=True):
            words = ("client", "--peer", config, "--resource", RESOURCE, *domains(name), "--no-goodbye")
            assert fzctl(*words).code == 0
        other.send_signal(signal.SIGUSR1)
        other.says("git.example.com  6b7188f5")
        assert other.end() == 0
        assert other.err.count("wiki.example.com") == other.err.count("git.example.com") == 2
        objects = [json.loads(line) for line in other.out.splitlines()]
        assert [each["name"] for each in objects] == ["assigned_ips", "domain_status"] * 2 + ["goodbye"] * 2
        first, second = (objects[number]["outer"]["src"] for number in (0, 2))
        assert first != second
        assert [objects[number]["outer"]["dst"] for number in (1, 3)] == [first, second]
    decoded = fzctl("decode", "-T", "jsonl", str(tmp_path / "wire.pcapng"))
    assert [json.loads(line)["name"] for line in decoded.lines] == [each["name"] for each in objects]


def test_a_port_that_is_taken_is_told(fzctl: Run, tmp_path: Path) -> None:
    gateway, _ = write_configs(tmp_path)
    with process(tmp_path, "respond", "--peer", gateway) as other:
        other.says("Ctrl-C ends it")
        found = fzctl("respond", "--peer", gateway)
        assert found.code == 4
        assert "another program has it" in found.err
        assert other.end(signal.SIGTERM) == 0
