"""``stats`` as people use it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from fzctl.analysis.stats import Stats
from tests.analysis.scenario import Scene
from tests.cli.conftest import Run
from tests.cli.story import trouble, write
from tests.records import HOSTILE, harmful, hostile_packets

CAPTURES = Path(__file__).parents[2] / "captures"


@pytest.fixture
def capture(tmp_path: Path) -> str:
    return write(tmp_path / "trouble.pcapng", trouble())


def numbers(fzctl: Run, *arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(fzctl("stats", "-T", "json", *arguments).out)
    return found


def test_the_numbers_of_a_capture_are_told(fzctl: Run, capture: str) -> None:
    found = fzctl("stats", capture)
    assert (found.code, found.err) == (0, "fzctl: 7 messages in 7 packets\n")
    assert "7 messages in 30.0 s" in found.out
    assert "works.example" in found.out
    assert fzctl("-q", "stats", capture) == (0, found.out, "")


def test_json_counts_by_kind_and_domain(fzctl: Run, capture: str) -> None:
    found = json.loads(fzctl("stats", "-T", "json", capture).out)
    assert {each["name"]: each["messages"] for each in found["kinds"]} == {
        "assigned_ips": 4, "domain_status": 2, "goodbye": 1,
    }  # fmt: skip
    assert {each["domain"]: each["response_seconds"]["max"] for each in found["domains"]} == {
        "works.example": pytest.approx(0.05), "denied.example": pytest.approx(0.001), "silent.example": None,
    }  # fmt: skip
    assert found["total"]["rate"] == pytest.approx(6 / 30)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["-Y", "fzp2p.kind == 0"], 4),
        (["-Y", "fzp2p.response_to"], 2),
        (["-Y", "fzp2p.response_in"], 3),
        (["-c", "3"], 3),
        (["-Y", "fzp2p.kind == 9"], 0),
    ],
)
def test_filters_choose(options: list[str], count: int, fzctl: Run, capture: str) -> None:
    found = json.loads(fzctl("stats", "-T", "json", *options, capture).out)
    # A question that is repeated is answered twice over: each of its frames has the answer's.
    assert found["total"]["messages"] == (count if "response_in" not in options[-1] else 2)


def test_sessions_are_told_apart_by_file(fzctl: Run, capture: str) -> None:
    found = json.loads(fzctl("stats", "-T", "json", capture, str(CAPTURES / "setup.pcapng")).out)
    assert [(each["file"], each["session"], each["messages"]) for each in found["sessions"]] == [
        (capture, None, 7), (str(CAPTURES / "setup.pcapng"), None, 3),
    ]  # fmt: skip


def test_with_keys_sessions_have_numbers(fzctl: Run) -> None:
    encrypted = CAPTURES / "encrypted"
    found = json.loads(
        fzctl(
            "stats", "-T", "json", "-k", str(encrypted / "relayed.keys"), str(encrypted / "relayed.pcap")
        ).out
    )
    assert [each["session"] for each in found["sessions"]] == [1, 2]
    assert found["total"]["copies"] == 8


def test_a_broken_input_counts_what_came_before_and_is_exit_3(
    fzctl: Run, capture: str, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(Path(capture).read_bytes()[:-70])
    found = fzctl("stats", "-T", "json", str(tmp_path / "nosuch.pcap"), str(cut))
    assert (found.code, json.loads(found.out)["total"]["messages"]) == (3, 6)
    assert "nosuch.pcap: cannot be opened" in found.err


@pytest.mark.parametrize("options", [[], ["-T", "jsonl", "x"], ["-c", "0", "x"], ["-Y", "(", "x"]])
def test_a_wrong_command_line_is_exit_2(options: list[str], fzctl: Run) -> None:
    found = fzctl("stats", *options)
    assert (found.code, found.out) == (2, "")


def test_bars_are_of_signs_that_the_terminal_has(shell: Run, capture: str) -> None:
    unicode = shell(f"$FZCTL stats {capture}", PYTHONIOENCODING="utf-8")
    plain = shell(f"$FZCTL stats {capture}", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "█" in unicode.out
    assert "#" in plain.out
    assert plain.out.isascii()
    assert "\\u" not in plain.out


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_lines_that_fit(columns: int, terminal: Run, capture: str) -> None:
    found = terminal(f"$FZCTL stats --color never {capture}", columns=columns)
    assert found.code == 0
    assert all(len(line) <= columns for line in found.lines)


@pytest.mark.parametrize("form", ["text", "json", "text --color always"])
def test_hostile_text_reaches_no_form(form: str, fzctl: Run, hex_file: Callable[..., str]) -> None:
    names = [
        hex_file(*hostile_packets(), name=name.replace("/", "|").replace("\0", "")) for name in HOSTILE[:6]
    ]
    found = fzctl("stats", "--hex", "-T", *form.split(), *names)
    assert found.code == 0
    out = found.out
    for style in ("0", "2"):
        out = out.replace(f"\x1b[{style}m", "") if "always" in form else out
    assert not harmful(out + found.err)


def test_memory_grows_with_domains_not_with_messages() -> None:
    scene = Scene()
    scene.ask(0)
    scene.answer(0.5)
    stats = Stats()
    tracemalloc.start()
    for number in range(10_000):
        for each in scene.records:
            stats.observe(each._replace(time=(each.time or 0) + number * 10**9))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stats.report().total.messages == 20_000
    assert peak < 20 * 20_000  # a record alone has more than a hundred bytes
