"""Text that came out of a packet, made harmless for a terminal."""

from __future__ import annotations

from typing import Final

# Letters, marks and symbols to Python, nothing to the eye: joiners, fillers, blanks, variation selectors.
_INVISIBLE: Final = frozenset(
    chr(code)
    for first, last in (
        *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800)),
        *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0x16FE4, 0x16FE4), (0x1D159, 0x1D159)),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)
_MARKS: Final = ("Mn", "Me")
_MOST_MARKS: Final = 4
"""Marks on one letter; a tower of them covers the lines above."""


def escape(text: str) -> str:
    """Show control characters, bidirectional marks and invisible characters as escapes.

    So are marks that would stand on what comes before the text, and those that tower.
    """
    if text.isascii() and text.isprintable():
        return text
    from unicodedata import category

    shown: list[str] = []
    marks = _MOST_MARKS
    for each in text:
        marks = marks + 1 if category(each) in _MARKS else 0
        is_harmless = each.isprintable() and each not in _INVISIBLE and marks <= _MOST_MARKS
        shown.append(each if is_harmless else show_code(each))
    return "".join(shown)


def quote_for_shell(word: str) -> str:
    """A word of a command, harmless where it is shown and the same again where it is pasted."""
    if escape(word) == word:
        from shlex import quote

        return quote(word)
    from os import fsencode

    shown = ""
    for each in word:
        is_harmless = escape(each) == each and each not in "'\\"
        shown += each if is_harmless else "".join(f"\\{byte:03o}" for byte in fsencode(each))
    return f"$'{shown}'"


def escape_bytes(data: bytes) -> str:
    """Bytes as text where they are UTF-8, everything else as ``\\xNN``, harmless."""
    return escape(data.decode("utf-8", "backslashreplace"))


def show_code(character: str) -> str:
    """One character as an escape, whatever it is."""
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
