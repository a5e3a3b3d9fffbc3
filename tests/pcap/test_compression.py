"""Gzip and zstd, unpacked in bounded pieces, whole or damaged."""

from __future__ import annotations

import gzip
import importlib
import io
import random
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from fzctl.errors import CaptureError
from fzctl.pcap.compression import ReadInto, load_zstd, unpacker_for

TEXT = random.Random(1).randbytes(50_000) + bytes(50_000)


def zstd() -> Any:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return pytest.skip("zstd is not installed: pip install backports.zstd")


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": lambda data: bytes(zstd().compress(data)),
}


def unpack(packed: bytes, size: int = 1000) -> tuple[bytes, CaptureError | None]:
    """What came out in pieces of ``size``, and the error at its end."""
    return drain(io.BytesIO(packed).readinto, packed[:4], size)


def drain(source: ReadInto, magic: bytes, size: int) -> tuple[bytes, CaptureError | None]:
    read = unpacker_for(magic, source, "some.gz", is_live=False)
    assert read is not None
    target = memoryview(bytearray(size))
    out = b""
    try:
        while count := read(target):
            out += target[:count]
    except CaptureError as error:
        return out, error
    return out, None


each_format = pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS.keys())


@each_format
@pytest.mark.parametrize("size", [1, 4096, 200_000])
def test_a_whole_stream_comes_out(pack: Callable[[bytes], bytes], size: int) -> None:
    text = TEXT[-53_000:] if size > 1 else TEXT[-53_000:-47_000]
    assert unpack(pack(text), size) == (text, None)


@each_format
def test_members_in_a_row_are_one_stream(pack: Callable[[bytes], bytes]) -> None:
    assert unpack(pack(b"one") + pack(b"") + pack(b"two")) == (b"onetwo", None)


@each_format
def test_a_stream_that_ends_early_gives_what_it_held(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(TEXT)
    out, error = unpack(packed[:-5])
    assert TEXT.startswith(out)
    assert "ends too early" in str(error)
    assert error is not None
    assert error.offset == len(out)


@each_format
def test_an_early_end_between_any_two_bytes_is_seen(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(b"some words, some words")
    for size in range(4, len(packed)):
        assert "ends too early" in str(unpack(packed[:size])[1])


def test_gzip_that_ends_early_gives_every_byte_before_it() -> None:
    text = random.Random(3).randbytes(20_000)
    out, _ = unpack(gzip.compress(text, mtime=0)[:15_000])
    assert len(out) > 14_900


def test_damage_in_gzip_gives_every_byte_before_it() -> None:
    text = random.Random(2).randbytes(20_000)
    packed = bytearray(gzip.compress(text, mtime=0))
    packed[-8] ^= 1
    out, error = unpack(bytes(packed), 1 << 20)
    assert out == text
    assert str(error) == "some.gz at byte 20000: the gzip data is damaged"


def test_damage_in_zstd_is_named() -> None:
    packed = bytearray(PACKERS["zstd"](TEXT))
    packed[6:10] = b"\xff" * 4
    assert "the zstd data is damaged" in str(unpack(bytes(packed))[1])


@pytest.mark.parametrize("size", [1000, 1 << 20])
@pytest.mark.parametrize("length", [20_000, 500_000])
def test_damage_in_zstd_gives_every_byte_before_it(length: int, size: int) -> None:
    module = zstd()
    text = random.Random(2).randbytes(length)
    packed = bytearray(module.compress(text, options={module.CompressionParameter.checksum_flag: 1}))
    packed[-1] ^= 1
    out, error = unpack(bytes(PACKERS["zstd"](b"one") + packed + b"rest"), size)
    assert out == b"one" + text
    assert str(error) == f"some.gz at byte {length + 3}: the zstd data is damaged"


def test_damage_far_into_a_large_zstd_frame_costs_little_of_what_is_before_it() -> None:
    module = zstd()
    text = random.Random(2).randbytes(3_000_000)
    packed = bytearray(module.compress(text, options={module.CompressionParameter.checksum_flag: 1}))
    packed[-1] ^= 1
    out, error = unpack(bytes(packed), 1 << 20)
    assert "the zstd data is damaged" in str(error)
    assert text.startswith(out)
    assert len(text) - len(out) <= 128 * 1024


def test_damage_that_libzstd_finds_only_in_one_call_is_told() -> None:
    # A frame that says it holds 12,592 bytes, and one empty block.
    packed = bytes.fromhex("28b52ffd 60 3030 010000") + b"0"
    out, error = unpack(packed, 1 << 20)
    assert out == b""
    assert str(error) == "some.gz at byte 0: the zstd data is damaged"


def test_zeros_behind_gzip_are_padding_and_all_else_is_not() -> None:
    packed = gzip.compress(b"one", mtime=0)
    assert unpack(packed + bytes(600)) == (b"one", None)
    assert unpack(gzip.compress(b"") + bytes(600)) == (b"", None)
    out, error = unpack(packed + b"\0\0garbage")
    assert out == b"one"
    assert "something that is not gzip follows" in str(error)


@each_format
def test_a_bomb_comes_out_in_pieces(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(bytes(30_000_000))
    assert len(packed) < 40_000
    read = unpacker_for(packed[:4], io.BytesIO(packed).readinto, "bomb", is_live=False)
    assert read is not None
    target = memoryview(bytearray(1 << 16))
    counts = set()
    while count := read(target):
        counts.add(count)
    assert max(counts) == 1 << 16


@each_format
def test_what_a_live_source_has_is_not_held_back(pack: Callable[[bytes], bytes]) -> None:
    pieces = iter([pack(b"one")])

    def source(target: memoryview) -> int:
        piece = next(pieces)
        target[: len(piece)] = piece
        return len(piece)

    read = unpacker_for(pack(b"")[:4], source, "pipe", is_live=True)
    assert read is not None
    target = memoryview(bytearray(100))
    assert target[: read(target)].tobytes() == b"one"


@each_format
def test_what_came_before_a_read_error_is_delivered(pack: Callable[[bytes], bytes]) -> None:
    text = random.Random(5).randbytes(500_000)
    file = io.BytesIO(pack(text)[:400_000])

    def source(target: memoryview) -> int:
        count = file.readinto(target)
        if not count:
            raise CaptureError("some.gz", "cannot be read: Input/output error")
        return count

    out, error = drain(source, pack(b"")[:4], 1 << 20)
    assert str(error) == "some.gz: cannot be read: Input/output error"
    assert len(out) > 250_000
    assert text.startswith(out)


def test_plain_bytes_need_no_unpacker() -> None:
    assert unpacker_for(b"\xd4\xc3\xb2\xa1", io.BytesIO().readinto, "plain", is_live=False) is None


def test_a_skippable_frame_begins_a_zstd_stream() -> None:
    skippable = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    assert unpack(skippable + PACKERS["zstd"](b"text")) == (b"text", None)


def test_without_zstd_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CaptureError, match=r"pip install backports\.zstd"):
        load_zstd("some.zst")


def test_raw_deflate_is_not_taken_for_gzip() -> None:
    packed = zlib.compress(b"text")
    assert unpacker_for(packed[:4], io.BytesIO(packed).readinto, "plain", is_live=False) is None


def test_a_zstd_window_that_is_too_large_is_told() -> None:
    module = zstd()
    packer = module.ZstdCompressor(options={module.CompressionParameter.window_log: 30})
    out, error = unpack(packer.compress(b"x" * 1000) + packer.flush())
    assert out == b""
    assert "more than 128 MB of memory, which zstd -d --long=31 takes" in str(error)


def test_zstd_that_was_packed_with_a_dictionary_is_told() -> None:
    module = zstd()
    words = [b"%d bottles of beer on the wall" % number for number in range(500)]
    packed = module.compress(words[7], zstd_dict=module.train_dict(words, 1000))
    out, error = unpack(packed)
    assert out == b""
    assert str(error).endswith("the zstd data is damaged or needs a dictionary, which zstd -d -D takes")
