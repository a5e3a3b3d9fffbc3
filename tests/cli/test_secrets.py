"""No key in any output, error, traceback, file or command line that was not asked for it by name."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fzctl.carriers.live import LiveCapture
from fzctl.cli import demo, watch
from fzctl.cli.extcap import main as extcap
from fzctl.cli.main import VERBS
from fzctl.cli.parser import build_parser
from fzctl.errors import CarrierError
from fzctl.pcap.links import RAW
from fzctl.wireshark.folders import Folders
from tests.canaries import PASSWORD, REDACTION, SAMPLES, TOKEN, config, keylog, leaks, spoiled
from tests.carriers.rings import Canned
from tests.cli.conftest import Result, Run
from tests.cli.tunnels import relay_on_loopback
from tests.hostile import options_of
from tests.records import RESOURCE
from tests.wireguard.turnserver import USER, FakeServer

DIRECT, SETUP = str(SAMPLES / "direct.pcap"), str(SAMPLES.parent / "setup.pcapng")
ASKING = ("--resource", RESOURCE, "--domain", "example.com")
LOG = f"2026-08-22T00:53:24.158Z  INFO phoenix_channel: connected token={TOKEN} relay_password={PASSWORD}\n"

WITH_KEYS: dict[str, tuple[str, ...]] = {
    **{f"decode {form}": ("decode", "-v", "-T", form, DIRECT) for form in ("text", "tree", "jsonl")},
    "decode written": ("decode", "-w", "made.pcapng", "--keep-encrypted", DIRECT),
    "decode inner": ("decode", "-w", "made.pcapng", "--all", DIRECT),
    **{
        f"analyze {form}": ("analyze", "-T", form, "--html", "made.html", DIRECT) for form in ("text", "json")
    },
    "check": ("check", "-v", DIRECT),
    "stats": ("stats", "-v", DIRECT),
    "compare": ("compare", SETUP),
    **{f"doctor {form}": ("doctor", "-r", DIRECT, "-T", form) for form in ("text", "json")},
    "logs": ("logs", "--with", DIRECT, "log"),
    "replay": ("replay", "--dry-run", "--peer", "conf", DIRECT),
    "watch": ("watch", "-i", "wg0", "-w", "made.pcapng", "--keep-encrypted"),
    "wireshark": ("wireshark", "open", "--print", DIRECT),
}
WITH_PEER: dict[str, tuple[str, ...]] = {
    "client": ("client", *ASKING, "--dry-run"),
    "inject": ("inject", "goodbye", "--dry-run"),
    "respond": ("respond", "--dry-run"),
    "replay": ("replay", SETUP, "--dry-run"),
    "resilience": ("resilience", "--select", "calm", "--dry-run"),
    "watch": ("watch",),
}
OTHER_FILES = ("keys", "password", "nosuch", ".")
SPOILED_KEYS, SPOILED_CONFIGS = spoiled(keylog()), spoiled(config())


@pytest.fixture
def secret(fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs fzctl in a folder with ``keys``, ``conf``, ``password``, ``redact`` and ``log``, full of secrets.

    What it prints is looked at, and what it writes, also into folders for temporary and for its own files.
    """
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("FZCTL_TRACEBACK", "1")
    monkeypatch.setenv("FZCTL_TURN_PASSWORD", PASSWORD)
    monkeypatch.setattr("tempfile.tempdir", None)
    folders = Folders("HOME", ("HOME",), "HOME")
    monkeypatch.setattr("fzctl.cli.wiresharkopen.ask_or_guess", lambda: folders)
    monkeypatch.setattr("fzctl.cli.wiresharkinstall.ask_tshark", lambda: folders)
    monkeypatch.setattr("fzctl.wireshark.tshark.read_with_tshark", lambda *_, **__: iter(()))
    monkeypatch.setattr("fzctl.carriers.peer.PATIENCE", 0.2)
    monkeypatch.setattr(os, "execve", _refuse)
    monkeypatch.setattr(watch, "_open_source", _source(watch._open_source))

    known: set[tuple[str, int, int]] = set()

    def run(*words: str) -> Result:
        given = put_secrets(tmp_path)
        found = fzctl(*words)
        assert not leaks((found.out + found.err).encode("utf-8", "surrogateescape")), words
        for path in files_in(tmp_path):
            state = str(path), path.stat().st_mtime_ns, path.stat().st_size
            if state not in known and path.read_bytes() not in given:
                assert not leaks(path.read_bytes()), (words, path)
            known.add(state)
        return found

    return run


def put_secrets(folder: Path) -> list[bytes]:
    """Write the inputs where they are missing; the value is what may stand in a file."""
    texts = {"keys": keylog().encode(), "conf": config().encode(), "password": PASSWORD.encode() + b"\n"}
    texts |= {"redact": REDACTION, "log": LOG.encode()}
    for name, text in texts.items():
        path = folder / name
        if not path.exists():
            path.touch(0o600)
            path.write_bytes(text)
    return [*texts.values(), *((folder / name).read_bytes() for name in texts)]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _refuse(*_: object) -> None:
    raise OSError(13, "not here")


def _source(real: Callable[[argparse.Namespace], Any]) -> Callable[[argparse.Namespace], Any]:
    def opened(args: argparse.Namespace) -> Any:
        if args.peer_config is not None:
            return real(args)
        return LiveCapture(args.interface, Canned([], CarrierError("capture on", "wg0", "it ended")), RAW)

    return opened


def test_the_test_finds_what_it_looks_for() -> None:
    assert len(leaks(keylog().encode())) == 5
    assert len(leaks(config().encode())) == 2
    for text in (*SPOILED_KEYS.values(), *SPOILED_CONFIGS.values()):
        assert leaks(text.encode("latin-1")) or "\0" in text
    for shown in (REDACTION, REDACTION.hex().encode(), REDACTION.hex(" ").encode(), repr(REDACTION).encode()):
        assert leaks(b"x" + shown) == {"key 3"}
    assert leaks(LOG.encode()) == {PASSWORD, TOKEN}
    assert not leaks(b"nothing of the kind")


@pytest.mark.parametrize("case", WITH_KEYS)
def test_keys_of_a_key_log_are_used_and_not_shown(case: str, secret: Callable[..., Result]) -> None:
    found = secret(*WITH_KEYS[case], "-k", "keys")
    assert found.code in (0, 1, 4)
    assert found.out + found.err


@pytest.mark.parametrize("case", WITH_KEYS)
@pytest.mark.parametrize(
    "how", ["a strange character", "cut", "turned round", "conf", "password", "nosuch", "."]
)
def test_keys_of_a_wrong_key_log_are_not_shown(case: str, how: str, secret: Callable[..., Result]) -> None:
    if how in SPOILED_KEYS:
        Path("keys").write_text(SPOILED_KEYS[how])
    found = secret(*WITH_KEYS[case], "-k", "keys" if how in SPOILED_KEYS else how)
    assert found.code in (0, 1, 3, 4)
    assert found.err


@pytest.mark.parametrize("how", SPOILED_KEYS)
def test_however_a_key_log_is_wrong_the_warning_repeats_no_key(
    how: str, secret: Callable[..., Result]
) -> None:
    Path("keys").write_bytes(SPOILED_KEYS[how].encode("latin-1"))
    assert "key" in secret("decode", "-v", "-k", "keys", DIRECT).err.lower()
    secret("doctor", "-r", DIRECT, "-k", "keys")
    assert extcap(["--capture", "--fifo", "nosuch/fifo", "--file", DIRECT, "--keys", "keys"]) == 3


@pytest.mark.parametrize("case", WITH_PEER)
@pytest.mark.parametrize(
    "how", ["sound", "a strange character", "turned round", "keys", "password", "nosuch", "."]
)
def test_keys_of_a_config_are_not_shown(case: str, how: str, secret: Callable[..., Result]) -> None:
    if how in SPOILED_CONFIGS:
        Path("conf").write_text(SPOILED_CONFIGS[how])
    found = secret(*WITH_PEER[case], "--peer", how if how in OTHER_FILES else "conf")
    assert found.code in (0, 4)
    assert found.err


@pytest.mark.parametrize("how", SPOILED_CONFIGS)
def test_however_a_config_is_wrong_the_error_repeats_no_key(how: str, secret: Callable[..., Result]) -> None:
    Path("conf").write_bytes(SPOILED_CONFIGS[how].encode("latin-1"))
    found = secret("client", *ASKING, "--dry-run", "--peer", "conf")
    assert (found.code, found.out) == (4, "")
    for option in ("Endpoint", "AllowedIPs", "ListenPort", "PersistentKeepalive", "[Interface"):
        lines = SPOILED_CONFIGS[how].replace("PrivateKey", option, 1)
        Path("conf").write_bytes(lines.encode("latin-1"))
        assert secret("client", *ASKING, "--dry-run", "--peer", "conf").code == 4


@pytest.mark.parametrize("verb", VERBS)
def test_a_secret_in_the_place_of_any_option_is_not_shown(
    verb: str, secret: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with keys is given where something else is expected, and what is expected otherwise is there."""
    monkeypatch.setattr(demo, "play", lambda *_: None)
    monkeypatch.setattr("fzctl.cli.machine.examine", list)
    dry = ("--dry-run", "--peer", "conf")
    rest: tuple[tuple[str, ...], ...] = {
        "client": ((*dry, *ASKING),), "inject": (dry,), "respond": (dry,), "replay": ((*dry, SETUP),),
        "resilience": (("--runs", "1", "--select", "calm"),), "watch": (("-i", "wg0"),),
        "logs": ((), ("log",)), **dict.fromkeys(("decode", "analyze", "check", "stats"), ((), (SETUP,))),
    }.get(verb, ((),))  # fmt: skip
    for before, action in options_of(build_parser(verb)):
        if action.nargs == 0 or verb in ("shell", "completion", "doctor"):
            continue
        for name in ("keys",) if before else ("keys", "conf", "password", "redact"):
            if (verb, name) == ("logs", "password"):
                continue  # a line without a word about what it is
            words = (verb, *before, *action.option_strings[-1:], name)
            if action.dest in ("write", "keylog", "svg", "html"):
                Path(name).unlink(missing_ok=True)
            for more in rest:
                assert secret(*words, *more).code in (0, 1, 2, 3, 4, 5), words


# --- a relay's password, and whatever is written on purpose ---


@pytest.mark.parametrize("given", ["variable", "password", "conf", "nosuch", "."])
def test_the_password_of_a_relay_is_not_shown(given: str, secret: Callable[..., Result]) -> None:
    options = () if given == "variable" else ("--turn-password-file", given)
    with relay_on_loopback(FakeServer()) as port:
        turn = ("--turn", f"turn:{USER}@127.0.0.1:{port}", *options)
        found = secret("-v", "inject", "goodbye", "--peer", "conf", *turn, "-w", "made.pcapng")
    assert found.code == 4
    if given in ("variable", "password"):
        assert "it refuses user name or password (401)" in found.err
    for user in (f"{USER}:{PASSWORD}", f"{PASSWORD}:"):
        assert secret("inject", "goodbye", "--peer", "conf", "--turn", f"turn:{user}@127.0.0.1").code == 2


def test_tokens_in_logs_are_not_shown(secret: Callable[..., Result]) -> None:
    for form in ("text", "json", "jsonl"):
        assert "not shown" in secret("logs", "-T", form, "--all-fields", "log").out
        secret("logs", "-T", form, "--redact-key", "redact", "log", "keys", "conf", "password")


def test_where_they_are_asked_for_keys_are_written(fzctl: Run, tmp_path: Path) -> None:
    (tmp_path / "keys").touch(0o600)
    (tmp_path / "keys").write_text(keylog())
    target = tmp_path / "open.pcapng"
    words = (
        "decode",
        "--keep-encrypted",
        "--embed-keys",
        "-k",
        str(tmp_path / "keys"),
        "-w",
        str(target),
        DIRECT,
    )
    assert "WARNING" in fzctl(*words).err
    assert leaks(target.read_bytes())


# --- a bug ---


@pytest.mark.parametrize("place", ["fzctl.wireguard.noise.kdf", "fzctl.wireguard.handshakes.read_initiation"])
def test_a_traceback_shows_no_key(
    place: str, secret: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("boom")

    monkeypatch.setattr(place, broken)
    found = secret("decode", "-k", "keys", DIRECT)
    assert found.code == 70
    assert found.err.startswith("Traceback (most recent call last):\n")
    assert found.err.count("\n  File ") > 5


def test_every_verb_that_takes_keys_is_looked_at() -> None:
    for option, cases in (("keys", WITH_KEYS), ("peer_config", WITH_PEER)):
        having = {
            verb for verb in VERBS for _, action in options_of(build_parser(verb)) if action.dest == option
        }
        assert having == {words[0] for words in cases.values()}
