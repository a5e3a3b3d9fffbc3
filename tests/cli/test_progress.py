"""The progress line on a terminal."""

from __future__ import annotations

import io
import sys
from threading import Event, Thread
from typing import cast

import pytest

from fzctl.cli import progress
from fzctl.cli.progress import Progress, progress_text
from fzctl.pcap.capture import Capture
from fzctl.records import Record
from tests.cli.conftest import Run
from tests.records import goodbye, record


@pytest.mark.parametrize(
    ("done", "total", "frames", "text"),
    [
        (0, 1000, 0, "reading: 0 %, 0 MB, 0 frames"),
        (512_000_000, 1_024_000_000, 1_000_000, "reading: 50 %, 512 MB, 1,000,000 frames"),
        (2000, 1000, 9, "reading: 100 %, 0 MB, 9 frames"),
        (3_000_000, None, 5, "reading: 3 MB, 5 frames"),
        (0, 0, 0, "reading: 0 MB, 0 frames"),
    ],
)
def test_progress_is_told_in_a_line(done: int, total: int | None, frames: int, text: str) -> None:
    assert progress_text(done, total, frames) == text


class Slow:
    """A capture that is looked at while it is read."""

    frame_count = 7

    def __init__(self) -> None:
        self.seen = Event()

    def progress(self) -> tuple[int, int | None]:
        self.seen.set()
        return 1, 2


def test_the_line_is_there_while_reading_lasts_and_gone_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FIRST_AFTER", 0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    capture = Slow()
    with Progress(cast(Capture, capture)):
        assert capture.seen.wait(60)
    shown = cast(io.StringIO, sys.stderr).getvalue()
    assert shown.startswith("\r\x1b[Kreading: 50 %, 0 MB, 7 frames")
    assert shown.endswith("\r\x1b[K")


def test_what_is_shown_meanwhile_takes_the_place_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FIRST_AFTER", 0)
    monkeypatch.setattr(progress, "_EVERY", 3600)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    capture = Slow()
    with Progress(cast(Capture, capture)) as shown:
        assert capture.seen.wait(60)
        for frame in (1, 2):
            shown.aside(lambda each: print(each.frame, file=sys.stderr), record(goodbye(), frame))
    assert cast(io.StringIO, sys.stderr).getvalue() == "\r\x1b[Kreading: 50 %, 0 MB, 7 frames\r\x1b[K1\n2\n"


def test_a_short_input_shows_none(terminal: Run) -> None:
    found = terminal(f"$FZCTL decode --hex -w a.pcapng - <<< {goodbye().hex()}; $FZCTL decode a.pcapng")
    assert (found.code, "reading" in found.out) == (0, False)


def test_without_a_thread_it_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", refuse)
    shown: list[Record] = []
    with Progress(cast(Capture, None)) as running:
        running.aside(shown.append, record(goodbye()))
    assert shown == [record(goodbye())]


def test_a_stderr_that_is_gone_ends_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(progress, "_FIRST_AFTER", 0)
    monkeypatch.setattr(sys, "stderr", Gone())
    capture = Slow()
    with Progress(cast(Capture, capture)):
        assert capture.seen.wait(60)
