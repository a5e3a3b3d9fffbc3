"""Control packets by chance: what senders send, what they could, and what nobody should.

Built byte by byte, without the code that reads them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random
from typing import Final

_UUID: Final = "6b7188f5-00ac-41dc-9ddd-57e2384f31ef"
_WALKED: Final = (0, 43, 60, 135, 139, 140, 253, 254)
_FRAGMENT: Final = 44
_CONTROL: Final = 255
_MOST: Final = 1232

_UUIDS: Final = (
    f'"{_UUID}"', f'"{_UUID.upper()}"', f'"{_UUID.replace("-", "")}"', f'"{{{_UUID}}}"',
    f'"urn:uuid:{_UUID}"', '"6b7188f5-00ac-41dc-9ddd-57e2384f31e"',
    '"6b7188f500ac-41dc-9ddd-57e2384f31ef0"', '"\\u0036b7188f5-00ac-41dc-9ddd-57e2384f31ef"',
    '"{6b7188f500ac41dc9ddd57e2384f31ef}"', '"6b7188f5-00ac-41dc-9ddd-57e2384f31eg"',
)  # fmt: skip
_DOMAINS: Final = (
    '"example.com"', '"Example.COM."', '"."', '"*.example.com"', '"a b.c"', '"a\\\\.b.c"', '"a\\\\046b"',
    '"\\\\[x"', '"a..b"', '""', '"xn--bcher-kva.example"', '"b\u00fccher.example"', '"\\u0065xample.com"',
    '"a\\/b"', '"_x.y"', f'"{"a" * 63}.b"', f'"{"a" * 64}.b"', f'"{".".join(["abcdefg"] * 31)}"',
    f'"{".".join(["a" * 49] * 5)}.abc.d"', '"tab\\there"', '"\\u001b[2J"', '"\\ud83d\\ude00.x"',
    '"\\ud800"', '"\\udc00.x"', '"a\\\\256b"', '"nul\\u0000"',
)  # fmt: skip
_IPS: Final = (
    '"100.96.0.1"', '"100.96.0.2"', '"fd00:2021:1111:8000::"', '"FD00:2021:1111:8000::7"', '"::"', '"::1"',
    '"0.0.0.0"', '"::ffff:192.0.2.1"', '"::192.0.2.1"', '"1:2:3:4:5:6:7:8"', '"1:0:0:4:0:0:0:8"',
    '"255.255.255.255"', '"1.2.3"', '"01.2.3.4"', '"1.2.3.4 "', '"fe80::1%eth0"', '"1::2::3"', '"12345::"',
    '"256.1.1.1"', '"::1.2.3.04"', '"\\u0031.2.3.4"', '"1:2:3:4:5:6:7::"', '"::2:3:4:5:6:7:8"',
    '"1:2:3:4:5:6:1.2.3.4"',
)  # fmt: skip
_STATUSES: Final = (
    '"Active"', '"Inactive"', '"active"', '"\\u0041ctive"', '{"Active":null}', '{"Inactive":null}',
    '{"Other":null}', '{"Active":1}', '{"Active":null,"x":1}', '{}', '""', '{"Active":{}}',
    '{ "Active" : null }', '["Active"]',
)  # fmt: skip
_CODES: Final = (
    "0", "200", "65535", "65536", "-1", "-0", "1e2", "200.0", "00", "1e999", '"200"', "12345678901234567890",
)  # fmt: skip
_PROTOCOLS: Final = (
    '{"tcp":{"dst_port":443}}', '{"udp":{"dst_port":53}}', '"icmp"', '{"icmp":null}', '{"tcp":[443]}',
    '{"udp":[]}', '{"tcp":{}}', '{"tcp":{"dst_port":65536}}', '{"tcp":{"dst_port":443.0}}', '"tcp"',
    '{"tcp":null}', '{"icmp":{}}', '{"sctp":{"dst_port":1}}', '{"tcp":{"dst_port":1,"x":2}}', '{}',
    '{"tcp":{"dst_port":1,"dst_port":1}}', '{"tcp":[443,1]}', '{"tcp":{"dst_port":1},"udp":{"dst_port":2}}',
    '{"tcp":{"dst_port":-0}}', '"ICMP"',
)  # fmt: skip
_ANYTHING: Final = (
    "null", "true", "false", "0", "-1", "3.25", "1e400", "[]", "{}", '"x"', "[1,[2,[3]]]", "nul", "-", "1.",
    '{"a":{"b":[null]}}', ".5", "1e", "+1", "NaN", '"open', "'x'", "[1,]", '{"a":1,}', '{"a"}', "\x00", "",
    '"\x01"', '"\\x"', '"\\u12"', "[" * 150 + "]" * 150, '"' + "long" * 80 + '"', "tru\u00e9", "1 2",
    '"\\u2028\u202e"',
)  # fmt: skip
_UNKNOWN_KEYS: Final = (
    '"x"', '""', '"Domain"', '"resource "', '"code"', '"status"', '"\\u0000"', '"domain\\u0020"', '"dst"',
    '"\\ud800"',
)  # fmt: skip
_PIECES: Final = (b"\\", b'"', b",", b"\xff", b"\xed\xa0\x80", b"\xc3", b"{", b"0", b"\x7f")
_SPACES: Final = ("", "", "", "", " ", "\n", "\t", "\r\n", "  ", "\f", "\u00a0", "\ufeff")

# Kind: its members, each with what its value may be, the usual ones first.
_MEMBERS: Final[dict[int, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    0: (("resource", _UUIDS), ("domain", _DOMAINS), ("proxy_ips", ())),
    1: (("resource", _UUIDS), ("domain", _DOMAINS), ("status", _STATUSES)),
    3: (("dst", _IPS), ("protocol", _PROTOCOLS)),
}
_OLD_ANSWER: Final = (("resource", _UUIDS), ("domain", _DOMAINS), ("code", _CODES))
_KINDS: Final = (*(0, 1) * 8, 2, 2, 3, 3, 3, 4, 9, 255)


def payload_for(chance: Random, kind: int) -> bytes:
    """A payload for a kind, sound or not."""
    if kind not in _MEMBERS:
        return chance.choice((b"", b"", b"{}", b"later", b"\xff\x00", chance.randbytes(chance.randrange(40))))
    members = _OLD_ANSWER if kind == 1 and chance.random() < 0.15 else _MEMBERS[kind]
    oddness = chance.choice((0.0, 0.0, 0.1, 0.4))
    texts = [(f'"{name}"', _value(chance, values, oddness)) for name, values in members]
    if chance.random() < oddness:
        texts = _disarranged(chance, texts)
    spaces = _SPACES[:4] if chance.random() < 0.7 else _SPACES[: chance.choice((9, 9, 12))]

    def space() -> str:
        return chance.choice(spaces)

    if chance.random() < 0.12:
        inner = f"{space()},{space()}".join(value for _, value in texts)
        text = f"{space()}[{inner}]{space()}"
    else:
        inner = f"{space()},{space()}".join(f"{key}{space()}:{space()}{value}" for key, value in texts)
        text = f"{space()}{{{space()}{inner}{space()}}}{space()}"
    if chance.random() < oddness / 2:
        text += chance.choice(("}", "x", "{}", ",", "\x00", "null"))
    data = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.25:
        data = break_bytes(chance, data)
    if chance.random() < 0.02:
        data += b" " * (_MOST + chance.choice((-1, 0, 1, 40)) - len(data))
    return data


def _value(chance: Random, values: tuple[str, ...], oddness: float) -> str:
    if chance.random() < oddness / 3:
        return chance.choice(_ANYTHING)
    if not values:
        most = chance.choice((0, 1, 3, 4, 4, 8, 8, 12)) if oddness else chance.choice((4, 8))
        texts = [_value(chance, _IPS, oddness if chance.random() < 0.2 else 0.0) for _ in range(most)]
        return f"[{','.join(texts)}]"
    return chance.choice(values if chance.random() < 3 * oddness else values[:2])


def _disarranged(chance: Random, texts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    texts = texts[:]
    how = chance.randrange(6)
    if how == 0:
        chance.shuffle(texts)
    elif how == 1 and texts:
        del texts[chance.randrange(len(texts))]
    elif how == 2:
        texts.insert(chance.randrange(len(texts) + 1), chance.choice(texts))
    elif how == 3:
        at = chance.randrange(len(texts))
        key, value = texts[at]
        # The same key, spelt with an escape.
        texts[at] = f'"\\u{ord(key[1]):04x}{key[2:]}', value
    else:
        for _ in range(chance.randrange(1, 4)):
            extra = chance.choice(_UNKNOWN_KEYS), chance.choice(_ANYTHING)
            texts.insert(chance.randrange(len(texts) + 1), extra)
    return texts


def break_bytes(chance: Random, data: bytes) -> bytes:
    """Some bytes changed, put in or taken out."""
    broken = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(broken) + 1)
        how = chance.randrange(4)
        if how == 0:
            broken[at:at] = chance.choice(
                (b"\\", b'"', b",", b"\xff", b"\xed\xa0\x80", b"\xc3", b"{", b"0", b"\x7f")
            )
        elif how == 1:
            del broken[at : at + chance.choice((1, 1, 2, 8))]
        elif at < len(broken):
            broken[at] = chance.randrange(256) if how == 2 else broken[at] ^ 1 << chance.randrange(8)
    return bytes(broken)


def extension(chance: Random, number: int, following: int) -> bytes:
    """An extension header, sound in itself: padding as its content."""
    if number == _FRAGMENT:
        return bytes((following, 0, 0, chance.choice((0, 0, 0, 6)), 0, 0, 0, 7))
    words = chance.choice((0, 0, 1, 2))
    content = bytes((1, 8 * words + 4)) + bytes(8 * words + 4)
    if number == 43:
        content = bytes((253, 0)) + bytes(8 * words + 4)  # an experiment's, no segments left (RFC 4727)
    elif number == 135:
        content = bytes((5, 0)) + bytes(8 * words + 4)
    elif number == 140:
        content = bytes((0x80,)) + bytes(8 * words + 5)  # Shim6 that carries something (RFC 5533 section 5.2)
    return bytes((following, words)) + content


def ipv6(
    payload: bytes, following: int, *, first: int = 0x60000000, hops: int = 0, size: int | None = None
) -> bytes:
    """An IPv6 packet between ``::`` and ``::``."""
    claimed = len(payload) if size is None else size
    return struct.pack(">IHBB", first, claimed & 0xFFFF, following, hops) + bytes(32) + payload


def control(chance: Random, *, sound_header: bool = False) -> bytes:
    """A control packet. With ``sound_header`` everything before the payload is as it may be."""
    kind = chance.choice(_KINDS)
    reserved = bytes(7) if chance.random() < 0.8 else chance.randbytes(7)
    body = bytes((kind,)) + reserved + payload_for(chance, kind)
    following = _CONTROL
    if chance.random() < 0.15:
        for _ in range(chance.choice((1, 1, 2, 4))):
            number = chance.choice((*_WALKED, _FRAGMENT))
            body, following = extension(chance, number, following) + body, number
    first = 0x60000000 if chance.random() < 0.8 else 0x60000000 | chance.getrandbits(28)
    hops = chance.choice((0, 0, 0, 1, 64, 255))
    if sound_header or chance.random() < 0.8:
        return ipv6(body, following, first=first, hops=hops)
    return chance.choice(_WRONG)(chance, ipv6(body, following, first=first, hops=hops))


def _wrong_size(chance: Random, packet: bytes) -> bytes:
    size = max(0, len(packet) - 40 + chance.choice((-9, -1, 1, 7, 200)))
    return packet[:4] + (size & 0xFFFF).to_bytes(2, "big") + packet[6:]


def _cut(chance: Random, packet: bytes) -> bytes:
    """Cut anywhere behind the addresses, and the length with it."""
    size = chance.randrange(0, max(len(packet) - 40, 1))
    return packet[:4] + size.to_bytes(2, "big") + packet[6 : 40 + size]


def _other_addresses(chance: Random, packet: bytes) -> bytes:
    at = chance.randrange(8, 40)
    return packet[:at] + bytes((chance.randrange(1, 256),)) + packet[at + 1 :]


def _broken_header(chance: Random, packet: bytes) -> bytes:
    at = chance.choice((0, 4, 5, 6, 40, 41, 42, 43))
    if at >= len(packet):
        return packet
    return packet[:at] + bytes((chance.randrange(256),)) + packet[at + 1 :]


def _fragment(chance: Random, packet: bytes) -> bytes:
    header = bytes((packet[6], 0)) + struct.pack(">HI", chance.choice((0, 1, 8, 9, 6)), 7)
    return ipv6(header + packet[40:], _FRAGMENT)


_WRONG: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    _wrong_size, _cut, _other_addresses, _broken_header, _fragment,
)  # fmt: skip
