"""``python -m fzctl``."""

from __future__ import annotations

import subprocess
import sys

import fzctl


def test_the_module_runs_as_the_program_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fzctl", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"fzctl {fzctl.__version__}\n", "")


def test_the_exit_code_reaches_the_shell() -> None:
    done = subprocess.run([sys.executable, "-m", "fzctl", "decode"], capture_output=True, check=False)
    assert done.returncode == 2
