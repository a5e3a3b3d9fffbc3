"""Hostile text from the other end of a tunnel, out of configs and rules, and on the command line."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pytest

from fzctl.carriers.base import Received
from fzctl.carriers.live import LiveCapture
from fzctl.cli import client, compare, demo, respond, watch
from fzctl.cli.machine import Finding
from fzctl.cli.main import VERBS
from fzctl.cli.parser import build_parser
from fzctl.pcap.links import RAW
from fzctl.protocol.codec import decode
from fzctl.wireguard.stun import ERROR, ERROR_CODE, decode_message, encode_error, encode_message
from fzctl.wireguard.stunproof import add_fingerprint
from fzctl.wireshark.folders import Folders
from tests.carriers.rings import Canned, Frame, block
from tests.cli.conftest import Run
from tests.cli.stage import set_stage
from tests.cli.test_client import CONFIG
from tests.cli.test_inject import Scene
from tests.cli.tunnels import relay_on_loopback
from tests.hostile import (
    ATTACKS,
    FORMS,
    HUMAN,
    NAME,
    SIGN,
    accepted_domains,
    check,
    fields_wanted,
    options_of,
    packets,
)
from tests.records import RESOURCE
from tests.wireguard.turnserver import FakeServer

SOFTWARE = 0x8022
ALL_FORMS = ("text", "tree", "json", "jsonl", "hex", "fields")
each_form = pytest.mark.parametrize("form", ALL_FORMS)


def wanted(form: str) -> list[str]:
    return fields_wanted() if form == "fields" else ["-T", form]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A config with a hostile name."""
    monkeypatch.chdir(tmp_path)
    path = Path(NAME)
    path.touch(0o600)
    path.write_text(CONFIG)
    return NAME


@each_form
def test_watch(form: str, fzctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Canned([block([Frame(each) for each in packets()])], None)
    monkeypatch.setattr(watch, "_open_source", lambda args: LiveCapture(args.interface, ring, RAW))
    found = fzctl("watch", "-i", NAME, "-a", "duration:0.05", *wanted(form))
    assert found.code == 0
    check(FORMS[form], found.out)
    check(HUMAN, found.err)
    assert len(found.out.splitlines()) >= len(packets())


@each_form
def test_respond(form: str, config: str, fzctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, end = set_stage(monkeypatch, respond)
    for number, packet in enumerate(packets()):
        clock.call_at(number / 100, partial(end.send, packet))
    found = fzctl("respond", "--peer", config, "--for", "20", "-v", *wanted(form))
    assert found.code == 0
    check(FORMS[form], found.out)
    check(HUMAN, found.err)
    assert SIGN in found.err


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_client(form: str, config: str, fzctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, end = set_stage(monkeypatch, client)

    def take(_: Received) -> None:
        end.on_packet = None
        for packet in packets():
            clock.call_at(clock.now + 0.01, partial(end.send, packet))

    end.on_packet = take
    domains = [f"--domain={domain}" for domain in accepted_domains()]
    found = fzctl(
        "client", "--peer", config, "--resource", RESOURCE, *domains, "--for", "0.5", "-v", "-T", form
    )
    assert found.code in (0, 1, 6)
    check(FORMS[form], found.out)
    check(HUMAN, found.err)
    assert SIGN in found.out


def test_inject(capsys: pytest.CaptureFixture[str]) -> None:
    others = [each for each in packets() if decode(each).fields.get("domain") != "example.com"]
    others.sort(key=lambda packet: SIGN.encode() not in packet)  # only so many sorts are told
    scene = Scene("--expect", "--timeout", "1", "-v", answer=lambda _: others)
    assert scene.run() == 6
    out, err = capsys.readouterr()
    assert out == ""
    check(HUMAN, err)
    assert SIGN in err


def craft_cases() -> list[tuple[str, str]]:
    choices = next(action.choices for _, action in options_of(build_parser("craft")) if action.dest == "form")
    assert choices
    return [*((form, "-q") for form in choices), ("text", "-x"), ("tree", "-x"), ("tree", "--color=always")]


@pytest.mark.parametrize(("form", "extra"), craft_cases())
def test_craft(form: str, extra: str, fzctl: Run) -> None:
    for text in ATTACKS.values():
        if "\0" in text or "\ud800" in text:
            continue  # no argument can hold these
        sound = {"resource": RESOURCE, "domain": text, "proxy_ips": ["100.96.0.1"]}
        for payload in (text, json.dumps(sound)):
            found = fzctl("craft", "raw", "--kind", "0", f"--json={payload}", "-T", form, extra)
            assert (found.code, found.err) == (0, "")
            check(FORMS[form], found.out)


def test_rules(config: str, fzctl: Run) -> None:
    path = Path(f"{NAME}.toml")
    for text in ATTACKS.values():
        quoted = json.dumps(text.encode("utf-8", "replace").decode())
        for rules in (f"[[answer]]\ndomains = {quoted}", f"wrong = {quoted}", f"{quoted} = 1", text):
            path.write_bytes(rules.encode(errors="surrogatepass"))
            found = fzctl("respond", "--peer", config, "--rules", str(path), "--dry-run")
            assert found.code in (0, 2)
            check(HUMAN, found.out + found.err)


def test_configs(config: str, fzctl: Run) -> None:
    for text in ATTACKS.values():
        for lines in (text, f"[{text}]", f"[Interface]\n{text} = 1", f"{CONFIG}Endpoint = {text}"):
            Path(config).write_bytes(lines.encode(errors="surrogatepass"))
            found = fzctl("client", "--peer", config, "--resource", RESOURCE, "-n", "1", "--dry-run")
            assert found.code in (0, 4)
            check(HUMAN, found.out + found.err)


class Talker(FakeServer):
    """A relay that refuses everything, in words that are not nice."""

    words = ""

    def take(self, datagram: bytes) -> list[bytes]:
        asked = decode_message(datagram)
        assert asked is not None
        said = [(ERROR_CODE, encode_error(499, self.words)), (SOFTWARE, self.words.encode()[:700])]
        return [add_fingerprint(encode_message(asked.kind | ERROR, asked.transaction, said))]


def test_relays(config: str, fzctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FZCTL_TURN_PASSWORD", "x")
    server = Talker()
    with relay_on_loopback(server) as port:
        for text in ATTACKS.values():
            server.words = text.encode("utf-8", "replace").decode()
            found = fzctl("inject", "goodbye", "--peer", config, "--turn", f"turn:a@127.0.0.1:{port}")
            assert (found.code, found.out) == (4, "")
            check(HUMAN, found.err)
            assert "it refuses with 499 " in found.err


def test_layers() -> None:
    from scapy.layers.inet6 import IPv6

    from fzctl.layers import FzP2p

    for packet in packets():
        layers = IPv6(packet)
        assert FzP2p in layers
        check(HUMAN, f"{layers.show(dump=True)}{layers.summary()}{layers!r}")


# What keeps a run short that would do something, and what makes another of it.
MORE: dict[str, tuple[list[str], ...]] = {
    "resilience": (["--runs", "1"], ["--runs", "1", "--dry-run"], ["--list"]),
    "inject": ([],),
    "craft": ([],),
}


@pytest.mark.parametrize("verb", VERBS)
def test_whatever_stands_on_the_command_line(
    verb: str, fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(13, f"not here: {NAME}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(demo, "play", lambda *_: None)
    monkeypatch.setattr(compare, "_compare", lambda *_: 0)
    monkeypatch.setattr(os, "execve", refuse)
    folders = Folders(NAME, (NAME,), NAME)
    monkeypatch.setattr("fzctl.cli.wiresharkinstall.ask_tshark", lambda: folders)
    for module in ("install", "open"):
        monkeypatch.setattr(f"fzctl.cli.wireshark{module}.ask_or_guess", lambda: folders)
    monkeypatch.setattr("fzctl.cli.machine.examine", lambda: [Finding("x", "ok", NAME)])
    for before, action in options_of(build_parser(verb)):
        if action.nargs == 0 or verb == "shell":
            continue
        for value in (NAME,) if before else (NAME, f"=+{NAME}", ""):
            for more in MORE.get(verb, ([], [NAME], ["--dry-run"])):
                words = [verb, *before, *action.option_strings[-1:], value, *more]
                found = fzctl(*words)
                assert found.code in (0, 1, 2, 3, 4, 5), (words, found)
                check(HUMAN, found.out)
                check(HUMAN, found.err)
