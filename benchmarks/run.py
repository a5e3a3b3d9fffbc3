"""Measures whole processes against their peers, in turns, and prints a table with ratios.

    python3 benchmarks/run.py [--short] [--rounds N]
    python3 benchmarks/run.py --live          what runs live instead, as root (see live.py, replay.py)

Each row is the median of at least five rounds in which every program of a group runs once, one
after the other, so that a slow minute of the machine meets all of them. The captures are made on
first use (see make_captures.py). Peers that are not installed are left out by name. Figures go to
benchmarks/out/results.json as well.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.make_captures import OUT, keys_path, make  # noqa: E402

LUA = ROOT / "dissectors" / "fzctl.lua"
FILTER = "ip6 proto 255"
_WALK = "from scapy.utils import {0}\nfor _ in {0}({1!r}): pass"


class Program(NamedTuple):
    """One program of a group; the first of a group is what the others are compared with."""

    name: str
    command: list[str]


class Group(NamedTuple):
    """Programs that do the same work. ``slow`` groups are left out with --short."""

    title: str
    programs: list[Program]
    slow: bool = False


class Figures(NamedTuple):
    """One run: wall time and processor time (user and system) in milliseconds, peak memory in MiB."""

    wall: float
    cpu: float
    memory: float


def fzctl_command() -> list[str]:
    """The installed fzctl of this interpreter, or else the one in this folder."""
    installed = Path(sys.executable).parent / "fzctl"
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "fzctl"]


def groups(missing: list[str]) -> list[Group]:
    """All that is measured; what is not installed is added to ``missing``."""
    fzctl = fzctl_command()
    found = [
        _scan("mix-0.1-ethernet.pcap", fzctl, missing),
        _scan("mix-0.1-raw.pcap", fzctl, missing),
        _scan("mix-0.1-ethernet.pcapng", fzctl, missing),
        _scan("mix-0-ethernet.pcap", fzctl, missing)._replace(slow=True),
        _scan("mix-10-ethernet.pcap", fzctl, missing)._replace(slow=True),
        _scan("mix-10-raw.pcapng", fzctl, missing)._replace(slow=True),
        _encrypted("encrypted-128.pcap", fzctl, missing),
        _encrypted("encrypted-1312.pcap", fzctl, missing)._replace(slow=True),
        _pcapng_beside_pcap(fzctl),
        _all_control("control-raw.pcap", fzctl, missing),
        _all_control("control-ethernet.pcapng", fzctl, missing)._replace(slow=True),
        _analyze("domains-raw.pcap", fzctl)._replace(slow=True),
        _analyze("mix-0.1-ethernet.pcap", fzctl)._replace(slow=True),
        _dissector("mix-0-ethernet.pcap", missing),
        _dissector("mix-0.1-ethernet.pcap", missing),
        _dissector("control-raw.pcap", missing),
        _scapy_packets(fzctl, missing),
        _start(fzctl),
    ]
    return [group for group in found if len(group.programs) > 1]


def _scan(name: str, fzctl: list[str], missing: list[str]) -> Group:
    path = str(make(name))
    tcpdump = _peer("tcpdump", missing)
    peers = [Program("tcpdump", [tcpdump, "-n", "-r", path, FILTER])] if tcpdump else []
    return Group(name, [*peers, Program("fzctl", [*fzctl, "decode", "-T", "jsonl", path])])


def _pcapng_beside_pcap(fzctl: list[str]) -> Group:
    names = "mix-0.1-ethernet.pcap", "mix-0.1-ethernet.pcapng"
    programs = [
        Program(f"fzctl {name}", [*fzctl, "decode", "-T", "jsonl", str(make(name))]) for name in names
    ]
    return Group("pcapng beside pcap", programs)


def _all_control(name: str, fzctl: list[str], missing: list[str]) -> Group:
    path = str(make(name))
    programs = []
    if _scapy(missing):
        programs.append(
            Program("scapy RawPcapReader", [sys.executable, "-c", _WALK.format("RawPcapReader", path)])
        )
    programs.append(Program("fzctl", [*fzctl, "decode", "-T", "jsonl", path]))
    return Group(name, programs)


def _analyze(name: str, fzctl: list[str]) -> Group:
    """What it costs to understand messages beside showing them."""
    path = str(make(name))
    programs = [Program("fzctl decode -T jsonl", [*fzctl, "decode", "-T", "jsonl", path])]
    programs += [
        Program(f"fzctl analyze -T {form}", [*fzctl, "--quiet", "analyze", "-T", form, path])
        for form in ("text", "json")
    ]
    return Group(f"analyze: {name}", programs)


def _dissector(name: str, missing: list[str]) -> Group:
    """What the dissector adds to tshark: as it prints a line a packet, and to those that choose a field."""
    path = str(make(name))
    tshark = _peer("tshark", missing) if LUA.exists() else None
    if tshark is None:
        return Group(name, [])
    plain = [tshark, "-n", "-r", path]
    lua = ["-X", f"lua_script:{LUA}"]
    programs = [
        Program("tshark", plain),
        Program("tshark with fzctl.lua", [*plain, *lua]),
        Program("tshark with it, choosing a field", [*plain, *lua, "-T", "fields", "-e", "fzp2p.domain"]),
    ]
    return Group(f"dissector: {name}", programs, slow=True)


def _encrypted(name: str, fzctl: list[str], missing: list[str]) -> Group:
    """Control messages out of WireGuard with the same key log.

    tshark has less to do: it decrypts, filters, and writes the number and the payload in hex of the
    packets that match. It takes no message apart, and without a summary line resolves and prints
    nothing else.
    """
    path = make(name)
    keys = str(keys_path(path))
    programs = []
    tshark = _peer("tshark", missing)
    if tshark:
        given = ["-n", "-o", f"wg.keylog_file:{keys}", "-r", str(path)]
        fields = ["-Y", "ipv6.nxt == 255", "-T", "fields", "-e", "frame.number", "-e", "data.data"]
        programs.append(Program("tshark", [tshark, *given, *fields]))
    programs.append(Program("fzctl", [*fzctl, "decode", "-T", "jsonl", "-k", keys, str(path)]))
    return Group(name, programs)


def _scapy_packets(fzctl: list[str], missing: list[str]) -> Group:
    path = str(make("few-10-ethernet.pcap"))
    programs = [Program("fzctl", [*fzctl, "decode", "-T", "jsonl", path])]
    if _scapy(missing):
        code = "import scapy.layers.inet6\n" + _WALK.format("PcapReader", path)
        programs.insert(0, Program("scapy PcapReader", [sys.executable, "-c", code]))
    return Group("few-10-ethernet.pcap", programs)


def _start(fzctl: list[str]) -> Group:
    small = str(make("small-raw.pcap"))
    return Group(
        "start-up",
        [
            Program("python3 -c pass", [sys.executable, "-c", "pass"]),
            Program("fzctl --help", [*fzctl, "--help"]),
            Program("fzctl decode -T jsonl (small)", [*fzctl, "decode", "-T", "jsonl", small]),
        ],
    )


def _peer(name: str, missing: list[str]) -> str | None:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None and name not in missing:
        missing.append(name)
    return path


def _scapy(missing: list[str]) -> bool:
    if importlib.util.find_spec("scapy") is not None:
        return True
    if "scapy" not in missing:
        missing.append("scapy")
    return False


def measure(program: Program) -> Figures:
    """Run a program once with its output thrown away. Ends the benchmark where it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    launch = [sys.executable, "-I", "-S", str(ROOT / "benchmarks" / "launch.py"), *program.command]
    result = subprocess.run(
        launch, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(f"{program.name} failed: {' '.join(program.command)}")
    wall, cpu, memory = map(float, result.stdout.split())
    return Figures(wall * 1000, cpu * 1000, memory / 1024)


def measure_group(group: Group, rounds: int) -> list[Figures]:
    """The medians of each program, run in turns."""
    runs: list[list[Figures]] = [[] for _ in group.programs]
    for program in group.programs:
        measure(program)  # what is on the disk comes into the page cache
    for _ in range(rounds):
        for program, figures in zip(group.programs, runs, strict=True):
            figures.append(measure(program))
    return [Figures(*map(statistics.median, zip(*figures, strict=True))) for figures in runs]


def show(group: Group, figures: list[Figures]) -> None:
    """Print a group's part of the table."""
    print(f"\n{group.title}")
    first = figures[0]
    for program, (wall, cpu, memory) in zip(group.programs, figures, strict=True):
        ratios = f"{wall / first.wall:6.2f} x {cpu / first.cpu:6.2f} x"
        print(f"  {program.name:34} {wall:9.1f} ms {cpu:9.1f} ms {memory:6.1f} MiB  {ratios}")


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(description="Measure fzctl against its peers, whole processes in turns.")
    parser.add_argument("--short", action="store_true", help="leave out the slow groups: under two minutes")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each group, at least 5 (default: 5)")
    parser.add_argument("--only", metavar="TEXT", help="only groups with this text in their title")
    parser.add_argument("--live", action="store_true", help="measure on interfaces instead; needs root")
    args = parser.parse_args()
    if args.live:
        scripts = [str(ROOT / "benchmarks" / name) for name in ("live.py", "replay.py")]
        return max(subprocess.run([sys.executable, each], check=False).returncode for each in scripts)
    missing: list[str] = []
    results = []
    print(f"{'':36} {'wall':>9}    {'cpu':>9}    {'memory':>6}      ratios: wall, cpu")
    for group in groups(missing):
        if (args.short and group.slow) or (args.only and args.only not in group.title):
            continue
        figures = measure_group(group, max(5, args.rounds))
        show(group, figures)
        rows = [
            {"name": program.name, "wall_ms": wall, "cpu_ms": cpu, "memory_mib": memory}
            for program, (wall, cpu, memory) in zip(group.programs, figures, strict=True)
        ]
        results.append({"group": group.title, "programs": rows})
    for name in missing:
        print(f"left out: {name} is not installed")
    about = {"python": sys.version, "machine": os.uname().machine, "processors": os.cpu_count()}
    (OUT / "results.json").write_text(
        json.dumps({**about, "results": results}, indent=1) + "\n", encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
