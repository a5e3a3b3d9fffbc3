"""Signals at any moment to verbs at work on an interface under load: captures are whole, nothing else stays.

``FZCTL_ENDINGS=50`` tries that many moments of each case in place of a few.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_ending import CODES, MOMENTS, PATIENCE, QUIET, is_whole_capture, started, wait_for_end_of
from tests.lab.netns import Net
from tests.lab.test_interface import inside

pytestmark = [pytest.mark.root, pytest.mark.peer("ip")]

ROOT = Path(__file__).parents[2]
CASES = {
    "watch": "watch -i lo -w {}/out.pcapng",
    "watch, packed": "watch -i lo -w {}/out.pcap.gz",
    "watch, in a ring": "watch -i lo -w {}/out.pcapng -b packets:20 -b files:3",
    "replay": "replay -i lo --pps 2000 --loop 10000 -w {}/out.pcapng captures/setup.pcapng",
    "inject": "inject -q -i lo -c 100000 --interval 0 -w {}/out.pcapng goodbye",
    "respond": "respond -q -i lo -w {}/out.pcapng",
}


@pytest.fixture(scope="module")
def load(net: Net) -> Iterator[None]:
    """Control messages on the loopback, a thousand a second."""
    command = "fzctl -q replay -i lo --pps 1000 --loop 100000 captures/setup.pcapng"
    with subprocess.Popen(
        inside(net.client, "-m", *command.split()), env=QUIET, cwd=ROOT,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        yield
        process.terminate()


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("name", CASES)
def test_at_any_moment_captures_are_whole(
    name: str, number: int, net: Net, load: None, tmp_path: Path
) -> None:
    moments = random.Random(f"{name} {number}")
    for _ in range((MOMENTS + 1) // 2):
        command = inside(net.client, "-m", "fzctl", *CASES[name].format(tmp_path).split())
        with started(*command, folder=ROOT) as process:
            time.sleep(moments.random() ** 2)
            process.send_signal(number)
            _, said = process.communicate(timeout=PATIENCE)
            wait_for_end_of(process.pid)
        # A live verb ends well; before it was one it was interrupted.
        assert process.returncode in (0, CODES[number]), said
        assert not any(word in said for word in ("Traceback", "Exception ignored", "a bug"))
        for path in tmp_path.iterdir():
            assert path.name.startswith("out")
            assert path.suffix != ".part"
            assert is_whole_capture(path), path.name
            path.unlink()
