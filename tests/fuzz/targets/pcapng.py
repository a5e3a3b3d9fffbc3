"""Any pcapng gives the same frames, candidates, datagrams, names, keys and error in every way to read it."""

from __future__ import annotations

import struct
from itertools import islice
from typing import Any

from fzctl.errors import CaptureError
from fzctl.pcap.classic import CAPACITY
from fzctl.pcap.names import pack_names
from fzctl.pcap.ng import NgReader
from fzctl.pcap.streams import open_stream
from fzctl.pcap.window import Window
from tests.fuzz.walks import assert_one_truth, opened, samples, sizes_of
from tests.pcap import build
from tests.pcap.naive import channel, drain, ipv4, ipv6, transport, udp

MAGIC = b"\x0a\x0d\x0d\x0a"
TOKENS = (
    *(
        MAGIC,
        b"\x4d\x3c\x2b\x1a",
        b"\x1a\x2b\x3c\x4d",
        build.section(),
        build.section(order=">"),
        build.interface(),
    ),
    *(
        build.interface(1),
        build.interface(1, order=">"),
        build.custom(),
        build.packet(build.control()),
        build.packet(build.ipv4()),
    ),
    *(
        build.simple(build.control()),
        build.obsolete(build.control()),
        build.option(9, b"\x8a"),
        build.option(14, bytes(8)),
    ),
    *(
        build.option(1, b"words"),
        b"\x0a\0\0\0",
        b"LKGW",
        b"\x06\0\0\0",
        b"\x02\0\0\0",
        b"\xff\xff\xff\xff",
        bytes(32),
    ),
)


class Careful(NgReader):
    """Without the short way that most packets take."""

    def _take(self, position: int) -> Any:
        size = self._measure(position)
        return size, self._enter(position, size) if size else None


def check(data: bytes) -> None:
    data = MAGIC + data[4:]
    try:
        frames = assert_one_truth(data)
    except CaptureError:
        return
    _, end = drain(opened(data, [1 << 20]).frames())
    window = Window(open_stream(build.Pieces(data, sizes_of(data))), CAPACITY)
    window.need(4)
    assert drain(Careful(window).frames()) == (frames, end)
    asked = opened(data, sizes_of(data))
    asked.has_secrets()
    assert drain(asked.frames()) == (frames, end)
    plain = opened(data, [1 << 20])
    drain(islice(plain.frames(), 1))
    asked = opened(data, sizes_of(data))
    assert asked.has_secrets() == bool(plain.secrets)


def seeds() -> list[bytes]:
    made = []
    for order in "<>":
        packets = [build.control(), build.ipv4(), ipv4(udp(transport())), ipv6(udp(channel(transport())))]
        keys = build.block(10, struct.pack(order + "II", 0x57474B4C, 4) + b"keys", order=order)
        names = b"".join(
            build.block(4, body, order=order) for body in pack_names({"192.0.2.1": "a", "2001:db8::1": "b"})
        )
        options = build.option(9, b"\x09", order=order) + build.option(14, bytes(8), order=order)
        head = build.section(order=order) + build.interface(101, options=options, order=order)
        second = build.interface(1, snap=60, order=order)
        plain = [build.packet(each, n << 33, order=order) for n, each in enumerate(packets)]
        framed = [
            build.packet(build.ethernet(each, 0x8100), n, index=1, order=order)
            for n, each in enumerate(packets)
        ]
        odd = [
            build.simple(packets[0], order=order),
            build.obsolete(packets[0], 7, index=0, order=order),
            build.custom(order=order),
            build.packet(packets[0], options=build.option(1, b"words", order=order), order=order),
            build.block(5, bytes(8), order=order),
        ]
        made += [
            head + b"".join(plain),
            head + second + b"".join(framed + plain),
            head + keys + names + b"".join(odd),
            head + second + keys + b"".join(plain[:2] + odd + framed[:2]) + head + b"".join(plain),
            head + plain[1] * 9 + plain[0] + plain[1] * 3,
        ]
    return [*made, *samples("pcapng")]


def inputs() -> Any:
    from hypothesis import strategies as st

    from tests.pcap.test_capture import ng_captures

    def damaged(data: bytes, at: int, patch: bytes, cut: int) -> bytes:
        at = 28 + at % max(1, len(data) - 28)
        return data[:at] + patch + data[at + len(patch) : len(data) - cut]

    return st.one_of(
        ng_captures(),
        st.builds(damaged, ng_captures(), st.integers(0, 8000), st.binary(max_size=4), st.integers(0, 40)),
    )
