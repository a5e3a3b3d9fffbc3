"""tshark's reading through pyshark, with a dissector of three lines in place of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.errors import ToolError
from fzctl.wireshark.tshark import read_with_tshark

ROOT = Path(__file__).parents[2]
LUA = """\
local proto = Proto("fzp2p", "stand-in")
proto.fields.kind = ProtoField.uint8("fzp2p.kind", "Kind")
function proto.dissector(tvb, pinfo, tree) tree:add(proto, tvb()):add(proto.fields.kind, tvb(0, 1)) end
DissectorTable.get("ip.proto"):add(255, proto)
"""
SCRIPT = """\
import json, sys
from fzctl.wireshark.tshark import read_with_tshark
print(json.dumps([(n, dict(shown)) for n, shown in read_with_tshark(sys.argv[1], dissector=sys.argv[2])]))
"""


@pytest.mark.peer("tshark")
def test_each_message_comes_with_its_frame_and_its_fields_by_full_name(
    tmp_path: Path, require_peer: Callable[[str], str]
) -> None:
    require_peer("tshark")
    lua = tmp_path / "standin.lua"
    lua.write_text(LUA)
    # In a process of its own: pyshark starts an event loop, which nobody closes.
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT / "captures" / "setup.pcapng"), str(lua)],
        capture_output=True, text=True, check=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert [(frame, shown["fzp2p.kind"]) for frame, shown in found] == [(2, ["0"]), (3, ["1"]), (8, ["2"])]


ENDED_JUST_THEN = """\
import asyncio.subprocess, os
kill = asyncio.subprocess.Process.kill
def kill_what_has_ended(process):
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    kill(process)
asyncio.subprocess.Process.kill = kill_what_has_ended
"""


def test_a_tshark_that_ends_with_its_output_is_not_taken_for_one_that_failed(tmp_path: Path) -> None:
    program = tmp_path / "tshark"
    program.write_text("#!/bin/sh\necho 'TShark (Wireshark) 4.0.17'\nexec >&- 2>&-\n/bin/sleep 0.1\n")
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", ENDED_JUST_THEN + SCRIPT, str(ROOT / "captures" / "setup.pcapng"), "a.lua"],
        capture_output=True, text=True, check=True, timeout=60, cwd=ROOT, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert json.loads(done.stdout) == []


def test_without_tshark_people_are_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolError, match="apt install tshark"):
        next(read_with_tshark("a.pcap", dissector="a.lua"))
