"""The verb client: its screens in virtual time, its exit codes, and against respond over loopback."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fzctl.carriers.memory import MemoryCarrier, VirtualClock
from fzctl.cli import client
from fzctl.errors import CarrierError
from fzctl.live.gateway import GatewayPlayer, Rules
from fzctl.nat.gateway import Resource
from fzctl.nat.patterns import DomainPattern
from fzctl.protocol.codec import decode
from tests.cli.conftest import Run
from tests.cli.stage import gateway_at, process, set_stage, write_configs
from tests.live.scenes import answer
from tests.records import RESOURCE, goodbye

CONFIG = """\
[Interface]
PrivateKey = MEFBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWmFiY2Q=
[Peer]
PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
AllowedIPs = ::/0
Endpoint = 192.0.2.2:51820
"""
RULES = Rules(
    answers=(
        answer("payroll.*.com", status="Inactive"),
        answer("git.*.com", lose=1),
        answer("silent.*.com", status="none"),
    )
)
Play = Callable[..., Any]


class Stage:
    """The client's verb in front of a gateway in memory."""

    def __init__(self, fzctl: Run, clock: VirtualClock, end: MemoryCarrier, config: str) -> None:
        self.clock = clock
        self.end = end
        self.gateway: GatewayPlayer | None = None
        self._fzctl = fzctl
        self._config = config

    def run(self, *arguments: str, rules: Rules | None = RULES) -> Any:
        if rules is not None:
            self.gateway = gateway_at(self.clock, self.end, rules)
        found = self._fzctl("client", "--peer", self._config, "--resource", RESOURCE, *arguments)
        self.clock.wait(0)  # what was sent last arrives
        return found

    def got(self) -> list[str]:
        """What came to the gateway, by kind."""
        assert self.gateway is not None
        return [decode(each.packet).name for each in self.gateway.events() if each.name == "received"]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "wg.conf"
    path.touch(0o600)
    path.write_text(CONFIG)
    return "wg.conf"


@pytest.fixture
def stage(fzctl: Run, monkeypatch: pytest.MonkeyPatch, config: str) -> Stage:
    return Stage(fzctl, *set_stage(monkeypatch, client), config)


def domains(*names: str) -> list[str]:
    return [word for name in names for word in ("--domain", f"{name}.example.com")]


def test_help_looks_like_this(fzctl: Run, golden: Callable[[str, str], None]) -> None:
    golden(fzctl("client", "--help").out, "help-client.txt")


def test_the_screen_looks_like_this(stage: Stage, golden: Callable[[str, str], None]) -> None:
    found = stage.run(*domains("wiki", "git", "payroll", "silent"), "--timeout", "5")
    assert found.code == 6
    golden(found.out + "--- stderr\n" + found.err, "client-screen.txt")
    assert stage.got()[-1] == "goodbye"


@pytest.mark.parametrize(
    ("names", "code"),
    [(["wiki"], 0), (["wiki", "git"], 0), (["wiki", "payroll"], 1), (["wiki", "payroll", "silent"], 6)],
)
def test_the_exit_code_says_what_came_of_it(stage: Stage, names: list[str], code: int) -> None:
    assert stage.run(*domains(*names)).code == code


def test_json_is_one_document(stage: Stage) -> None:
    found = stage.run(*domains("git", "payroll"), "-T", "json", "--stack", "v4")
    document = json.loads(found.out)
    assert (document["schema"], document["states"]) == (1, {"confirmed": 1, "failed": 1})
    git, payroll = document["domains"]
    assert (git["state"], git["sent"], git["seconds"]) == ("confirmed", 2, pytest.approx(2.0125))
    assert git["proxy_ips"] == [f"100.96.0.{each}" for each in range(1, 5)]
    assert (payroll["domain"], payroll["state"], payroll["round"]) == ("payroll.example.com", "failed", 1)


def test_jsonl_is_an_object_for_each_step(stage: Stage) -> None:
    found = stage.run(*domains("git"), "-T", "jsonl")
    steps = [json.loads(line) for line in found.lines]
    assert [(each["state"], each["sent"]) for each in steps] == [
        ("pending", 1), ("pending", 2), ("confirmed", 2),
    ]  # fmt: skip
    assert steps[0]["time"].startswith("2026-11-22T")


def test_many_domains_have_names_of_their_own(stage: Stage) -> None:
    found = stage.run("-n", "300", "--suffix", "load.example.org", "-T", "json")
    document = json.loads(found.out)
    assert document["states"] == {"confirmed": 300}
    assert document["domains"][299]["domain"] == "n300.load.example.org"
    assert document["seconds"] == pytest.approx(299 / 200, abs=0.1)


def test_it_goes_on_as_long_as_is_asked_and_refreshes(stage: Stage) -> None:
    found = stage.run(*domains("wiki"), "--refresh", "10", "--for", "35", "-T", "json")
    assert found.code == 0
    assert json.loads(found.out)["domains"][0]["round"] == 4
    assert stage.got() == ["assigned_ips"] * 4 + ["goodbye"]


def test_without_traffic_it_asks_once_and_without_manners_it_leaves(stage: Stage) -> None:
    found = stage.run(*domains("git"), "--no-traffic", "--no-goodbye")
    assert found.code == 6
    assert stage.got() == ["assigned_ips"]
    assert stage.clock.now == pytest.approx(15.0)


@pytest.mark.parametrize(("more", "asked"), [((), 1), (("--reconnect",), 2)])
def test_a_gateways_goodbye_is_told(stage: Stage, more: tuple[str, ...], asked: int) -> None:
    stage.clock.call_at(3.0, lambda: stage.end.send(goodbye()))
    found = stage.run(*domains("wiki"), "--for", "10", *more)
    assert found.code == 0
    assert "fzctl: the gateway said Goodbye" in found.err
    assert stage.got().count("assigned_ips") == asked


def test_a_resource_that_is_not_allowed_failed(stage: Stage) -> None:
    other = "0d3f6a9b-7c55-4b0e-8f4e-2a1d9c3b5e77"
    rules = Rules(resources=(Resource(other, DomainPattern("**")),))
    assert stage.run(*domains("wiki"), rules=rules).code == 1


def test_dry_run_names_the_target_and_sends_nothing(stage: Stage) -> None:
    found = stage.run(*domains("wiki"), "--dry-run", rules=None)
    assert found.code == 0
    assert "target: peer 192.0.2.2:51820 (WireGuard, wg.conf)" in found.err
    assert "nothing is sent" in found.err
    assert "AssignedIps" in found.out
    assert "wiki.example.com  100.96.0.1..4" in found.out
    assert stage.clock.now == 0


def test_a_tunnel_that_fails_in_the_middle_shows_what_was_and_exits_4(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli.stage import Several

    def breaks(self: Several, timeout: float) -> None:
        raise CarrierError("receive from", self.name, "it is gone")

    monkeypatch.setattr(Several, "receive", breaks)
    found = stage.run(*domains("wiki"))
    assert found.code == 4
    assert "Pending" in found.out
    assert "1 domain in" in found.err
    assert "it is gone" in found.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "client needs a domain"),
        (["--domain", "a..b"], "empty label"),
        (["--domain", "a.example", "--suffix", "b.example"], "--suffix goes with -n"),
        (["--domain", "a.example", "--refresh", "2"], "--refresh goes with --for"),
        (["--domain", "a.example", "--stack", "v5"], "invalid choice"),
        (["--domain", "a.example", "--timeout", "0"], "no number from 0.001"),
        (["--domain", "a.example", "--rate", "nan"], "no number"),
        (["-n", "0"], "no whole number above 0"),
    ],
)
def test_wrong_words_are_refused(stage: Stage, arguments: list[str], said: str) -> None:
    found = stage.run(*arguments, rules=None)
    assert found.code == 2
    assert said in found.err
    assert found.out == ""


def test_without_a_resource_or_a_target_it_says_so(fzctl: Run) -> None:
    assert "--resource" in fzctl("client", "--domain", "a.example").err
    found = fzctl("client", "--domain", "a.example", "--resource", RESOURCE)
    assert (found.code, found.out) == (2, "")
    assert "name one target" in found.err


def test_against_respond_over_loopback(fzctl: Run, tmp_path: Path) -> None:
    gateway, ours = write_configs(tmp_path)
    with process(tmp_path, "respond", "--peer", gateway, "--answer", "pay*.example.com=Inactive") as other:
        other.says("Ctrl-C ends it")
        names = domains("wiki", "payroll")
        found = fzctl("client", "--peer", ours, "--resource", RESOURCE, *names, "-T", "json")
        assert found.code == 1
        states = [each["state"] for each in json.loads(found.out)["domains"]]
        assert states == ["confirmed", "failed"]
        other.says("the client said Goodbye")
        assert other.end() == 0


def test_where_nobody_listens_it_exits_4(fzctl: Run, tmp_path: Path) -> None:
    _, ours = write_configs(tmp_path)
    found = fzctl("client", "--peer", ours, "--resource", RESOURCE, *domains("wiki"))
    assert (found.code, found.out) == (4, "")
    assert "nothing listens on that UDP port" in found.err


def test_ctrl_c_while_it_runs_ends_in_a_goodbye_and_0(tmp_path: Path) -> None:
    gateway, ours = write_configs(tmp_path)
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
    with process(tmp_path / "theirs", "respond", "--peer", gateway, "--answer", "**=none") as other:
        other.says("Ctrl-C ends it")
        words = ("client", "--peer", ours, "--resource", RESOURCE, *domains("wiki"), "--timeout", "60")
        with process(tmp_path / "ours", *words) as running:
            other.says("AssignedIps")
            assert running.end(signal.SIGTERM) == 0
            assert "1 domain in" in running.err
            assert "1 Goodbye" in running.err
        other.says("the client said Goodbye")


def test_ctrl_c_while_it_connects_ends_in_0_and_sends_no_message(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(10)
        ours = tmp_path / "silent.conf"
        ours.touch(0o600)
        ours.write_text(CONFIG.replace("192.0.2.2:51820", f"127.0.0.1:{silent.getsockname()[1]}"))
        with process(tmp_path, "client", "--peer", str(ours), "--resource", RESOURCE, "-n", "1") as running:
            assert silent.recv(2000)[0] == 1  # it has begun a handshake
            assert running.end() == 0
            assert running.out == ""
            assert "bug" not in running.err
