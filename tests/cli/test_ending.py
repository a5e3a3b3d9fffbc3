"""Signals at any moment: what was asked for is whole or absent, nothing half written stays, nor a process.

``FZCTL_ENDINGS=50`` tries that many moments of each case in place of a few.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from fzctl.cli import ending
from fzctl.cli.ending import ended, heed, unheed
from fzctl.pcap import sinks
from fzctl.pcap.capture import open_capture
from fzctl.pcap.sinks import open_sink
from tests.cli.conftest import ENVIRONMENT
from tests.pcap import build
from tests.records import assigned, status

MOMENTS = int(os.environ.get("FZCTL_ENDINGS", "1"))
PATIENCE = 30
CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
# An interrupted import leaves files open, of which only developers are warned.
QUIET = {**ENVIRONMENT, "PYTHONWARNINGS": "ignore"}
LINE = "2026-08-22T00:53:24.158Z  INFO a::b: hi\n"


def is_whole_capture(path: Path) -> bool:
    with open_capture(str(path)) as capture:
        return sum(1 for _ in capture.frames()) == capture.frame_count


def is_whole_page(path: Path) -> bool:
    return path.read_text().rstrip().endswith(("</html>", "</svg>"))


Whole = Callable[[Path], bool]
CASES: dict[str, tuple[str, Whole]] = {
    "decode": ("decode -w out.pcapng big.pcap", is_whole_capture),
    "all forms": ("decode -T jsonl -w out.pcap.gz big.pcap", is_whole_capture),
    "zstd": ("decode -w out.pcapng.zst big.pcap.gz", is_whole_capture),
    "analyze": ("analyze --html out.html --svg out.svg big.pcap", is_whole_page),
    "logs": ("logs big.log", is_whole_page),
    "dry run": ("replay -i lo --dry-run --at-once --loop 1000 big.pcap", is_whole_page),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("endings")
    packets = [assigned(f"d{number}.example.com") for number in range(50)]
    packets += [status(f"d{number}.example.com") for number in range(50)]
    records = b"".join(build.record(packet, number) for number, packet in enumerate(packets))
    (made / "big.pcap").write_bytes(build.pcap([]) + records * 200)
    subprocess.run(["gzip", "-k1", str(made / "big.pcap")], check=True)
    (made / "big.log").write_text(LINE * 200_000)
    return made


def handles(pid: int, number: int) -> bool:
    """Has the process come so far that it hears the signal?"""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def default_signals() -> None:
    """For a child: what nohup or a shell's & made this process ignore is heard again."""
    for number in CODES:
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def started(*command: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, which has come so far that it hears signals; none of it stays."""
    process = subprocess.Popen(
        command, cwd=folder, env=QUIET, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=default_signals,  # noqa: PLW1509 - no threads
    )  # fmt: skip
    with process:
        try:
            while process.poll() is None and not handles(process.pid, signal.SIGTERM):
                time.sleep(0.001)
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def members(group: int) -> list[str]:
    """The processes of a group that are not yet dead."""
    found = []
    for status_file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, leader = status_file.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(leader) == group and state != "Z":
            found.append(status_file.parent.name)
    return found


def wait_for_end_of(group: int) -> None:
    """See that no process of the group stays."""
    end = time.monotonic() + PATIENCE
    while members(group):
        assert time.monotonic() < end, members(group)
        time.sleep(0.01)


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("name", CASES)
def test_at_any_moment_files_are_whole_or_absent(name: str, number: int, folder: Path) -> None:
    command, is_whole = CASES[name]
    moments = random.Random(f"{name} {number}")
    for _ in range(MOMENTS):
        before = {path.name for path in folder.iterdir()}
        with started(sys.executable, "-m", "fzctl", *command.split(), folder=folder) as process:
            time.sleep(moments.random() ** 2 * 0.5)
            process.send_signal(number)
            _, said = process.communicate(timeout=PATIENCE)
            wait_for_end_of(process.pid)
        assert process.returncode in (0, CODES[number]), said
        assert "Traceback" not in said
        assert "Exception ignored" not in said
        assert "a bug in fzctl" not in said
        for path in folder.iterdir():
            if path.name not in before:
                assert path.name.startswith("out.")
                assert path.suffix != ".part"
                assert is_whole(path), path.name
                path.unlink()


def test_what_is_ignored_stays_ignored() -> None:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, signal.SIGTERM)}
    try:
        heed()
        assert {signal.getsignal(number) for number in before} == {signal.SIG_IGN}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_the_first_signal_interrupts_and_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_heard", 0)
    assert ended(130) == 130
    with pytest.raises(KeyboardInterrupt):
        ending._interrupt(signal.SIGTERM, None)
    ending._interrupt(signal.SIGHUP, None)
    assert (ended(130), ended(0), ended(3)) == (143, 0, 3)


def test_what_is_left_half_written_is_removed_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "out.pcap"
    half = open_sink(str(target))
    [part] = tmp_path.iterdir()
    assert sinks.unfinished == {str(part)}
    assert ended(0) == 0
    assert list(tmp_path.iterdir()) == []
    half.abandon()
    sink = open_sink(str(target))
    sink.write(b"whole")
    sink.close()
    assert sinks.unfinished == set()


def test_a_console_that_takes_interrupts_for_its_own_is_ended_by_the_system() -> None:
    numbers = (signal.SIGHUP, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    try:
        heed()
        assert {signal.getsignal(number) for number in numbers} == {ending._interrupt}
        unheed()
        assert {signal.getsignal(number) for number in numbers} == {signal.SIG_DFL}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
