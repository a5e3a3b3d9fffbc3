"""Files that are written while packets come: kept whatever ends it, keys once, readers along."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from fzctl.cli.livesaving import LiveSaving
from fzctl.cli.saving import AllSaver, FrameSaver, Saver
from fzctl.errors import CaptureError, UsageError
from fzctl.pcap.capture import open_capture
from fzctl.pcap.sinks import Sink
from fzctl.protocol.codec import decode
from fzctl.records import Record
from fzctl.wireguard.keylog import parse_keylog
from tests.records import TIME, goodbye

GOODBYE = Record(1, TIME, decode(goodbye()))
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
LINE = "TRANSPORT_KEY = {:08x} " + KEY + "\n"


def options(path: Path | str, *limits: str) -> Namespace:
    return Namespace(write=str(path), limits=list(limits))


def count(path: Path) -> int:
    with open_capture(path) as capture:
        return len(list(capture.frames()))


def test_without_a_file_nothing_is_saved() -> None:
    with LiveSaving.open(Namespace(write=None, limits=[]), None) as saving:
        assert saving.saver is None
        saving.tick()
        saving.embed([parse_keylog(LINE.format(1).encode(), "a")])


@pytest.mark.parametrize("error", [KeyboardInterrupt, BrokenPipeError, RuntimeError])
@pytest.mark.parametrize("limits", [(), ("packets:9",)])
def test_whatever_ends_it_what_was_found_is_kept(
    error: type[BaseException], limits: tuple[str, ...], tmp_path: Path
) -> None:
    def interrupted() -> None:
        with LiveSaving.open(options(tmp_path / "out.pcapng", *limits), Saver) as saving:
            assert saving.saver is not None
            saving.saver.save(GOODBYE)
            raise error

    with pytest.raises(error):
        interrupted()
    assert [count(path) for path in tmp_path.iterdir()] == [1]


def test_a_wrong_option_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError), LiveSaving.open(options(tmp_path / "out.pcapng"), Saver):
        raise UsageError("no")
    with pytest.raises(UsageError, match="-b: "), LiveSaving.open(options(tmp_path / "o", "no"), Saver):
        pass
    assert list(tmp_path.iterdir()) == []


def test_who_reads_along_has_the_header_at_once_and_each_message_with_a_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipe = io.BytesIO()
    out = io.TextIOWrapper(io.BufferedWriter(pipe))
    monkeypatch.setattr(sys, "stdout", out)
    with LiveSaving.open(options("-"), AllSaver) as saving:
        saving.tick()
        header = len(pipe.getvalue())
        assert header > 28
        assert saving.saver is not None
        saving.saver.save(GOODBYE)
        saving.tick()
        assert len(pipe.getvalue()) > header + len(goodbye())


def test_frames_bring_their_own_link_type(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    with LiveSaving.open(options(path), FrameSaver) as saving:
        assert saving.saver is not None
        saving.saver.interface(1)
    assert path.read_bytes()[20] == 1


def test_keys_are_embedded_once_as_they_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.pcapng"
    first, second = LINE.format(1), LINE.format(2)
    args = options(path)
    args.embed_keys = True
    with LiveSaving.open(args, Saver) as saving:
        for text in (first, first, first + second, first + second):
            saving.embed([parse_keylog(text.encode(), "a")])
        assert saving.saver is not None
        saving.saver.save(GOODBYE)
    assert capsys.readouterr().err.count("holds the keys") == 1
    assert path.stat().st_mode & 0o777 == 0o600
    with open_capture(path) as capture:
        assert list(capture.frames())
        texts = [text.decode() for _, text in capture.secrets]
    assert [len(parse_keylog(text.encode(), "a").entries) for text in texts] == [1, 1]


@pytest.mark.parametrize("limits", [(), ("packets:9",)])
def test_on_a_full_disk_what_was_handed_on_is_kept(
    limits: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        with LiveSaving.open(options(tmp_path / "out.pcapng", *limits), Saver) as saving:
            assert saving.saver is not None
            saving.saver.save(GOODBYE)
            saving.tick()
            saving.saver.save(GOODBYE)
            monkeypatch.setattr(Sink, "flush", full)
            saving.tick()

    def full(sink: Sink) -> None:
        raise CaptureError(sink.name, "cannot be written: No space left on device")

    with pytest.raises(CaptureError, match="No space left"):
        interrupted()
    assert [count(path) for path in tmp_path.iterdir()] == [1]
