"""Text that came out of a packet, made harmless for a terminal."""

from __future__ import annotations

import re
from typing import Final

# Controls (C0, DEL, C1), everything that reorders or hides text, and what UTF-8 cannot encode.
_HARMFUL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def escape(text: str) -> str:
    """Show control characters, bidirectional marks and invisible characters as escapes."""
    return _HARMFUL.sub(_show, text)


def escape_bytes(data: bytes) -> str:
    """Bytes as text where they are UTF-8, everything else as ``\\xNN``, harmless."""
    return escape(data.decode("utf-8", "backslashreplace"))


def _show(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
