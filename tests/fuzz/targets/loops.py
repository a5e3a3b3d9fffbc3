"""Every innermost loop, compiled or not, passes over plain records only, and never reads outside its view.

The first byte chooses byte order and interfaces; the rest are records, or blocks behind a section header.
"""

from __future__ import annotations

from typing import Any

from fzctl.pcap import engine, skim
from tests.pcap import build
from tests.pcap.naive import channel, ipv4, ipv6, transport, udp
from tests.pcap.test_engine import PROBE, plain_blocks, plain_records

GROUPS = (frozenset((0,)), frozenset((0, 2)), frozenset((1, 0xFFFFFFFF)))
TOKENS = (
    *(
        b"\x06\0\0\0",
        b"\0\0\0\x06",
        b"\xff\xff\xff\xff",
        b"\xfc\xff\xff\xff",
        b"\0\0\0\x80",
        bytes(4),
        b"\x20\0\0\0",
    ),
    *(build.record(build.ethernet(build.ipv4())), build.packet(build.ethernet(build.ipv4())), b"\x10\0\0\0"),
)


def check(data: bytes) -> None:
    choice = data[0] if data else 0
    order, group, body = "<>"[choice & 1], GROUPS[(choice >> 1) % len(GROUPS)], data[1:]
    ends = plain_records(body, order)
    assert skim.record_skimmer(order, PROBE)(memoryview(body), 0, 0) in ends[-1 - skim.TURN :]
    head = build.section(order=order)
    blocks, start = head + body, len(head)
    passed = plain_blocks(blocks, order, group, start)
    assert skim.block_skimmer(order, PROBE, group)(memoryview(blocks), start, 0) in passed
    if engine.is_compiled():
        assert engine.record_skimmer(order, PROBE)(memoryview(body), 0, 0) == ends[-1]
        assert engine.block_skimmer(order, PROBE, group)(memoryview(blocks), start, 0) == passed[-1]


def seeds() -> list[bytes]:
    frames = [
        build.ethernet(each)
        for each in (build.ipv4(), ipv4(udp(transport())), ipv6(udp(channel(transport()))))
    ]
    frames += [build.ethernet(build.ipv4(b"p" * 60))] * 5 + [
        build.ethernet(build.control()),
        build.ethernet(build.ipv4()),
    ]
    found = []
    for choice in range(6):
        order = "<>"[choice & 1]
        found.append(bytes((choice,)) + b"".join(build.record(each, order=order) for each in frames))
        blocks = [build.packet(each, 7, index=number % 3, order=order) for number, each in enumerate(frames)]
        found += [bytes((choice,)) + b"".join(blocks), bytes((choice,)) + blocks[0] * 6]
    return found


def inputs() -> Any:
    from hypothesis import strategies as st

    from tests.pcap.test_capture import CUT_FRAMES

    frames = st.lists(CUT_FRAMES, min_size=1, max_size=20)
    orders = st.sampled_from((0, 1))
    records = st.builds(
        lambda order, found: (
            bytes((order,)) + b"".join(build.record(each, order="<>"[order]) for each in found)
        ),
        orders,
        frames,
    )
    blocks = st.builds(
        lambda order, found: (
            bytes((order + 2,)) + b"".join(build.packet(each, 7, order="<>"[order]) for each in found)
        ),
        orders,
        frames,
    )
    return records | blocks
