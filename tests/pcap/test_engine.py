"""Which loops run: ours, or the compiled ones, which stop where the plainest walk stops."""

from __future__ import annotations

import importlib.util
import os
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fzctl.pcap import engine, skim
from fzctl.pcap.links import link_for
from tests.pcap import build
from tests.pcap.test_capture import CUT_FRAMES, SIZES, assert_agreement, ng_captures

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "kernel" / "fzctl_kernel.c"
LINK = link_for(1)
assert LINK is not None
PROBE = LINK.probe

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The compiled loops, built with every warning an error."""
    headers = sysconfig.get_path("include")
    if not Path(headers, "Python.h").exists():
        pytest.skip(f"no Python.h in {headers}")
    target = tmp_path_factory.mktemp("kernel") / "fzctl_kernel.abi3.so"
    flags = ["-O2", "-Wall", "-Wextra", "-Wconversion", "-Wno-sign-conversion", "-Werror", "-shared", "-fPIC"]
    command = ["cc", *flags, f"-I{headers}", str(SOURCE), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    spec = importlib.util.spec_from_file_location("fzctl_kernel", target)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def compiled(kernel: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(engine, "_kernel", kernel)
    return kernel


def plain_records(data: bytes, order: str) -> list[tuple[int, int]]:
    """Where each record that may be passed over ends, and its number."""
    ends = [(0, 0)]
    at = 0
    while at + 16 <= len(data):
        (captured,) = struct.unpack_from(order + "8xI", data, at)
        probe = data[at + 16 + PROBE : at + 20 + PROBE]
        if at + 16 + captured > len(data) or len(probe) < 4 or probe == bytes(4):
            break
        at += 16 + captured
        ends.append((at, len(ends)))
    return ends


def plain_blocks(data: bytes, order: str, interfaces: frozenset[int], start: int) -> list[tuple[int, int]]:
    ends = [(start, 0)]
    at = start
    while at + 32 <= len(data):
        kind, size, index, _, _, captured = struct.unpack_from(order + "6I", data, at)
        probe = data[at + 28 + PROBE : at + 32 + PROBE]
        if kind != 6 or size % 4 or size < 32 or at + size > len(data) or captured > size - 32:
            break
        if len(probe) < 4 or probe == bytes(4) or index not in interfaces:
            break
        if struct.unpack_from(order + "I", data, at + size - 4)[0] != size:
            break
        at += size
        ends.append((at, len(ends)))
    return ends


def damaged(data: bytes, patches: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for where, value in patches:
        changed[where % len(changed)] = value
    return bytes(changed)


PATCHES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=3)


@pytest.mark.peer("cc")
@quick
@given(st.lists(CUT_FRAMES, min_size=1, max_size=30), st.sampled_from("<>"), PATCHES)
def test_compiled_records_stop_at_the_first_that_is_not_plain(
    kernel: ModuleType, frames: list[bytes], order: str, patches: list[tuple[int, int]]
) -> None:
    data = damaged(b"".join(build.record(frame, order=order) for frame in frames), patches)
    ends = plain_records(data, order)
    assert kernel.skim_records(order == ">", PROBE, memoryview(data), 0, 0) == ends[-1]
    assert skim.record_skimmer(order, PROBE)(memoryview(data), 0, 0) in ends[-1 - skim.TURN :]


@pytest.mark.peer("cc")
@quick
@given(
    st.lists(st.tuples(CUT_FRAMES, st.integers(0, 2)), min_size=1, max_size=30),
    st.sampled_from("<>"),
    st.sampled_from((frozenset((0,)), frozenset((0, 2)))),
    PATCHES,
)
def test_compiled_blocks_stop_at_the_first_that_is_not_plain(
    kernel: ModuleType,
    frames: list[tuple[bytes, int]],
    order: str,
    interfaces: frozenset[int],
    patches: list[tuple[int, int]],
) -> None:
    blocks = b"".join(build.packet(frame, 9, index=index, order=order) for frame, index in frames)
    head = build.section(order=order)
    data = head + damaged(blocks, patches)
    start = len(head)
    ends = plain_blocks(data, order, interfaces, start)
    assert kernel.skim_blocks(order == ">", PROBE, interfaces, memoryview(data), start, 0) == ends[-1]
    assert skim.block_skimmer(order, PROBE, interfaces)(memoryview(data), start, 0) in ends


@pytest.mark.peer("cc")
@quick
@given(st.one_of(ng_captures(), st.lists(CUT_FRAMES, max_size=30).map(build.pcap)), SIZES)
def test_captures_are_read_alike_with_the_compiled_loops(
    compiled: ModuleType, data: bytes, sizes: list[int]
) -> None:
    assert_agreement(data, sizes)


@pytest.mark.peer("cc")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((False, -1, b"", 0, 0), ValueError),
        ((False, 1 << 20, b"", 0, 0), ValueError),
        ((False, 4, b"", -1, 0), ValueError),
        ((False, 4, "text", 0, 0), TypeError),
        ((False, 4), TypeError),
    ],
)
def test_what_makes_no_sense_is_refused(
    kernel: ModuleType, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        kernel.skim_records(*arguments)
    flag, probe, *rest = arguments
    with pytest.raises(error):
        kernel.skim_blocks(flag, probe, frozenset(), *rest)


@pytest.mark.peer("cc")
def test_a_position_behind_the_end_stays_where_it_is(kernel: ModuleType) -> None:
    assert kernel.skim_records(False, 4, b"", 7, 3) == (7, 3)
    assert kernel.skim_blocks(False, 4, frozenset(), b"", 7, 3) == (7, 3)


def test_without_a_kernel_ours_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_kernel", None)
    assert not engine.is_compiled()
    view = memoryview(build.record(build.ethernet(build.ipv4(b"x" * 60))))
    assert engine.record_skimmer("<", PROBE)(view, 0, 0)[0] in (0, len(view))


@pytest.mark.parametrize(("interface", "wish", "used"), [(1, "", True), (1, "0", False), (2, "", False)])
def test_a_kernel_that_we_cannot_call_or_are_told_to_leave_is_not_used(
    monkeypatch: pytest.MonkeyPatch, interface: int, wish: str, used: bool
) -> None:
    monkeypatch.setitem(sys.modules, "fzctl_kernel", SimpleNamespace(INTERFACE=interface))
    monkeypatch.setenv("FZCTL_KERNEL", wish)
    assert (engine._find_kernel() is not None) is used


@pytest.mark.peer("cc")
def test_the_whole_program_finds_the_same_with_it(kernel: ModuleType, tmp_path: Path) -> None:
    assert kernel.__file__ is not None
    capture = tmp_path / "capture"
    frames = [build.control() if number % 50 == 0 else build.ipv4(b"p" * 60) for number in range(3000)]
    capture.write_bytes(build.pcap(frames))
    told = []
    for wish in ("0", ""):
        environment = {**os.environ, "FZCTL_KERNEL": wish, "PYTHONPATH": str(Path(kernel.__file__).parent)}
        doctor, decode = (
            subprocess.run(
                [sys.executable, "-m", "fzctl", *arguments],
                env=environment, cwd=ROOT, capture_output=True, text=True, check=True,
            ).stdout
            for arguments in (["doctor"], ["-q", "decode", "-T", "jsonl", str(capture)])
        )  # fmt: skip
        assert ("fzctl-kernel (" in doctor) is (wish == "")
        told.append(decode)
    assert told[0] == told[1]
    assert told[0].count("\n") == 60
