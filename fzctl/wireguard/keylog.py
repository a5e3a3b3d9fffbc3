"""Key logs: the lines that Wireshark reads (``wg.keylog_file``), and one kind more.

Each line is ``KIND = <32 bytes in base64>``. The kinds, as Wireshark means them:

``LOCAL_STATIC_PRIVATE_KEY``      the static private key of a peer, of either side
``REMOTE_STATIC_PUBLIC_KEY``      the static public key of a peer; tells whom an initiation is for
``LOCAL_EPHEMERAL_PRIVATE_KEY``   a peer's private key of one handshake
``PRESHARED_KEY``                 belongs to the ephemeral key of the line before it

And our own, for captures that begin after the handshake:

``TRANSPORT_KEY = <receiver index> <key>``  what decrypts transport messages to that index, which is
in hexadecimal as Wireshark shows it, with or without ``0x``.

White space, CRLF, empty lines and comments (``#`` or ``;``) do not matter. Warnings name a line
and never show what could be a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from fzctl.wireguard.keys import Secret, decode_key, encode_key
from fzctl.wireguard.messages import format_index

LOCAL_STATIC: Final = "LOCAL_STATIC_PRIVATE_KEY"
REMOTE_STATIC: Final = "REMOTE_STATIC_PUBLIC_KEY"
LOCAL_EPHEMERAL: Final = "LOCAL_EPHEMERAL_PRIVATE_KEY"
PRESHARED: Final = "PRESHARED_KEY"
TRANSPORT_KEY: Final = "TRANSPORT_KEY"
KINDS: Final = (LOCAL_STATIC, REMOTE_STATIC, LOCAL_EPHEMERAL, PRESHARED, TRANSPORT_KEY)

MOST_LINES: Final = 100_000
"""Lines of a key log that are read: a thousand handshakes have four thousand."""

_LONGEST: Final = 1024
# Sentences that a file may be full of are made once.
_EXPECTED: Final = f"expected is KIND = KEY with KIND one of {', '.join(KINDS)}"
_NO_LINE: Final = f"this is no line of a key log; {_EXPECTED}"
_TOO_LONG: Final = "this line is far too long for a key"
_LONE_PSK: Final = (
    f"this {PRESHARED} follows no {LOCAL_EPHEMERAL} of its own: Wireshark ignores it silently, "
    "fzctl tries it; put it behind the ephemeral key"
)
_BOM: Final = b"\xef\xbb\xbf"

_COMMENT: Final = re.compile(r"(?:^|\s)[#;].*")
_INDEX: Final = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{1,8})\s+(\S.*)")
# Only words of this form are repeated in a warning: base64 knows no underscore.
_SPEAKABLE: Final = re.compile(r"[A-Z]{2,12}(?:_[A-Z]{2,12}){1,4}")


class Entry(NamedTuple):
    """A line with a key. ``receiver`` stands in TRANSPORT_KEY lines only."""

    kind: str
    key: Secret
    receiver: int | None = None
    line: int = 0
    log: str = ""

    @property
    def place(self) -> str:
        """``PRESHARED_KEY in line 4 of keys.txt``."""
        return f"{self.kind} in line {self.line} of {self.log}"


class Complaint(NamedTuple):
    """What is wrong with a line, in words that hold no key."""

    line: int
    text: str


class KeyLog(NamedTuple):
    """A key log's lines, in their order; ``is_cut``: it had more than ``MOST_LINES``, the first were read."""

    name: str
    entries: tuple[Entry, ...] = ()
    warnings: tuple[Complaint, ...] = ()
    is_cut: bool = False

    def psk_of(self) -> dict[Entry, Entry]:
        """The preshared key that belongs to each ephemeral key which has one."""
        found: dict[Entry, Entry] = {}
        last: Entry | None = None
        for entry in self.entries:
            if entry.kind == LOCAL_EPHEMERAL:
                last = entry
            elif entry.kind == PRESHARED and last is not None:
                found[last] = entry
                last = None
        return found


def parse_keylog(text: str | bytes, name: str) -> KeyLog:
    """Read a key log; ``name`` is what messages call it. Bad lines become warnings."""
    data = text.encode() if isinstance(text, str) else text
    lines = data.removeprefix(_BOM).split(b"\n", MOST_LINES)
    is_cut = len(lines) > MOST_LINES and lines.pop() != b""
    entries: list[Entry] = []
    warnings: list[Complaint] = []
    ephemeral_before = False
    for number, raw in enumerate(lines, start=1):
        if len(raw) > _LONGEST:
            warnings.append(Complaint(number, _TOO_LONG))
            continue
        line = _COMMENT.sub("", raw.decode("utf-8", "replace"), count=1).strip()
        if not line:
            continue
        entry, problem = _parse_line(line, number, name)
        if entry is None:
            warnings.append(Complaint(number, problem))
            continue
        if entry.kind == PRESHARED and not ephemeral_before:
            warnings.append(Complaint(number, _LONE_PSK))
        if entry.kind in (LOCAL_EPHEMERAL, PRESHARED):
            ephemeral_before = entry.kind == LOCAL_EPHEMERAL
        entries.append(entry)
    return KeyLog(name, tuple(entries), tuple(warnings), is_cut)


def format_keylog(entries: Iterable[Entry]) -> str:
    """The text of a key log: the one function that writes keys out."""
    return "".join(f"{entry.kind} = {_format_value(entry)}\n" for entry in entries)


def handshake_entries(static: Secret, remote: bytes, ephemeral: Secret, psk: Secret) -> tuple[Entry, ...]:
    """The four lines that let a reader follow one handshake, in the order that Wireshark needs."""
    return (
        Entry(LOCAL_STATIC, static),
        Entry(REMOTE_STATIC, Secret(remote)),
        Entry(LOCAL_EPHEMERAL, ephemeral),
        Entry(PRESHARED, psk),
    )


def _parse_line(line: str, number: int, name: str) -> tuple[Entry | None, str]:
    kind, equals, value = (part.strip() for part in line.partition("="))
    if not equals or kind not in KINDS:
        if not _SPEAKABLE.fullmatch(kind):
            return None, _NO_LINE
        problem = f"{kind} is no kind of key" if equals else f"{kind} has no = and no key"
        return None, f"{problem}; {_EXPECTED}"
    index = None
    if kind == TRANSPORT_KEY:
        found = _INDEX.fullmatch(value)
        if found is None:
            return None, f"{kind} wants a receiver index in hexadecimal and a key"
        index, value = int(found[1], 16), found[2]
    key = decode_key(value)
    if key is None:
        return None, f"the value of this {kind} is not 32 bytes in base64"
    return Entry(kind, Secret(key), index, number, name), ""


def _format_value(entry: Entry) -> str:
    key = encode_key(entry.key.raw)
    return key if entry.receiver is None else f"{format_index(entry.receiver)} {key}"
