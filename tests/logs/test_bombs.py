"""Bombs as logs, packed, zipped or plain: bounded, one sentence, what came before is shown."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.bombs import LINE, MEGABYTE, Bomb, run, usual
from tests.cli.test_bombs import gzipped

HI = "INFO  hi"
LOGS = "logs {}"
LONG = b"x" * (MEGABYTE - 1) + b"\n"


def zipped(members: dict[str, bytes], empty: int = 0) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        for number in range(empty):
            archive.writestr(f"{number}.log", b"")
    return made.getvalue()


def claiming(data: bytes, offset: int, value: bytes) -> bytes:
    """The zip with other bytes in the directory's entry of its first member."""
    place = data.find(b"PK\x01\x02") + offset
    return data[:place] + value + data[place + len(value) :]


def nested(depth: int) -> bytes:
    data = zipped({"deep.log": LINE})
    for _ in range(depth):
        data = zipped({"in.zip": data, "ok.log": LINE})
    return data


def overlapping(count: int) -> bytes:
    """A zip whose members are all one: the quine's cousin, which unpacks to ever so much."""
    data = bytearray(zipped({f"{number:05}.log": LINE * 1000 for number in range(count)}))
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        data[place + 42 : place + 46] = bytes(4)
        place = data.find(b"PK\x01\x02", place + 4)
    return bytes(data)


def large_name() -> bytes:
    return json.dumps({"time": "2026-08-22T00:53:24Z", "severity": "INFO", "n" * 900_000: 1}).encode()


def of_message(message: str) -> bytes:
    event = {"time": "2026-08-22T00:53:24Z", "severity": "INFO", "message": message, "error": message}
    return json.dumps(event).encode() + b"\n"


def deep() -> bytes:
    """JSON in a text, which is as deep as Python just reads it."""
    return b"".join(
        of_message(opening * count + "1" + closing * count)
        for opening, closing in (("[", "]"), ('{"a":', "}"))
        for count in (150, 400, 700, 900)
    )


def matryoshka() -> bytes:
    """None of these is deep; all of them are."""
    text = "[]"
    for _ in range(12):
        text = "[" * 99 + json.dumps(text) + "]" * 99
    return of_message(text)


# fmt: off
BOMBS = {
    "gzip of zeros": Bomb(LOGS, "a.gz", lambda: gzipped((bytes(MEGABYTE), 64)), 3, "binary data"),
    "gzip of one line": Bomb(
        LOGS, "a.gz", lambda: gzipped((LINE, 1), (LONG[:-1], 64)), 0, "1 broken line", HI,
    ),
    "lines of a megabyte": Bomb(LOGS, "a.gz", lambda: gzipped((LINE, 1), (LONG, 12)), 0, "", HI, 24),
    "lines of a megabyte, merged": Bomb(
        "logs {0} {0}.2", "a.gz", lambda: gzipped((LINE, 1), (LONG, 8)), 0, "", HI, 24,
    ),
    "redacted": Bomb("logs --redact {}", "a", lambda: LINE + b"secret" * 30_000, 0, "", HI),
    "a token after the other": Bomb(LOGS, "a", lambda: LINE + b"token=" * 50_000, 0, "", HI),
    "levels inside a text, redacted": Bomb("logs --redact {}", "a", lambda: LINE + deep(), 0, "", HI),
    "texts inside texts, redacted": Bomb("logs --redact {}", "a", lambda: LINE + matryoshka(), 0, "", HI),
    "a million levels": Bomb(
        LOGS, "a", lambda: LINE + b"[" * 1_000_000 + b"\n" + b'{"a":' * 200_000, 0, "", HI,
    ),
    "values in a row": Bomb(LOGS, "a", lambda: b'{"a":1}' * 140_000 + b"\n" + LINE, 0, "first at a:1", HI),
    "a name of a megabyte": Bomb("logs -T json {}", "a", lambda: LINE + large_name(), 0, "", '"hi"'),
    "a zip of many": Bomb(LOGS, "a", lambda: zipped({}, 10_001), 3, "holds more than 10000 files"),
    "a zip that claims 4 GB": Bomb(
        LOGS, "a", lambda: claiming(zipped({"a.log": LINE}), 24, b"\xf0\xff\xff\xff"),
        3, "unpacks to more than",
    ),
    "a zip with a wrong checksum": Bomb(
        LOGS, "a", lambda: claiming(zipped({"a.log": LINE, "b.log": LINE * 2}), 16, bytes(4)),
        3, "is damaged", HI,
    ),
    "a zip of zeros": Bomb(
        LOGS, "a", lambda: zipped({"a.log": LINE, "z.log": bytes(64 * MEGABYTE)}),
        0, "left out as no log", HI,
    ),
    "a zip in a zip in a zip": Bomb(LOGS, "a", lambda: nested(5), 3, "is a zip 4 deep in others", HI),
    "a zip that overlaps": Bomb(LOGS, "a", lambda: overlapping(100), 3, "79 more of the logs", HI),
    "zips that do not fit": Bomb(
        LOGS, "a",
        lambda: zipped({"a.log": LINE, "b.zip": b"PK\x03\x04" + bytes(130 * MEGABYTE)}),
        3, "unpacks to more than", HI, 160,
    ),
    "names that climb out": Bomb(
        LOGS, "a",
        lambda: zipped({"../../up.log": LINE, "/etc/over.log": LINE * 2, "x" * 60_000 + ".log": LINE * 3}),
        0, "", HI,
    ),
}
# fmt: on


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_bounded_memory(name: str, tmp_path: Path) -> None:
    BOMBS[name].explode(tmp_path)


@pytest.mark.parametrize("source", ["/dev/zero", "/dev/null", "/proc/self/mem"])
def test_what_is_no_file_is_one_sentence(source: str, tmp_path: Path) -> None:
    found = run(tmp_path, "logs", source)
    assert found.code == (0 if source == "/dev/null" else 3)
    assert "a bug in fzctl" not in found.err
    assert source == "/dev/null" or source in found.err


def test_many_logs_of_one_moment_are_open_together_in_little_memory(tmp_path: Path) -> None:
    log = LINE + LINE.replace(b":24", b":25") * 3
    (tmp_path / "a").write_bytes(zipped({f"{number}.log": log + b"%d\n" % number for number in range(1000)}))
    found = run(tmp_path, "logs", "a")
    assert found.code == 0
    assert found.out.count(HI.encode()) == 4000
    assert found.megabytes < usual("logs") + 48
