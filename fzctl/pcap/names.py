"""Name resolution blocks of pcapng (section 4.5): the names of addresses, as Wireshark shows them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Final

from fzctl.pcap.blocks import encode_text
from fzctl.protocol.values import format_ip

_END: Final = 0
_FAMILIES: Final = {1: 4, 2: 16}  # record type: size of the address
# A domain is no longer; a block stays well below what readers take for damage.
_MAX_NAME: Final = 1024
_MAX_BODY: Final = 1 << 20


def pack_names(names: Mapping[str, str]) -> Iterator[bytes]:
    """The bodies of blocks that say ``names``, a mapping of addresses to names.

    Raises ValueError where an address is none. A name without a character is left out.
    """
    body = bytearray()
    for address, name in names.items():
        packed = _pack_address(address)
        text = encode_text(name.replace("\n", " ").replace("\t", " "), _MAX_NAME)
        if not text:
            continue
        value = packed + text + b"\0"
        body += struct.pack("<HH", 1 if len(packed) == 4 else 2, len(value)) + value + bytes(-len(value) % 4)
        if len(body) > _MAX_BODY:
            yield bytes(body) + bytes(4)
            body.clear()
    if body:
        yield bytes(body) + bytes(4)


def parse_names(body: bytes, order: str) -> Iterator[tuple[str, str]]:
    """Address and name of each record, of several names the first; up to what does not fit.

    Names are cut at 1024 bytes.
    """
    at = 0
    while at + 4 <= len(body):
        kind, length = struct.unpack_from(order + "HH", body, at)
        at += 4
        if kind == _END or at + length > len(body):
            return
        size = _FAMILIES.get(kind)
        if size is not None and length > size:
            name = body[at + size : at + min(length, size + _MAX_NAME)].partition(b"\0")[0]
            if name:
                yield format_ip(body[at : at + size]), name.decode("utf-8", "backslashreplace")
        at += length + -length % 4


def _pack_address(address: str) -> bytes:
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):
        raise ValueError(f"{address!r} is no IP address") from None
