"""Zips: read in place, nested as macOS makes them, and bounded whatever they claim."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest

from fzctl.logs import archive
from tests.logs.read import found_in, zip_of

LOG = b"2026-08-22T00:53:24.158Z  INFO a::b: hi\n"


def logs_in(tmp_path: Path, data: bytes) -> tuple[list[tuple[str, list[bytes]]], list[str], list[str]]:
    path = tmp_path / "export.zip"
    path.write_bytes(data)
    logs, found = found_in(path)
    return (
        [(name.removeprefix(f"{path}/"), lines) for name, lines in logs],
        found.copies,
        [str(each).removeprefix(f"{path}: ") for each in found.problems],
    )


def test_a_desktop_export_is_read_flat_and_latest_once(tmp_path: Path) -> None:
    top = "firezone_logs_2026_11_22-12-43"
    members = {
        f"{top}/connlib/connlib.2026-01-01-00-00-00.log": LOG,
        f"{top}/connlib/connlib.latest": LOG,
        f"{top}/app/gui-client.2026-01-01-00-00-00.log": LOG * 2,
        f"{top}/app/picture": b"\x89PNG\0",
    }
    logs, copies, problems = logs_in(tmp_path, zip_of(members, {f"{top}/app/latest": "gui-client"}))
    assert logs == [(name, [LOG[:-1]] * count) for name, count in zip([*members][::2], (1, 2), strict=True)]
    assert [name.rpartition("/")[2] for name in copies] == ["latest", "connlib.latest"]
    assert not problems


def test_zips_in_a_zip_are_read_as_macos_makes_them(tmp_path: Path) -> None:
    inner = {
        name: zip_of({f"{name}.log": LOG * (number + 1)}) for number, name in enumerate(("app", "tunnel"))
    }
    logs, _, problems = logs_in(tmp_path, zip_of({f"{name}.zip": data for name, data in inner.items()}))
    assert logs == [("app.zip/app.log", [LOG[:-1]]), ("tunnel.zip/tunnel.log", [LOG[:-1]] * 2)]
    assert not problems


def test_packed_logs_in_a_zip_are_unpacked(tmp_path: Path) -> None:
    import gzip

    assert logs_in(tmp_path, zip_of({"a.log.gz": gzip.compress(LOG)}))[0] == [("a.log.gz", [LOG[:-1]])]


def test_names_that_climb_out_are_names_and_nothing_is_written(tmp_path: Path) -> None:
    before = sorted(tmp_path.parent.rglob("*"))
    logs, _, _ = logs_in(tmp_path, zip_of({"../../evil.log": LOG, "/etc/passwd": LOG * 2}))
    assert [name for name, _ in logs] == ["../../evil.log", "/etc/passwd"]
    assert set(tmp_path.parent.rglob("*")) - set(before) == {tmp_path / "export.zip"}


def test_too_deep_is_one_sentence_and_the_rest_is_read(tmp_path: Path) -> None:
    data = zip_of({"deep.log": LOG})
    for _ in range(archive.DEEPEST):
        data = zip_of({"inner.zip": data, "beside.log": LOG})
    logs, _, problems = logs_in(tmp_path, data)
    assert [name.rpartition("/")[2] for name, _ in logs] == ["beside.log"]
    assert problems[0].endswith(
        f"is a zip {archive.DEEPEST + 1} deep in others; unpack it and give fzctl the folder"
    )
    assert len(problems) == 1


def test_too_many_members_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    many = zip_of({f"{number}.log": LOG for number in range(4)})
    assert logs_in(tmp_path, many)[2][0].startswith("holds more than 3 files")
    # Also where no single zip has so many.
    nested = zip_of({f"{number}.zip": zip_of({"a.log": LOG * number, "b.log": LOG}) for number in range(2)})
    problems = logs_in(tmp_path, nested)[2]
    assert len(set(problems)) == 1
    assert problems[0].startswith("holds more than 3 files")


def test_too_much_to_unpack_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    logs, _, problems = logs_in(tmp_path, zip_of({"bomb.log": b"0" * 2000, "a.log": LOG}))
    assert not logs
    assert problems == ["unpacks to more than 1000 bytes; unpack it and give fzctl the folder"]


def test_a_nested_zip_that_does_not_fit_in_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_NESTED_BYTES", 50)
    logs, _, problems = logs_in(tmp_path, zip_of({"in.zip": zip_of({"a.log": LOG}), "a.log": LOG}))
    assert [name for name, _ in logs] == ["a.log"]
    assert problems == ["in.zip in it unpacks to more than 50 bytes; unpack it and give fzctl the folder"]


def test_zips_in_zips_share_what_they_may_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = {f"{number}.zip": zip_of({"a.log": LOG * number}) for number in (20, 30)}
    claimed = sum(map(len, inner.values()))
    monkeypatch.setattr(archive, "MOST_BYTES", claimed + 49 * len(LOG))
    logs, _, problems = logs_in(tmp_path, zip_of(inner))
    assert [name for name, _ in logs] == ["20.zip/a.log"]
    assert len(problems) == 1
    assert problems[0].startswith("unpacks to more than")
    monkeypatch.setattr(archive, "MOST_BYTES", 1 << 30)
    monkeypatch.setattr(archive, "MOST_NESTED_BYTES", claimed - 1)
    logs, _, problems = logs_in(tmp_path, zip_of(inner))
    assert [name for name, _ in logs] == ["20.zip/a.log"]
    assert problems[0].startswith("30.zip in it unpacks to more than")


def test_a_member_that_lies_about_its_size_gives_no_more_than_it_claims(tmp_path: Path) -> None:
    data = bytearray(zip_of({"a.log": b"x" * 100_000}))
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(magic) + offset
        data[at : at + 4] = struct.pack("<I", 10)
    logs, _, problems = logs_in(tmp_path, bytes(data))
    assert not logs
    assert "a.log: is damaged: Bad CRC-32" in problems[0]


def test_members_that_overlap_are_bounded_by_what_they_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The directory of a zip whose members all point at the same data.
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packed.compress(b"0" * 1000) + packed.flush()
    head = (
        struct.pack(
            "<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 33, zlib.crc32(b"0" * 1000), len(body), 1000, 1, 0
        )
        + b"a"
    )
    entry = struct.pack(
        "<4sHHHHHHIIIHHHHHII",
        *(b"PK\x01\x02", 20, 20, 0, 8, 0, 33, zlib.crc32(b"0" * 1000), len(body), 1000, 1, 0, 0, 0, 0, 0, 0),
    )
    directory = (entry + b"a") * 50
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 50, 50, len(directory), len(head + body), 0)
    monkeypatch.setattr(archive, "MOST_BYTES", 49_000)
    assert logs_in(tmp_path, head + body + directory + end)[2][0].startswith("unpacks to more than")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-30], "without an end"),
        (lambda data: data[:-10] + struct.pack("<I", 0x7FFFFFFF) + data[-6:], "holds more than"),
        (lambda data: data[:-10] + struct.pack("<I", 5000) + data[-6:], "is no sound zip file"),
        (lambda data: data[:-22] + b"PK\x06\x07" + bytes(16) + data[-22:], "4 GB"),
    ],
)
def test_a_broken_zip_is_one_sentence(change: object, words: str, tmp_path: Path) -> None:
    assert callable(change)
    logs, _, problems = logs_in(tmp_path, change(zip_of({"a.log": LOG})))
    assert not logs
    assert len(problems) == 1
    assert words in problems[0]


def test_a_damaged_member_is_one_sentence(tmp_path: Path) -> None:
    data = bytearray(zip_of({"a.log": LOG * 1000}))
    data[60:64] = b"\xff\xff\xff\xff"
    logs, _, problems = logs_in(tmp_path, bytes(data))
    assert not logs
    assert "a.log: is damaged: " in problems[0]


def test_a_directory_that_lies_about_its_count_is_refused_before_it_is_read(tmp_path: Path) -> None:
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<HHH", 1, 0, 0) + bytes(12) + b"a"
    directory = entry * (archive.MOST_MEMBERS + 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 5, 5, len(directory), 30, 0)
    logs, _, problems = logs_in(tmp_path, b"PK\x03\x04" + bytes(26) + directory + end)
    assert not logs
    assert problems == ["holds more than 10000 files or 4 GB; unpack it and give fzctl the folder"]


def test_an_encrypted_member_is_one_sentence_and_the_rest_is_read(tmp_path: Path) -> None:
    data = bytearray(zip_of({"a.log": LOG, "b.log": LOG * 2}))
    data[data.find(b"PK\x01\x02") + 8] |= 1
    logs, _, problems = logs_in(tmp_path, bytes(data))
    assert [name for name, _ in logs] == ["b.log"]
    assert [problem.partition(": ")[2] for problem in problems] == [
        "is encrypted; unpack it and give fzctl the folder"
    ]


@pytest.mark.parametrize("method", [ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA])
def test_damage_is_one_sentence_however_it_is_packed(method: int, tmp_path: Path) -> None:
    target = io.BytesIO()
    with ZipFile(target, "w", method) as made:
        made.writestr("a.log", LOG * 1000)
    data = bytearray(target.getvalue())
    data[40:60] = b"\xff" * 20
    logs, _, problems = logs_in(tmp_path, bytes(data))
    assert not logs
    assert "a.log: is damaged: " in problems[0]


def test_a_member_may_have_no_name(tmp_path: Path) -> None:
    # What stands behind a zero does not count to a name.
    logs, _, problems = logs_in(tmp_path, zip_of({"a.log": LOG}).replace(b"a.log", b"\0.log"))
    assert [lines for _, lines in logs] == [[LOG.rstrip()]]
    assert not problems
