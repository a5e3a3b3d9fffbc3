"""What is written as a capture is read back the same, whatever it holds, in both formats.

The input is a script: a format, interfaces, then frames, names and keys.
"""

from __future__ import annotations

import io
from ipaddress import ip_address
from typing import Any

from fzctl.errors import CaptureError
from fzctl.pcap.blocks import WIREGUARD_KEYS
from fzctl.pcap.capture import open_capture
from fzctl.pcap.writer import CaptureWriter, open_writer
from tests.fuzz.script import Script, blob
from tests.fuzz.walks import assert_one_truth

LINK_TYPES = (101, 1, 113, 276, 0, 147, 65535)
DIRECTIONS = (None, "in", "out")


def check(data: bytes) -> None:
    script = Script(data)
    form = ("pcapng", "pcap")[script.choose(2)]
    target = io.BytesIO()
    told = Told()
    with open_writer(target, None, form) as writer:
        while script:
            step(script, writer, told)
    written = target.getvalue()
    with open_capture(io.BytesIO(written)) as capture:
        assert capture.format == form
        frames = list(capture.frames())
        assert [frame[:5] for frame in frames] == told.frames
        assert [len(frame.comments) for frame in frames] == told.comments
        assert capture.secrets == told.secrets
        assert capture.names.keys() == told.names.keys()
        for address, name in told.names.items():
            assert capture.names[address] == name or not (name.isprintable() and len(name) < 250)
    assert len(assert_one_truth(written)) == len(frames)


class Told:
    """What was written."""

    def __init__(self) -> None:
        self.link_types: list[int] = []
        self.frames: list[Any] = []
        self.comments: list[int] = []
        self.secrets: list[tuple[int, bytes]] = []
        self.names: dict[str, str] = {}


def step(script: Script, writer: CaptureWriter, told: Told) -> None:
    """One thing more in the capture, where the format takes it."""
    kind = script.choose(8)
    try:
        if kind == 0 or not told.link_types:
            link_type = LINK_TYPES[script.choose(len(LINK_TYPES))]
            writer.add_interface(link_type, script.blob().decode("utf-8", "surrogateescape"))
            told.link_types.append(link_type)
        elif kind == 1:
            keys = script.blob()
            writer.write_secrets(WIREGUARD_KEYS, keys)
            told.secrets.append((WIREGUARD_KEYS, keys))
        elif kind == 2:
            packed, name = script.blob(), script.blob().decode("utf-8", "replace")
            address = str(
                ip_address(packed[:16].ljust(16, b"\1") if len(packed) > 4 else packed.ljust(4, b"\1"))
            )
            writer.write_names({address: name})
            if name:
                told.names[_short(address)] = name
        else:
            frame(script, writer, told)
    except CaptureError:
        # What a format has no place for is refused before a byte of it is written.
        pass


def frame(script: Script, writer: CaptureWriter, told: Told) -> None:
    data, time, more = script.blob(), script.number(8), script.byte()
    choices = script.byte()
    comment = script.blob().decode("utf-8", "surrogateescape") if choices & 1 else None
    when = None if choices & 2 else time
    interface = script.choose(len(told.link_types))
    length = len(data) + (more if choices & 4 else 0)
    writer.write(
        data, when, length, comment, interface, DIRECTIONS[choices >> 4 & 3] if choices >> 4 & 3 < 3 else None
    )
    is_pcapng = writer.format == "pcapng"
    plain = comment is None and choices >> 4 & 3 in (0, 3) and not interface and length == len(data)
    kept = when if when is not None else None if is_pcapng and plain else 0
    told.frames.append((len(told.frames) + 1, kept, told.link_types[interface], data, length))
    told.comments.append(int(comment is not None and is_pcapng))


def _short(address: str) -> str:
    from fzctl.protocol.values import format_ip

    return format_ip(ip_address(address).packed)


def seeds() -> list[bytes]:
    interface = b"\x00\x00" + blob(b"eth0")
    second = b"\x00\x01" + blob("für".encode())
    plain = b"\x07" + blob(b"packet") + (10**18).to_bytes(8, "big") + b"\0\0\0"
    commented = (
        b"\x07" + blob(b"packet") + (10**18).to_bytes(8, "big") + b"\x05\x15" + blob(b"a comment\x1b") + b"\1"
    )
    timeless = b"\x07" + blob(b"packet") + bytes(8) + b"\0\2\0"
    keys, names = b"\1" + blob(b"KEY = x"), b"\2" + blob(b"\x0a\0\0\1") + blob(b"gitlab.example")
    six = b"\2" + blob(bytes(15) + b"\1") + blob(b"six\0\n")
    return [
        *(form + interface + plain + commented + timeless + second + plain for form in (b"\0", b"\1")),
        b"\0" + interface + keys + names + six + plain + second + commented,
        b"\0" + interface + plain + b"\x07" + blob(bytes(300)) + bytes(11),
    ]
