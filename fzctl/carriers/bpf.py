"""Classic BPF: what the kernel leaves out before a packet socket copies anything.

The programs say yes to more than is wanted where they cannot tell (behind a VLAN tag or an IPv6
extension header) and never no to a control packet. Opcodes: linux/bpf_common.h.
"""

from __future__ import annotations

import socket
import struct
from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple

WHOLE: Final = 0x40000
"""What a program returns for a packet to take: the most bytes to keep of it."""

_SO_ATTACH_FILTER: Final = 26

LOAD_WORD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
LOAD_HALF: Final = 0x28
LOAD_BYTE: Final = 0x30
AND: Final = 0x54  # BPF_ALU | BPF_AND | BPF_K
JUMP_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
RETURN: Final = 0x06  # BPF_RET | BPF_K

_IPV4_PROTOCOL: Final = 9
_IPV6_NEXT_HEADER: Final = 6
_IPV6_ADDRESSES: Final = range(8, 40, 4)
_UDP: Final = 17
# IPv6 headers before the one of the payload (RFC 8200 section 4; the others: IANA, "IPv6 Extension
# Header Types").
_EXTENSIONS: Final = (0, 43, 44, 51, 60, 135, 139, 140, 253, 254)
_ETHERTYPE_AT: Final = 12
_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_VLAN_TYPES: Final = (0x8100, 0x88A8, 0x9100)

ETHERNET_HEADER: Final = 14


class Instruction(NamedTuple):
    """``struct sock_filter``: what to do, how far to jump on yes and on no, and with what."""

    code: int
    yes: int
    no: int
    operand: int


class _Step(NamedTuple):
    """An instruction whose jumps lead to labels; an empty label is the next step."""

    code: int
    operand: int
    yes: str = ""
    no: str = ""
    label: str = ""


def control_program(header: int) -> list[Instruction]:
    """Takes IPv6 packets from :: to ::.

    ``header`` is the length of the link header, ``ETHERNET_HEADER`` or 0 where a packet begins with
    its IP header.
    """
    return _assemble([*_versions(header, four="no"), *_unspecified(header), *_ENDS])


def tunnel_program(header: int) -> list[Instruction]:
    """Takes those, and whatever may be UDP, which is what WireGuard and TURN travel in."""
    return _assemble(
        [
            *_versions(header, four="four"),
            _Step(LOAD_BYTE, header + _IPV6_NEXT_HEADER, label="six"),
            *(_Step(JUMP_EQUAL, kind, yes="yes") for kind in (_UDP, *_EXTENSIONS)),
            *_unspecified(header, label="addresses"),
            _Step(LOAD_BYTE, header + _IPV4_PROTOCOL, label="four"),
            _Step(JUMP_EQUAL, _UDP, yes="yes", no="no"),
            *_ENDS,
        ]
    )


def attach(opened: socket.socket, program: Sequence[Instruction]) -> None:
    """Have the kernel run the program on what comes for the socket. Raises OSError."""
    code = array("B", b"".join(struct.pack("=HBBI", *instruction) for instruction in program))
    address, _ = code.buffer_info()  # the kernel copies from there during the call
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), address))


_ENDS: Final = (_Step(RETURN, 0, label="no"), _Step(RETURN, WHOLE, label="yes"))


def _versions(header: int, *, four: str) -> list[_Step]:
    """Go on at ``six``, at ``four``, or with what comes next for neither."""
    if not header:
        return [
            _Step(LOAD_BYTE, 0),
            _Step(AND, 0xF0),
            _Step(JUMP_EQUAL, 0x60, yes="six"),
            _Step(JUMP_EQUAL, 0x40, yes=four, no="no"),
        ]
    tags = [_Step(JUMP_EQUAL, kind, yes="yes") for kind in _VLAN_TYPES]
    return [
        _Step(LOAD_HALF, _ETHERTYPE_AT),
        *tags,
        _Step(JUMP_EQUAL, _IPV6, yes="six"),
        _Step(JUMP_EQUAL, _IPV4, yes=four, no="no"),
    ]


def _unspecified(header: int, label: str = "six") -> list[_Step]:
    """Say yes where all of source and destination is zero."""
    steps: list[_Step] = []
    for offset in _IPV6_ADDRESSES:
        steps.append(_Step(LOAD_WORD, header + offset, label="" if steps else label))
        steps.append(_Step(JUMP_EQUAL, 0, yes="", no="no"))
    steps[-1] = steps[-1]._replace(yes="yes")
    return steps


def _assemble(steps: Sequence[_Step]) -> list[Instruction]:
    places = {step.label: at for at, step in enumerate(steps) if step.label}
    return [
        Instruction(
            step.code,
            places[step.yes] - at - 1 if step.yes else 0,
            places[step.no] - at - 1 if step.no else 0,
            step.operand,
        )
        for at, step in enumerate(steps)
    ]
