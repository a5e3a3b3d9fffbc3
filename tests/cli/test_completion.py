"""Completion scripts."""

from __future__ import annotations

import pytest

from fzctl.cli.completion import SHELLS, completion_script
from fzctl.cli.main import VERBS
from tests.cli.conftest import Run


@pytest.mark.parametrize("shell_name", SHELLS)
def test_a_script_knows_every_verb_and_their_options(shell_name: str, fzctl: Run) -> None:
    found = fzctl("completion", shell_name)
    assert (found.code, found.err, found.out) == (0, "", completion_script(shell_name))
    for word in (*VERBS, "assigned-ips", "dialect", "redact", "jsonl"):
        assert word in found.out


def test_bash_completes_with_it(shell: Run) -> None:
    found = shell(
        "$FZCTL completion bash > script && source ./script && "
        "COMP_WORDS=(fzctl decode --dia) COMP_CWORD=2 && _shtab_fzctl && echo ${COMPREPLY[@]}"
    )
    assert (found.code, found.out, found.err) == (0, "--dialect\n", "")


def test_another_shell_is_refused(fzctl: Run) -> None:
    assert fzctl("completion", "tcsh").code == 2
