"""What stands between the packets of a pcapng: secrets and names, taken in as they go by."""

from __future__ import annotations

import io
import struct

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.capture import Capture, open_capture
from fzctl.pcap.names import pack_names
from fzctl.pcap.walk import MAX_INTERFACES, MAX_NAMES, MAX_SECRETS
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


def test_secrets_of_other_protocols_are_passed_over() -> None:
    other = build.block(10, struct.pack("<II", 0x544C534B, 4) + b"TLS!")
    capture = capture_of(build.interface(), other, build.packet(build.control()))
    assert not capture.has_secrets()
    assert len(list(capture.candidates())) == 1


@pytest.mark.parametrize("size", [1 << 20, 0])
def test_secrets_take_bounded_memory(size: int) -> None:
    block = build.block(10, struct.pack("<II", 0x57474B4C, size) + bytes(size))
    blocks = block * (1 + MAX_SECRETS // max(size, 256))
    capture = capture_of(build.interface(), build.packet(build.control()), blocks)
    seen: list[object] = []
    with pytest.raises(CaptureError, match=f"the keys in it have more than {MAX_SECRETS} bytes"):
        seen.extend(capture.packets())
    assert len(seen) == 1
    assert sum(len(data) for _, data in capture.secrets) <= MAX_SECRETS


def test_a_section_has_a_bounded_number_of_interfaces() -> None:
    packet = build.packet(build.control(), index=MAX_INTERFACES - 1)
    most = build.interface() * MAX_INTERFACES + packet
    for way in ("frames", "candidates", "packets"):
        capture = capture_of(most, build.section(), most, build.interface(), packet)
        seen: list[object] = []
        with pytest.raises(CaptureError, match=f"more than {MAX_INTERFACES} interfaces in one section"):
            seen.extend(getattr(capture, way)())
        assert len(seen) == 2


def test_interfaces_between_packets_are_each_known_to_the_fast_scan() -> None:
    plain, message = build.ipv6(), build.control()
    parts = []
    for number in range(50):
        kind = (101, 1, 147)[number % 3]
        parts.append(build.interface(kind))
        frames = [build.ethernet(each) if kind == 1 else each for each in (*[plain] * 4, message)]
        parts += [build.packet(frame, index=number) for frame in frames]
    capture = capture_of(*parts)
    assert [found.number % 5 for found in capture.candidates()] == [0] * 34
    assert capture.frame_count == 250
    assert capture.skipped_link_types == {147: 80}
