"""``logs`` as people use it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.logs import archive
from tests.cli.conftest import Run
from tests.logs.read import DATA, SAMPLES, zip_of
from tests.records import HOSTILE, harmful

CLIENT = str(DATA / "client.log")
GATEWAY = str(DATA / "gateway.log")
OLD = str(DATA / "client_stackdriver.jsonl")
LINE = "2026-08-22T00:53:{:02}.158Z  INFO a::b: {}\n"


@pytest.mark.parametrize("name", SAMPLES)
def test_every_line_of_a_sample_is_shown_or_counted(name: str, fzctl: Run) -> None:
    found = fzctl("logs", str(DATA / name))
    lines = [line for line in (DATA / name).read_bytes().split(b"\n") if line.strip()]
    more = 1 if name == "client_stackdriver.jsonl" else 0  # two objects on one line
    assert (found.code, len(found.lines)) == (0, len(lines) + more)
    assert f"{len(lines) + more} events in 1 file" in found.err


def test_broken_lines_are_counted_and_are_no_failure(fzctl: Run) -> None:
    found = fzctl("logs", OLD)
    assert found.code == 0
    assert found.err == (
        "fzctl: 171 events in 1 file; 12 broken lines, the first at client_stackdriver.jsonl:46 "
        "(broken JSON: the line is cut short)\n"
    )
    assert fzctl("-q", "logs", OLD) == (0, found.out, "")


def test_several_logs_are_one_timeline_with_places(fzctl: Run) -> None:
    found = fzctl("logs", CLIENT, GATEWAY)
    assert len(found.lines) == 126 + 134
    assert [line[:30] for line in found.lines] == sorted(line[:30] for line in found.lines)
    assert {line.rpartition(" ")[2].partition(":")[0] for line in found.lines} == {
        "client.log",
        "gateway.log",
    }


def test_jsonl_is_one_object_an_event_and_json_an_array_of_the_same(fzctl: Run) -> None:
    lines = fzctl("logs", "-T", "jsonl", CLIENT, GATEWAY).lines
    objects = [json.loads(line) for line in lines]
    assert {each["schema"] for each in objects} == {1}
    assert json.loads(fzctl("logs", "-T", "json", CLIENT, GATEWAY).out) == objects
    assert json.loads(fzctl("logs", "-T", "json", "--grep", "nowhere at all", CLIENT).out) == []


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ("--level warn", 5),
        ("--protocol", 117),
        ("--target firezone_gateway", 5),
        ("--target firezone_gateway --target snownet", 13),
        ("--domain gitlab.mycorp.example", 9),
        ("--domain *.mycorp.example --level warn", 1),
        ("--resource 08f474ff", 2),
        ("--grep record_type=AAAA", 2),
        ("--since +40s", 33),
        ("--until +1s", 2),
        ("--since 2026-08-22T00:53:50Z --until 2026-08-22T00:54:00Z", 23),
        ("--since 2100-01-01", 0),
        ("-c 7", 7),
    ],
)
def test_filters_choose(options: str, count: int, fzctl: Run) -> None:
    found = fzctl("logs", *options.split(), GATEWAY)
    assert found.code == 0
    assert len(found.lines) == count
    if "-c" not in options:
        assert f"134 events in 1 file, {count or 'none'} shown" in found.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "logs needs a log"),
        (["--level", "loud", "x"], "no level"),
        (["--grep", "(", "x"], "no regular expression"),
        (["--since", "soon", "x"], "no point in time"),
        (["--resource", "x", "x"], "no resource id"),
        (["-c", "0", "x"], "no whole number"),
        (["--follow", "-"], "--follow goes with plain files"),
    ],
)
def test_a_wrong_command_line_is_exit_2(options: list[str], words: str, fzctl: Run) -> None:
    found = fzctl("logs", *options)
    assert (found.code, found.out) == (2, "")
    assert words in found.err


def test_an_input_that_cannot_be_read_is_exit_3_and_the_others_are_shown(fzctl: Run, tmp_path: Path) -> None:
    import gzip

    packed = tmp_path / "cut.log"
    packed.write_bytes(
        gzip.compress(b"".join(LINE.format(1, os.urandom(9).hex()).encode() for _ in range(99)))[:-200]
    )
    found = fzctl("logs", str(tmp_path / "nosuch.log"), CLIENT, str(packed))
    assert found.code == 3
    assert len(found.lines) > 126
    assert "nosuch.log: cannot be opened" in found.err
    assert "cut.log" in found.err
    assert "the gzip data ends too early" in found.err


def test_standard_input_is_a_log_like_any(fzctl: Run) -> None:
    data = (DATA / "client.log").read_bytes()
    assert fzctl("logs", "-", stdin=data).out == fzctl("logs", CLIENT).out
    assert fzctl("logs", "-", stdin=b"") == (0, "", "fzctl: no events in 1 file\n")
    found = fzctl("logs", "-", stdin=zip_of({"a.log": data}))
    assert (found.code, found.out) == (3, "")
    assert "is a zip file, which is read by its name only" in found.err


def test_an_export_is_read_in_place(fzctl: Run, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    inner = {
        "connlib/connlib.2026-01-01-00-00-00.log": Path(CLIENT).read_bytes(),
        "connlib/latest": Path(CLIENT).read_bytes(),
    }
    path.write_bytes(
        zip_of(
            {
                "tunnel.zip": zip_of(inner),
                "app.zip": zip_of({"a.log": Path(GATEWAY).read_bytes(), "x": b"\0"}),
            }
        )
    )
    found = fzctl("logs", str(path))
    assert (found.code, len(found.lines)) == (0, 126 + 134)
    assert "260 events in 2 files" in found.err
    assert "left out as a copy of another: " in found.err
    assert "tunnel.zip/connlib/latest" in found.err
    assert "left out as no log: " in found.err
    assert list(tmp_path.iterdir()) == [path]


def test_a_bomb_is_one_sentence_and_exit_3(
    fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    path = tmp_path / "bomb.zip"
    path.write_bytes(zip_of({"a.log": b"0" * 10_000}))
    found = fzctl("logs", str(path), CLIENT)
    assert (found.code, len(found.lines)) == (3, 126)
    assert (
        found.err.splitlines()[0]
        == f"fzctl: {path}: unpacks to more than 1000 bytes; unpack it and give fzctl the folder"
    )


def test_logs_at_level_info_say_once_what_is_missing(fzctl: Run) -> None:
    text = "".join(
        line for line in Path(GATEWAY).read_text().splitlines(True) if " INFO " in line or " WARN " in line
    )
    found = fzctl("logs", "-", stdin=text)
    assert (
        found.err.count(
            "with the log filter info,client_shared=debug,firezone_gateway=debug,tunnel_proto=trace"
        )
        == 1
    )
    for whole in (
        fzctl("logs", GATEWAY),
        fzctl("logs", "-c", "1", "-", stdin=text),
        fzctl("-q", "logs", "-", stdin=text),
    ):
        assert "log filter" not in whole.err
    # What is chosen does not make a log one of level info.
    assert "log filter" not in fzctl("logs", "--level", "info", GATEWAY).err


@pytest.mark.parametrize("form", ["text", "text --all-fields", "text --color always", "json", "jsonl"])
def test_redaction_leaves_no_name_in_any_form(form: str, fzctl: Run, tmp_path: Path) -> None:
    folder = tmp_path / "gitlab.mycorp.example"
    folder.mkdir()
    for name in SAMPLES:
        (folder / f"gitlab-{name}").write_bytes((DATA / name).read_bytes())
    (folder / "gitlab-cut.zip").write_bytes(b"PK\x03\x04")
    (folder / "gitlab.json").write_text("{}")
    found = fzctl("logs", "--redact", "-T", *form.split(), str(folder))
    assert found.code == 3
    assert len(found.lines) > 300
    for secret in (
        "gitlab",
        "mycorp",
        "internal.example",
        "9ad2e144-d6e8",
        "fc5639b1-6b71",
        "fd00:2021:1111:8000",
        "172.21.0.101",
        "api.firezone",
    ):
        assert secret not in (found.out + found.err).lower()


def test_a_filter_means_what_was_there_before_redaction(fzctl: Run) -> None:
    found = fzctl("logs", "--redact", "--domain", "gitlab.mycorp.example", "-T", "jsonl", GATEWAY)
    assert len(found.lines) == 9
    assert "gitlab" not in found.out


def test_a_key_gives_the_same_replacements_in_every_run_and_in_captures(fzctl: Run, tmp_path: Path) -> None:
    key, other = str(tmp_path / "key"), str(tmp_path / "other")
    one, two, three = (fzctl("-q", "logs", "--redact-key", each, CLIENT).out for each in (key, key, other))
    assert one == two != three


@pytest.mark.parametrize("form", ["text", "text --all-fields", "text --color always", "jsonl"])
def test_hostile_text_reaches_no_form(form: str, fzctl: Run) -> None:
    lines = [LINE.format(1, f"{text} a={text}") for text in HOSTILE]
    lines += [json.dumps({"severity": "INFO", "message": text, text: text}) + "\n" for text in HOSTILE]
    lines += [text + "\n" for text in HOSTILE]
    found = fzctl("logs", "-T", *form.split(), "-", stdin="".join(lines).encode(errors="surrogatepass"))
    assert found.code == 0
    out = found.out
    for style in ("0", "1", "2", "31", "32", "33"):
        out = out.replace(f"\x1b[{style}m", "") if "always" in form else out
    assert not harmful(out)
    assert not harmful(found.err)


def test_a_reader_that_goes_away_ends_it_quietly(shell: Run) -> None:
    found = shell(f"for i in $(seq 300); do cat {CLIENT}; done > big.log; $FZCTL -q logs big.log | head -1")
    assert (found.code, found.err, len(found.lines)) == (141, "", 1)


def script(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], object]) -> None:
    """Each wait of ``--follow`` does the next step, the last is Ctrl-C."""
    left = iter(steps)

    def sleep(_: float) -> None:
        step = next(left, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    monkeypatch.setattr(time, "sleep", sleep)


def append(path: Path, *words: str) -> None:
    with path.open("a") as file:
        file.writelines(LINE.format(24, word) for word in words)


def test_follow_shows_what_comes_until_it_is_interrupted(
    fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, link = tmp_path / "1.log", tmp_path / "latest"
    append(log, "one")
    link.symlink_to(log)

    def move() -> None:
        append(log, "three")
        append(tmp_path / "2.log", "four")
        link.unlink()
        link.symlink_to(tmp_path / "2.log")

    script(monkeypatch, lambda: append(log, "two"), move, lambda: append(tmp_path / "2.log", "five"))
    found = fzctl("logs", "--follow", str(link))
    assert found.code == 0
    assert [line.split()[2] for line in found.lines] == ["one", "two", "three", "four", "five"]
    assert "5 events in 1 file" in found.err


def test_follow_ends_after_so_many(fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "1.log"
    append(log, "one")
    script(monkeypatch, lambda: append(log, "two", "three"))
    assert [line.split()[2] for line in fzctl("logs", "-f", "-c", "2", str(log)).lines] == ["one", "two"]


def test_follow_of_what_does_not_grow_or_is_not_there_is_refused(fzctl: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of({"a.log": b"x"}))
    assert fzctl("logs", "-f", str(path)).code == 2
    assert fzctl("logs", "-f", str(tmp_path / "nosuch")).code == 3


def test_a_live_pipe_is_shown_line_by_line(shell: Run) -> None:
    # The second line is written only after the first was shown.
    found = shell(
        f'mkfifo out; ( head -1 {CLIENT}; read -r line < out; echo "$line" > seen; tail -1 {CLIENT} ) '
        "| $FZCTL -q logs - > >(tee all > out; cat > /dev/null) & wait $!; cat seen"
    )
    assert found.lines[-1].endswith("`headless-client` started logging")
