"""Logs that grow, are rotated, made anew, and a symlink that moves on."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from fzctl.logs.follow import Followed, Tail
from fzctl.logs.sources import Source, find_sources

LINE = "2026-08-22T00:53:{:02}.158Z  INFO a::b: {}\n"


def append(path: Path, *messages: str, second: int = 24) -> None:
    with path.open("a") as file:
        file.writelines(LINE.format(second, message) for message in messages)


def poll(tail: Tail) -> list[str | None]:
    return [event.message for event in tail.poll()]


def followed(*paths: Path) -> Followed:
    def find() -> list[Source]:
        with ExitStack() as stack:
            return find_sources([str(path) for path in paths], stack).sources

    return Followed(find)


def messages(found: Followed) -> list[str | None]:
    return [event.message for event in found.poll()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


def test_what_is_added_comes_once_and_half_a_line_waits(log: Path) -> None:
    tail = Tail(str(log))
    assert poll(tail) == []
    append(log, "one", "two")
    assert poll(tail) == ["one", "two"]
    assert poll(tail) == []
    with log.open("a") as file:
        file.write(LINE.format(25, "three")[:-3])
    assert poll(tail) == []
    with log.open("a") as file:
        file.write("ee\n")
    assert poll(tail) == ["three"]


def test_the_last_line_without_an_end_comes_when_it_is_closed(log: Path) -> None:
    tail = Tail(str(log))
    log.write_text(LINE.format(24, "one").rstrip())
    assert poll(tail) == []
    assert [event.message for event in tail.close()] == ["one"]


def test_a_rotated_log_is_read_to_its_end_and_the_new_one_from_its_start(log: Path) -> None:
    tail = Tail(str(log))
    append(log, "one")
    assert poll(tail) == ["one"]
    append(log, "two")
    log.rename(log.with_suffix(".old"))
    append(log.with_suffix(".old"), "three")
    append(log, "four")
    found = list(tail.poll())
    assert [event.message for event in found] == ["two", "three", "four"]
    assert found[-1].line == 1


def test_a_deleted_log_is_waited_for(log: Path) -> None:
    tail = Tail(str(log))
    append(log, "one")
    assert poll(tail) == ["one"]
    log.unlink()
    assert poll(tail) == []
    append(log, "two")
    assert poll(tail) == ["two"]


def test_a_log_that_is_cut_short_is_read_from_its_start(log: Path) -> None:
    tail = Tail(str(log))
    append(log, "one", "two")
    poll(tail)
    os.truncate(log, 0)
    append(log, "three")
    assert poll(tail) == ["three"]


def test_a_symlink_that_moves_on_is_followed(tmp_path: Path) -> None:
    first, second, link = (tmp_path / name for name in ("1.log", "2.log", "latest"))
    append(first, "one")
    link.symlink_to(first)
    tail = Tail(str(link))
    assert poll(tail) == ["one"]
    append(first, "two")
    append(second, "three")
    link.unlink()
    link.symlink_to(second)
    assert poll(tail) == ["two", "three"]


def test_a_folder_gets_new_logs_and_no_rotated_one_twice(tmp_path: Path) -> None:
    first = tmp_path / "a.log"
    append(first, "one")
    found = followed(tmp_path)
    assert messages(found) == ["one"]
    first.rename(tmp_path / "a.log.1")
    append(first, "two")
    append(tmp_path / "b.log", "three", second=25)
    assert messages(found) == ["two", "three"]
    assert messages(found) == []
    append(tmp_path / "b.log", "late", second=30)
    append(first, "early", second=29)
    assert messages(found) == ["early", "late"]
    assert len(found) >= 2
    assert list(found.close()) == []


def test_what_goes_wrong_with_one_log_loses_nothing_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.log", "b.log"):
        append(tmp_path / name, name)
    found = followed(tmp_path)
    read = os.read
    failed: list[int] = []

    def failing(file: int, size: int) -> bytes:
        data = read(file, size)
        if not data and not failed:
            failed.append(file)
            raise OSError(5, "Input/output error")
        return data

    monkeypatch.setattr(os, "read", failing)
    assert messages(found) == ["a.log", "b.log"]
    assert [str(error) for error in found.problems] == [
        f"{tmp_path / 'a.log'}: cannot be read: Input/output error"
    ]
    list(found.close())


def test_a_file_that_cannot_be_opened_is_told_once_and_read_as_soon_as_it_can_be(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, "one")
    found = followed(log)
    opened = os.open

    def full(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        assert messages(found) == messages(found) == []
    assert [str(error) for error in found.problems] == [
        f"{log}: cannot be opened: too many files are open; follow fewer, or raise the limit (ulimit -n)"
    ]
    assert os.open is opened
    assert messages(found) == ["one"]
    assert len(found.problems) == 1


def test_a_pipe_that_takes_a_logs_place_at_the_last_moment_is_not_waited_for(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(log)
    writer = os.open(log, os.O_RDWR | os.O_NONBLOCK)
    tail = Tail(str(log))
    with monkeypatch.context() as patched:
        patched.setattr(tail, "_look", lambda: (1, 1))
        os.write(writer, b"into the pipe\n")
        assert poll(tail) == []
    log.unlink()
    append(log, "a log again")
    assert poll(tail) == ["a log again"]
    os.close(writer)
