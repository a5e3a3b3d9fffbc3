"""What a value written in a filter means for a field of a given type.

After Wireshark 4.0, epan/ftypes/: the same text is bytes for one field and a number for another.
Every reader takes a token and gives the Python value that a packet's value is compared with;
what the token does not mean is a ValueError with a hint, for the caller to place.
"""

from __future__ import annotations

import re
from typing import Final

from .addresses import Network, read_ipv4, read_ipv6
from .errors import quoted
from .fields import NUMBERS, FieldType
from .lexer import Kind, Token

_NUMBER: Final = re.compile(r"0[xX][0-9A-Fa-f]{1,16}|0[bB][01]{1,64}|0[0-7]{0,22}|[1-9][0-9]{0,19}", re.ASCII)
_NEGATIVE: Final = re.compile(r"-[0-9]+", re.ASCII)
_NUMBER_LIMIT: Final = 2**64
_SECONDS: Final = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
_GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_ONE_BYTE: Final = re.compile(r"0[xX]([0-9A-Fa-f]{1,2})", re.ASCII)
# The parts are joined by one kind of sign all the way.
_HEX_GROUPS: Final = re.compile(r":?[0-9A-Fa-f]+(?:([:.-])[0-9A-Fa-f]+(?:\1[0-9A-Fa-f]+)*)?", re.ASCII)

LiteralValue = int | str | bytes | bool | Network

_HINTS: Final = {
    FieldType.UINT: "write it as 1, 0x1, 0b1, 01 (octal) or 'a', without double quotes, below 2**64",
    FieldType.FRAMENUM: "write it as 1, without quotes",
    FieldType.BYTES: 'write them as 7b:22 or 7b22 or "text"',
    FieldType.GUID: "write it as 6b7188f5-00ac-41dc-9ddd-57e2384f31ef",
    FieldType.STRING: 'write it as "text"',
    FieldType.IPV4: "write it as 100.96.0.1 or 100.96.0.0/11, without quotes",
    FieldType.IPV6: "write it as fd00::1 or fd00::/64, without quotes",
    FieldType.BOOLEAN: "write true, false, 1 or 0",
    FieldType.TIME: "write it as 1 or 0.25, at most nine decimals, without quotes",
}


def read_literal(token: Token, kind: FieldType) -> LiteralValue:
    """The value of ``token`` where a field of type ``kind`` is compared with it.

    TIME comes in nanoseconds, IPV4 and IPV6 as numbers, or as a Network with a prefix length.
    Raises ValueError whose text is a hint, "write it as ...".
    """
    value = _read(token, kind)
    if value is None:
        raise ValueError(_HINTS[kind])
    return value


def shown(token: Token) -> str:
    """``token`` as a message names it."""
    return quoted(token.text)


def _read(token: Token, kind: FieldType) -> LiteralValue | None:
    if kind in NUMBERS:
        return _read_number(token)
    if kind is FieldType.BYTES:
        return _read_bytes(token)
    if kind is FieldType.STRING:
        return _read_text(token)
    if kind is FieldType.BOOLEAN:
        return _read_boolean(token)
    if kind is FieldType.GUID:
        return _read_guid(token)
    if token.kind is not Kind.WORD:
        return None
    if kind is FieldType.IPV4:
        return read_ipv4(token.text)
    if kind is FieldType.IPV6:
        return read_ipv6(token.text)
    return _read_time(token.text)


def _read_number(token: Token) -> int | None:
    if token.kind is Kind.CHARACTER:
        return token.content[0]
    if token.kind is not Kind.WORD:
        return None
    text = token.text
    if _NEGATIVE.fullmatch(text):
        # Wireshark 4.0 wraps it around to a huge number, which nobody means.
        raise ValueError("it is never negative")
    if _NUMBER.fullmatch(text) is None:
        return None
    octal = len(text) > 1 and text[0] == "0" and text[1] not in "xXbB"
    value = int(text, 8 if octal else 0)
    return value if value < _NUMBER_LIMIT else None


def _read_bytes(token: Token) -> bytes | None:
    if token.kind is not Kind.WORD:
        return token.content
    if match := _ONE_BYTE.fullmatch(token.text):
        # Longer hexadecimal numbers are refused, as Wireshark does: their byte order is anybody's guess.
        return bytes([int(match[1], 16)])
    if _HEX_GROUPS.fullmatch(token.text) is None:
        return None
    groups = re.split(r"[:.-]", token.text.removeprefix(":"))
    if any(len(group) > 1 and len(group) % 2 for group in groups):
        raise ValueError("each byte has two hexadecimal digits, as in 7b:22 or 7b22")
    return b"".join(bytes.fromhex(group.rjust(2, "0")) for group in groups)


def _read_text(token: Token) -> str | bytes:
    """Bytes where the escapes make no UTF-8: the caller then compares as bytes."""
    if token.kind is Kind.WORD:
        return token.text
    try:
        return token.content.decode()
    except UnicodeDecodeError:
        return token.content


def _read_guid(token: Token) -> str | None:
    # Wireshark takes no quotes here; we do, because nothing else could be meant.
    text = token.text if token.kind is Kind.WORD else token.content.decode("utf-8", "replace")
    text = text.lower()
    return text if _GUID.fullmatch(text) else None


def _read_boolean(token: Token) -> bool | None:
    if token.kind is Kind.STRING or token.text.isalpha():
        text = token.text if token.kind is Kind.WORD else token.content.decode("utf-8", "replace")
        return {"true": True, "false": False}.get(text.lower())
    number = _read_number(token)
    return None if number is None else number != 0


def _read_time(text: str) -> int | None:
    if _SECONDS.fullmatch(text) is None:
        return None
    whole, _, fraction = text.removeprefix("-").partition(".")
    nanoseconds = int(whole) * 1_000_000_000 + int(fraction.ljust(9, "0"))
    return -nanoseconds if text[0] == "-" else nanoseconds
