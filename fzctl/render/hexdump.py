"""Bytes for people: a hex dump with text beside it."""

from __future__ import annotations

from collections.abc import Iterator


def hexdump(data: bytes, indent: str = "") -> str:
    """Sixteen bytes a line, with offset and printable ASCII, as tcpdump and Wireshark show them."""
    return "\n".join(indent + line for line in _lines(data))


def _lines(data: bytes) -> Iterator[str]:
    for offset in range(0, len(data), 16):
        row = data[offset : offset + 16]
        left, right = row[:8].hex(" "), row[8:].hex(" ")
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{offset:04x}  {left:<23}  {right:<23}  {text}"
