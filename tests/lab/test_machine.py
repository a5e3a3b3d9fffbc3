"""What runs in the virtual machine, as far as it can be looked at without one."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.lab import machine


@pytest.mark.parametrize("code", [0, 1, 3, 127, 255])
def test_the_exit_code_of_the_command_comes_out(code: int) -> None:
    written = f'code={code}; printf "\\\\$(printf %o $code)"'
    assert machine.begin(["true"], kernel_wireguard=False).count(written.partition("; ")[2]) == 1
    (byte,) = subprocess.run(["sh", "-c", written], capture_output=True, check=True).stdout
    assert machine.exit_code(byte << 1 | 1) == code


@pytest.mark.parametrize("code", [0, -9, 2])
def test_a_machine_that_ends_otherwise_is_told(code: int) -> None:
    with pytest.raises(machine.MachineError, match="ended before its command did"):
        machine.exit_code(code)


@pytest.mark.parametrize("kernel_wireguard", [False, True])
def test_the_command_is_run_as_it_was_given(kernel_wireguard: bool, tmp_path: Path) -> None:
    command = ["printf", "%s|", "a b", "@PORT@", "it's", "$HOME"]
    script = machine.begin(command, kernel_wireguard=kernel_wireguard)
    subprocess.run(["sh", "-n"], input=script.encode(), check=True)
    (line,) = (each for each in script.splitlines() if each.startswith("printf '%s|'"))
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout == "a b|@PORT@|it's|$HOME|"
    assert shlex.split(line)[:-2] == command
    assert ("PATH=/run/instead:" in script) is kernel_wireguard
