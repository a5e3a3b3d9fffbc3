"""Two processes find in a file what one finds: candidates, numbers, errors and all else."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fzctl.errors import CaptureError
from fzctl.pcap import capture as capture_module
from fzctl.pcap import halves
from fzctl.pcap.capture import Capture, open_capture
from fzctl.pcap.frame import Candidate
from tests.pcap import build
from tests.pcap.test_capture import CUT_FRAMES, LINK_TYPES, ng_captures

PLAIN = build.ethernet(build.ipv4(b"p" * 60))
MINE = build.ethernet(build.control())

Seen = tuple[list[Candidate], str, int, dict[int, int], int, dict[str, str]]


def seen(capture: Capture, *, share: bool) -> Seen:
    """All that a reader of ``candidates`` gets to know."""
    found: list[Candidate] = []
    problem = ""
    with capture:
        capture.has_secrets()
        if share:
            capture.share(0)
        try:
            for each in capture.candidates():
                assert capture.frame_count == each.number
                found.append(each)
        except CaptureError as error:
            problem = str(error)
        learnt = len(capture.secrets), capture.names
        return found, problem, capture.frame_count, capture.skipped_link_types, *learnt


def assert_agreement(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert seen(open_capture(path), share=True) == seen(open_capture(path), share=False)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("halves") / "capture"


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a few packets do not fit the window either."""
    monkeypatch.setattr(capture_module, "CAPACITY", 256)
    monkeypatch.setattr(halves, "CAPACITY", 256)


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The boundary of each capture that was shared."""
    begun: list[int | None] = []
    find = halves.find_boundary

    def noted(*arguments: object) -> int | None:
        begun.append(find(*arguments))  # type: ignore[arg-type]
        return begun[-1]

    monkeypatch.setattr(halves, "find_boundary", noted)
    return begun


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_helper_counts_on_where_the_walk_ends(
    path: Path, form: str, order: str, helpers: list[int | None]
) -> None:
    frames = [MINE if number % 700 == 0 else PLAIN for number in range(9000)]
    data = capture_of(form, frames, order)
    path.write_bytes(data)
    found, problem, count, *_ = seen(open_capture(path), share=True)
    assert [each.number for each in found] == [1 + 700 * number for number in range(13)]
    assert (problem, count) == ("", 9000)
    assert helpers[0] is not None


def capture_of(form: str, frames: list[bytes], order: str = "<") -> bytes:
    if form == "pcap":
        return build.pcap(frames, link_type=1, order=order)
    head = build.section(order=order) + build.interface(1, order=order)
    return head + b"".join(build.packet(frame, 5, order=order) for frame in frames)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(CUT_FRAMES, min_size=20, max_size=60), LINK_TYPES, st.sampled_from("<>"))
def test_pcap_is_read_alike(path: Path, frames: list[bytes], link_type: int, order: str) -> None:
    assert_agreement(path, build.pcap(frames, link_type=link_type, order=order))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(ng_captures(), min_size=1, max_size=3).map(b"".join))
def test_pcapng_is_read_alike_whatever_changes_in_the_middle(path: Path, data: bytes) -> None:
    assert_agreement(path, data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.sampled_from(("pcap", "pcapng")),
    st.integers(0, 1 << 20),
    st.binary(min_size=1, max_size=8),
    st.integers(0, 60),
)
def test_damage_anywhere_is_told_alike(path: Path, form: str, where: int, patch: bytes, cut: int) -> None:
    data = bytearray(capture_of(form, [PLAIN, PLAIN, MINE, PLAIN] * 12))
    at = 24 + where % (len(data) - 40)
    data[at : at + len(patch)] = patch
    assert_agreement(path, bytes(data[: len(data) - cut]))


def test_a_boundary_inside_a_packet_is_passed_over(path: Path, helpers: list[int | None]) -> None:
    """A capture of somebody who fetches a capture: its records stand in the packets."""
    inner = b"".join(build.record(b"decoy" * 4, 7) for _ in range(40))
    outer = [build.ethernet(build.ipv4(inner))] * 9 + [MINE]
    data = build.pcap(outer, link_type=1)
    assert_agreement(path, data)
    starts = [24]
    for frame in outer:
        starts.append(starts[-1] + 16 + len(frame))
    assert helpers[0] is not None
    assert helpers[0] not in starts


@pytest.mark.parametrize("extra", ["interface", "secrets", "names"])
def test_what_changes_how_blocks_are_read_is_not_missed(path: Path, extra: str) -> None:
    block = {
        "interface": build.interface(101),
        "secrets": build.block(10, struct.pack("<II", 0x57474B4C, 4) + b"word"),
        "names": build.block(4, struct.pack("<HH4s", 1, 6, bytes((192, 0, 2, 1))) + b"a\0" + bytes(6)),
    }[extra]
    frames = [build.packet(PLAIN, 5)] * 30
    mine = [build.packet(MINE, 5)]
    head = [build.section() + build.interface(1)]
    for place in (10, 50):
        blocks = head + (frames + mine) * 2
        blocks.insert(place, block)
        assert_agreement(path, b"".join(blocks))


def test_a_dense_capture_is_not_handed_over(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_BATCH", 1000)
    taken: list[object] = []
    received = halves.Halves._received

    def noted(self: halves.Halves) -> Iterator[object]:
        for each in received(self):
            taken.append(each)
            yield each

    monkeypatch.setattr(halves.Halves, "_received", noted)
    assert_agreement(path, build.pcap([MINE] * 500, link_type=1))
    assert taken == []


def test_more_than_the_helper_keeps_waits_in_the_pipe(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_BATCH", 100)
    monkeypatch.setattr(halves, "_MOST_KEPT", 0)
    monkeypatch.setattr(halves, "_SPARSE", 0)
    assert_agreement(path, build.pcap([MINE, PLAIN] * 3000, link_type=1))


def test_a_helper_that_dies_costs_nothing_but_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_scan", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    assert_agreement(path, build.pcap([PLAIN, MINE] * 30, link_type=1))


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_of_a_file_that_became_shorter_nothing_behind_its_end_is_shown(path: Path, form: str) -> None:
    frames = [PLAIN] * 9 + [MINE]
    path.write_bytes(capture_of(form, frames * 30))
    with open_capture(path) as capture:
        capture.has_secrets()
        assert capture.share(0)
        deadline = time.monotonic() + 30
        while not helper_is_done(capture) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.truncate(path, len(capture_of(form, frames * 10)))
        assert [each.number for each in capture.candidates()] == list(range(10, 101, 10))
        assert capture.frame_count == 100


def helper_is_done(capture: Capture) -> bool:
    """Has the helper sent all that it has found?"""
    assert capture._halves is not None
    status = Path(f"/proc/{capture._halves._pid}/stat").read_text()
    return status.rpartition(")")[2].split()[0] == "Z"


def children() -> list[str]:
    """Our processes, those too that have ended and that nobody has waited for."""
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_whoever_wants_more_than_candidates_gets_the_whole_file(path: Path, form: str) -> None:
    before = children()
    path.write_bytes(capture_of(form, [PLAIN] * 500 + [MINE]))
    with open_capture(path) as capture:
        assert capture.share(0)
        assert [frame.number for frame in capture.frames()] == list(range(1, 502))
    with open_capture(path) as capture:
        assert capture.share(0)
        assert [each.number for each in capture.packets()] == [501]
        assert capture.frame_count == 501
    assert children() == before


def test_no_helper_is_left_behind_when_the_reader_stops_early(path: Path) -> None:
    before = children()
    path.write_bytes(build.pcap([MINE] + [PLAIN] * 500, link_type=1))
    with open_capture(path) as capture:
        assert capture.share(0)
        assert next(iter(capture.candidates())).number == 1
    assert children() == before


@pytest.mark.parametrize("call", ["fork", "pipe"])
def test_where_there_is_no_second_process_one_reads_it_all(
    call: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BlockingIOError("no more of them")

    data = build.pcap([MINE] + [PLAIN] * 500 + [MINE], link_type=1)
    path.write_bytes(data)
    alone = seen(open_capture(path), share=False)
    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(os, call, refuse)
    with open_capture(path) as capture:
        assert not capture.share(0)
    assert seen(open_capture(path), share=True) == alone
    assert os.listdir("/proc/self/fd") == before


def test_pipes_objects_packed_and_small_files_are_read_by_one(path: Path) -> None:
    import gzip

    data = build.pcap([PLAIN] * 50, link_type=1)
    assert not open_capture(io.BytesIO(data)).share(0)
    path.write_bytes(gzip.compress(data))
    with open_capture(path) as capture:
        assert not capture.share(0)
    path.write_bytes(data)
    with open_capture(path) as capture:
        assert not capture.share()
        assert capture.share(0)
    with path.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "fzctl", "-q", "decode", "-"],
            stdin=file, env={**os.environ, "FZCTL_PROCESSES": "2"}, check=False, capture_output=True,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
