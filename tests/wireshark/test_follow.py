"""Captures in the making: waited for, ended by a word, by a reader that left or by themselves."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fzctl.errors import CaptureError, CarrierError, ToolError
from fzctl.wireshark import follow
from fzctl.wireshark.follow import Captured, Followed, Waiter, capture_command


@pytest.fixture
def waiter() -> Iterator[Waiter]:
    made = Waiter()
    yield made
    made.close()


def nothing() -> None:
    pass


def later(what: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(0.15, what)
    timer.start()
    return timer


def test_what_a_file_grows_by_is_read_and_announced_before(waiter: Waiter, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    announced: list[int] = []
    file = Followed(str(path), waiter, lambda: announced.append(1))
    assert file.read1(100) == b"one"

    def grow() -> None:
        with path.open("ab") as more:
            more.write(b"two")

    later(grow)
    assert file.read1(100) == b"two"
    assert announced == [1, 1]
    file.close()


def test_the_word_to_stop_ends_the_wait(waiter: Waiter, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    file = Followed(str(tmp_path / "a"), waiter, nothing)
    later(waiter.stop)
    assert file.read1(100) == b""
    assert waiter.stopped
    file.close()


def test_a_reader_that_goes_away_ends_the_wait() -> None:
    reader, writer = os.pipe()
    waiter = Waiter(writer)
    later(lambda: os.close(reader))
    assert waiter.wait(None, 10) is False
    os.close(writer)
    waiter.close()


def test_a_parent_that_goes_away_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PARENT_SECONDS", 0.05)
    waiter = Waiter()
    later(lambda: monkeypatch.setattr(os, "getppid", lambda: 1))
    assert waiter.wait() is False
    waiter.close()


def test_time_that_passes_is_no_word_to_stop(waiter: Waiter) -> None:
    assert waiter.wait(None, 0.01)


def test_a_file_that_begins_anew_is_an_error(waiter: Waiter, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    file = Followed(str(path), waiter, nothing)
    file.read1(100)
    path.write_bytes(b"x")
    with pytest.raises(CaptureError, match="cut short"):
        file.read1(100)
    file.close()


def test_a_named_pipe_is_read_to_its_end(waiter: Waiter, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(b"one"))
    writer.start()
    file = Followed(str(path), waiter, nothing)
    assert (file.read1(100), file.read1(100)) == (b"one", b"")
    writer.join()
    file.close()


@pytest.mark.parametrize("name", ["no", ".", "\0"])
def test_what_is_no_file_is_an_error(waiter: Waiter, tmp_path: Path, name: str) -> None:
    with pytest.raises(CaptureError):
        Followed(str(tmp_path / name), waiter, nothing)


def program(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "dumpcap"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_what_a_program_captures_is_read_and_the_program_is_ended(
    waiter: Waiter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "printf one; exec sleep 60", monkeypatch)
    captured = Captured("eth0", waiter, nothing)
    assert captured.read1(100) == b"one"
    later(waiter.stop)
    assert captured.read1(100) == b""
    begun = time.monotonic()
    captured.close()
    assert time.monotonic() - begun < 3


def test_a_program_that_cannot_be_started_is_told(
    waiter: Waiter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "", monkeypatch)
    (tmp_path / "dumpcap").write_text("#!/nowhere/sh\n")
    with pytest.raises(ToolError, match=r"dumpcap cannot be started: No such file"):
        Captured("eth0", waiter, nothing)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(ToolError, match=r"dumpcap cannot be started: No such file"):
        Captured("eth0", waiter, nothing)


def test_a_program_that_fails_is_told_with_its_own_words(
    waiter: Waiter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "echo Capturing on eth0 >&2; echo no such device >&2; exit 2", monkeypatch)
    captured = Captured("eth0", waiter, nothing)
    with pytest.raises(CarrierError, match="cannot capture on eth0: no such device"):
        captured.read1(100)
    captured.close()


@pytest.mark.parametrize(
    ("present", "command"),
    [
        (("dumpcap", "tcpdump"), "/x/dumpcap -q -P -i eth0 -w -"),
        (("tcpdump",), "/x/tcpdump -U -n -i eth0 -w -"),
    ],
)
def test_wiresharks_own_program_comes_first(present: tuple[str, ...], command: str) -> None:
    assert (
        " ".join(capture_command("eth0", lambda name: f"/x/{name}" if name in present else None)) == command
    )


def test_without_a_program_it_is_said_what_to_install() -> None:
    with pytest.raises(ToolError, match="apt install"):
        capture_command("eth0", lambda name: None)


@pytest.mark.root
@pytest.mark.peer("tcpdump")
def test_an_interface_that_is_not_there_is_told_in_real_life(waiter: Waiter) -> None:
    assert shutil.which("tcpdump")
    captured = Captured("nowhere0", waiter, nothing)
    with pytest.raises(CarrierError, match="nowhere0"):
        captured.read1(100)
    captured.close()
