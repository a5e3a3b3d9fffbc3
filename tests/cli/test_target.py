"""Into which tunnel: the options, the words, and what is opened."""

from __future__ import annotations

import socket
from argparse import SUPPRESS, Namespace
from pathlib import Path
from typing import Any

import pytest

from fzctl.carriers.memory import memory_pair
from fzctl.cli import target
from fzctl.cli.parser import Parser, add_common_arguments
from fzctl.cli.target import (
    PASSWORD_VARIABLE,
    add_target_arguments,
    check_target,
    describe_target,
    open_target,
    warn_on_stderr,
)
from fzctl.errors import CarrierError, UsageError
from fzctl.pcap.capture import open_capture
from fzctl.wireguard.keys import encode_key
from tests.cli.tunnels import other_end, write_config
from tests.records import assigned, goodbye
from tests.wireguard.lab import B, C


def read(*words: str) -> Namespace:
    parser = Parser(prog="x")
    add_common_arguments(parser)
    add_target_arguments(parser, listens=False)
    return parser.parse(list(words))


@pytest.fixture(autouse=True)
def _no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "name one target: -i IFACE or --peer WG.conf"),
        (("-i", "wg0", "--peer", "x"), "name one target"),
        (("-i", "wg0", "--peer-key", "x"), "--peer-key goes with --peer"),
        (("-i", "wg0", "--turn", "turn:a@b:1"), "--turn goes with --peer"),
        (("-i", "wg0", "--keylog", "x"), "--keylog goes with --peer"),
        (("--peer", "x", "--dst-mac", "02:00:00:00:00:01"), "--dst-mac goes with -i"),
        (("--peer", "x", "--turn-password-file", "y"), "--turn-password-file goes with --turn"),
        (("--peer", "x", "--turn", "turn:a@b:1"), "--turn-password-file FILE, or \\$FZCTL_TURN_PASSWORD"),
        (("--peer", "x", "--turn", "turn:a:secret@b:1"), "a password has no place in the relay's address"),
        (("-i", "wg0", "--dst-mac", "02:00"), "is no Ethernet address"),
    ],
)
def test_what_does_not_fit_together_is_a_mistake(words: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        check_target(read(*words))
    assert "secret" not in str(caught.value)


def test_a_capture_on_stdout_has_it_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    args = read("-i", "wg0", "-w", "-")
    check_target(args)
    with pytest.raises(UsageError, match="leave -T away"):
        check_target(Namespace(**vars(args), form="jsonl"))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(UsageError, match="does not go to a terminal"):
        check_target(args)


def test_what_is_read_is_not_overwritten(tmp_path: Path) -> None:
    path = write_config(tmp_path, 7)
    for words in (("-w", path), ("--keylog", path), ("-w", f"{tmp_path}/./wg.conf")):
        with pytest.raises(UsageError, match=f"{words[0]} .* would overwrite an input"):
            check_target(read("--peer", path, *words))
    (tmp_path / "link").symlink_to(tmp_path / "x")
    for other in ("x", "./x", "link"):
        with pytest.raises(UsageError, match="two files"):
            check_target(read("--peer", path, "-w", f"{tmp_path}/x", "--keylog", f"{tmp_path}/{other}"))
    assert "PrivateKey" in Path(path).read_text()


def test_options_below_do_not_overrule_those_above() -> None:
    parser = Parser(prog="x")
    add_target_arguments(parser, listens=True)
    below = Parser(prog="", add_help=False)
    add_target_arguments(below, listens=True, default=SUPPRESS)
    parser.add_subparsers().add_parser("y", parents=[below])
    for words in (["-i", "wg0", "--dry-run", "y"], ["y", "-i", "wg0", "--dry-run"]):
        args = parser.parse(words)
        assert (args.interface, args.dry_run, args.write, args.dst_mac) == ("wg0", True, None, None)


@pytest.mark.parametrize("text", ["02:00:5e:10:00:01", "02-00-5E-10-00-01"])
def test_an_ethernet_address_has_six_bytes(text: str) -> None:
    assert read("-i", "eth0", "--dst-mac", text).dst_mac == bytes.fromhex("02005e100001")


def test_the_target_is_described_without_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv(PASSWORD_VARIABLE, "secret")
    assert describe_target(read("-i", "wg0")) == "interface wg0"
    path = write_config(tmp_path, 51820)
    assert describe_target(read("--peer", path)) == f"peer 127.0.0.1:51820 (WireGuard, {path})"
    through = ("--turn", "turn:me@[2001:db8::1]:99")
    assert describe_target(read("--peer", path, *through)) == (
        f"peer 127.0.0.1:51820 through the relay [2001:db8::1]:99 (WireGuard, {path})"
    )
    text = Path(path).read_text().replace("127.0.0.1", "gateway.example")
    Path(path).write_text(text)
    assert describe_target(read("--peer", path)) == f"peer gateway.example:51820 (WireGuard, {path})"
    assert describe_target(read("--peer", write_config(tmp_path, None))) == (
        f"peer {encode_key(B.public)} (WireGuard, {path})"
    )


def test_the_description_tells_what_is_wrong_with_the_config(tmp_path: Path) -> None:
    warnings: list[str] = []
    path = write_config(tmp_path, 7, mode=0o644, allowed="10.0.0.0/8")
    describe_target(read("--peer", path), warnings.append)
    assert "others can read the keys in it" in warnings[0]
    assert "lack ::/128" in warnings[1]
    with pytest.raises(CarrierError, match="no peer with the public key that was asked for"):
        describe_target(read("--peer", path, "--peer-key", encode_key(C.public)))
    with pytest.raises(CarrierError, match="cannot read"):
        describe_target(read("--peer", str(tmp_path / "none")))


def test_a_peer_is_opened_connected_and_closed_with_its_files(tmp_path: Path) -> None:
    with other_end() as end:
        capture, keys = tmp_path / "x.pcapng", tmp_path / "x.keys"
        args = read("--peer", write_config(tmp_path, end.port), "-w", str(capture), "--keylog", str(keys))
        with open_target(args, warn=print, connect=True) as carrier:
            assert carrier.name == f"peer 127.0.0.1:{end.port}"
            carrier.send(goodbye())
            assert end.waits_for(1) == [goodbye()]
        with pytest.raises(CarrierError, match="it is closed"):
            carrier.send(goodbye())
    assert keys.stat().st_mode & 0o777 == 0o600
    with open_capture(capture) as opened:
        assert sum(1 for _ in opened.frames()) >= 3
        assert opened.secrets


def test_who_does_not_connect_waits_for_nothing(tmp_path: Path) -> None:
    with open_target(read("--peer", write_config(tmp_path, None)), warn=print) as carrier:
        assert carrier.receive(0) is None


def test_an_interface_is_opened_with_its_warnings_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = memory_pair(names=("wg0", "far"))
    opened: list[tuple[str, bytes]] = []

    def open_interface(name: str, *, hardware_address: bytes) -> Any:
        opened.append((name, hardware_address))
        ours.warnings = ("wg0 looks like Firezone's own device",)  # type: ignore[attr-defined]
        return ours

    monkeypatch.setattr("fzctl.carriers.interface.Interface", open_interface)
    path, warnings = tmp_path / "x.pcapng", list[str]()
    args = read("-i", "wg0", "-w", str(path), "--dst-mac", "02:00:5e:10:00:01")
    with open_target(args, warnings.append) as carrier:
        carrier.send(assigned())
        received = theirs.receive(1)
        assert received is not None
    assert opened == [("wg0", bytes.fromhex("02005e100001"))]
    assert warnings == ["wg0 looks like Firezone's own device"]
    with open_capture(path) as capture:
        assert [(frame.link_type, frame.data) for frame in capture.frames()] == [(101, assigned())]
    with pytest.raises(CarrierError):
        ours.receive(0)


def test_a_relay_that_does_not_answer_closes_what_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warnings are errors here, and an open socket would warn."""
    monkeypatch.setenv(PASSWORD_VARIABLE, "secret")
    path = write_config(tmp_path, 7)
    args = read("--peer", path, "--turn", "turn:me@127.0.0.1:9", "-w", str(tmp_path / "x.pcapng"))
    opened = open_target(args, warn=print)
    with pytest.raises(CarrierError, match=r"cannot reach the relay 127\.0\.0\.1:9"):
        opened.__enter__()


def test_the_password_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    def open_peer(path: str, *, password: str, **_: Any) -> Any:
        given.append(password)
        raise CarrierError("open", path, "enough")

    monkeypatch.setattr("fzctl.carriers.opening.open_peer", open_peer)
    secret = tmp_path / "password"
    secret.touch(0o600)
    secret.write_text("from the file\n")
    words = ("--peer", write_config(tmp_path, 7), "--turn", "turn:me@127.0.0.1")
    for extra in (("--turn-password-file", str(secret)), ()):
        monkeypatch.setenv(PASSWORD_VARIABLE, "from the environment")
        with pytest.raises(CarrierError, match="enough"), open_target(read(*words, *extra), warn=print):
            pass
    assert given == ["from the file", "from the environment"]


def test_warnings_go_to_stderr_escaped_and_with_q_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    warn_on_stderr(Namespace(quiet=False))("a\x1b")
    warn_on_stderr(Namespace(quiet=True))("b")
    assert capsys.readouterr() == ("", "fzctl: WARNING: a\\x1b\n")
    assert target.PASSWORD_VARIABLE == "FZCTL_TURN_PASSWORD"
