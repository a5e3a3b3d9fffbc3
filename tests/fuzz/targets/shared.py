"""Any capture file read by two processes gives what one finds: candidates, frames, datagrams, error."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from fzctl.errors import CaptureError
from fzctl.pcap import capture, halves
from fzctl.pcap.capture import Capture, open_capture
from tests.fuzz.targets import pcap, pcapng
from tests.pcap import build
from tests.pcap.naive import drain
from tests.pcap.test_halves import MINE, PLAIN, seen

TOKENS = (*pcap.TOKENS, *pcapng.TOKENS, build.record(PLAIN), build.packet(PLAIN), build.packet(MINE))
LONGEST = 8192
WINDOW = 256


def check(data: bytes) -> None:
    folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with (
        tempfile.NamedTemporaryFile(prefix="fuzz-", dir=folder) as file,
        # With the usual one a small file is read before a second process could begin.
        mock.patch.object(capture, "CAPACITY", WINDOW),
        mock.patch.object(halves, "CAPACITY", WINDOW),
    ):
        file.write(data)
        file.flush()
        try:
            alone = seen(open_capture(file.name), share=False)
        except CaptureError:
            return
        assert seen(open_capture(file.name), share=True) == alone
        for read in (Capture.frames, Capture.packets):
            assert all_of(file.name, read, share=True) == all_of(file.name, read, share=False)


def all_of(path: str, read: Callable[[Capture], Iterator[Any]], *, share: bool) -> tuple[list[Any], str, int]:
    """What another pass yields, its error, and the frames that it passed."""
    with open_capture(path) as opened:
        if share:
            opened.share(0)
        return *drain(read(opened)), opened.frame_count


def seeds() -> list[bytes]:
    frames = [MINE if number % 9 == 0 else PLAIN for number in range(40)]
    odd = [MINE, build.ethernet(build.ipv4(build.pcap([PLAIN, MINE])), 0x8100), PLAIN * 4] * 9
    made = [build.pcap(frames, link_type=1), build.pcap(odd, link_type=1, order=">")]
    for order in "<>":
        head = build.section(order=order) + build.interface(1, order=order)
        plain = [build.packet(frame, 5, order=order) for frame in frames]
        second = build.interface(101, order=order)
        more = [
            build.custom(order=order),
            build.simple(MINE, order=order),
            build.packet(PLAIN, index=1, order=order),
        ]
        made += [
            head + b"".join(plain),
            head + b"".join(plain[:20]) + second + b"".join(more * 4 + plain[:12]),
            head + b"".join(plain[:18]) + head + second + b"".join(plain[:18] + more),
        ]
    return [*made, *(each for each in (*pcap.seeds(), *pcapng.seeds()) if 1000 < len(each) <= LONGEST)]


def inputs() -> Any:
    from hypothesis import strategies as st

    from tests.pcap.test_capture import CUT_FRAMES, LINK_TYPES, ng_captures

    frames = st.lists(CUT_FRAMES | st.sampled_from((PLAIN, MINE)), min_size=10, max_size=60)
    return st.one_of(
        st.builds(lambda found, kind: build.pcap(found, link_type=kind), frames, LINK_TYPES),
        st.lists(ng_captures(), min_size=1, max_size=3).map(b"".join),
    )
