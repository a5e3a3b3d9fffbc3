"""What stands between the packets of a pcapng: secrets and names, taken in as they go by."""

from __future__ import annotations

import io
import struct

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.capture import Capture, open_capture
from fzctl.pcap.names import pack_names
from fzctl.pcap.walk import MAX_NAMES
from tests.pcap import build


def capture_of(*parts: bytes, order: str = "<") -> Capture:
    return open_capture(io.BytesIO(build.section(order=order) + b"".join(parts)))


def names_block(names: dict[str, str]) -> bytes:
    return b"".join(build.block(4, body) for body in pack_names(names))


def test_names_are_known_once_they_went_by() -> None:
    packet = build.packet(build.control())
    capture = capture_of(
        build.interface(),
        packet,
        names_block({"192.0.2.1": "old", "2001:db8::1": "six"}),
        packet,
        names_block({"192.0.2.1": "new"}),
        packet,
    )
    seen = [dict(capture.names) for _ in capture.frames()]
    assert seen == [
        {},
        {"192.0.2.1": "old", "2001:db8::1": "six"},
        {"192.0.2.1": "new", "2001:db8::1": "six"},
    ]


def test_names_take_bounded_memory() -> None:
    names = {f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}": "n" for n in range(MAX_NAMES + 500)}
    capture = capture_of(build.interface(), names_block(names))
    assert list(capture.packets()) == []
    assert len(capture.names) == MAX_NAMES


def test_a_pcap_knows_no_names() -> None:
    capture = open_capture(io.BytesIO(build.pcap([build.control()])))
    assert not capture.has_secrets()
    assert capture.names == {}


@pytest.mark.parametrize("order", ["<", ">"])
def test_secrets_that_claim_more_than_their_block_holds_are_damage(order: str) -> None:
    body = struct.pack(order + "II", 0x57474B4C, 5) + b"KEYS"
    capture = capture_of(build.interface(order=order), build.block(10, body, order=order), order=order)
    with pytest.raises(CaptureError, match="secrets claim 5 bytes in a block that holds 4"):
        list(capture.packets())
