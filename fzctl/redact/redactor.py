"""``--redact``: names, addresses and identifiers replaced, consistently and length for length.

Replacing happens in the packet's bytes, before anything is shown, so that no form of output
can hold what was there. Equal texts stay equal (domains without case), lengths, JSON structure
and the verdict stay as they were; what the protocol itself spells (field names, ``Active``) stays.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from fzctl.protocol.codec import Message, decode, decode_truncated
from fzctl.protocol.fields import Protocol, Status
from fzctl.protocol.kinds import KINDS
from fzctl.protocol.packet import CONTROL_HEADER, is_ours
from fzctl.protocol.reasons import REASONS
from fzctl.protocol.values import format_ip, ip_to_bytes
from fzctl.records import Record
from fzctl.redact.shapes import BARE_UUID, IPV4, IPV6, UUID, Draw, reshape

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_CHARACTER: Final = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_SHORT_ESCAPES: Final = {'\\"': '"', r"\\": "\\", r"\/": "/"}

_URN: Final = rf"urn:uuid:(?={UUID})"
_DNS_ESCAPE: Final = r"\\(?:[01][0-9]{2}|2[0-4][0-9]|25[0-5]|\\)"
_WORD: Final = r"[A-Za-z0-9]+|[^\x00-\x7f\ud800-\udfff]+"
_NUMBER: Final = r"(?<![A-Za-z0-9])[0-9]+(?:[eE][+-]?[0-9]*)?"
_JSON_WORDS: Final = ("null", "true", "false")

_INSIDE: Final = re.compile("|".join((_URN, UUID, BARE_UUID, IPV4, IPV6, _DNS_ESCAPE, _WORD)))
_OUTSIDE: Final = re.compile("|".join((IPV4, IPV6, UUID, _NUMBER, _WORD)))
_STAYS_OUTSIDE: Final = re.compile("|".join((_NUMBER, *_JSON_WORDS)))

# In running text most words are to stay, so these take more than what the protocol would call sound.
# Also of a resource's pattern, such as ``*.example.com`` and ``api-?.example.com``.
_SIGN: Final = r"\w*?\\-"
_PROSE_IPV4: Final = r"(?<![0-9])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9])"
# What goes on as a name is one from its first digit on: ``::1gitlab.example.com``.
_PROSE_IPV6: Final = (
    r"(?<![0-9a-zA-Z:])(?:[0-9a-fA-F]{0,4}:){2,}"
    rf"(?:[0-9a-fA-F]{{1,4}}(?:\.[0-9]{{1,3}}){{0,3}}(?![\w.+%-]*@|(?:[{_SIGN}]*\.)+[^\W\d_]))?"
)
# Also one that lost some of its ends.
_PROSE_UUID: Final = r"[0-9a-fA-F]{0,8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{0,12}"
# A word ends where one of these begins: ``gateway-`` may stand before an identifier.
_NO_WORD: Final = rf"(?:{_PROSE_UUID}|{BARE_UUID}|{_PROSE_IPV4}|{_PROSE_IPV6})"
_PROSE: Final = re.compile(
    "|".join(
        (
            # First what may begin as an identifier does, and would be no name any more without that.
            r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)*",
            rf"(?:(?<![.{_SIGN}])\.*|(?<=\.\.))(?:[{_SIGN}]+\.)+[^\W\d_][\w-]*",
            _PROSE_UUID,
            BARE_UUID,
            _PROSE_IPV6,
            _PROSE_IPV4,
            r"""(?P<quoted>(?<!\w)'[^']{1,300}'(?!\w)|"(?:[^"\\]|\\.){1,300}")""",
            r"(?<=/home/)[^/\s]+|(?<=/Users/)[^/\s]+|(?<=\\Users\\)[^\\\s]+",
            rf"(?P<word>(?:[^\W0-9a-fA-F]|(?!{_NO_WORD})[\w-])+)",
        )
    )
)
_SHOUTED: Final = re.compile(r'"[A-Z0-9_]{1,12}"')
_QUESTION: Final = re.compile(r"'(?:A|AAAA|CNAME|HTTPS|MX|NS|PTR|SOA|SRV|SVCB|TXT) ")
_OWN_FILE: Final = re.compile(
    r"(?:(?:connlib|gui-client|tunnel-service|firezone-headless-client)\.)?"
    r"(?:latest|[0-9]{4}(?:-[0-9]{2}){5})?(?:\.(?:log|jsonl|gz|zst|zip))*"
)
_ENDINGS: Final = re.compile(
    r"(?:\.(?:log|jsonl|json|txt|hex|latest|pcap|pcapng|cap|gz|zst|zip))*\Z", re.IGNORECASE
)
_STANDARD_INPUT: Final = "standard input"
_TRIES: Final = 200
_LONGEST: Final = 255
"""Characters of a name; for what is longer its hash stands, or drawing takes quadratic time."""

MOST_REMEMBERED: Final = 100_000
"""Names whose replacements are known to be taken; beyond that only chance keeps two from being equal."""


class Redactor:
    """Replaces texts under a secret ``key`` (any bytes); one key, one mapping."""

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key).digest()
        self._replacements: dict[str, str] = {}
        # Nothing may turn into a word of the protocol, which would change the verdict.
        self._vocabulary = _vocabulary()
        self._taken = {word.lower() for word in self._vocabulary} | {*_JSON_WORDS}
        self._private: set[str] = set()

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
        outer = record.outer
        if outer is not None:
            outer = outer._replace(src=self.redact_end(outer.src), dst=self.redact_end(outer.dst))
        file, copy_in = (each and self.redact_path(each) for each in (record.file, record.copy_in))
        return record._replace(message=redacted, outer=outer, file=file, copy_in=copy_in)

    def redact_packet(self, message: Message) -> bytes:
        """The message's packet with everything replaced that it carries; its headers stay."""
        packet = message.packet
        if not is_ours(packet):
            return self._redact_foreign(packet)
        start = message.offset + CONTROL_HEADER
        return packet[:start] + self.redact_payload(packet[start:])

    def redact_payload(self, payload: bytes) -> bytes:
        """JSON text, sound or broken, with the same structure and length."""
        text = payload.decode("utf-8", "surrogateescape")
        parts: list[str] = []
        position = 0
        for found in _STRING.finditer(text):
            parts += (self._redact_outside(text[position : found.start()]), self._redact_string(found[0]))
            position = found.end()
        parts.append(self._redact_outside(text[position:]))
        return "".join(parts).encode("utf-8", "surrogateescape")

    def redact_text(self, text: str) -> str:
        """A name, address or identifier on its own, as it is replaced inside messages."""
        return _INSIDE.sub(lambda found: self._replace(found[0]), text)

    def redact_prose(self, text: str) -> str:
        """Running text: names with a dot, addresses, identifiers, what stands in quotes; other words stay.

        Names without a dot are known only where :meth:`remember` was told of them.
        """
        return _PROSE.sub(self._redact_found, text)

    def redact_path(self, path: str) -> str:
        """A file's name: what Firezone calls its own logs stays, and the endings."""
        return path if path == _STANDARD_INPUT else "/".join(map(self._redact_file, path.split("/")))

    def remember(self, name: str) -> None:
        """From here on the word is replaced in running text, too."""
        self._private.add(name.lower())

    def _redact_file(self, name: str) -> str:
        if _OWN_FILE.fullmatch(name):
            return name
        ending = _ENDINGS.search(name)
        cut = len(name) if ending is None else ending.start()
        return self.redact_text(name[:cut]) + name[cut:]

    def _redact_found(self, found: re.Match[str]) -> str:
        piece = found[0]
        if found.lastgroup == "word" and piece.lower() not in self._private:
            return piece
        if found.lastgroup == "quoted":
            question = _QUESTION.match(piece)
            start = 0 if question is None else question.end()
            return piece if _SHOUTED.fullmatch(piece) else piece[:start] + self.redact_text(piece[start:])
        if piece.endswith(":") and not piece.endswith("::"):
            return self.redact_text(piece[:-1]) + ":"
        return self.redact_text(piece)

    def redact_end(self, end: str) -> str:
        """``192.0.2.1:51820`` or ``[2001:db8::1]:51820`` with another address and the same port."""
        address, colon, port = end.rpartition(":")
        return f"{self.redact_text(address)}{colon}{port}"

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

    def _redact_string(self, literal: str) -> str:
        """A JSON string with its quotes; what was written as an escape stays one."""
        spelled = _CHARACTER.findall(literal)
        said = "".join(map(_read, spelled))
        is_whole = len(spelled) > 1 and spelled[-1] == '"'
        if (said[1:-1] if is_whole else said[1:]) in self._vocabulary:
            return literal
        new = self.redact_text(said)
        return "".join(map(_write, new, said, spelled))

    def _redact_outside(self, text: str) -> str:
        """What stands outside strings: structure and numbers stay, stray words do not."""
        return _OUTSIDE.sub(
            lambda found: found[0] if _STAYS_OUTSIDE.fullmatch(found[0]) else self._replace(found[0]), text
        )

    def _replace(self, piece: str) -> str:
        if re.fullmatch(_DNS_ESCAPE, piece):
            return r"\120" if piece[1:].isdigit() and chr(int(piece[1:])).isalnum() else piece
        if piece == "urn:uuid:":
            return piece
        if not piece.isascii():
            return self._look_up(piece)
        plain = piece.lower()
        if re.fullmatch(UUID, plain):
            # With hyphens or without, it is the same one.
            digits = iter(self._look_up(plain.replace("-", "")))
            new = "".join(each if each == "-" else next(digits) for each in plain)
        else:
            new = self._look_up(plain)
        return "".join(
            after.upper() if before.isupper() else after for before, after in zip(piece, new, strict=True)
        )

    def _look_up(self, plain: str) -> str:
        known = self._replacements.get(plain)
        if known is None:
            known = self._invent(plain)
            # What is not remembered is invented again, and comes out the same: the key decides.
            if len(plain) <= _LONGEST and len(self._replacements) < MOST_REMEMBERED:
                self._replacements[plain] = known
                self._taken.add(known)
        return known

    def _invent(self, plain: str) -> str:
        """A text of the same shape that stands for nothing else yet, as long as there are such."""
        spare = plain
        for attempt in range(_TRIES):
            candidate = reshape(plain, self._drawer(plain, attempt))
            if candidate != plain:
                if candidate not in self._taken:
                    return candidate
                spare = candidate
        return spare

    def _drawer(self, plain: str, attempt: int) -> Draw:
        """Choices that follow from the key and the text alone."""
        count = 0
        if len(plain) > _LONGEST:
            plain = blake2b(plain.encode("utf-8", "surrogatepass"), key=self._key).hexdigest()

        def draw(choices: str) -> str:
            nonlocal count
            count += 1
            seed = f"{plain}\0{attempt}\0{count}".encode()
            number = int.from_bytes(blake2b(seed, key=self._key, digest_size=4).digest(), "big")
            return choices[number % len(choices)]

        return draw


def _vocabulary() -> frozenset[str]:
    words = {field.name for kind in KINDS for field in kind.fields}
    return frozenset(
        words | {Status.ACTIVE, Status.INACTIVE, Protocol.PORT, Protocol.ICMP, *Protocol.WITH_PORT}
    )


def _read(spelled: str) -> str:
    """The one character that a JSON string's next characters stand for; NUL for what names none."""
    if len(spelled) == 1:
        return spelled
    return (
        chr(int(spelled.removeprefix("\\u"), 16)) if len(spelled) == 6 else _SHORT_ESCAPES.get(spelled, "\0")
    )


def _write(new: str, old: str, spelled: str) -> str:
    if new == old:
        return spelled
    return new if len(spelled) == 1 else f"\\u{ord(new):04x}"
