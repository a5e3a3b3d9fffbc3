"""Scapy reads any packet without an exception, rebuilds it to the byte, and judges as the codec does."""

from __future__ import annotations

import struct
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from scapy.config import conf
from scapy.layers.inet6 import IPv6

from fzctl.layers import FzP2p, FzP2pRefused, verdict
from fzctl.pcap.datagrams import EXTENSIONS
from fzctl.protocol.codec import decode
from fzctl.protocol.packet import declared_length, is_ours
from tests.fuzz.targets import packets

TOKENS = packets.TOKENS
LONGEST = 600


def check(data: bytes) -> None:
    if len(data) < 40 or data[0] >> 4 != 6 or not is_ours(data):
        # Other traffic is scapy's own business, and it stumbles over some of it.
        data = b"\x60\0\0\0" + len(data).to_bytes(2, "big") + b"\xff\0" + bytes(32) + data
    if data[4:7] == bytes(3):
        return  # a jumbogram, in whose options scapy's IPv6 runs over the end
    conf.debug_dissector, before = True, conf.debug_dissector
    try:
        packet = IPv6(data)
    except struct.error:
        assert data[6] in EXTENSIONS, "a control packet right behind the IPv6 header"
        return  # options in which scapy's IPv6 runs over the end
    finally:
        conf.debug_dissector = before
    assert bytes(packet) == data
    own = data[: declared_length(data)]
    wanted, found = decode(own), verdict(packet)
    assert (found.reason, found.kind, found.fields) == (wanted.reason, wanted.kind, wanted.fields)
    if wanted.control and wanted.kind is not None:
        assert packet.haslayer(FzP2p)
        assert packet.haslayer(FzP2pRefused) != wanted.accepted
    with redirect_stdout(StringIO()) as shown:
        packet.show()
        print(packet.summary())
    assert all(each.isprintable() or each == "\n" for each in shown.getvalue())
    assert bytes(packet.copy()) == data


def seeds() -> list[bytes]:
    return [each for each in packets.seeds() if is_ours(each) and len(each) < LONGEST]


def inputs() -> Any:
    return packets.inputs()
