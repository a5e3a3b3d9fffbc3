"""``-w``: messages, all inner packets or the frames as captured; names, directions, keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.cli import saving
from fzctl.cli.saving import spare_inputs
from fzctl.pcap.capture import open_capture
from fzctl.pcap.writer import open_writer
from tests.cli.conftest import ENVIRONMENT, Run
from tests.records import raw
from tests.test_tunnel import datagram, sealed, tunnel

DATA = Path(__file__).parents[1] / "wireguard" / "data"
DIRECT, RELAYED = str(DATA / "enc-direct.pcap"), str(DATA / "turn-coturn.pcap")


@pytest.fixture
def keys(tmp_path: Path) -> str:
    path = tmp_path / "direct.keys"
    path.write_bytes((DATA / "enc-direct.keys.txt").read_bytes())
    path.chmod(0o600)
    return str(path)


def messages(fzctl: Run, path: str | Path, *options: str) -> list[dict[str, object]]:
    found = fzctl("decode", "-T", "jsonl", *options, str(path))
    assert (found.code, found.err) == (0, "")
    kept = ("time", "name", "fields", "accepted")
    return [{name: json.loads(line)[name] for name in kept} for line in found.lines]


def frames(path: Path) -> list[tuple[int, int]]:
    with open_capture(path) as capture:
        return [(frame.link_type, frame.length) for frame in capture.frames()]


@pytest.mark.parametrize("name", ["out.pcapng", "out.pcap", "out.pcapng.zst"])
def test_the_messages_are_written_decrypted_as_raw_ip(
    name: str, keys: str, tmp_path: Path, fzctl: Run
) -> None:
    target = tmp_path / name
    found = fzctl("decode", "-k", keys, "-w", str(target), DIRECT)
    assert (found.code, found.out) == (0, "")
    assert found.err.startswith("fzctl: 16 control messages in 128 packets")
    assert {link_type for link_type, _ in frames(target)} == {101}
    assert messages(fzctl, target) == messages(fzctl, DIRECT, "-k", keys)


def test_with_all_every_inner_packet_is_written(keys: str, tmp_path: Path, fzctl: Run) -> None:
    target = tmp_path / "all.pcapng"
    assert fzctl("decode", "--all", "-k", keys, "-w", str(target), DIRECT).code == 0
    assert len(frames(target)) == 51 + 52 + 4 + 4 + 5 + 4
    assert messages(fzctl, target) == messages(fzctl, DIRECT, "-k", keys)


def test_kept_encrypted_the_file_can_be_decrypted_again(keys: str, tmp_path: Path, fzctl: Run) -> None:
    target = tmp_path / "kept.pcapng"
    assert fzctl("decode", "--keep-encrypted", "-k", keys, "-w", str(target), DIRECT).code == 0
    assert len(frames(target)) == 16 + 6
    assert messages(fzctl, target) == []
    assert messages(fzctl, target, "-k", keys) == messages(fzctl, DIRECT, "-k", keys)


def test_a_filter_chooses_the_frames_that_are_kept(keys: str, tmp_path: Path, fzctl: Run) -> None:
    target = tmp_path / "kept.pcapng"
    assert (
        fzctl(
            "decode", "--keep-encrypted", "-Y", "fzp2p.kind == 2", "-k", keys, "-w", str(target), DIRECT
        ).code
        == 0
    )
    assert len(frames(target)) == 2 + 6


def test_embedded_keys_open_the_file_without_asking_and_are_announced(
    keys: str, tmp_path: Path, fzctl: Run
) -> None:
    target = tmp_path / "open.pcapng"
    target.touch()
    target.chmod(0o666)
    found = fzctl("decode", "--keep-encrypted", "--embed-keys", "-k", keys, "-w", str(target), DIRECT)
    assert target.stat().st_mode & 0o777 == 0o600
    assert f"fzctl: WARNING: {target} holds the keys: whoever gets it can read what is in it\n" in found.err
    assert messages(fzctl, target) == messages(fzctl, DIRECT, "-k", keys)


def test_embedded_keys_are_handed_on(keys: str, tmp_path: Path, fzctl: Run) -> None:
    first, second = tmp_path / "first.pcapng", tmp_path / "second.pcapng"
    fzctl("decode", "--keep-encrypted", "--embed-keys", "-k", keys, "-w", str(first), DIRECT)
    found = fzctl("decode", "--keep-encrypted", "--embed-keys", "-w", str(second), str(first))
    assert "WARNING" in found.err
    assert len(messages(fzctl, second)) == 16


def test_keys_in_a_later_section_are_used_too(keys: str, tmp_path: Path, fzctl: Run) -> None:
    closed, opened, both = (tmp_path / name for name in ("closed.pcapng", "open.pcapng", "both.pcapng"))
    fzctl("decode", "--keep-encrypted", "-k", keys, "-w", str(closed), DIRECT)
    fzctl("decode", "--keep-encrypted", "--embed-keys", "-k", keys, "-w", str(opened), DIRECT)
    both.write_bytes(closed.read_bytes() + opened.read_bytes())
    found = fzctl("decode", "-T", "fields", "-e", "frame.number", str(both))
    assert [int(line) > 22 for line in found.lines] == [False] * 16 + [True] * 16


def test_without_embed_keys_no_key_is_in_the_file(keys: str, tmp_path: Path, fzctl: Run) -> None:
    target = tmp_path / "kept.pcapng"
    fzctl("decode", "--keep-encrypted", "-k", keys, "-w", str(target), DIRECT)
    written = target.read_bytes()
    for line in Path(keys).read_text().splitlines():
        assert line.partition("=")[2].strip().encode() not in written or "KEY" not in line


def test_keys_in_a_classic_capture_are_refused(keys: str, tmp_path: Path, fzctl: Run) -> None:
    target = tmp_path / "open.pcap"
    found = fzctl("decode", "--embed-keys", "-k", keys, "-w", str(target), DIRECT)
    assert found.code == 3
    assert "pcapng" in found.err
    assert not target.exists()


@pytest.mark.parametrize("option", ["--all", "--keep-encrypted", "--embed-keys"])
def test_what_is_about_writing_needs_a_file(option: str, fzctl: Run) -> None:
    found = fzctl("decode", option, DIRECT)
    assert found.code == 2
    assert "-w FILE" in found.err


@pytest.mark.parametrize("verb", ["decode", "watch -i lo"])
def test_the_keys_are_not_overwritten(verb: str, keys: str, tmp_path: Path, fzctl: Run) -> None:
    before = Path(keys).read_bytes()
    (tmp_path / "link").symlink_to(keys)
    os.link(keys, tmp_path / "hard")
    files = [DIRECT] if verb == "decode" else []
    for name in (keys, str(tmp_path / "link"), str(tmp_path / "hard")):
        found = fzctl(*verb.split(), "-k", keys, "-w", name, *files)
        assert (found.code, found.out) == (2, "")
        assert "would overwrite an input" in found.err
    assert Path(keys).read_bytes() == before


@pytest.mark.parametrize("verb", ["decode -w", "analyze --html", "analyze --svg"])
def test_the_key_of_redaction_is_not_overwritten(verb: str, tmp_path: Path, fzctl: Run) -> None:
    found = fzctl(*verb.split(), f"{tmp_path}/./a", "--redact-key", f"{tmp_path}/a", DIRECT)
    assert found.code == 2
    assert "name the same file" in found.err


def test_what_stands_on_standard_input_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(Path(DIRECT).read_bytes())
    with path.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "fzctl", "decode", "-w", str(path), "-"],
            stdin=file, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "would overwrite an input" in done.stderr
    assert path.read_bytes() == Path(DIRECT).read_bytes()


def test_a_device_is_read_and_written_at_once() -> None:
    spare_inputs("/dev/null", ["/dev/null", "-"])


def test_decrypted_and_encrypted_do_not_go_together(keys: str, tmp_path: Path, fzctl: Run) -> None:
    target = tmp_path / "a.pcapng"
    found = fzctl("decode", "--all", "--keep-encrypted", "-k", keys, "-w", str(target), DIRECT)
    assert found.code == 2
    assert not target.exists()


@pytest.mark.parametrize("option", ["--all", "--keep-encrypted"])
@pytest.mark.parametrize("redact", [("--redact",), ("--redact-key", "{}/key")])
def test_what_cannot_be_redacted_is_not_written(
    redact: tuple[str, ...], option: str, keys: str, tmp_path: Path, fzctl: Run
) -> None:
    target = tmp_path / "a.pcapng"
    words = [word.format(tmp_path) for word in redact]
    found = fzctl("decode", *words, option, "-k", keys, "-w", str(target), DIRECT)
    assert found.code == 2
    assert "--redact replaces what is in messages, not in other packets" in found.err
    assert not target.exists()


def test_redaction_hides_the_outer_addresses_too(keys: str, fzctl: Run) -> None:
    found = fzctl("decode", "--redact", "-T", "jsonl", "-k", keys, DIRECT)
    assert len(found.lines) == 16
    assert "192.0.2." not in found.out
    assert ":51820" in found.out


@pytest.mark.peer("tshark")
def test_wireshark_shows_the_names_of_proxy_ips_and_decrypts_with_the_embedded_keys(
    keys: str, tmp_path: Path, fzctl: Run, require_peer: Callable[[str], str]
) -> None:
    tshark = require_peer("tshark")
    named, opened = tmp_path / "all.pcapng", tmp_path / "open.pcapng"
    fzctl("decode", "--all", "-k", keys, "-w", str(named), DIRECT)
    fzctl("decode", "--keep-encrypted", "--embed-keys", "-k", keys, "-w", str(opened), DIRECT)
    hosts = subprocess.run(
        [tshark, "-r", str(named), "-q", "-z", "hosts"], capture_output=True, text=True, check=True
    )
    assert "100.96.0.1\texample.com" in hosts.stdout.replace(" ", "\t")
    control = subprocess.run(
        [tshark, "-r", str(opened), "-Y", "ipv6.nxt == 255", "-T", "fields", "-e", "frame.number"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(control.stdout.split()) == 16


def test_frames_that_nobody_has_asked_for_yet_take_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "_MOST_HELD_BYTES", 10_000)
    with open_writer(str(tmp_path / "out.pcapng"), link_type=None) as writer:
        saver = saving.FrameSaver(writer, "out.pcapng")
        found = list(
            tunnel(watcher=saver).records(
                datagram(sealed(raw(0, b"x" * 1000), number), number) for number in range(1, 50)
            )
        )
        assert len(found) == 49
        assert 5 < len(saver._held) < 10
        assert saver._held_bytes == sum(len(inner.datagram.data) for inner in saver._held.values())
        for record in found:
            saver.save(record)
        assert (saver._held, saver._held_bytes) == ({}, 0)
    with open_capture(tmp_path / "out.pcapng") as capture:
        assert len(list(capture.frames())) == 49
