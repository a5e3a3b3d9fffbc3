"""Any pcap gives the same frames, candidates, datagrams and error in every way to read it."""

from __future__ import annotations

from typing import Any

from fzctl.errors import CaptureError
from tests.fuzz.walks import assert_one_truth, plain_pcap, samples
from tests.pcap import build
from tests.pcap.naive import channel, indication, ipv4, ipv6, transport, udp

TOKENS = (
    *(
        b"\xd4\xc3\xb2\xa1",
        b"\xa1\xb2\xc3\xd4",
        b"\x4d\x3c\xb2\xa1",
        b"\xa1\xb2\x3c\x4d",
        bytes(32),
        b"\x60\0\0\0",
    ),
    *(
        b"\x45\0",
        b"\x86\xdd",
        b"\x08\0",
        b"\x81\0",
        b"\x88\xa8",
        b"\xff\0",
        b"\x04\0\0\0",
        b"\x21\x12\xa4\x42",
    ),
    *(
        b"\xca\x6c",
        build.record(build.control()),
        build.record(build.ipv4()),
        b"\xff\xff\xff\xff",
        b"\0\0\x04\0",
    ),
)
MAGICS = (*TOKENS[:4],)


def check(data: bytes) -> None:
    if data[:4] not in MAGICS:
        data = MAGICS[0] + data[4:]
    try:
        frames = assert_one_truth(data)
    except CaptureError:
        return
    told = [tuple(frame[:5]) for frame in frames]
    assert told == plain_pcap(data)[: len(told)]
    # Only a record that claims more than any packet has is left to damage.
    assert len(plain_pcap(data)) == len(told) or any(len(each[3]) > 262144 for each in plain_pcap(data))


def seeds() -> list[bytes]:
    frames = [
        *(
            build.control(),
            build.ipv4(),
            build.ipv6(),
            ipv4(udp(transport())),
            ipv6(udp(channel(transport()))),
        ),
        *(ipv4(udp(indication(transport()))), ipv4(udp(b"\x01\0\0\0" + b"\x55" * 144)), bytes(60), b""),
    ]
    made = [
        build.pcap(frames, link_type=101),
        build.pcap([build.ethernet(each or b"\0", 0x8100) for each in frames], link_type=1, order=">"),
        build.pcap(
            [build.ethernet(build.ipv4())] * 9 + [build.ethernet(build.control())],
            link_type=1,
            magic=build.MICROSECOND_MAGIC,
        ),
        build.pcap([build.cooked(each or b"\0") for each in frames], link_type=113),
        build.pcap([b"\x1e\0\0\0" + each for each in frames], link_type=0),
    ]
    return [*made, *samples("pcap")]


def inputs() -> Any:
    from hypothesis import strategies as st

    from tests.pcap.test_capture import CUT_FRAMES, LINK_TYPES
    from tests.pcap.test_datagrams import framed

    def damaged(data: bytes, at: int, patch: bytes, cut: int) -> bytes:
        at = 24 + at % max(1, len(data) - 24)
        return data[:at] + patch + data[at + len(patch) : len(data) - cut]

    whole = st.one_of(
        st.builds(
            lambda frames, kind, order: build.pcap(frames, link_type=kind, order=order),
            st.lists(CUT_FRAMES, max_size=30),
            LINK_TYPES,
            st.sampled_from("<>"),
        ),
        st.builds(
            lambda frames, order: build.pcap(frames[1], link_type=frames[0], order=order),
            framed(),
            st.sampled_from("<>"),
        ),
    )
    return st.one_of(
        whole, st.builds(damaged, whole, st.integers(0, 4000), st.binary(max_size=4), st.integers(0, 40))
    )
