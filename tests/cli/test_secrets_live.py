"""Keys that are made while a tunnel lives, files that hold them, and sockets: only what was asked for."""

from __future__ import annotations

import gc
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fzctl.carriers.opening import open_peer
from fzctl.cli.main import main
from fzctl.redact.redactor import Redactor
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import REMOTE_STATIC, parse_keylog
from fzctl.wireguard.keys import encode_key
from fzctl.wireguard.relay import Relay
from tests.canaries import PASSWORD, REDACTION, SAMPLES, config, keylog, leaks
from tests.cli.conftest import ENVIRONMENT, Run
from tests.cli.stage import process, write_configs
from tests.cli.tunnels import other_end, write_config
from tests.records import RESOURCE

SERVING = ("respond", "--peer", "gateway.conf", "-v", "--for", "20")


def mode(path: Path | str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/comm").read_bytes()


def test_the_keys_of_a_live_tunnel_are_where_they_were_asked_for_and_nowhere_else(
    fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    configs = write_configs(tmp_path)
    asked = ("-w", "made.pcapng", "--keylog", "made.keys")
    with process(tmp_path, *SERVING, "-w", "theirs.pcapng", "--keylog", "theirs.keys") as gateway:
        gateway.says("Ctrl-C ends it")
        wanted = ("--resource", RESOURCE, "--domain", "a.example.com")
        found = fzctl("-v", "client", "--peer", "client1.conf", *wanted, *asked)
        assert found.code == 0, found
        shown = command_line(gateway._process.pid)
        assert b"gateway.conf" in shown
        gateway.end()
    keys = {entry.key.raw for name in ("made.keys", "theirs.keys") for entry in entries_of(name)}
    keys |= {entry.key.raw for text in map(Path, configs) for entry in entries_of(text, "PrivateKey")}
    assert len(keys) >= 5
    written = {"made.pcapng", "made.keys", "theirs.pcapng", "theirs.keys"}
    told = (found.out + found.err + gateway.out + gateway.err).encode()
    for key in keys:
        pieces = (key[:8], encode_key(key)[:8].encode(), key[:8].hex().encode())
        assert not any(piece in told + shown for piece in pieces)
        for path in tmp_path.iterdir():
            if path.name not in {*written, "gateway.conf", "client1.conf"}:
                assert not any(piece in path.read_bytes() for piece in pieces), path
    assert {mode(name) for name in written} == {0o600}


def entries_of(path: Path | str, name: str | None = None) -> Iterator[Any]:
    text = Path(path).read_text()
    if name is not None:
        text = text.replace(name, "LOCAL_STATIC_PRIVATE_KEY")
    return (entry for entry in parse_keylog(text, str(path)).entries if entry.kind != REMOTE_STATIC)


@pytest.mark.parametrize("before", [None, 0o600, 0o644, 0o666])
def test_files_with_keys_are_their_owners_alone_whatever_the_mask(
    before: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("keys").touch(0o600)
    Path("keys").write_text(keylog())
    names = ("open.pcapng", "open.pcapng.gz", "made.keys", "made.pcapng")
    for name in names if before is not None else ():
        Path(name).touch()
        Path(name).chmod(before or 0)
    mask = os.umask(0)
    try:
        for name in names[:2]:
            words = ("--keep-encrypted", "--embed-keys", "-k", "keys", str(SAMPLES / "direct.pcap"))
            assert main(["-q", "decode", "-w", name, *words]) == 0
        with other_end() as end:
            peer = ("--peer", write_config(tmp_path, end.port), "-w", "made.pcapng")
            code = main(["-q", "inject", "goodbye", *peer, "--keylog", "made.keys"])
            if before in (0o644, 0o666):
                # A key log goes on where it ended, so what others could read is not taken over.
                assert code == 4
                assert "others may open it, and keys go into it" in capfd.readouterr().err
                assert Path("made.keys").read_bytes() == b""
                Path("made.keys").unlink()
                assert main(["-q", "inject", "goodbye", *peer]) == 0
            else:
                assert code == 0
        assert main(["-q", "decode", "--redact-key", "made.redact", str(SAMPLES / "direct.pcap")]) == 0
    finally:
        os.umask(mask)
    assert {name: mode(name) for name in (*names, "made.redact") if Path(name).exists()} == {
        name: 0o600 for name in (*names, "made.redact") if Path(name).exists()
    }
    assert b"LOCAL_EPHEMERAL" in Path("made.pcapng").read_bytes()


def test_a_planted_link_leads_no_key_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a folder that others write to: the link is there before we are."""
    monkeypatch.chdir(tmp_path)
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in ("made.keys", "made.pcapng", "open.pcapng", "made.redact"):
        Path(name).symlink_to(precious)
    owner = precious.stat().st_uid
    monkeypatch.setattr("fzctl.pcap.sinks._SYSTEM", -1)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    Path("keys").touch(0o600)
    Path("keys").write_text(keylog())
    Path("peer.conf").touch(0o600)
    Path("peer.conf").write_text(config())
    for words in (
        ("inject", "goodbye", "--peer", "peer.conf", "--keylog", "made.keys"),
        ("inject", "goodbye", "--peer", "peer.conf", "-w", "made.pcapng"),
        ("decode", "--embed-keys", "-k", "keys", "-w", "open.pcapng", str(SAMPLES / "direct.pcap")),
        ("decode", "--redact-key", "made.redact", str(SAMPLES / "direct.pcap")),
    ):
        assert main(["-q", *words]) in (2, 3, 4)
        assert precious.read_text() == "mine"


# --- objects ---


def test_no_object_shows_its_keys(tmp_path: Path) -> None:
    """What a debugger, an assertion or a log would print of anything of ours that knows a key."""
    log = parse_keylog(keylog(), "keys")
    decryptor = Decryptor()
    decryptor.add(log)
    relay = Relay("192.0.2.1:3478", "me", PASSWORD, os.urandom)
    relay.start(0.0)
    path = tmp_path / "peer.conf"
    path.touch(0o600)
    path.write_text(config())
    with open_peer(str(path)) as carrier:
        own = list(reachable(log, decryptor, relay, carrier, Redactor(REDACTION)))
        kinds = {type(each).__name__ for each in own}
        assert {"Entry", "Keyring", "Secret", "PrivateKey", "Config", "Device", "Transactions"} <= kinds
        for each in own:
            assert not leaks(repr(each).encode()), type(each)
            assert not leaks(str(each).encode()), type(each)


def reachable(*things: Any) -> Iterator[Any]:
    """All objects of our classes that hang together with these."""
    seen: set[int] = set()
    waiting = list(things)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        ours = type(thing).__module__.startswith("fzctl.")
        if ours:
            yield thing
        if ours or isinstance(thing, (tuple, list, dict, set)) or callable(thing):
            waiting += gc.get_referents(thing)


# --- sockets ---


def sockets_of(pid: int) -> set[str]:
    """The sockets that a process has: ``udp *:51820``, ``packet``, and so on; ``?`` where nobody knows."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = {}
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "unix", "netlink"):
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            for inode in inodes & {*words}:
                port = f" {int(words[1].rpartition(':')[2], 16)}" if kind[:3] in ("tcp", "udp") else ""
                found[inode] = f"{kind}{port}"
    return {found.get(inode, "?") for inode in inodes}


def test_respond_listens_on_the_port_of_its_config_and_nowhere_else(tmp_path: Path) -> None:
    write_configs(tmp_path)
    port = next(line for line in (tmp_path / "gateway.conf").read_text().splitlines() if "Port" in line)
    number = port.rpartition(" ")[2]
    with process(tmp_path, *SERVING) as gateway:
        gateway.says("Ctrl-C ends it")
        assert sockets_of(gateway._process.pid) == {f"udp {number}", f"udp6 {number}"}
        gateway.end()


def test_the_interface_for_wireshark_listens_nowhere(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    words = ("--extcap-interface", "fzctl", "--fifo", str(fifo), "--file", str(SAMPLES / "direct.pcap"))
    program = (sys.executable, "-m", "fzctl.cli.extcap", "--capture")
    started = subprocess.Popen([*program, *words], env=ENVIRONMENT)
    try:
        with fifo.open("rb") as pipe:
            assert pipe.read(4) == b"\x0a\x0d\x0d\x0a"
            assert sockets_of(started.pid) == set()
    finally:
        started.terminate()
        started.wait(20)


@pytest.mark.root
def test_watch_has_one_socket_for_packets(tmp_path: Path) -> None:
    with process(tmp_path, "watch", "-i", "lo") as watching:
        watching.says("watching")
        assert sockets_of(watching._process.pid) == {"packet"}
        watching.end()


def test_scapy_leaves_no_socket_open() -> None:
    """Importing its layers opens some, to ask the system for its interfaces and routes."""
    script = (
        "import os, fzctl.layers\n"
        "from tests.cli.test_secrets_live import sockets_of\n"
        "print(sockets_of(os.getpid()))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert done.stdout == "set()\n"


def test_a_socket_would_be_seen() -> None:
    with socket.socket() as one, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        one.listen()
        assert {f"tcp {one.getsockname()[1]}", f"udp {other.getsockname()[1]}"} <= sockets_of(os.getpid())
