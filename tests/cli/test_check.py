"""``check`` as people use it: what it finds, in every form, and what it ends with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.analysis.rules import RULES
from tests.analysis.scenario import Scene
from tests.cli.conftest import Run
from tests.cli.story import trouble, write
from tests.records import HOSTILE, RESOURCE, assigned, goodbye, harmful, hostile_packets, raw, status

CAPTURES = Path(__file__).parents[2] / "captures"
FORMS = ("text", "json", "jsonl")


@pytest.fixture
def capture(tmp_path: Path) -> str:
    return write(tmp_path / "trouble.pcapng", trouble())


def ids(out: str) -> list[str]:
    return [json.loads(line)["rule"] for line in out.splitlines()]


def test_what_is_wrong_is_told_with_why_and_what_next(
    fzctl: Run, capture: str, golden: Callable[..., None]
) -> None:
    found = fzctl("check", capture)
    assert found.code == 1
    golden(found.out, "check.txt")
    assert found.err == "fzctl: 2 findings (2 errors) in 7 control messages, 7 packets\n"


def test_a_sound_capture_says_so_and_ends_with_0(fzctl: Run) -> None:
    found = fzctl("check", str(CAPTURES / "setup.pcapng"))
    assert found == (0, "", "fzctl: no findings in 3 control messages, 8 packets\n")
    assert fzctl("-q", "check", str(CAPTURES / "setup.pcapng")) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("inactive", ["FZ307", "FZ314"]),
        ("kinds", ["FZ307", "FZ313", "FZ102", "FZ104"]),
        ("refused", ["FZ101"] * 12 + ["FZ102"] + ["FZ101"] * 4 + ["FZ103"]),
    ],
)
def test_the_samples_have_the_findings_of_their_stories(name: str, expected: list[str], fzctl: Run) -> None:
    found = fzctl("check", "-T", "jsonl", str(CAPTURES / f"{name}.pcapng"))
    assert (found.code, ids(found.out)) == (1, expected)


def test_json_is_an_array_of_what_jsonl_has_line_by_line(fzctl: Run, capture: str) -> None:
    lines = [json.loads(line) for line in fzctl("check", "-T", "jsonl", capture).lines]
    assert json.loads(fzctl("check", "-T", "json", capture).out) == lines
    assert [each["domain"] for each in lines] == ["denied.example", "silent.example"]
    assert [each["time"] for each in lines] == sorted(each["time"] for each in lines)
    assert json.loads(fzctl("check", "-T", "json", str(CAPTURES / "setup.pcapng")).out) == []


@pytest.mark.parametrize(
    ("options", "expected", "code"),
    [
        ("--select FZ3", ["FZ307", "FZ301"], 1),
        ("--select FZ301,FZ5", ["FZ301"], 1),
        ("--ignore FZ307", ["FZ301"], 1),
        ("--ignore FZ307 --ignore FZ301", [], 0),
        ("--select FZ1", [], 0),
        ("--severity error", ["FZ307", "FZ301"], 1),
        ("--pattern *.example", ["FZ307", "FZ301"], 1),
        ("--pattern works.example", ["FZ311", "FZ307", "FZ311", "FZ301"], 1),
        ("--pattern 00000000-0000-0000-0000-000000000000=x", ["FZ307", "FZ301"], 1),
        ("--tun --severity warning --select FZ5", ["FZ501"], 1),
        ("-Y fzp2p.kind==2", [], 0),
        ("-c 2", [], 0),
    ],
)
def test_options_choose(options: str, expected: list[str], code: int, fzctl: Run, capture: str) -> None:
    found = fzctl("check", "-T", "jsonl", *options.split(), capture)
    assert found.code == code
    assert sorted(ids(found.out)) == sorted(expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no capture file"),
        (["--select", "FZ9", "x"], "no rule 'FZ9'"),
        (["--select", "", "x"], "no rule ''"),
        (["--severity", "loud", "x"], "--severity"),
        (["--pattern", "a**", "x"], "no domain pattern"),
        (["--pattern", "x=a", "x"], "must be a resource's UUID"),
        (["-Y", "nonsense", "x"], "nonsense"),
    ],
)
def test_a_wrong_command_line_is_exit_2(options: list[str], words: str, fzctl: Run) -> None:
    found = fzctl("check", *options)
    assert (found.code, found.out) == (2, "")
    assert words in found.err


def test_the_rules_are_listed_without_an_input(fzctl: Run) -> None:
    found = fzctl("check", "--list-rules")
    assert (found.code, found.err, len(found.lines)) == (0, "", len(RULES))
    assert [line.split()[:2] for line in found.lines] == [[rule.id, rule.severity] for rule in RULES]
    errors = json.loads(fzctl("check", "--list-rules", "-T", "json", "--severity", "error").out)
    assert {each["severity"] for each in errors} == {"error"}
    assert all(set(each) == {"rule", "severity", "title", "why", "next"} for each in errors)
    assert len(fzctl("check", "--list-rules", "-T", "jsonl", "--select", "FZ2").lines) == 8


def test_a_broken_input_shows_what_came_before_and_is_exit_3(
    fzctl: Run, capture: str, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(Path(capture).read_bytes()[:-70])
    found = fzctl("check", "-T", "jsonl", str(tmp_path / "nosuch.pcap"), str(cut))
    assert found.code == 3
    assert "FZ307" in ids(found.out)
    assert "nosuch.pcap: cannot be opened" in found.err
    assert "cut.pcapng at byte" in found.err


def test_several_captures_name_their_files(fzctl: Run, capture: str) -> None:
    found = fzctl("check", "-T", "jsonl", capture, str(CAPTURES / "inactive.pcapng"))
    files = [json.loads(line)["file"] for line in found.lines]
    assert files == [capture] * 2 + [str(CAPTURES / "inactive.pcapng")] * 2
    text = fzctl("check", capture, str(CAPTURES / "inactive.pcapng")).out
    assert f"{CAPTURES / 'inactive.pcapng'}#4" in text


def test_both_ends_of_a_tunnel_are_one_story(fzctl: Run, tmp_path: Path) -> None:
    ends = [write(tmp_path / name, trouble()) for name in ("client.pcap", "gateway.pcap")]
    assert sorted(ids(fzctl("check", "--merge", "-T", "jsonl", *ends).out)) == ["FZ301", "FZ307"]


def test_a_pipe_is_read(fzctl: Run, capture: str) -> None:
    assert ids(fzctl("check", "-T", "jsonl", "-", stdin=Path(capture).read_bytes()).out) == ["FZ307", "FZ301"]


def test_hex_without_times_is_checked_in_the_order_of_its_lines(fzctl: Run) -> None:
    lines = "".join(
        f"{each.hex()}\n" for each in (raw(9), assigned("a.example", *["10.0.0.1"] * 4), goodbye())
    )
    found = fzctl("check", "--hex", "-T", "jsonl", "-", stdin=lines)
    assert ids(found.out)[0] == "FZ102"
    assert all(json.loads(line)["time"] is None for line in found.lines)


def test_what_holds_no_message_is_not_called_sound(fzctl: Run) -> None:
    found = fzctl("check", "--hex", "-", stdin="")
    assert found == (0, "", "fzctl: no control message in no packets, so nothing was checked\n")
    closed = fzctl("check", str(CAPTURES / "encrypted" / "direct.pcap"))
    assert "so nothing was checked" in closed.err
    assert "give a key log with -k" in closed.err


def test_with_keys_what_is_encrypted_is_checked(fzctl: Run) -> None:
    encrypted = CAPTURES / "encrypted"
    found = fzctl(
        "check", "-T", "jsonl", "-k", str(encrypted / "direct.keys"), str(encrypted / "direct.pcap")
    )
    assert found.code == 1
    assert {"FZ102", "FZ307"} <= set(ids(found.out))


HOSTILE_CASES = [(form, extra) for form in FORMS for extra in ("", "--color always")]


@pytest.mark.parametrize(("form", "extra"), HOSTILE_CASES)
def test_hostile_text_reaches_no_form(
    form: str, extra: str, fzctl: Run, hex_file: Callable[..., str]
) -> None:
    sound = [assigned("a\\.b*.example"), status("[red]x[/red].example", "Inactive")]
    names = [
        hex_file(*hostile_packets(), *sound, name=name.replace("/", "|").replace("\0", ""))
        for name in HOSTILE[:6]
    ]
    found = fzctl("check", "--hex", "-T", form, *extra.split(), *names)
    assert found.code == 1
    out = found.out
    for style in ("0", "1", "2", "31", "32", "33"):
        out = out.replace(f"\x1b[{style}m", "") if extra else out
    assert not harmful(out)
    assert not harmful(found.err)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_lines_that_fit(columns: int, terminal: Run, capture: str) -> None:
    found = terminal(f"$FZCTL check --color never {capture}", columns=columns)
    assert found.code == 1
    assert all(len(line) <= columns for line in found.lines[:-1])
    assert RESOURCE not in found.out
    assert all(
        re.match(r"    2026\S+\.\d{6}Z  #", line) for line in found.lines if line.startswith("    2026")
    )
    assert any(line.startswith("    2026") for line in found.lines)


def test_a_long_story_ends_soon_when_the_reader_goes_away(shell: Run, tmp_path: Path) -> None:
    scene = Scene()
    for number in range(3000):
        scene.answer(number, f"d{number}.example")
    write(tmp_path / "long.pcap", scene)
    found = shell("$FZCTL check -q -T jsonl long.pcap | head -1")
    assert (found.code, found.err, len(found.lines)) == (141, "", 1)
