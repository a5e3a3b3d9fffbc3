"""Key logs and captures that grow: private, whole at each moment, keys first."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from fzctl.carriers.recording import CaptureFile, KeyLogFile
from fzctl.errors import CarrierError
from fzctl.pcap.capture import open_capture
from fzctl.wireguard.keylog import handshake_entries, parse_keylog
from tests.wireguard.lab import PSK, A, B, C

ENTRIES = handshake_entries(A, B.public, C, PSK)
ENDS = ("192.0.2.1", 1), ("192.0.2.2", 2)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_key_log_is_private_whatever_the_mask_and_readable_at_once(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    before = os.umask(0)
    try:
        log = KeyLogFile(str(path))
    finally:
        os.umask(before)
    log.write(ENTRIES)
    assert mode(path) == 0o600
    assert [entry.key for entry in parse_keylog(path.read_bytes(), "keys").entries] == [
        e.key for e in ENTRIES
    ]
    log.close()
    log.close()


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_key_log_of_ours_is_continued(tmp_path: Path, end: str) -> None:
    path = tmp_path / "keys"
    path.touch(0o600)
    path.write_text("# mine\nPRESHARED_KEY = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" + end)
    log = KeyLogFile(str(path))
    log.write(ENTRIES)
    log.close()
    read = parse_keylog(path.read_bytes(), "keys")
    assert len(read.entries) == 5
    assert path.read_text().startswith("# mine\n")


def test_an_empty_file_of_ours_is_used(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.touch(0o600)
    KeyLogFile(str(path)).close()


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda path: path.touch(0o644), "others may open it"),
        (lambda path: (path.touch(0o600), path.write_text("root:x:0:0\n")), "it is no key log|is no key log"),
        (lambda path: path.mkdir(), "directory|Is a directory"),
        (lambda path: path.symlink_to("/etc/passwd"), "symbolic"),
        (lambda path: os.mkfifo(path, 0o600), "no file of yours"),
    ],
    ids=["open to others", "other text", "folder", "link", "pipe"],
)  # fmt: skip
def test_what_is_no_private_key_log_of_ours_is_left_alone(tmp_path: Path, prepare: object, said: str) -> None:
    assert callable(prepare)
    path = tmp_path / "keys"
    prepare(path)
    with pytest.raises(CarrierError, match=rf"cannot write the key log .*keys: .*({said})"):
        KeyLogFile(str(path))


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CarrierError, match=r"cannot write the key log .*: No such file"):
        KeyLogFile(str(tmp_path / "no" / "keys"))
    with pytest.raises(CarrierError, match=r"cannot write the capture .*: No such file"):
        CaptureFile(str(tmp_path / "no" / "x.pcapng"))


def frames(path: Path) -> list[tuple[bytes, int | None]]:
    with open_capture(str(path)) as capture:
        return [(bytes(frame.data), frame.time) for frame in capture.frames()]


def test_a_capture_can_be_read_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    capture = CaptureFile(str(path))
    assert frames(path) == []
    capture.write_keys(ENTRIES)
    for number in range(3):
        capture.write(b"x", *ENDS, 1_700_000_000_000_000_000 + number, "out")
        assert len(frames(path)) == number + 1
    assert frames(path)[1][1] == 1_700_000_000_000_000_001
    capture.close()
    capture.close()
    assert len(frames(path)) == 3
    assert mode(path) == 0o600


def test_an_older_capture_is_replaced_and_made_private(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(b"x" * 10_000)
    path.chmod(0o666)
    CaptureFile(str(path)).close()
    assert frames(path) == []
    assert mode(path) == 0o600


@pytest.mark.parametrize("is_link", [True, False])
def test_what_somebody_else_put_there_is_not_written_to(
    is_link: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "x.pcapng", tmp_path / "other"
    other.write_text("before")
    if is_link:
        path.symlink_to(other)
    else:
        path.write_text("before")
    monkeypatch.setattr("fzctl.pcap.sinks._SYSTEM", -1)
    monkeypatch.setattr(os, "geteuid", lambda: path.lstat().st_uid + 1)
    said = "it is a link that somebody else made" if is_link else "it exists and is no file of yours"
    with pytest.raises(CarrierError, match=rf"cannot write the capture .*x\.pcapng: {said}"):
        CaptureFile(str(path))
    assert path.read_text() == "before"


def test_a_link_of_our_own_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    path.symlink_to(tmp_path / "real.pcapng")
    CaptureFile(str(path)).close()
    assert frames(tmp_path / "real.pcapng") == []


@pytest.mark.parametrize("name", ["x.pcap", "x.pcapng.gz", "x.zst"])
def test_names_of_what_cannot_grow_with_keys_inside_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CarrierError, match=r"name it \.pcapng"):
        CaptureFile(str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []


def test_a_capture_can_go_to_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
    capture = CaptureFile("-")
    capture.write(b"x", *ENDS, 1, "in")
    capture.close()
    assert out.getvalue()[:4] == b"\x0a\x0d\x0d\x0a"
