"""The reader is gone before the first byte: every verb and every form ends with 141 and without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.bombs import CONFIG, LINE, PEER
from tests.cli.conftest import ENVIRONMENT
from tests.pcap import build
from tests.records import RESOURCE, assigned, status

COMMANDS = [
    *(
        f"decode -T {form} a.pcap"
        for form in ("text", "tree", "json", "jsonl", "hex", "fields -e fzp2p.kind")
    ),
    "decode -T tree -x a.pcap",
    "decode -w - a.pcap",
    *(f"analyze{form} a.pcap" for form in ("", " -T json", " --logs a.log")),
    *(f"check{form} a.pcap" for form in ("", " -T json", " -T jsonl")),
    *(f"stats{form} a.pcap" for form in ("", " -T json")),
    *(f"logs{form} a.log" for form in ("", " -T json", " -T jsonl", " --with a.pcap")),
    "replay -i lo --dry-run a.pcap",
    "craft goodbye",
    "craft -w - goodbye",
    "inject --dry-run --peer wg.conf goodbye",
    "respond --dry-run --peer wg.conf",
    f"client --dry-run --peer wg.conf --resource {RESOURCE} --domain a.example",
    "doctor -r a.pcap",
    "wireshark dissector",
    "wireshark profile",
    "completion bash",
    "--help",
    "decode --help",
    "--version",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_end_is_quiet(command: str, tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(build.pcap([assigned(), status(text="Inactive")]))
    (tmp_path / "a.log").write_bytes(LINE)
    (tmp_path / "wg.conf").write_text(CONFIG + PEER)
    (tmp_path / "wg.conf").chmod(0o600)
    gone, pipe = os.pipe()
    os.close(gone)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "fzctl", *command.split()], cwd=tmp_path, env=ENVIRONMENT,
            stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(pipe)
    assert done.returncode == 141
    assert all(line.startswith("fzctl: ") for line in done.stderr.splitlines())
    assert not any(word in done.stderr.lower() for word in ("pipe", "traceback", "exception", "a bug"))
