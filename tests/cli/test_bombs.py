"""Bombs as captures, keys, hex, configs, rules, filters: bounded, one sentence, what came before is shown."""

from __future__ import annotations

import gzip
import importlib
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.cli.bombs import CONFIG, KEY, MEGABYTE, PEER, ROOM, START, STATIC, Bomb, run, usual
from tests.pcap import build
from tests.records import goodbye, raw

OK = "Goodbye"
DECODE, HEX, KEYS = "decode {}", "decode --hex {}", "decode -k {} small"
INJECT, RULES = "inject -q --dry-run --peer {} goodbye", "respond --dry-run --peer conf --rules {}"
CAPTURES = [
    f"{verb} {{}}"
    for verb in ("decode", "decode -T jsonl", "analyze", "check", "stats", "replay -i lo --dry-run")
]


def zstd() -> Any:
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return pytest.importorskip("backports.zstd")


def gzipped(*parts: tuple[bytes, int]) -> bytes:
    """Each part so often, in one member."""
    packer = zlib.compressobj(1, wbits=31)
    packed = [packer.compress(part) for part, count in parts for _ in range(count)]
    return b"".join((*packed, packer.flush()))


def wide(window: int) -> bytes:
    """A capture that zstd packed with that window (as a power of two), and enough behind it to fill it."""
    module = zstd()
    parameter = module.CompressionParameter
    packer = module.ZstdCompressor(options={parameter.window_log: window, parameter.compression_level: 1})
    unknown = build.block(5, bytes(16 * MEGABYTE - 12))
    return b"".join((packer.compress(ng()), *(packer.compress(unknown) for _ in range(9)), packer.flush()))


def ng(*parts: bytes) -> bytes:
    return build.section() + build.interface() + build.packet(goodbye()) + b"".join(parts)


def secrets(data: bytes) -> bytes:
    return build.block(10, struct.pack("<II", 0x57474B4C, len(data)) + data)


def names(count: int, name: bytes) -> bytes:
    """A block with so many names."""
    value = name + b"\0"
    tail = bytes(-(4 + len(value)) % 4)
    records = [
        struct.pack("<HH", 1, 4 + len(value)) + number.to_bytes(4, "big") + value + tail
        for number in range(count)
    ]
    return build.block(4, b"".join(records) + bytes(4))


@cache
def oversize(count: int) -> bytes:
    """Packets as large as IPv6 has them, which no receiver takes."""
    packets = [raw(0, b'{"domain":"%d%s"}' % (number, b"x" * 60_000)) for number in range(count)]
    return gzipped((START, 1), *((build.record(packet, 2), 1) for packet in packets))


def nesting() -> bytes:
    packets = [raw(0, mark * (1200 // len(mark))) for mark in (b"[", b'{"a":')]
    return gzip.compress(START + b"".join(build.record(packet, 2) for packet in packets))


def transport_keys() -> bytes:
    keys = [KEY.replace("A", chr(66 + n % 20)).replace("g", chr(97 + n % 26)) for n in range(20_000)]
    return "".join(f"TRANSPORT_KEY = 1 {key}\n" for key in keys).encode()


# fmt: off
BOMBS = {
    "gzip of zeros": Bomb(
        DECODE, "a.gz", lambda: gzipped((bytes(MEGABYTE), 64)), 3, "no capture file",
    ),
    "gzip of empty frames": Bomb(
        DECODE, "a.gz", lambda: gzipped((START, 1), (bytes(MEGABYTE), 8)), 0, "in 524289 packets", OK,
    ),
    "gzip of empty members": Bomb(
        DECODE, "a.gz", lambda: gzip.compress(START) + gzip.compress(b"") * 50_000, 0, "1 packet", OK,
    ),
    "zstd with the largest window": Bomb(DECODE, "a.zst", lambda: wide(27), 0, "1 packet", OK, 200),
    "zstd with a window too large": Bomb(DECODE, "a.zst", lambda: wide(30), 3, "more than 128 MB"),
    "interfaces": Bomb(
        DECODE, "a", lambda: ng(build.interface() * 1_000_000), 3, "more than 65536 interfaces", OK,
    ),
    "options of an interface": Bomb(
        DECODE, "a", lambda: ng(build.interface(options=build.option(1, b"") * 1_000_000)), 0, "", OK,
    ),
    "options of a packet": Bomb(
        DECODE, "a", lambda: ng(build.packet(goodbye(), options=build.option(1, b"abcd") * 1_000_000)),
        0, "2 packets", OK,
    ),
    "sections": Bomb(
        DECODE, "a", lambda: ng((build.section() + build.interface()) * 30_000), 0, "1 packet", OK,
    ),
    "blocks of keys": Bomb(
        DECODE, "a", lambda: ng(secrets(b"") * 1_000_000), 3, "the keys in it have more", OK,
    ),
    "large blocks of keys": Bomb(
        DECODE, "a", lambda: ng(secrets(bytes(7 * MEGABYTE)) * 12), 3, "the keys in it have more", OK,
    ),
    "keys in a capture": Bomb(
        DECODE, "a", lambda: build.section() + build.interface() + secrets(STATIC * 110_000)
        + build.packet(goodbye()), 3, "is too long", OK, 128,
    ),
    "names": Bomb(DECODE, "a", lambda: ng(names(100_000, b"n")), 0, "1 packet", OK, 32),
    "names of 60 kilobytes": Bomb(DECODE, "a", lambda: ng(*[names(200, b"n" * 60_000)] * 5), 0, "", OK, 40),
    "a block of 4 GB": Bomb(
        DECODE, "a", lambda: ng(struct.pack("<II", 6, 0xFFFFFFFC) + bytes(99)), 3, "4294967292 bytes", OK,
    ),
    "a block of 16 MB that is cut": Bomb(
        DECODE, "a", lambda: ng(struct.pack("<II", 6, 16 * MEGABYTE) + bytes(15 * MEGABYTE)),
        3, "ends within a block", OK,
    ),
    **{
        f"a record of 4 GB: {command}": Bomb(
            command, "a", lambda: START + struct.pack("<IIII", 1, 1, 0xFFFFFFFF, 0xFFFFFFFF) + bytes(99),
            3, "a record claims 4294967295 bytes",
        )
        for command in CAPTURES
    },
    **{
        f"packets no receiver takes: {command}": Bomb(command, "a.gz", lambda: oversize(1200), code)
        for command, code in (
            ("decode -T jsonl {}", 0), ("decode -k keys -T jsonl {}", 0), ("analyze {}", 0), ("check {}", 1),
            ("stats {}", 0), ("replay -i lo --dry-run -c 300 {}", 0),
        )
    },
    "packets no receiver takes: dumped": Bomb(
        "decode -c 100 -T tree -x {}", "a.gz", lambda: oversize(1200), 0, room=16,
    ),
    "packets no receiver takes: redacted": Bomb(
        "decode -c 3 --redact -T jsonl {}", "a.gz", lambda: oversize(1200), 0,
    ),
    "nesting": Bomb(DECODE, "a.gz", nesting, 0, "2 not accepted", "bad_json"),
    "a key log without end": Bomb(KEYS, "k", lambda: STATIC * 1_000_000, 3, "is too long", OK, 110),
    "a key log of one line": Bomb(KEYS, "k", lambda: STATIC[:30] * 1_000_000, 3, "is too long", OK),
    "a key log of nonsense": Bomb(KEYS, "k", lambda: b"junk\n" * 1_000_000, 3, "is too long", OK),
    "transport keys of one index": Bomb(KEYS, "k", transport_keys, 0, "", OK),
    "a line of hex of 100 MB": Bomb(
        HEX, "a", lambda: goodbye().hex().encode() + b"\n" + b"ab" * 50 * MEGABYTE,
        3, "line 2 is far too long", OK,
    ),
    "hex of zeros": Bomb(HEX, "a", lambda: bytes(10 * MEGABYTE), 3, "line 1 is far too long"),
    "a key to redact with": Bomb(
        "decode --redact-key {} small", "k", lambda: bytes(MEGABYTE), 2, "is no key for --redact-key",
    ),
    "a config without end": Bomb(INJECT, "c", lambda: b"#" * 20 * MEGABYTE, 4, "more than 1048576 bytes"),
    "a config of one line": Bomb(INJECT, "c", lambda: b"[Interface]\n" + b"x" * 1_000_000, 4, "line 2"),
    "a config of networks": Bomb(
        INJECT, "c", lambda: (CONFIG + PEER).encode() + b"AllowedIPs = 10.0.0.0/8\n" * 40_000, 0,
    ),
    "rules that nest": Bomb(RULES, "r", lambda: b"a = " + b"[" * 200_000, 2, "nested too deeply"),
    "rules with a long key": Bomb(RULES, "r", lambda: b"a." * 100_000 + b"a = 1", 2, "more than 2000 dots"),
}
FILTERS = {
    "brackets": "(" * 100_000,
    "calls": "len(" * 25_000,
    "negations": "!" * 100_000 + "fzp2p.kind",
    "a chain": " and ".join(["fzp2p.kind == 2"] * 5_000),
    "a set": f"fzp2p.kind in {{{','.join(map(str, range(20_000)))}}}",
    "a text": f'fzp2p.domain == "{"x" * 100_000}"',
    "a slice": "fzp2p.payload" + "[0:1]" * 20_000 + " == 1",
    "a pattern": 'fzp2p.domain matches "' + "(a*)*" * 10_000 + '"',
    "a pattern of brackets": 'fzp2p.domain matches "' + "(" * 100_000 + '"',
    "a number": "fzp2p.kind == " + "9" * 100_000,
}
# fmt: on


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_bounded_memory(name: str, tmp_path: Path) -> None:
    BOMBS[name].explode(tmp_path)


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_that_is_a_bomb_is_used_or_refused_with_its_place(name: str, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(START)
    found = run(tmp_path, "decode", "-Y", FILTERS[name], "small")
    assert found.code in (0, 2)
    assert "a bug in fzctl" not in found.err
    assert len(found.err) < 1000
    assert found.megabytes < usual("decode") + ROOM


@pytest.mark.parametrize("source", ["/dev/zero", "/dev/null", "/proc/self/mem", "/"])
@pytest.mark.parametrize("command", [*CAPTURES, HEX, KEYS, "compare {}"])
def test_what_is_no_file_is_one_sentence(command: str, source: str, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(START)
    found = run(tmp_path, *command.format(source).split())
    is_empty = source == "/dev/null" and command in (HEX, KEYS)
    assert found.code == (0 if is_empty else 3)
    assert is_empty or any(source in line for line in found.err.splitlines())
    assert "a bug in fzctl" not in found.err


def test_memory_is_measured(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(START)
    assert 5 < run(tmp_path, "decode", "small").megabytes < 40
