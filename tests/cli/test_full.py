"""The disk is full: files are whole or absent, captures of what does not come again end behind a whole block.

A limit for files (RLIMIT_FSIZE) stands for the disk: writes take a part and then fail, as there.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fzctl.carriers.memory import memory_pair
from fzctl.carriers.recorded import RecordedCarrier
from fzctl.carriers.recording import CaptureFile, KeyLogFile
from fzctl.errors import CaptureError, CarrierError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.writer import open_writer
from fzctl.wireguard.keylog import handshake_entries, parse_keylog
from tests.cli.conftest import ENVIRONMENT
from tests.pcap import build
from tests.records import assigned, goodbye
from tests.wireguard.lab import PSK, A, B, C

CONFIG = f"""[Interface]
PrivateKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
[Peer]
PublicKey = {"A" * 42}E=
Endpoint = 127.0.0.1:9
AllowedIPs = ::/128
"""
CASES = {
    "decode": "decode -w out.pcapng in.pcap",
    "decode, gzip": "decode -w out.pcap.gz in.pcap",
    "decode, zstd": "decode -w out.pcapng.zst in.pcap",
    "craft": "craft -w out.pcap goodbye",
    "html": "analyze --html out.html in.pcap",
    "svg": "analyze --svg out.svg in.pcap",
    "html, gzip": "analyze --html out.html.gz in.pcap",
    "key": "decode --redact-key out.key in.pcap",
    "profile": "wireshark profile -w out.zip",
    "the tunnel": "inject --peer wg.conf -w out.pcapng goodbye",
}


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def until_full(write: Callable[[], None]) -> int:
    """How often something can be written before the sentence about the file comes."""
    for number in range(10_000):  # noqa: B007 - is the result
        try:
            write()
        except CaptureError as error:
            said = str(error)
            break
    else:
        raise AssertionError("there is room without end")
    assert re.search(r"out\.pcap\S*: cannot be written: File too large$", said)
    return number


@pytest.mark.parametrize("size", [0, 20])
@pytest.mark.parametrize("name", CASES)
def test_what_does_not_fit_is_absent_and_one_sentence_tells_why(name: str, size: int, tmp_path: Path) -> None:
    (tmp_path / "in.pcap").write_bytes(build.pcap([assigned(), goodbye()]))
    (tmp_path / "wg.conf").write_text(CONFIG)
    (tmp_path / "wg.conf").chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-m", "fzctl", "-q", *CASES[name].split()], cwd=tmp_path, env=ENVIRONMENT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("fzctl: out.")
    assert line.endswith("cannot be written: File too large")
    assert {path.name for path in tmp_path.iterdir()} == {"in.pcap", "wg.conf"}


def test_install_names_the_file_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fzctl", "-q", "wireshark", "install"],
        env={**ENVIRONMENT, "HOME": str(tmp_path), "XDG_CONFIG_HOME": f"{tmp_path}/config"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode == 5:
        pytest.skip("tshark is not installed")
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
    assert f"fzctl: {tmp_path}/" in done.stderr
    assert "cannot be changed: File too large" in done.stderr
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("target", ["/dev/full", "link"])
def test_a_device_stays_a_device_and_a_link_a_link(target: str, tmp_path: Path) -> None:
    (tmp_path / "in.pcap").write_bytes(build.pcap([assigned(), goodbye()]))
    (tmp_path / "link").symlink_to("/dev/full")
    for command in ("analyze --html {} in.pcap", "analyze --svg {} in.pcap", "wireshark profile -w {}"):
        done = subprocess.run(
            [sys.executable, "-m", "fzctl", *command.format(target).split()],
            cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 3
        assert f"fzctl: {target}: cannot be written: No space left on device" in done.stderr
    assert (tmp_path / "link").is_symlink()
    assert Path("/dev/full").is_char_device()


def test_a_key_log_keeps_its_whole_lines_and_nothing_of_the_next(tmp_path: Path) -> None:
    entries = handshake_entries(A, B.public, C, PSK)
    path = tmp_path / "keys"
    log = KeyLogFile(str(path))
    log.write(entries)
    whole = path.read_bytes()
    with room_for(len(whole) + 10), pytest.raises(CarrierError, match="File too large"):
        log.write(entries)
    log.close()
    assert path.read_bytes() == whole
    assert len(parse_keylog(whole, "keys").entries) == 4


def test_a_capture_of_the_tunnel_ends_behind_a_whole_block(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    ends = ("192.0.2.1", 1), ("192.0.2.2", 2)
    capture = CaptureFile(str(path))
    capture.write_keys(handshake_entries(A, B.public, C, PSK))
    with room_for(5000):
        written = until_full(lambda: capture.write(bytes(100), *ends, 0, "in"))
    capture.close()
    assert path.stat().st_size <= 5000
    with open_capture(str(path)) as opened:
        assert len(list(opened.frames())) == written
        assert len(opened.secrets) == 1


@pytest.mark.parametrize("name", ["out.pcapng", "out.pcap"])
def test_a_capture_of_packets_that_went_by_is_kept_up_to_the_last_whole_one(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    carrier = RecordedCarrier(memory_pair()[0], str(path))
    with room_for(5000):
        sent = until_full(lambda: carrier.send(goodbye()))
        with pytest.raises(CaptureError, match="File too large"):
            carrier.close()
    assert [each.name for each in tmp_path.iterdir()] == [name]
    with open_capture(str(path)) as opened:
        assert len(list(opened.frames())) == sent


@pytest.mark.parametrize("name", ["out.pcap.gz", "out.pcapng.zst"])
def test_a_packed_capture_cannot_be_kept_in_part(name: str, tmp_path: Path) -> None:
    writer = open_writer(str(tmp_path / name), 101)

    def write() -> None:
        writer.write(os.urandom(200), 0)
        writer.flush()

    with room_for(500):
        until_full(write)
    with room_for(500), pytest.raises(CaptureError, match="File too large"):
        writer.close()
    writer.salvage()
    assert list(tmp_path.iterdir()) == []
