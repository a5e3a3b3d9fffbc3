"""Any gzip or zstd unpacks to what its library makes of it, in any pieces, or ends in an error of ours.

The first byte chooses the format, the second how the source delivers.
"""

from __future__ import annotations

import gzip
import zlib
from typing import Any

from fzctl.errors import CaptureError
from fzctl.pcap.compression import load_zstd
from fzctl.pcap.streams import open_stream
from tests.fuzz.walks import samples
from tests.pcap import build

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
TOKENS = (
    GZIP + b"\x08",
    ZSTD,
    b"\x50\x2a\x4d\x18\x04\0\0\0abcd",
    bytes(8),
    b"\x1f\x8b\x08\x08",
    b"name\0",
    b"\x03\0" + bytes(8),
)
MOST = 1 << 22
LOST = 600


def check(data: bytes) -> None:
    if len(data) < 2:
        return
    magic = (GZIP, ZSTD)[data[0] % 2]
    packed = magic + data[2:]
    whole, end = unpack(packed, [1 << 20], 1 << 18)
    sound = zlib_says(packed) if magic == GZIP else zstd_says(packed)
    if sound is not None and len(sound) < MOST:
        assert (whole, end) == (sound, "")
    for sizes, room in (([1 + data[1]], 1 << 18), ([1 << 20], 1 + data[1]), ([3, 1 + data[1]], 700)):
        if len(whole) >= 1 << 14 and room <= 1 << 14:
            continue
        found, problem = unpack(packed, sizes, room)
        if sound is not None:
            assert (found, problem) == (whole, end)
        elif magic == GZIP:
            # The call that meets the damage may lose a little of what it has unpacked.
            assert problem
            assert whole.startswith(found) or found.startswith(whole)
            assert abs(len(whole) - len(found)) <= LOST


def unpack(packed: bytes, sizes: list[int], room: int) -> tuple[bytes, str]:
    """All that comes out, up to a bound, and the error at the end."""
    found = bytearray()
    target = memoryview(bytearray(room))
    try:
        stream = open_stream(build.Pieces(packed, sizes))
        while len(found) < MOST and (count := stream.readinto(target)):
            assert count <= room
            found += target[:count]
    except CaptureError as error:
        return bytes(found), str(error)
    return bytes(found[:MOST]), ""


def zlib_says(packed: bytes) -> bytes | None:
    """What is in a sound file of gzip; None where it is not sound or large."""
    found = b""
    while packed:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            found += member.decompress(packed, MOST)
        except zlib.error:
            return None
        if not member.eof:
            return None
        packed = member.unused_data.lstrip(b"\0")
    return found


def zstd_says(packed: bytes) -> bytes | None:
    """The same for zstd; None too where libzstd's two ways disagree, as with RLE blocks of no bytes."""
    at_once = _unzstd(packed, len(packed))
    return at_once if at_once == _unzstd(packed, 3) else None


def _unzstd(packed: bytes, step: int) -> bytes | None:
    zstd = load_zstd("-")
    found = b""
    while packed:
        frame = zstd.ZstdDecompressor()
        at = 0
        try:
            while at < len(packed) and not frame.eof:
                found += frame.decompress(packed[at : at + step], MOST)
                at += step
        except zstd.ZstdError:
            return None
        if not frame.eof:
            return None
        packed = frame.unused_data + packed[at:]
    return found


def seeds() -> list[bytes]:
    zstd = load_zstd("-")
    texts = [b"", b"a", bytes(3000), build.pcap([build.control()] * 9), *samples("pcap")[:2]]
    found = []
    for text in texts:
        packed = gzip.compress(text, mtime=0)
        found += [b"\0\x07" + packed[2:], b"\0\x30" + (packed + packed + bytes(5))[2:]]
        frame = zstd.compress(text)
        # Two bytes give way to the choices; the magic of four comes back by itself.
        found += [
            b"\x01\x07" + frame[4:],
            b"\x01\x40" + (frame + b"\x50\x2a\x4d\x18\x02\0\0\0ab" + frame)[4:],
        ]
    return found


def inputs() -> Any:
    from hypothesis import strategies as st

    zstd = load_zstd("-")
    texts = st.binary(max_size=300) | st.builds(
        lambda text, many: text * many, st.binary(max_size=20), st.integers(0, 2000)
    )
    gzips = texts.map(lambda text: gzip.compress(text, mtime=0))
    zstds = texts.map(zstd.compress)
    joined = st.builds(
        lambda way, parts: bytes((0, way)) + b"".join(parts)[2:],
        st.integers(0, 255),
        st.lists(gzips | st.just(bytes(3)), min_size=1, max_size=3),
    )
    frames = st.builds(
        lambda way, parts: bytes((1, way)) + b"".join(parts)[4:],
        st.integers(0, 255),
        st.lists(zstds, min_size=1, max_size=3),
    )
    return joined | frames
