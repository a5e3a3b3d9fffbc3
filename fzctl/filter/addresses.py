"""IP addresses as numbers, and networks of them.

After Wireshark 4.0, epan/ftypes/ftype-ipv4.c and ftype-ipv6.c: a value meets a network by the
network's own prefix length, for == as well as for < and >.
"""

from __future__ import annotations

import re
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final, NamedTuple

_PREFIX: Final = re.compile(r"[0-9]{1,3}", re.ASCII)


class Network(NamedTuple):
    """All addresses whose bits under ``mask`` are ``prefix``."""

    prefix: int
    mask: int


@lru_cache(maxsize=4096)  # a capture speaks of the same few addresses again and again
def ipv4_number(text: str) -> int:
    """The address as a number; raises OSError where ``text`` is none."""
    return int.from_bytes(inet_pton(AF_INET, text), "big")


@lru_cache(maxsize=4096)
def ipv6_number(text: str) -> int:
    """The address as a number; raises OSError where ``text`` is none."""
    return int.from_bytes(inet_pton(AF_INET6, text), "big")


def read_ipv4(text: str) -> int | Network | None:
    """``100.96.0.1`` or ``100.96.0.0/11``; None for anything else, ValueError for a bad prefix length."""
    return _read(text, AF_INET, 32)


def read_ipv6(text: str) -> int | Network | None:
    """``fd00::1`` or ``fd00::/64``; None for anything else, ValueError for a bad prefix length."""
    return _read(text, AF_INET6, 128)


def _read(text: str, family: int, bits: int) -> int | Network | None:
    address, slash, length = text.partition("/")
    try:
        number = int.from_bytes(inet_pton(family, address), "big")
    except (OSError, ValueError):
        return None
    if not slash:
        return number
    if _PREFIX.fullmatch(length) is None or int(length) > bits:
        raise ValueError(f"a prefix length is a number from 0 to {bits}")
    mask = (1 << bits) - (1 << (bits - int(length)))
    return Network(number & mask, mask)
