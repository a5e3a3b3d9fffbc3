"""``python -m fzctl``."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fzctl


def test_the_module_runs_as_the_program_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fzctl", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"fzctl {fzctl.__version__}\n", "")


def test_the_exit_code_reaches_the_shell() -> None:
    done = subprocess.run([sys.executable, "-m", "fzctl", "decode"], capture_output=True, check=False)
    assert done.returncode == 2


SHELL = """
import atexit, sys
import fzctl.cli.main, fzctl.cli.shell
from fzctl.__main__ import run
fzctl.cli.main.main = lambda: int(sys.argv[1])
atexit.register(print, "saved")
run()
"""


@pytest.mark.parametrize(("code", "out"), [(0, "saved\n"), (130, "")])
def test_only_a_console_that_was_left_has_a_history_to_save(code: int, out: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHELL, str(code)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, out, "")
