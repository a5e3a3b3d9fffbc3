"""``craft``: messages as a sender makes them, and a made-up kind that needs its declaration only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fzctl.protocol.fields import U16, Field, Ip, Uuid
from fzctl.protocol.kinds import KINDS, Kind
from tests.cli.conftest import Run
from tests.records import RESOURCE, assigned, goodbye, raw, status

ASSIGNED = ["assigned-ips", "--resource", RESOURCE, "--domain", "example.com"]
FOUR = ["--ip", "100.96.0.1", "100.96.0.2", "--ip", "100.96.0.3", "100.96.0.4"]


def test_help_looks_like_this(fzctl: Run, golden: Callable[[str, str], None]) -> None:
    golden(fzctl("craft", "--help").out, "help-craft.txt")


@pytest.mark.parametrize(
    ("arguments", "packet"),
    [
        (["goodbye"], goodbye()),
        ([*ASSIGNED, *FOUR], assigned()),
        ([*ASSIGNED, "--ip-count", "4"], assigned()),
        (
            ["domain-status", "--resource", RESOURCE, "--domain", "a", "--status", "Inactive"],
            status("a", "Inactive"),
        ),
        (["no-authorization", "--dst", "10.0.0.1", "--icmp"], raw(3, '{"dst":"10.0.0.1","protocol":"icmp"}')),
        (
            ["no-authorization", "--dst", "::1", "--udp", "53"],
            raw(3, '{"dst":"::1","protocol":{"udp":{"dst_port":53}}}'),
        ),
        (["raw", "--kind", "9"], raw(9)),
        (["raw", "--kind", "0xff", "--json", '{"a": "ü"}'], raw(255, '{"a": "ü"}')),
        (["raw", "--kind", "0", "--payload", "ff:00"], raw(0, b"\xff\0")),
        (["raw", "--kind", "2", "--reserved", "01020304050607"], goodbye()[:41] + bytes(range(1, 8))),
    ],
)
def test_a_message_is_what_a_sender_sends(arguments: list[str], packet: bytes, fzctl: Run) -> None:
    assert fzctl("craft", *arguments) == (0, packet.hex() + "\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*ASSIGNED], "give either --ip IP ... or --ip-count 4|8"),
        ([*ASSIGNED, *FOUR, "--ip-count", "4"], "give either"),
        ([*ASSIGNED, "--ip-count", "5"], "not 5"),
        ([*ASSIGNED, "--ip-count", "x"], "4 or 8"),
        ([*ASSIGNED, "--ip", "1.2.3.4"], "a sender gives 4 or 8 proxy IPs, not 1"),
        ([*ASSIGNED, *FOUR[:-1], "nonsense\x1b"], '"nonsense\\x1b" is no IP address'),
        (["domain-status", "--resource", "x", "--domain", "a", "--status", "Active"], '"x" is no UUID'),
        (["domain-status", "--resource", RESOURCE, "--domain", "..", "--status", "Active"], "empty label"),
        (
            ["domain-status", "--resource", RESOURCE, "--domain", "a", "--status", "active"],
            "Active or Inactive",
        ),
        (["no-authorization", "--dst", "::1"], "give one of --tcp PORT, --udp PORT and --icmp"),
        (["no-authorization", "--dst", "::1", "--tcp", "1", "--icmp"], "give one of"),
        (["no-authorization", "--dst", "::1", "--tcp", "70000"], "70000"),
        (["raw", "--kind", "256"], "'256' is no number from 0 to 255"),
        (["raw", "--kind", "x\x1b"], "is no number from 0 to 255"),
        (["raw", "--kind", "1", "--payload", "zz"], "'zz' is not hexadecimal"),
        (["raw", "--kind", "1", "--reserved", "00"], "--reserved takes 7 bytes in hex, not 1"),
        (["raw", "--kind", "1", "--payload", "00" * 65528], "fits no IPv6 packet"),
        (["nonsense"], "invalid choice"),
    ],
)
def test_what_no_sender_sends_is_refused_with_the_reason(
    arguments: list[str], words: str, fzctl: Run
) -> None:
    found = fzctl("craft", *arguments)
    assert (found.code, found.out) == (2, "")
    assert words in found.err
    assert found.err.count("\n") == 1
    assert "\x1b" not in found.err


@pytest.mark.parametrize("place", [0, 1, 5])
def test_force_sends_it_all_the_same_wherever_it_stands(place: int, fzctl: Run) -> None:
    arguments = [*ASSIGNED, "--ip", "1.2.3.4"]
    arguments.insert(place, "--force")
    found = fzctl("craft", *arguments)
    assert (found.code, found.err) == (0, "")
    assert b'"proxy_ips":["1.2.3.4"]' in bytes.fromhex(found.out)


def test_raw_needs_no_force_for_too_much(fzctl: Run) -> None:
    assert bytes.fromhex(fzctl("craft", "raw", "--kind", "0", "--json", "x" * 1233).out).endswith(b"xxx")


@pytest.mark.parametrize("front", [True, False])
def test_options_stand_before_or_behind_the_message(front: bool, fzctl: Run, tmp_path: Path) -> None:
    for extra in (
        ["-T", "jsonl"],
        ["-x"],
        ["-w", str(tmp_path / "a.pcapng")],
        ["-T", "tree", "--color", "always"],
    ):
        found = fzctl("craft", *extra, "goodbye") if front else fzctl("craft", "goodbye", *extra)
        assert found.code == 0
    assert fzctl("decode", "-T", "hex", str(tmp_path / "a.pcapng")).out == goodbye().hex() + "\n"


@pytest.mark.parametrize(
    ("extra", "beginning"),
    [
        (["-T", "text"], "20"),
        (["-x"], "20"),
        (["-T", "tree"], "Frame 1: Goodbye, "),
        (["-T", "json"], '[\n{\n  "schema"'),
        (["-T", "jsonl"], '{"schema":1,'),
    ],
)
def test_every_form_shows_it(extra: list[str], beginning: str, fzctl: Run) -> None:
    found = fzctl("craft", "goodbye", *extra)
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith(beginning)


def test_what_is_crafted_is_decoded(shell: Run) -> None:
    found = shell(
        "$FZCTL craft goodbye | $FZCTL decode --hex -T jsonl - && "
        "$FZCTL craft goodbye -w - | $FZCTL decode -T hex -"
    )
    assert (found.code, found.err) == (0, "")
    assert json.loads(found.lines[0])["name"] == "goodbye"
    assert found.lines[1] == goodbye().hex()


MADE_UP = Kind(
    number=77,
    name="made_up",
    title="MadeUp",
    dialects=("current",),
    fields=(Field("peer", Uuid(), "Peer"), Field("relay", Ip(), "Relay"), Field("load", U16(), "Load")),
    sentence="Exists in this test only.",
)
OPTIONS = ["--peer", RESOURCE, "--relay", "fd00::1", "--load", "7"]


@pytest.fixture
def made_up() -> Iterator[Kind]:
    KINDS.append(MADE_UP)
    yield MADE_UP
    KINDS.remove(MADE_UP)


@pytest.mark.usefixtures("made_up")
def test_a_declared_kind_is_on_every_floor(fzctl: Run) -> None:
    assert "MadeUp: Exists in this test only." in fzctl("craft", "--help").out
    usage = fzctl("craft", "made-up", "--help").out
    assert all(f"{option} " in usage for option in OPTIONS[::2])
    line = fzctl("craft", "made-up", *OPTIONS).out
    assert bytes.fromhex(line)[48:] == f'{{"peer":"{RESOURCE}","relay":"fd00::1","load":7}}'.encode()

    found = json.loads(fzctl("decode", "--hex", "-T", "jsonl", "-", stdin=line).out)
    assert (found["name"], found["accepted"]) == ("made_up", True)
    assert found["fields"] == {"peer": RESOURCE, "relay": "fd00::1", "load": 7}

    shown = fzctl("decode", "--hex", "-", stdin=line).out
    assert shown.split() == ["-", "#1", "MadeUp", "ok", RESOURCE, "fd00::1", "7"]
    tree = fzctl("decode", "--hex", "-T", "tree", "-", stdin=line).out
    for text in ("Kind: 77 (MadeUp)", f"Peer: {RESOURCE}", "Relay: fd00::1", "Load: 7"):
        assert f"        {text}\n" in tree

    fields = [
        part for name in ("peer", "relay_ipv4", "relay_ipv6", "load") for part in ("-e", f"fzp2p.{name}")
    ]
    row = fzctl("decode", "--hex", "-T", "fields", *fields, "-Y", "fzp2p.load > 6", "-", stdin=line).out
    assert row == f"{RESOURCE}\t\tfd00::1\t7\n"
    assert fzctl("decode", "--hex", "-Y", "fzp2p.load > 7", "-", stdin=line).out == ""
    hidden = json.loads(fzctl("decode", "--hex", "-T", "jsonl", "--redact", "-", stdin=line).out)
    assert (hidden["accepted"], hidden["fields"]["load"]) == (True, 7)
    assert hidden["fields"]["peer"] != RESOURCE


def test_without_its_declaration_it_is_nowhere(fzctl: Run) -> None:
    assert "made" not in fzctl("craft", "--help").out
    assert fzctl("craft", "made-up").code == 2
    assert fzctl("decode", "--hex", "-Y", "fzp2p.load", "-", stdin="").code == 2
