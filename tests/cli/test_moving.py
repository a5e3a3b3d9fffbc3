"""Captures that move while they are read: they grow, are cut, or do not come at all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_ending import QUIET, default_signals, handles
from tests.pcap import build
from tests.records import assigned, goodbye, status

PATIENCE = 30
RECORDS = b"".join(build.record(packet, 1) for packet in (assigned(), status(), goodbye()))
BLOCKS = b"".join(build.packet(packet, 1) for packet in (assigned(), status(), goodbye()))
OTHER = build.ipv6(bytes(1200))
FORMATS = {
    "pcap": (build.pcap([]), RECORDS),
    "pcapng": (build.section() + build.interface(), BLOCKS),
    "sparse pcap": (build.pcap([]), RECORDS + build.record(OTHER, 1) * 10),
    "sparse pcapng": (build.section() + build.interface(), BLOCKS + build.packet(OTHER, 1) * 10),
}


@contextmanager
def reading(*arguments: str, folder: Path, processes: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """``fzctl``, which gets no further than its pipe has room."""
    with subprocess.Popen(
        [sys.executable, "-m", "fzctl", *arguments],
        cwd=folder, env={**QUIET, "FZCTL_PROCESSES": str(processes)}, bufsize=0,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=default_signals,  # noqa: PLW1509 - no threads
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_appended_while_it_is_read_is_read_too(name: str, processes: int, tmp_path: Path) -> None:
    head, piece = FORMATS[name]
    path = tmp_path / "a"
    path.write_bytes(head + piece * 1000)
    with reading("decode", "-T", "jsonl", "a", folder=tmp_path, processes=processes) as process:
        assert first_line(process).startswith(b'{"schema"')
        with path.open("ab") as file:
            file.write(piece * 1000)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, b"")
    # Whatever had been appended when the end was reached; frames count on without a gap.
    assert 2999 <= out.count(b"\n") <= 5999
    kinds = re.findall(rb'"kind":(\d)', out)
    assert kinds == [b"1", b"2", *[b"0", b"1", b"2"] * (len(kinds) // 3)][: len(kinds)]


@pytest.mark.parametrize("cut", [1, 20, 40])
@pytest.mark.parametrize("name", ["pcap", "pcapng"])
def test_what_is_written_up_to_the_middle_of_a_record_is_shown_up_to_there(
    name: str, cut: int, fzctl: Run, tmp_path: Path
) -> None:
    head, piece = FORMATS[name]
    path = tmp_path / "a"
    path.write_bytes(head + piece * 2 + piece[:cut])
    found = fzctl("decode", "-T", "hex", str(path))
    assert (found.code, len(found.lines)) == (3, 6)
    assert f"the file ends within a {'record' if name == 'pcap' else 'block'}" in found.err
    with path.open("ab") as file:
        file.write(piece[cut:])
    found = fzctl("decode", "-T", "hex", str(path))
    assert (found.code, len(found.lines)) == (0, 9)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_cut_while_it_is_read_ends_there(
    name: str, part: float, processes: int, tmp_path: Path
) -> None:
    head, piece = FORMATS[name]
    path = tmp_path / "a"
    path.write_bytes(head + piece * 1000)
    with reading("decode", "-T", "jsonl", "a", folder=tmp_path, processes=processes) as process:
        assert first_line(process).startswith(b'{"schema"')
        os.truncate(path, int(len(head + piece * 1000) * part) + 7)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, 3)
    assert (process.returncode == 3) == (b"ends within" in err)
    assert b"bug" not in err
    assert out.count(b"\n") <= 2999
    assert out.endswith(b"}\n")


@pytest.mark.parametrize("verb", ["decode", "analyze", "check", "stats", "logs", "replay -i lo --dry-run"])
def test_a_pipe_that_never_delivers_is_waited_for_until_somebody_has_enough(
    verb: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    for number, codes in ((signal.SIGTERM, (143, 0)), (signal.SIGINT, (130, 0))):
        with reading(*verb.split(), "fifo", folder=tmp_path) as process:
            writer = os.open(tmp_path / "fifo", os.O_RDWR)
            while not handles(process.pid, signal.SIGTERM):
                time.sleep(0.001)
            time.sleep(0.1)
            process.send_signal(number)
            _, err = process.communicate(timeout=PATIENCE)
            os.close(writer)
        assert process.returncode in codes
        assert b"Traceback" not in err
