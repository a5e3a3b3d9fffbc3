"""Text that came out of a packet, made harmless for a terminal."""

from __future__ import annotations

from typing import Final

# Letters and marks to Python, nothing to the eye: fillers and variation selectors.
_INVISIBLE: Final = frozenset(
    chr(code)
    for first, last in (
        *((0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164), (0xFFA0, 0xFFA0)),
        *((0xFE00, 0xFE0F), (0xE0100, 0xE01EF)),
    )
    for code in range(first, last + 1)
)


def escape(text: str) -> str:
    """Show control characters, bidirectional marks and invisible characters as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each if each.isprintable() and each not in _INVISIBLE else _show(ord(each)) for each in text
    )


def escape_bytes(data: bytes) -> str:
    """Bytes as text where they are UTF-8, everything else as ``\\xNN``, harmless."""
    return escape(data.decode("utf-8", "backslashreplace"))


def _show(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
