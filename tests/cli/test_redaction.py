"""``--redact-key``: the file, its permissions, and what it makes equal."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def decode(fzctl: Run, hex_file: Callable[..., str]) -> Run:
    return lambda *more: fzctl("decode", "--hex", "-T", "hex", *more, hex_file())


def test_a_key_is_made_once_for_its_owner_only_and_used_again(decode: Run, tmp_path: Path) -> None:
    path = tmp_path / "key"
    first = decode("--redact", "--redact-key", str(path))
    assert (first.code, stat.S_IMODE(path.stat().st_mode), len(path.read_bytes())) == (0, 0o600, 32)
    assert "a new key for --redact-key" in first.err
    second = decode("--redact-key", str(path))
    assert (second.code, second.out, second.err) == (0, first.out, "")
    assert decode().out != first.out != decode("--redact").out


def test_a_key_that_others_can_read_is_used_with_a_warning(decode: Run, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"sixteen bytes ok")
    path.chmod(0o644)
    found = decode("--redact-key", str(path))
    assert found.code == 0
    assert "others can read this key (chmod 600 takes that away)" in found.err
    path.chmod(0o600)
    assert decode("--redact-key", str(path)).err == ""


@pytest.mark.parametrize(("key", "code"), [(b"short", 2), (b"x" * 70_000, 2), (None, 3)])
def test_what_is_no_key_is_refused_and_never_shown(
    key: bytes | None, code: int, decode: Run, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    if key is None:
        path.mkdir()
    else:
        path.write_bytes(key)
    found = decode("--redact-key", str(path))
    assert (found.code, found.out) == (code, "")
    assert "--redact-key" in found.err
    assert "short" not in found.err


def test_a_place_where_no_key_can_be_made_is_told(decode: Run, tmp_path: Path) -> None:
    found = decode("--redact-key", str(tmp_path / "no" / "key"))
    assert (found.code, found.out) == (3, "")
    assert "cannot be made: No such file or directory" in found.err


def test_a_key_that_somebody_else_made_is_used_with_a_warning(
    decode: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"sixteen bytes ok")
    path.chmod(0o600)
    monkeypatch.setattr("fzctl.cli.redaction._SYSTEM", -1)
    monkeypatch.setattr("os.geteuid", lambda: path.stat().st_uid + 1)
    found = decode("--redact-key", str(path))
    assert found.code == 0
    assert "this key is somebody else's, who can test guesses with it" in found.err
