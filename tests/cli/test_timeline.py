"""``logs --with``: packets among log lines, with clocks that are estimated, given or unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.cli import timeline
from fzctl.cli.timeline import parse_log_offsets
from fzctl.errors import UsageError
from tests.cli.conftest import Run
from tests.cli.story import write_beside
from tests.logs.read import DATA
from tests.records import HOSTILE, harmful, hostile_packets

CLIENT, GATEWAY = str(DATA / "client.log"), str(DATA / "gateway.log")
BEHIND = 3600.5


@pytest.fixture
def capture(tmp_path: Path) -> str:
    return write_beside(tmp_path / "tunnel.pcap", "client.log", BEHIND)


def objects(fzctl: Run, *arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in fzctl("logs", "-T", "jsonl", *arguments).lines]


def test_lines_stand_among_packets_in_the_capture_s_time(
    fzctl: Run, capture: str, golden: Callable[[str, str], None]
) -> None:
    found = fzctl("logs", "--with", capture, "--protocol", "-c", "30", CLIENT)
    assert found.code == 0
    golden(found.out, "logs-with.txt")
    assert f"{CLIENT}: its clock is 3600.50" in found.err
    assert "46 messages agree within" in found.err


def test_every_line_that_tells_of_a_packet_names_it(fzctl: Run, capture: str) -> None:
    found = objects(fzctl, "--with", capture, CLIENT)
    packets = [each for each in found if each["type"] == "packet"]
    telling = [each for each in found if each["type"] == "log" and each["tells_of"] is not None]
    assert len(packets) == len(telling) == 46
    for each in packets:
        told = each["told_by"][0]  # type: ignore[index]
        [line] = [one for one in telling if one["line"] == told["line"]]
        assert line["tells_of"] == {"frame": each["frame"]}
        assert line["protocol"]["kind"] == each["name"]  # type: ignore[index]


def test_jsonl_begins_with_the_clocks_and_json_is_an_array_of_the_same(fzctl: Run, capture: str) -> None:
    found = objects(fzctl, "--with", capture, CLIENT, GATEWAY)
    assert [each["type"] for each in found[:3]] == ["clock", "clock", "log"]
    assert (found[0]["file"], found[0]["sure"], found[0]["messages"]) == (CLIENT, True, 46)
    assert abs(found[0]["offset"] - BEHIND) < 0.01  # type: ignore[operator]
    assert sum(each["type"] == "log" for each in found) == 126 + 134
    assert json.loads(fzctl("logs", "-T", "json", "--with", capture, CLIENT, GATEWAY).out) == found


@pytest.mark.parametrize(
    ("options", "offsets"),
    [
        (["--offset", "3600.5"], {CLIENT: 3600.5, GATEWAY: 3600.5}),
        (["--offset", f"{CLIENT}=-1.5", "--offset", "2"], {CLIENT: -1.5, GATEWAY: 2.0}),
        (["--offset", f"{DATA}=4"], {CLIENT: 4.0, GATEWAY: 4.0}),
    ],
)
def test_a_given_offset_is_not_estimated(
    options: list[str], offsets: dict[str, float], fzctl: Run, capture: str
) -> None:
    found = objects(fzctl, "--with", capture, *options, CLIENT, GATEWAY)
    clocks = [each for each in found if each["type"] == "clock"]
    assert {each["file"]: each["offset"] for each in clocks} == offsets
    assert all(each["given"] and each["sure"] for each in clocks)
    for each in found:
        if each["type"] == "log" and each["time"] is not None:
            assert each["time"] != each["log_time"]


def test_a_capture_of_something_else_leaves_the_clock_as_it_is(fzctl: Run) -> None:
    other = str(Path(__file__).parents[2] / "captures" / "setup.pcapng")
    found = fzctl("logs", "--with", other, CLIENT)
    assert found.code == 0
    assert "its clock could not be compared with the capture's" in found.err
    assert len(found.lines) == 126 + 3


@pytest.mark.parametrize(
    ("options", "packets"),
    [
        ("--domain wiki.mycorp.example", 4),
        ("--level info", 46),
        ("--protocol", 46),
        ("--grep Buffering", 46),
        ("--since +100d", 0),
        ("--resource 08f474ff", 5),
    ],
)
def test_filters_choose_lines_and_what_fits_packets_too(
    options: str, packets: int, fzctl: Run, capture: str
) -> None:
    found = objects(fzctl, "--with", capture, *options.split(), CLIENT)
    counts = {kind: sum(each["type"] == kind for each in found) for kind in ("packet", "log")}
    assert counts == {"packet": packets, "log": len(fzctl("logs", *options.split(), CLIENT).lines)}


def test_what_comes_through_a_pipe_is_read_once(fzctl: Run, capture: str) -> None:
    whole = fzctl("logs", "--with", capture, CLIENT)
    assert fzctl("logs", "--with", "-", CLIENT, stdin=Path(capture).read_bytes()).out == whole.out
    by_pipe = objects(fzctl, "--with", capture, CLIENT)
    found = fzctl("logs", "-T", "jsonl", "--with", capture, "-", stdin=Path(CLIENT).read_bytes())
    assert len(found.lines) == len(by_pipe)


@pytest.mark.parametrize(("name", "most"), [("MOST_HELD", 3), ("MOST_BYTES", 100)])
def test_a_pipe_that_does_not_fit_in_memory_is_told(
    name: str, most: int, fzctl: Run, capture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, name, most)
    for words, path in (((capture, "-"), CLIENT), (("-", CLIENT), capture)):
        found = fzctl("logs", "--with", *words, stdin=Path(path).read_bytes())
        assert (found.code, found.out) == (2, "")
        assert "a pipe is read twice here" in found.err


def test_both_ends_of_a_tunnel_are_one_stream_of_packets(fzctl: Run, capture: str, tmp_path: Path) -> None:
    other = write_beside(tmp_path / "other.pcap", "client.log", BEHIND)
    found = objects(fzctl, "--with", capture, "--with", other, CLIENT)
    packets = [each for each in found if each["type"] == "packet"]
    assert len(packets) == 92
    assert sum("copy_of" in each for each in packets) == 46
    assert {each["file"] for each in packets} == {capture, other}


def test_an_encrypted_capture_is_opened_with_its_keys(fzctl: Run) -> None:
    encrypted = Path(__file__).parents[2] / "captures" / "encrypted"
    found = objects(
        fzctl,
        "--with",
        str(encrypted / "direct.pcap"),
        "-k",
        str(encrypted / "direct.keys"),
        "--offset",
        "0",
        CLIENT,
    )
    assert any(each["type"] == "packet" and each["direction"] == "a>b" for each in found)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--with", "-", "-"], "standard input can be read only once"),
        (["--with", "x", "--follow", CLIENT], "leave --follow away"),
        (["--with", "x", "--offset", "soon", CLIENT], "is no number of seconds"),
        (["--offset", "1", CLIENT], "go with --with"),
        (["-k", "x", CLIENT], "go with --with"),
        (["--with", "x"], "logs needs a log"),
    ],
)
def test_a_wrong_command_line_is_exit_2(options: list[str], words: str, fzctl: Run) -> None:
    found = fzctl("logs", *options)
    assert (found.code, found.out) == (2, "")
    assert words in found.err


def test_what_cannot_be_read_is_exit_3_once_told_and_the_rest_is_shown(
    fzctl: Run, capture: str, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(Path(capture).read_bytes()[:-10])
    found = fzctl("logs", "--with", str(cut), str(tmp_path / "nosuch.log"), CLIENT)
    assert (found.code, len(found.lines)) == (3, 126 + 45)
    assert found.err.count("cut.pcap at byte") == 1
    assert found.err.count("nosuch.log: cannot be opened") == 1
    gone = fzctl("logs", "--with", str(tmp_path / "nosuch.pcap"), CLIENT)
    assert (gone.code, len(gone.lines)) == (3, 126)


@pytest.mark.parametrize("form", ["text", "text --all-fields", "text --color always", "jsonl", "json"])
def test_hostile_text_reaches_no_form(form: str, fzctl: Run, tmp_path: Path) -> None:
    from fzctl.pcap.links import RAW
    from fzctl.pcap.writer import open_writer

    capture = tmp_path / "hostile.pcap"
    with open_writer(str(capture), link_type=RAW) as writer:
        for number, each in enumerate(hostile_packets()):
            writer.write(each, 1_787_360_004_000_000_000 + number)
    log = tmp_path / "\x1b[31mhostile.log"
    lines = [f"2026-08-22T00:53:24.158Z  INFO a::b: {text} domain={text}\n" for text in HOSTILE]
    log.write_bytes("".join(lines).encode(errors="surrogatepass"))
    found = fzctl("logs", "-T", *form.split(), "--with", str(capture), str(log))
    assert found.code == 0
    out = found.out
    for style in ("0", "1", "2", "31", "32", "33"):
        out = out.replace(f"\x1b[{style}m", "") if "always" in form else out
    assert not harmful(out)
    assert not harmful(found.err)


def test_offsets_are_nanoseconds_by_log() -> None:
    assert parse_log_offsets(["1.5", "a=b.log=-0.000000001"]) == {None: 1_500_000_000, "a=b.log": -1}
    with pytest.raises(UsageError):
        parse_log_offsets(["a="])


def test_quiet_is_quiet(fzctl: Run, capture: str) -> None:
    assert fzctl("-q", "logs", "--with", capture, CLIENT).err == ""
    assert fzctl("logs", "-T", "jsonl", "--with", capture, CLIENT).err.count("\n") == 1


# --- analyze --logs -----------------------------------------------------------------------------------


def test_an_analysis_ends_with_what_the_logs_say_of_the_packets(fzctl: Run, capture: str) -> None:
    found = fzctl("analyze", "--logs", CLIENT, capture)
    assert found.code == 0
    _, _, timeline = found.out.partition("\nPackets and log lines\n\n")
    assert timeline
    packets = [line for line in timeline.splitlines() if "  #" in line]
    assert len(packets) == 46
    assert "(client: assigned_ips_sent)" in timeline
    assert "Connecting to portal" not in timeline
    assert "46 messages agree within" in found.err


def test_the_json_of_an_analysis_has_the_timeline(fzctl: Run, capture: str) -> None:
    found = fzctl("analyze", "-T", "json", "--logs", CLIENT, "--log-offset", "3600.5", capture)
    told = json.loads(found.out)
    kinds = [each["type"] for each in told["timeline"]]
    assert (kinds[0], kinds.count("packet")) == ("clock", 46)
    assert len(told["analyses"]) == 1
    assert "timeline" not in json.loads(fzctl("analyze", "-T", "json", capture).out)


def test_a_log_that_is_not_there_does_not_hide_the_analysis(fzctl: Run, capture: str) -> None:
    found = fzctl("analyze", "--logs", "/nonexistent.log", capture)
    assert found.code == 3
    assert "/nonexistent.log" in found.err
    assert "Packets and log lines" in found.out


def test_a_capture_from_a_pipe_goes_with_no_logs(fzctl: Run) -> None:
    assert fzctl("analyze", "--logs", CLIENT, "-").code == 2
