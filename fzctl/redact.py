"""``--redact``: names, addresses and identifiers replaced, consistently and length for length.

Replacing happens in the packet's bytes, before anything is shown, so that no form of output
can hold what was there. Equal texts stay equal (domains without case), lengths, JSON structure
and the verdict stay as they were; what the protocol itself spells (field names, ``Active``) stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from fzctl.protocol.codec import CONTROL_HEADER, Message, decode, decode_truncated
from fzctl.protocol.fields import Protocol, Status
from fzctl.protocol.kinds import KINDS
from fzctl.protocol.reasons import REASONS
from fzctl.records import Record

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_UUID: Final = rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])"
_IPV4: Final = rb"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])"
_IPV6: Final = rb"(?<![0-9a-zA-Z:])(?=[0-9a-fA-F]*:[0-9a-fA-F]*:)[0-9a-fA-F:]+"
_ESCAPE: Final = rb"\\u[0-9a-fA-F]{4}|\\\\[0-9]{3}|\\."
_WORD: Final = rb"[A-Za-z0-9]+|(?:[\xc2-\xf4][\x80-\xbf]{1,3})+"
_PIECE: Final = re.compile(b"|".join((_UUID, _IPV4, _IPV6, _ESCAPE, _WORD)), re.DOTALL)
_LOOSE_WORD: Final = re.compile(_WORD)
_HEX_RUN: Final = re.compile(rb"[0-9a-fA-F]+")
_DIGIT_RUN: Final = re.compile(rb"[0-9]+")
_JSON_WORDS: Final = frozenset((b"null", b"true", b"false", b"e", b"E"))
_TRIES: Final = 200

Draw = Callable[[int], int]
"""Gives a number from 0 up to, but without, its argument."""


class Redactor:
    """Replaces texts under a secret ``key`` (any bytes); one key, one mapping."""

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key).digest()
        self._replacements: dict[bytes, bytes] = {}
        self._taken: set[bytes] = set()

    def redact(self, record: Record) -> Record:
        """The record of a packet with the same verdict, in which nothing names anybody."""
        message = record.message
        packet = self.redact_packet(message)
        judge = decode_truncated if message.reason == "truncated" else decode
        redacted = judge(packet, message.dialect)
        if (redacted.accepted, redacted.reason) != (message.accepted, message.reason):
            # Rare: the replacement changed what is wrong. The verdict on the original counts.
            error = None if message.accepted else REASONS[message.reason]
            redacted = redacted._replace(
                accepted=message.accepted, reason=message.reason, error=error, values=redacted.fields
            )
        return record._replace(message=redacted)

    def redact_packet(self, message: Message) -> bytes:
        """The message's packet with its payload replaced; headers stay."""
        start = message.offset + CONTROL_HEADER
        if message.kind is None:
            # Not ours to take apart: whatever it holds behind the addresses goes.
            return message.packet[:40] + self.redact_payload(message.packet[40:])
        return message.packet[:start] + self.redact_payload(message.packet[start:])

    def redact_payload(self, payload: bytes) -> bytes:
        """JSON text, sound or broken, with the same structure and length."""
        parts: list[bytes] = []
        position = 0
        for found in _STRING.finditer(payload):
            parts += (self._redact_loose(payload[position : found.start()]), self._redact_string(found[0]))
            position = found.end()
        parts.append(self._redact_loose(payload[position:]))
        return b"".join(parts)

    def redact_text(self, text: str) -> str:
        """A name, address or identifier on its own, as it is replaced inside messages."""
        return self._redact_inside(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def _redact_string(self, literal: bytes) -> bytes:
        return literal if literal in _vocabulary() else self._redact_inside(literal)

    def _redact_inside(self, text: bytes) -> bytes:
        return _PIECE.sub(lambda found: self._replace(found[0]), text)

    def _redact_loose(self, text: bytes) -> bytes:
        """What stands outside strings: structure and numbers stay, stray words do not."""
        return _LOOSE_WORD.sub(
            lambda found: found[0] if found[0].isdigit() or found[0] in _JSON_WORDS else self._replace(found[0]), text
        )

    def _replace(self, piece: bytes) -> bytes:
        if piece.startswith(b"\\"):
            return _redact_escape(piece)
        plain = piece.lower()
        known = self._replacements.get(plain)
        if known is None:
            known = self._replacements[plain] = self._invent(plain)
            self._taken.add(known)
        return bytes(new - 32 if old in _UPPER and new in _LOWER else new for old, new in zip(piece, known, strict=True))

    def _invent(self, plain: bytes) -> bytes:
        """A text of the same shape that stands for nothing else yet."""
        candidate = plain
        for attempt in range(_TRIES):
            candidate = _reshape(plain, self._drawer(plain, attempt))
            if candidate != plain and candidate not in self._taken:
                break
        return candidate

    def _drawer(self, plain: bytes, attempt: int) -> Draw:
        """Numbers that follow from the key and the text alone."""
        count = 0

        def draw(limit: int) -> int:
            nonlocal count
            count += 1
            seed = b"%b\0%d\0%d" % (plain, attempt, count)
            return int.from_bytes(blake2b(seed, key=self._key, digest_size=4).digest(), "big") % limit

        return draw


_UPPER: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOWER: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz")


def _vocabulary() -> frozenset[bytes]:
    words = {field.name for kind in KINDS for field in kind.fields}
    words |= {Status.ACTIVE, Status.INACTIVE, Protocol.PORT, Protocol.ICMP, *Protocol.WITH_PORT}
    return frozenset(f'"{word}"'.encode() for word in words)


def _reshape(plain: bytes, draw: Draw) -> bytes:
    if re.fullmatch(_IPV4, plain):
        return _DIGIT_RUN.sub(lambda found: _octet(found[0], draw), plain)
    if re.fullmatch(_UUID, plain) or re.fullmatch(_IPV6, plain):
        return _HEX_RUN.sub(lambda found: _hex_run(found[0], draw), plain)
    return _word(plain, draw)


def _octet(digits: bytes, draw: Draw) -> bytes:
    low, high = {1: (0, 9), 2: (10, 99), 3: (100, 255)}[len(digits)]
    return b"%d" % (low + draw(high - low + 1))


def _hex_run(digits: bytes, draw: Draw) -> bytes:
    if digits == b"0":
        return digits
    # No leading zero where there was none, so that the text stays canonical.
    first = b"123456789abcdef"[draw(15)] if digits[0] != 0x30 else b"0123456789abcdef"[draw(16)]
    return bytes([first, *(b"0123456789abcdef"[draw(16)] for _ in digits[1:])])


def _word(plain: bytes, draw: Draw) -> bytes:
    if plain[0] >= 0x80:
        return "".join(_foreign(character, draw) for character in plain.decode("utf-8", "replace")).encode()[: len(plain)]
    return bytes(0x30 + draw(10) if 0x30 <= octet <= 0x39 else 0x61 + draw(26) for octet in plain)


def _foreign(character: str, draw: Draw) -> str:
    """A letter that takes as many bytes in UTF-8."""
    width = len(character.encode())
    return chr({2: 0xE0, 3: 0x4E00, 4: 0x20000}.get(width, 0x61) + draw(24))


def _redact_escape(piece: bytes) -> bytes:
    """``\\uXXXX`` and ``\\DDD`` may spell a letter; the other escapes say nothing."""
    if piece.startswith(b"\\u") and len(piece) == 6:
        code = int(piece[2:], 16)
        return b"\\u0078" if chr(code).isalnum() and not 0xD800 <= code <= 0xDFFF else piece
    if len(piece) == 5:
        return b"\\\\120" if chr(int(piece[2:])).isalnum() else piece
    return piece
