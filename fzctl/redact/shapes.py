"""What an identifier, an address or a word looks like, and another of the same shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

UUID: Final = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
BARE_UUID: Final = r"(?<![0-9a-zA-Z])[0-9a-fA-F]{32}(?![0-9a-zA-Z])"
IPV4: Final = r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])"
IPV6: Final = (
    r"(?<![0-9a-zA-Z:])(?=[0-9a-fA-F]*:[0-9a-fA-F]*:)[0-9a-fA-F:]*:"
    r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F]*)(?![0-9a-zA-Z:.])"
)

_DOTTED: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}$")
_MAPPED: Final = "::ffff:"
_DIGITS: Final = "0123456789"
_HEX: Final = _DIGITS + "abcdef"
_LETTERS: Final = "abcdfghijklmnopqrstuvwxyz"  # without e, which behind a digit would begin an exponent

Draw = Callable[[str], str]
"""Gives one of the characters of its argument."""


def reshape(plain: str, draw: Draw) -> str:
    """A text of the same shape and length, by choices that are drawn one after the other."""
    if not plain.isascii():
        return "".join(draw(_foreign_letters(each)) for each in plain)
    if re.fullmatch(IPV4, plain):
        return ".".join(_octet(each, draw) for each in plain.split("."))
    if re.fullmatch(IPV6, plain):
        tail = _DOTTED.search(plain)
        if tail is not None:
            return _groups(plain[: tail.start()], draw) + reshape(tail[0], draw)
        return _groups(plain, draw)
    if re.fullmatch(BARE_UUID, plain):
        return "".join(draw(_HEX) for _ in plain)
    return "".join(draw(_DIGITS if each.isdigit() else _LETTERS) for each in plain)


def _octet(digits: str, draw: Draw) -> str:
    """Another number of as many digits, and as sound as it was: a leading zero or 300 is refused."""
    if digits[0] == "0" and len(digits) > 1:
        return "0" + "".join(draw(_DIGITS) for _ in digits[1:])
    if len(digits) < 3:
        return draw(_DIGITS[len(digits) - 1 :]) + "".join(draw(_DIGITS) for _ in digits[1:])
    if int(digits) > 255:
        return draw("3456789") + draw(_DIGITS) + draw(_DIGITS)
    return draw("1") + draw(_DIGITS) + draw(_DIGITS)


def _groups(text: str, draw: Draw) -> str:
    """Other hex groups of as many digits; zeros stay, and none comes to the front: ``::`` keeps its place."""
    if text == _MAPPED:
        return text  # of all addresses only these are written with a dotted tail
    return ":".join(
        each if not each.strip("0") else draw(_HEX[1:]) + "".join(draw(_HEX) for _ in each[1:])
        for each in text.split(":")
    )


def _foreign_letters(character: str) -> str:
    """Letters that take as many bytes in UTF-8."""
    first = {2: 0xE0, 3: 0x4E00, 4: 0x20000}[len(character.encode())]
    return "".join(map(chr, range(first, first + 23)))
