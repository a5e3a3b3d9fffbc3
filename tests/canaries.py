"""Keys that are given by every way that fzctl takes them, and how they would show where they must not."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from fzctl.wireguard.keylog import REMOTE_STATIC, parse_keylog
from fzctl.wireguard.keys import decode_key, encode_key
from tests.wireguard.lab import B

SAMPLES: Final = Path(__file__).parents[1] / "captures" / "encrypted"
PASSWORD: Final = "Wonder-canary.Land7"
TOKEN: Final = "SFMyNTY.g2gDaANtAAAAJDNhYWNlYj"
PRIVATE, PRESHARED, TRANSPORT, REDACTION = (
    sha256(name).digest() for name in (b"private", b"preshared", b"transport", b"redaction")
)
OPENS: Final = tuple(
    entry.key.raw
    for name in ("direct.keys", "late.keys")
    for entry in parse_keylog((SAMPLES / name).read_bytes(), name).entries
    if entry.kind != REMOTE_STATIC
)
KEYS: Final = (PRIVATE, PRESHARED, TRANSPORT, REDACTION, *OPENS)


def config(port: int = 9, *more: str) -> str:
    """A peer's config with two of them."""
    lines = (
        f"[Interface]\nPrivateKey = {encode_key(PRIVATE)}",
        f"[Peer]\nPublicKey = {encode_key(B.public)}\nPresharedKey = {encode_key(PRESHARED)}",
        f"AllowedIPs = ::/0\nEndpoint = 127.0.0.1:{port}",
        *more,
    )
    return "\n".join(lines) + "\n"


def keylog() -> str:
    """A key log that opens ``direct.pcap``, with keys that fit nothing."""
    lines = (SAMPLES / "direct.keys").read_text()
    lines += f"LOCAL_STATIC_PRIVATE_KEY = {encode_key(PRIVATE)}\n"
    lines += (
        f"LOCAL_EPHEMERAL_PRIVATE_KEY = {encode_key(TRANSPORT)}\nPRESHARED_KEY = {encode_key(PRESHARED)}\n"
    )
    return lines + f"TRANSPORT_KEY = 0a1b2c3d {encode_key(TRANSPORT)}\n"


def spoiled(text: str) -> dict[str, str]:
    """The text of a config or of a key log, with its keys wrong in ways that happen."""
    key = re.compile(r"(?<== )(?:[0-9a-f]{8} )?([A-Za-z0-9+/]{43}=)")
    name = re.compile(r"\w*(?:Private|Preshared|PRIVATE|PRESHARED|TRANSPORT)_?(?:Key|KEY)")
    return {
        "one character less": key.sub(lambda found: found[1][:-2] + "=", text),
        "no filler": key.sub(lambda found: found[1][:-1], text),
        "one character more": key.sub(lambda found: f"{found[1]}A", text),
        "a strange character": key.sub(lambda found: f"{found[1][:22]}!{found[1][23:]}", text),
        "in quotes": key.sub(lambda found: f'"{found[1]}"', text),
        "cut": key.sub(lambda found: found[1][:12], text),
        "in two lines": key.sub(lambda found: f"{found[1][:14]}=\n{found[1][14:]}", text),
        "in hex": key.sub(lambda found: (decode_key(found[1]) or b"").hex(), text),
        "without names": "\n".join(key.findall(text)),
        "another name": name.sub("Pk", text),
        "a longer name": name.sub(lambda found: f"{found[0]}Base64", text),
        "turned round": re.sub(r"(?m)^(\S+) = (\S*)$", r"\2 = \1", text),
        "without =": text.replace(" = ", " "),
        "in one line": text.replace("\n", " "),
        "after a zero": text.replace("= ", "= \0"),
        "as UTF-16": text.encode("utf-16").decode("latin-1"),
    }


def leaks(data: bytes) -> set[str]:
    """The keys of which eight characters, or all, stand in ``data`` in some notation."""
    return {name for notation, name in _NOTATIONS if notation in data}


def _of_key(raw: bytes) -> Iterator[bytes]:
    text = encode_key(raw).encode()
    yield from (raw[:8], raw[-8:], text[:8], text[-9:-1], text[18:26])
    for piece in (raw[:8], raw[-8:]):
        yield piece.hex().encode()
        yield piece.hex().upper().encode()
        for between in (" ", ":"):
            yield piece.hex(between).encode()
        yield repr(piece)[2:-1].encode()
        yield str(list(piece))[1:-1].encode()


def _of_text(text: str) -> Iterator[bytes]:
    data = text.encode()
    yield from (data[:8], data[-8:], data[:8].hex().encode(), b64encode(data)[:10])


_NOTATIONS: Final = (
    *((notation, f"key {number}") for number, key in enumerate(KEYS) for notation in _of_key(key)),
    *((notation, text) for text in (PASSWORD, TOKEN) for notation in _of_text(text)),
)
