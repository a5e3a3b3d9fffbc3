"""``--redact``: names, addresses and identifiers replaced, consistently and length for length.

Replacing happens in the packet's bytes, before anything is shown, so that no form of output
can hold what was there. Equal texts stay equal (domains without case), lengths, JSON structure
and the verdict stay as they were; what the protocol itself spells (field names, ``Active``) stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Final

from fzctl.protocol.codec import Message, decode, decode_truncated
from fzctl.protocol.fields import Protocol, Status
from fzctl.protocol.kinds import KINDS
from fzctl.protocol.packet import CONTROL_HEADER, is_ours
from fzctl.protocol.reasons import REASONS
from fzctl.protocol.values import format_ip, ip_to_bytes
from fzctl.records import Record

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)

_UUID: Final = rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_BARE_UUID: Final = rb"(?<![0-9a-zA-Z])[0-9a-fA-F]{32}(?![0-9a-zA-Z])"
_URN: Final = rb"urn:uuid:(?=" + _UUID + rb")"
_IPV4: Final = rb"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])"
_IPV6: Final = (
    rb"(?<![0-9a-zA-Z:])(?=[0-9a-fA-F]*:[0-9a-fA-F]*:)[0-9a-fA-F:]*:"
    rb"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F]*)(?![0-9a-zA-Z:.])"
)
_ESCAPE: Final = rb"\\u[0-9a-fA-F]{4}|\\\\[0-9]{3}|\\."
_WORD: Final = rb"[A-Za-z0-9]+|(?:[\xc2-\xf4][\x80-\xbf]{1,3})+"
_NUMBER: Final = rb"(?<![A-Za-z0-9])[0-9]+(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9-])"

_INSIDE: Final = re.compile(b"|".join((_URN, _UUID, _BARE_UUID, _IPV4, _IPV6, _ESCAPE, _WORD)), re.DOTALL)
_OUTSIDE: Final = re.compile(b"|".join((_IPV4, _NUMBER, _UUID, _BARE_UUID, _IPV6, _WORD)))
_ADDRESS_OR_ID: Final = re.compile(b"|".join((_UUID, _BARE_UUID, _IPV4, _IPV6)))
_DOTTED: Final = re.compile(rb"[0-9]+(?:\.[0-9]+){3}$")
_MAPPED: Final = b"::ffff:"
_HEX_RUN: Final = re.compile(rb"[0-9a-f]+")
_DIGIT_RUN: Final = re.compile(rb"[0-9]+")
_JSON_WORDS: Final = (b"null", b"true", b"false")
_TRIES: Final = 200
_UPPER: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOWER: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz")

Draw = Callable[[int], int]
"""Gives a number from 0 up to, but without, its argument."""


class Redactor:
    """Replaces texts under a secret ``key`` (any bytes); one key, one mapping."""

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key).digest()
        self._replacements: dict[bytes, bytes] = {}
        # Nothing may turn into a word of the protocol, which would change the verdict.
        self._taken = {word.lower().encode() for word in _vocabulary()} | {*_JSON_WORDS}

    def redact(self, record: Record) -> Record:
        """The record of a packet with the same verdict, in which nothing names anybody."""
        message = record.message
        judge = decode_truncated if message.reason == "truncated" else decode
        redacted = judge(self.redact_packet(message), message.dialect)
        verdict = {name: getattr(message, name) for name in ("control", "name", "accepted", "reason")}
        if any(getattr(redacted, name) != value for name, value in verdict.items()):
            # Rare: the replacement changed what is wrong. The verdict on the original counts.
            error = None if message.accepted else REASONS[message.reason]
            redacted = redacted._replace(**verdict, error=error, values=redacted.fields)
        elif record.line_error is not None:
            redacted = redacted._replace(error=record.line_error)
        return record._replace(message=redacted)

    def redact_packet(self, message: Message) -> bytes:
        """The message's packet with everything replaced that it carries; its headers stay."""
        packet = message.packet
        if not is_ours(packet):
            return self._redact_foreign(packet)
        start = message.offset + CONTROL_HEADER
        return packet[:start] + self.redact_payload(packet[start:])

    def redact_payload(self, payload: bytes) -> bytes:
        """JSON text, sound or broken, with the same structure and length."""
        parts: list[bytes] = []
        position = 0
        for found in _STRING.finditer(payload):
            parts += (self._redact_outside(payload[position : found.start()]), self._redact_string(found[0]))
            position = found.end()
        parts.append(self._redact_outside(payload[position:]))
        return b"".join(parts)

    def redact_text(self, text: str) -> str:
        """A name, address or identifier on its own, as it is replaced inside messages."""
        return self._redact_inside(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def _redact_foreign(self, packet: bytes) -> bytes:
        """Somebody's ordinary traffic: new addresses, and behind them as many zeros as the verdict allows."""
        verdict = decode(packet).reason
        end = 0
        for version, start, width in ((4, 12, 4), (6, 8, 16)):
            if packet[:1] and packet[0] >> 4 == version and len(packet) >= start + 2 * width:
                source, target = packet[start : start + width], packet[start + width : start + 2 * width]
                end = start + 2 * width
                packet = packet[:start] + self._redact_ip(source) + self._redact_ip(target) + packet[end:]
        for kept in range(min(end or 1, len(packet)), len(packet)):
            candidate = packet[:kept] + bytes(len(packet) - kept)
            if decode(candidate).reason == verdict:
                return candidate
        return packet

    def _redact_ip(self, packed: bytes) -> bytes:
        return ip_to_bytes(self.redact_text(format_ip(packed)))

    def _redact_string(self, literal: bytes) -> bytes:
        return literal if _unquote(literal) in _vocabulary() else self._redact_inside(literal)

    def _redact_inside(self, text: bytes) -> bytes:
        return _INSIDE.sub(lambda found: self._replace(found[0]), text)

    def _redact_outside(self, text: bytes) -> bytes:
        """What stands outside strings: structure and numbers stay, stray words do not."""
        return _OUTSIDE.sub(
            lambda found: (
                found[0]
                if re.fullmatch(_NUMBER, found[0]) or found[0] in _JSON_WORDS
                else self._replace(found[0])
            ),
            text,
        )

    def _replace(self, piece: bytes) -> bytes:
        if piece.startswith(b"\\"):
            return _redact_escape(piece)
        if piece == b"urn:uuid:":
            return piece
        plain = piece.lower()
        if re.fullmatch(_UUID, plain):
            # With hyphens or without, it is the same one.
            digits = iter(self._look_up(plain.replace(b"-", b"")))
            new = bytes(octet if octet == 0x2D else next(digits) for octet in plain)
        else:
            new = self._look_up(plain)
        return bytes(
            after - 32 if before in _UPPER and after in _LOWER else after
            for before, after in zip(piece, new, strict=True)
        )

    def _look_up(self, plain: bytes) -> bytes:
        known = self._replacements.get(plain)
        if known is None:
            known = self._replacements[plain] = self._invent(plain)
            self._taken.add(known)
        return known

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


@cache
def _vocabulary() -> frozenset[str]:
    words = {field.name for kind in KINDS for field in kind.fields}
    return frozenset(
        words | {Status.ACTIVE, Status.INACTIVE, Protocol.PORT, Protocol.ICMP, *Protocol.WITH_PORT}
    )


def _unquote(literal: bytes) -> str | None:
    """What a JSON string says; ``None`` where it is broken."""
    try:
        text = json.loads(literal)
    except ValueError:
        return None
    return text if isinstance(text, str) else None


def _reshape(plain: bytes, draw: Draw) -> bytes:
    if re.fullmatch(_IPV4, plain):
        return _DIGIT_RUN.sub(lambda found: _octet(found[0], draw), plain)
    if re.fullmatch(_IPV6, plain):
        tail = _DOTTED.search(plain)
        groups = plain[: tail.start()] if tail is not None else plain
        if groups != _MAPPED:  # of all addresses only these are written with a dotted tail
            groups = _HEX_RUN.sub(lambda found: _hex_run(found[0], draw), groups)
        return groups + (_reshape(tail[0], draw) if tail is not None else b"")
    if re.fullmatch(_BARE_UUID, plain):
        return bytes(b"0123456789abcdef"[draw(16)] for _ in plain)
    if plain[0] >= 0x80:
        return _foreign_word(plain, draw)
    return bytes(0x30 + draw(10) if 0x30 <= octet <= 0x39 else 0x61 + draw(26) for octet in plain)


def _octet(digits: bytes, draw: Draw) -> bytes:
    """Another number of as many digits, and as sound as it was."""
    if digits[0] == 0x30 and len(digits) > 1:
        return b"0" + bytes(0x30 + draw(10) for _ in digits[1:])
    low, high = {1: (0, 9), 2: (10, 99), 3: (100, 255)}[len(digits)]
    if int(digits) > high:
        low, high = 256, 999
    return b"%d" % (low + draw(high - low + 1))


def _hex_run(digits: bytes, draw: Draw) -> bytes:
    """Another run of as many digits; zeros stay and none comes to the front, so ``::`` keeps its place."""
    if not digits.strip(b"0"):
        return digits
    kept = len(digits) - len(digits.lstrip(b"0"))
    rest = (b"0123456789abcdef"[draw(16)] for _ in digits[kept + 1 :])
    return digits[:kept] + bytes((b"123456789abcdef"[draw(15)], *rest))


def _foreign_word(plain: bytes, draw: Draw) -> bytes:
    """Letters that take as many bytes each; what is not UTF-8 spells no word, and stays."""
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        return plain
    first = {2: 0xE0, 3: 0x4E00, 4: 0x20000}
    return "".join(chr(first[len(character.encode())] + draw(23)) for character in text).encode()


def _redact_escape(piece: bytes) -> bytes:
    """``\\uXXXX`` and ``\\DDD`` may spell a letter; the other escapes say nothing."""
    if piece.startswith(b"\\u") and len(piece) == 6:
        code = int(piece[2:].decode(), 16)
        return b"\\u0078" if chr(code).isalnum() and not 0xD800 <= code <= 0xDFFF else piece
    if len(piece) == 5 and int(piece[2:]) < 0x100:
        return b"\\\\120" if chr(int(piece[2:])).isalnum() else piece
    return piece
