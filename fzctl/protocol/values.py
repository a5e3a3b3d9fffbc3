"""The texts inside messages: UUIDs, domain names, IP addresses.

Each ``parse_`` function takes what a receiver takes and returns the canonical text, the one
that a sender emits; anything else raises :class:`~fzctl.protocol.reasons.Refusal`.
"""

from __future__ import annotations

import re
from typing import Final

from fzctl.protocol.reasons import Refusal

_HYPHENATED: Final = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_UUID: Final = re.compile(rf"[0-9a-fA-F]{{32}}|(?:urn:uuid:)?{_HYPHENATED}|\{{{_HYPHENATED}\}}", re.ASCII)

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}", re.ASCII)
_GROUP: Final = re.compile("[0-9a-fA-F]{1,4}", re.ASCII)
_LONGEST_IPV6: Final = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

_MAX_LABEL: Final = 63
_MAX_NAME_BEFORE_ROOT: Final = 254


def parse_uuid(text: str) -> str:
    """Read a UUID as the uuid crate does and return it hyphenated in lower case.

    Accepted are the hyphenated, simple, braced and (lower-case) URN forms
    (uuid 1.23 ``parser::try_parse``). Raises Refusal ``bad_uuid``.
    """
    if _UUID.fullmatch(text) is None:
        raise Refusal("bad_uuid", f"{_quote(text)} is no UUID")
    digits = text[-37:].strip("{}").replace("-", "").lower()[-32:]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def parse_domain(text: str) -> str:
    """Read an absolute domain name and return it in presentation form, without final dot.

    The domain crate's ``Name::from_chars`` and ``NameBuilder::push``; the root is ``.``.
    Raises Refusal ``bad_domain``.
    """
    return format_domain(_labels_of(text))


def domain_to_wire(text: str) -> bytes:
    """The DNS wire form of a domain (RFC 1035 section 3.1), root label included.

    Raises Refusal ``bad_domain``.
    """
    return b"".join(bytes((len(label),)) + label for label in _labels_of(text)) + b"\0"


def format_domain(labels: list[bytes]) -> str:
    """Labels in presentation form as the domain crate's ``Label`` displays them."""
    if not labels:
        return "."
    return ".".join("".join(map(_escape_octet, label)) for label in labels)


def domain_key(text: str) -> str:
    """What two equal domains have in common: ASCII case and a final dot do not count."""
    return text.lower() if text == "." or not text.endswith(".") else text[:-1].lower()


def parse_ip(text: str) -> str:
    """Read an IPv4 or IPv6 address as Rust's ``IpAddr::from_str``; return canonical text.

    Raises Refusal ``bad_ip``.
    """
    return format_ip(ip_to_bytes(text))


def ip_to_bytes(text: str) -> bytes:
    """The 4 or 16 bytes of an address. Raises Refusal ``bad_ip``."""
    if _IPV4.fullmatch(text) is not None:
        return bytes(map(int, text.split(".")))
    packed = _parse_ipv6(text)
    if packed is None:
        raise Refusal("bad_ip", f"{_quote(text)} is no IP address")
    return packed


def format_ip(packed: bytes) -> str:
    """Address text as Rust's ``Display`` writes it: RFC 5952, dotted tail only in ::ffff:0:0/96."""
    if len(packed) == 4:
        return ".".join(map(str, packed))
    if packed[:12] == b"\0" * 10 + b"\xff\xff":
        return "::ffff:" + ".".join(map(str, packed[12:]))
    groups = [int.from_bytes(packed[i : i + 2], "big") for i in range(0, 16, 2)]
    start, length = _longest_zero_run(groups)
    if length < 2:
        return ":".join(f"{group:x}" for group in groups)
    head = ":".join(f"{group:x}" for group in groups[:start])
    tail = ":".join(f"{group:x}" for group in groups[start + length :])
    return f"{head}::{tail}"


def _labels_of(text: str) -> list[bytes]:
    if text == "":
        raise Refusal("bad_domain", "the domain is empty")
    if text == ".":
        return []
    labels: list[bytes] = []
    label = bytearray()
    used = 0
    position = 0
    while position < len(text):
        octet, escaped, position = _next_symbol(text, position)
        if octet == 0x2E and not escaped:
            if not label:
                raise Refusal("bad_domain", f"{_quote(text)} has an empty label")
            labels.append(bytes(label))
            label.clear()
            continue
        if octet == 0x5B and escaped == "simple" and not label:
            raise Refusal("bad_domain", f"{_quote(text)} has a binary label")
        # A new label needs two octets but upstream checks for one, so that a name of
        # 256 octets gets through where its last label has a single character.
        if used >= _MAX_NAME_BEFORE_ROOT:
            raise Refusal("bad_domain", "the domain is longer than 255 octets")
        if len(label) >= _MAX_LABEL:
            raise Refusal("bad_domain", f"{_quote(text)} has a label of more than 63 octets")
        used += 1 if label else 2
        label.append(octet)
    if label:
        labels.append(bytes(label))
    return labels


def _next_symbol(text: str, position: int) -> tuple[int, str, int]:
    """One symbol (domain crate ``Symbol::from_chars``): its octet, how escaped, what follows."""
    character = text[position]
    if character != "\\":
        if not " " <= character <= "~":
            raise Refusal("bad_domain", f"{_quote(text)} holds {_quote(character)}, not printable ASCII")
        return ord(character), "", position + 1
    following = text[position + 1 : position + 4]
    if following[:1] in tuple("0123456789"):
        if len(following) < 3 or not (following.isascii() and following.isdigit()) or int(following) > 255:
            raise Refusal("bad_domain", f"{_quote(text)} has a broken escape")
        return int(following), "decimal", position + 4
    if not following or not " " <= following[0] <= "~":
        raise Refusal("bad_domain", f"{_quote(text)} has a broken escape")
    return ord(following[0]), "simple", position + 2


def _escape_octet(octet: int) -> str:
    if octet in (0x20, 0x2E, 0x5C):
        return "\\" + chr(octet)
    if not 0x20 <= octet <= 0x7E:
        return f"\\{octet:03}"
    return chr(octet)


def _parse_ipv6(text: str) -> bytes | None:
    """Rust's ``Parser::read_ipv6_addr``: at most one ``::``, IPv4 only as the last 4 bytes."""
    if len(text) > _LONGEST_IPV6:
        return None
    head, compressed, tail = text.partition("::")
    front = _read_groups(head, last=not compressed)
    back = _read_groups(tail, last=True)
    if front is None or back is None:
        return None
    missing = 16 - len(front) - len(back)
    if compressed:
        return front + bytes(missing) + back if missing >= 2 else None
    return front if missing == 0 else None


def _read_groups(text: str, *, last: bool) -> bytes | None:
    if not text:
        return b""
    packed = b""
    *groups, final = text.split(":")
    for group in groups:
        if _GROUP.fullmatch(group) is None:
            return None
        packed += int(group, 16).to_bytes(2, "big")
    if last and _IPV4.fullmatch(final) is not None:
        return packed + bytes(map(int, final.split(".")))
    if _GROUP.fullmatch(final) is None:
        return None
    return packed + int(final, 16).to_bytes(2, "big")


def _longest_zero_run(groups: list[int]) -> tuple[int, int]:
    best_start, best_length, length = 0, 0, 0
    for index, group in enumerate(groups):
        length = length + 1 if group == 0 else 0
        if length > best_length:
            best_start, best_length = index - length + 1, length
    return best_start, best_length


def _quote(text: str) -> str:
    shown = ascii(text if len(text) <= 80 else text[:77] + "...")
    return f'"{shown[1:-1]}"'
