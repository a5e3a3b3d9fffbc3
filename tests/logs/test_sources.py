"""Where logs are: files, folders, patterns, and copies of one another."""

from __future__ import annotations

import gzip
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from fzctl.errors import CaptureError
from fzctl.logs.sources import find_sources
from tests.logs.read import found_in


def names(*paths: Path | str) -> list[str]:
    return [os.path.basename(name) for name, _ in found_in(*paths)[0]]


def test_a_folder_has_its_logs_in_order_and_names_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.log", "b/a.jsonl", "connlib.2026-01-01-00-00-00.log"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "db").write_bytes(b"SQLite\0\0")
    (tmp_path / "settings.json").write_text("{}")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to("nowhere")
    logs, found = found_in(tmp_path)
    assert [lines for _, lines in logs] == [[b"b/a.jsonl"], [b"connlib.2026-01-01-00-00-00.log"], [b"z.log"]]
    assert [os.path.basename(each) for each in found.others] == ["db", "settings.json"]
    assert not found.problems


def test_gzip_zstd_and_empty_files_are_read_by_content(tmp_path: Path) -> None:
    from fzctl.pcap.compression import load_zstd

    (tmp_path / "a.log").write_bytes(gzip.compress(b"a\n"))
    (tmp_path / "b.log").write_bytes(load_zstd("x").compress(b"b\n"))
    (tmp_path / "c.log").write_bytes(b"")
    assert [lines for _, lines in found_in(tmp_path)[0]] == [[b"a"], [b"b"], []]


def test_a_pattern_that_the_shell_left_is_expanded(tmp_path: Path) -> None:
    for name in ("a.log", "b.log", "c.txt"):
        (tmp_path / name).write_text(name)
    assert names(str(tmp_path / "*.log")) == ["a.log", "b.log"]
    (tmp_path / "[x].log").write_text("x")
    assert names(str(tmp_path / "[x].log")) == ["[x].log"]


@pytest.mark.parametrize("path", ["nosuch", "nosuch*.log", "\0"])
def test_what_is_not_there_is_told_and_the_others_are_read(path: str, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("a")
    logs, found = found_in(path, tmp_path)
    assert len(logs) == len(found.problems) == 1
    assert "cannot be opened" in str(found.problems[0])


def test_a_symlink_and_a_file_named_twice_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "gui-client.2026-01-01-00-00-00.log").write_text("a\n")
    (tmp_path / "gui-client.latest").symlink_to("gui-client.2026-01-01-00-00-00.log")
    for paths in (
        (tmp_path,),
        (tmp_path / "gui-client.latest", tmp_path / "gui-client.2026-01-01-00-00-00.log"),
    ):
        assert names(*paths) == ["gui-client.2026-01-01-00-00-00.log"]
        assert [os.path.basename(each) for each in found_in(*paths)[1].copies] == ["gui-client.latest"]
    assert names(tmp_path / "gui-client.latest") == ["gui-client.latest"]


@pytest.mark.parametrize("more", [0, 5])
def test_an_exported_copy_of_latest_is_recognised_and_the_longer_one_read(more: int, tmp_path: Path) -> None:
    data = b"".join(b"line %d\n" % number for number in range(1000))
    (tmp_path / "connlib.2026-01-01-00-00-00.log").write_bytes(data)
    (tmp_path / "latest").write_bytes(data + b"more\n" * more)
    (tmp_path / "other.latest").write_bytes(b"something else\n")
    longer = "latest" if more else "connlib.2026-01-01-00-00-00.log"
    assert names(tmp_path) == [longer, "other.latest"]


def test_a_log_that_was_written_as_text_too_is_read_as_json(tmp_path: Path) -> None:
    for name in (
        "connlib.2024-12-20-10-15-12.log",
        "connlib.2024-12-20-10-15-12.jsonl",
        "gateway.log",
        "gateway.jsonl",
    ):
        (tmp_path / name).write_text(name)
    assert names(tmp_path) == ["connlib.2024-12-20-10-15-12.jsonl", "gateway.jsonl", "gateway.log"]


def test_binary_data_that_is_named_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes("hello there\n".encode("utf-16"))
    assert "binary data" in str(found_in(tmp_path / "a.log")[1].problems[0])
    (tmp_path / "b.log").write_bytes(b"a line after a power loss\0\0\n")
    assert names(tmp_path / "b.log") == ["b.log"]


def test_a_plain_file_can_be_followed(tmp_path: Path) -> None:
    from contextlib import ExitStack

    (tmp_path / "a.log").write_text("a")
    with ExitStack() as stack:
        (source,) = find_sources([str(tmp_path / "a.log")], stack).sources
    assert (source.path, source.size, source.again, source.is_packed) == (
        str(tmp_path / "a.log"),
        1,
        True,
        False,
    )


def test_a_device_or_a_packed_bomb_of_zeros_is_no_log(tmp_path: Path) -> None:
    bomb = tmp_path / "zeros.log.gz"
    bomb.write_bytes(gzip.compress(bytes(1 << 24)))
    for path in ("/dev/zero", str(bomb)):
        with ExitStack() as stack:
            [source] = find_sources([path], stack).sources
            with pytest.raises(CaptureError, match="is no log but binary data"):
                list(source.lines())
