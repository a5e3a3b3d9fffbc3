"""Any text is packets in hex: a record for each line that is no comment, and each can be shown."""

from __future__ import annotations

import io
import json

from fzctl.cli.hexinput import _lines
from fzctl.errors import CaptureError
from fzctl.records import Record, read_hex
from fzctl.render.jsonform import to_jsonl
from tests.protocol.test_vectors import PACKETS

TOKENS = (
    b"0x",
    b":",
    b"# ",
    b"\r\n",
    b"\n",
    b"60000000",
    b"00" * 32,
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xe2\x80\xa8",
    b"ff00",
    "\u0663".encode(),
)


def check(data: bytes) -> None:
    file = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", errors="replace")
    lines: list[str] = []
    try:
        lines += _lines(file, "packets.hex")
    except CaptureError:
        assert len(data) > 1 << 20
        return
    records: list[Record] = list(read_hex(lines))
    comments = [line for line in lines if "#" in line and not line.partition("#")[0].strip()]
    assert len(records) == len(lines) - len(comments)
    assert [each.frame for each in records] == list(range(1, len(records) + 1))
    for record in records:
        shown = json.loads(to_jsonl(record))
        assert shown["control"] == record.message.control
        assert (record.line_error is None) or (
            record.message.packet == b"" and shown["error"] == record.line_error
        )
        again = next(read_hex([record.message.packet.hex(" ")]))
        assert again.message.packet == record.message.packet


def seeds() -> list[bytes]:
    texts = [each["hex"] for each in PACKETS[:40] if len(each["hex"]) < 600]
    return [
        "\n".join(texts[:3]).encode(),
        (
            "# a comment\r\n"
            + ":".join(texts[3][at : at + 2] for at in range(0, len(texts[3]), 2))
            + "  # behind\r\n\r\n"
        ).encode(),
        *(b"0x" + text.encode() for text in texts[4:8]),
    ]
