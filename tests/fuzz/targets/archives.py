"""Any bytes as a zip: logs are read in place, what is wrong is one sentence, nothing is written."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import ExitStack
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile, ZipInfo

from fzctl.errors import CaptureError
from fzctl.logs.parse import parse_lines
from fzctl.logs.sources import Source, find_sources
from tests.logs.read import DATA

MAGIC = b"PK\x03\x04"
TOKENS = (
    *(
        MAGIC,
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"PK\x06\x06",
        b"PK\x06\x07",
        b"PK\x07\x08",
        b"../../",
        b"/etc/passwd",
        b"connlib.latest",
    ),
    *(
        b"\x01\0",
        b"\x08\0",
        b"\x0e\0",
        b"\x0c\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\0\xa1",
        b".json",
        b"\x1f\x8b\x08",
        b"\x7f\xff\xff\xff",
    ),
)
MOST_LINES = 3000


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_fast_folder()) as folder:
        path = os.path.join(folder, "export.zip")
        with open(path, "wb") as file:
            file.write(MAGIC + data[4:])
        with ExitStack() as stack:
            found = find_sources([path], stack)
            for problem in found.problems:
                assert "\n" not in problem.problem
            for source in found.sources:
                read(source)
                read(source)
        assert os.listdir(folder) == ["export.zip"]


def read(source: Source) -> None:
    """All of a log, up to a bound."""
    try:
        for count, _ in enumerate(parse_lines(source.lines(), source.name)):
            if count > MOST_LINES:
                break
    except CaptureError as error:
        assert error.problem


def _fast_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def seeds() -> list[bytes]:
    log = (DATA / "relay.jsonl").read_bytes()[:600]
    return [
        packed({"connlib.2026-01-01-00-00-00.log": log, "latest": log, "settings.json": b"{}"}),
        packed({"a/b.jsonl": log}, method=ZIP_STORED),
        packed({"../../x.log": log, "/etc/x.log": b"x", "C:\\x.log": b"y"}),
        packed(
            {
                "app.zip": packed({"x.log": log}),
                "tunnel.zip": packed({"y.log": log, "z.zip": packed({"w.log": b"w"})}),
            }
        ),
        packed({"x.log": log, "x.log ": log}, method=ZIP_BZIP2),
        packed({"x.log": log}, method=ZIP_LZMA),
        packed({"zeros.log": bytes(100_000) + b"x" * 1_000_000}),
        packed({"link": b"/etc/passwd"}, attributes=0o120777 << 16),
        packed({}),
    ]


def packed(members: dict[str, bytes], method: int = ZIP_DEFLATED, attributes: int = 0) -> bytes:
    """A zip file, the same in each run."""
    target = io.BytesIO()
    with ZipFile(target, "w") as archive:
        for name, data in members.items():
            info = ZipInfo(name)
            info.compress_type = method
            info.external_attr = attributes
            archive.writestr(info, data)
    return target.getvalue()
