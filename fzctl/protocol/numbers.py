"""JSON numbers as serde_json reads them: whole numbers of 64 bits, doubles beyond.

The source is serde_json 1.0.150 ``src/de.rs``: ``parse_integer`` and what it calls, and
``ignore_integer`` for numbers that nobody reads.
"""

from __future__ import annotations

import math
import re
from typing import Final

from fzctl.protocol.reasons import Refusal

_NUMBER: Final = re.compile(rb"-?(?:0(?![0-9])|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PARTS: Final = re.compile(rb"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")
_UNFINISHED: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)?(?:(?<=[0-9])\.(?:[0-9]+)?)?(?:(?<=[0-9])[eE][+-]?)?")

_MAX_U64: Final = 2**64 - 1
_MIN_I64: Final = -(2**63)
_MAX_I32: Final = 2**31 - 1
_LARGEST_POWER: Final = 308


def scan_number(data: bytes, start: int) -> tuple[int | float, int]:
    """The number at ``start`` and the index behind it.

    ``int`` where serde_json holds a 64-bit integer, else ``float`` (also for ``-0``).
    Raises Refusal ``bad_json`` for bad syntax and for what no double can hold.
    """
    end = skip_number(data, start)
    found = _PARTS.fullmatch(data, start, end)
    assert found is not None
    minus, whole, fraction, exponent_sign, exponent = found.groups()
    if fraction is None and exponent is None:
        number = _bounded_int(minus + whole)
        if number is not None and not (minus and number == 0):
            return number, end
    value = _to_double(whole, fraction or b"", exponent_sign == b"-", exponent or b"", end)
    return (-value if minus else value), end


def skip_number(data: bytes, start: int) -> int:
    """The index behind the number at ``start``. Raises Refusal ``bad_json`` for bad syntax."""
    found = _NUMBER.match(data, start)
    end = found.end() if found is not None else start
    if found is None or _goes_on(found, data[end : end + 1]):
        unfinished = _UNFINISHED.match(data, start)
        assert unfinished is not None
        raise Refusal("bad_json", "a number is not valid JSON", min(unfinished.end() + 1, len(data)))
    return end


def _goes_on(number: re.Match[bytes], following: bytes) -> bool:
    """Does a part begin behind the number that it could still have, but broken?"""
    fraction, exponent = number.groups()
    return exponent is None and (following in (b"e", b"E") or (following == b"." and fraction is None))


def _bounded_int(text: bytes) -> int | None:
    # Twenty digits hold every 64-bit number; int() refuses texts of thousands of digits.
    if len(text) > 20:
        return None
    number = int(text)
    return number if _MIN_I64 <= number <= _MAX_U64 else None


def _to_double(whole: bytes, fraction: bytes, negative_exponent: bool, exponent: bytes, end: int) -> float:
    """Mirrors ``f64_from_parts``: it multiplies step by step, and refuses infinity on the way."""
    significand, scale = _significand(whole, fraction)
    digits = exponent.lstrip(b"0")
    power = int(digits[:11] or b"0")
    if power > _MAX_I32:
        if significand and not negative_exponent:
            # parse_exponent_overflow stops behind the digit that is too much.
            unread = len(digits) - (10 if int(digits[:10]) > _MAX_I32 else 11)
            raise Refusal("bad_json", "a number is out of range", end - unread)
        return 0.0
    scale += -power if negative_exponent else power
    value = float(significand)
    while abs(scale) > _LARGEST_POWER and value != 0.0:
        if scale > 0:
            raise Refusal("bad_json", "a number is out of range", end)
        value /= 1e308
        scale += _LARGEST_POWER
    if value == 0.0:
        return value
    value = value * float(f"1e{scale}") if scale >= 0 else value / float(f"1e{-scale}")
    if math.isinf(value):
        raise Refusal("bad_json", "a number is out of range", end)
    return value


def _significand(whole: bytes, fraction: bytes) -> tuple[int, int]:
    """The digits that fit 64 bits, and the power of ten that the others leave behind."""
    significand = 0
    for position, digit in enumerate(whole):
        grown = significand * 10 + digit - 0x30
        if grown > _MAX_U64:
            # parse_long_integer: from here on digits only scale.
            kept, used = _append_fraction(significand, fraction)
            return kept, len(whole) - position - used
        significand = grown
    kept, used = _append_fraction(significand, fraction)
    return kept, -used


def _append_fraction(significand: int, fraction: bytes) -> tuple[int, int]:
    for used, digit in enumerate(fraction):
        grown = significand * 10 + digit - 0x30
        if grown > _MAX_U64:
            return significand, used
        significand = grown
    return significand, len(fraction)
