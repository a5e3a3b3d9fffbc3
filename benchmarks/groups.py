"""What is measured: groups of programs that do the same work, and what is asked of their ratios."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.make_captures import OUT, keys_path, make
from benchmarks.measure import ROOT, Program

LUA: Final = ROOT / "dissectors" / "fzctl.lua"
FILTER: Final = "ip6 proto 255"
MIX: Final = "mix-0.1-ethernet.pcap"
KERNEL: Final = OUT / "kernel"

# The most that one process of ours may take, in MB, whatever it reads.
MOST_MEMORY: Final = 24.0
_ONE: Final = {"FZCTL_PROCESSES": "1", "FZCTL_KERNEL": "0"}
_BOTH: Final = {"FZCTL_PROCESSES": "2", "PYTHONPATH": str(KERNEL)}
_COMPILED: Final = {"FZCTL_PROCESSES": "1", "PYTHONPATH": str(KERNEL)}
_TWO: Final = {"FZCTL_PROCESSES": "2", "FZCTL_KERNEL": "0"}
_WALK: Final = "from scapy.utils import {0}\nfor _ in {0}({1!r}): pass"
# What the library does alone, in pieces as large as ours, which suit it best.
_UNPACK: Final = {
    "gzip": "import zlib\nnew = lambda: zlib.decompressobj(31)",
    "zstd": "try:\n import compression.zstd as z\nexcept ImportError:\n import backports.zstd as z\n"
    "new = z.ZstdDecompressor",
}
_UNPACK_LOOP: Final = """
member = new()
with open({0!r}, "rb", buffering=0) as file:
    while not member.eof and (piece := file.read(32768)):
        while True:
            data = member.decompress(piece, 32768)
            piece = getattr(member, "unconsumed_tail", b"")
            if len(data) < 32768 and not piece:
                break
"""


class Row(NamedTuple):
    """A row of README's table: a program of a group, its peer, and what is asked of them.

    ``measure`` is ``wall`` or ``cpu``; ``most`` the ratio that is not to be exceeded.
    """

    what: str
    ours: str
    peer: str
    measure: str
    most: float | None = None


class Group(NamedTuple):
    """Programs that are run in turns; ``slow`` groups are left out with --short."""

    title: str
    programs: list[Program]
    rows: list[Row]
    slow: bool = False


def groups(missing: list[str]) -> Iterator[Group]:
    """All groups, their captures made; what is not installed is added to ``missing``."""
    yield _mix(MIX, "1,000,000 packets, 0.1 % control, Ethernet pcap", missing)
    yield _mix("mix-0.1-raw.pcap", "1,000,000 packets, 0.1 % control, raw IP", missing)
    yield _formats()
    yield from _packed(missing)
    yield _encrypted("encrypted-128.pcap", missing)
    yield _encrypted("encrypted-1312.pcap", missing)._replace(slow=True)
    yield _all_control(missing)
    yield _scapy_packets(missing)
    yield _dissector(MIX, "1,000,000 packets, 0.1 % control", 1 / 35, missing)
    yield _dissector("control-raw.pcap", "200,000 control messages", 1 / 5, missing)
    yield _dissector("mix-0-ethernet.pcap", "1,000,000 packets, no control", None, missing)
    yield _analyze()


def fzctl_command() -> list[str]:
    """The installed fzctl of this interpreter, or else the one in this folder."""
    installed = Path(sys.executable).parent / "fzctl"
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "fzctl"]


def _decode(path: str, *options: str) -> list[str]:
    return [*fzctl_command(), "decode", "-T", "jsonl", *options, path]


def _mix(name: str, what: str, missing: list[str]) -> Group:
    """Beside tcpdump: as installed, on one processor, and both with the compiled loops."""
    path = str(make(name))
    ways = {"fzctl": _TWO, "fzctl, one process": _ONE}
    if _kernel(missing):
        ways |= {"fzctl with kernel": _BOTH, "fzctl with kernel, one process": _COMPILED}
    programs = [Program(way, _decode(path), environment) for way, environment in ways.items()]
    tcpdump = _peer("tcpdump", missing)
    if tcpdump:
        programs.append(Program("tcpdump", [tcpdump, "-n", "-r", path, FILTER]))
    rows = [
        Row(what, "fzctl", "tcpdump", "wall"),
        Row("the same with `fzctl-kernel`", "fzctl with kernel", "tcpdump", "wall", 1.0),
        Row("the same in one process", "fzctl, one process", "tcpdump", "cpu"),
        Row("one process with `fzctl-kernel`", "fzctl with kernel, one process", "tcpdump", "cpu", 1.3),
    ]
    return Group(name, programs, rows)


def _formats() -> Group:
    paths = str(make(MIX)), str(make("mix-0.1-ethernet.pcapng"))
    programs = [
        Program(f"fzctl {form}", _decode(path), _ONE)
        for form, path in zip(("pcap", "pcapng"), paths, strict=True)
    ]
    return Group("pcapng", programs, [Row("the first as pcapng", "fzctl pcapng", "fzctl pcap", "cpu", 1.5)])


def _packed(missing: list[str]) -> Iterator[Group]:
    for form, ending in (("gzip", "gz"), ("zstd", "zst")):
        path = str(make(f"{MIX}.{ending}"))
        alone = f"the library of {form} alone"
        code = _UNPACK[form] + _UNPACK_LOOP.format(path)
        programs = [
            Program("fzctl", _decode(path), _ONE), Program(alone, [sys.executable, "-c", code]),
        ]  # fmt: skip
        rows = [Row(f"the first in {form}", "fzctl", alone, "wall", 1.4 if form == "gzip" else None)]
        # zstd unpacks as fast as memory is copied, and a scan in Python takes longer than that.
        if form == "zstd" and _kernel(missing):
            programs.append(Program("fzctl, kernel", _decode(path), _COMPILED))
            rows.append(Row("the same with `fzctl-kernel`", "fzctl, kernel", alone, "wall", 1.4))
        unpacker, tcpdump = _peer(form, missing), _peer("tcpdump", missing)
        if unpacker and tcpdump:
            pipeline = f"{unpacker} -dc {path} | {tcpdump} -n -r - '{FILTER}'"
            name = f"{form} -dc \\| tcpdump"
            programs.append(Program(name, ["/bin/sh", "-c", pipeline]))
            rows.append(Row("the same", "fzctl", name, "wall", 1.0 if form == "gzip" else None))
        yield Group(form, programs, rows)


def _encrypted(name: str, missing: list[str]) -> Group:
    """Control messages out of WireGuard with the same key log.

    tshark has less to do: it decrypts, filters, and writes the number and the payload in hex of the
    packets that match. It takes no message apart, and without a summary line resolves and prints
    nothing else.
    """
    path = make(name)
    keys = str(keys_path(path))
    programs = [Program("fzctl", _decode(str(path), "-k", keys))]
    tshark = _peer("tshark", missing)
    if tshark:
        given = ["-n", "-o", f"wg.keylog_file:{keys}", "-r", str(path)]
        fields = ["-Y", "ipv6.nxt == 255", "-T", "fields", "-e", "frame.number", "-e", "data.data"]
        programs.append(Program("tshark", [tshark, *given, *fields]))
    size = name.partition("-")[2].partition(".")[0]
    what = f"200,000 WireGuard packets of {size} bytes, with keys"
    return Group(name, programs, [Row(what, "fzctl", "tshark", "cpu", 1 / 8)])


def _all_control(missing: list[str]) -> Group:
    path = str(make("control-raw.pcap"))
    programs = [Program("fzctl", _decode(path), _ONE)]
    if _scapy(missing):
        walk = _WALK.format("RawPcapReader", path)
        programs.append(Program("scapy's RawPcapReader", [sys.executable, "-c", walk]))
    row = Row("200,000 control messages, each judged", "fzctl", "scapy's RawPcapReader", "cpu", 3.5)
    return Group("control", programs, [row])


def _scapy_packets(missing: list[str]) -> Group:
    path = str(make("few-10-ethernet.pcap"))
    programs = [Program("fzctl", _decode(path), _ONE)]
    if _scapy(missing):
        code = "import scapy.layers.inet6\n" + _WALK.format("PcapReader", path)
        programs.append(Program("scapy's PcapReader", [sys.executable, "-c", code]))
    row = Row("20,000 packets, 10 % control", "fzctl", "scapy's PcapReader", "cpu")
    return Group("few", programs, [row], slow=True)


def _dissector(name: str, what: str, most: float | None, missing: list[str]) -> Group:
    """tshark with the dissector, tuned: no names, and TCP and UDP are left unread."""
    path = str(make(name))
    programs = [Program("fzctl", _decode(path))]
    tshark = _peer("tshark", missing) if LUA.exists() else None
    if tshark is not None:
        plain = [tshark, "-n", "--disable-protocol", "tcp", "--disable-protocol", "udp", "-r", path]
        lua = ["-X", f"lua_script:{LUA}"]
        programs += [
            Program("tshark", plain),
            Program("tshark with the dissector", [*plain, *lua]),
            Program("tshark, printing a field", [*plain, *lua, "-T", "fields", "-e", "fzp2p.domain"]),
        ]
    rows = [Row(what, "fzctl", "tshark with the dissector", "wall", most)]
    return Group(f"dissector: {name}", programs, rows, slow=True)


def _analyze() -> Group:
    path = str(make("domains-raw.pcap"))
    programs = [
        Program(f"fzctl {name}", [*fzctl_command(), *verb, path], _ONE)
        for name, verb in (
            ("analyze", ["analyze", "-T", "text"]),
            ("analyze -T json", ["analyze", "-T", "json"]),
            ("decode", ["decode", "-T", "jsonl"]),
        )
    ]
    what = "1,000,000 messages over 1,000 domains, `analyze`"
    return Group("analyze", programs, [Row(what, "fzctl analyze", "fzctl decode", "cpu", 2.0)], slow=True)


def _kernel(missing: list[str]) -> bool:
    """Have the compiled loops in a folder of their own."""
    if not KERNEL.exists():
        install = ["install", "--quiet", "--no-deps", "--target", str(KERNEL), str(ROOT / "kernel")]
        done = subprocess.run([sys.executable, "-m", "pip", *install], check=False, capture_output=True)
        if done.returncode:
            missing.append("fzctl-kernel (it could not be built)")
    return KERNEL.exists()


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
