"""The runner: it finds what is broken, makes it small, says how to see it again, and keeps to its bounds."""

from __future__ import annotations

import json
import random
import resource
import time
from pathlib import Path

import pytest

from tests.fuzz import engines, run
from tests.fuzz.findings import Tally, failure_of
from tests.fuzz.guard import TooLargeError, TooSlowError, bounds
from tests.fuzz.keep import arcs_of
from tests.fuzz.mutate import Mutator, minimise
from tests.fuzz.script import Script, blob, mutated
from tests.fuzz.target import Target, load


def planted(data: bytes) -> None:
    """Breaks where an exclamation mark stands behind a bracket."""
    assert b"<" not in data or b"!" not in data.partition(b"<")[2]


def target_of(check: object) -> Target:
    return Target("planted", "Nothing breaks.", check, lambda: [b"abc<def", b"!"], (b"!", b"<"), 64, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ["mutate", "hypothesis"])
def test_what_is_broken_is_found_made_small_and_told_once(engine: str, tmp_path: Path) -> None:
    outcome = engines.ENGINES[engine](target_of(planted), engines.Limits(1.0, 0, tmp_path))
    assert outcome.executions > 10
    (finding,) = outcome.findings
    assert Path(finding.path).read_bytes() == b"<!"
    assert "AssertionError" in finding.words


@pytest.mark.skipif(not engines.has_atheris(), reason="atheris is not installed")
@pytest.mark.slow
def test_atheris_runs_in_a_process_of_its_own_and_reports(tmp_path: Path) -> None:
    outcome = engines.run_atheris(load("turn"), engines.Limits(1.0, 0, tmp_path))
    assert outcome.executions > 10
    assert outcome.findings == []
    assert json.loads((tmp_path / "turn.json").read_bytes())["seconds"] > 1


def test_a_run_tells_the_figures_and_a_finding_is_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["hexinput", "--engine", "mutate", "--seconds", "0.3", "--out", str(tmp_path)]
    assert run.main(arguments) == 0
    assert "findings 0" in capsys.readouterr().out
    monkeypatch.setattr(run, "load", lambda name: target_of(planted))
    assert run.main(arguments) == 1
    shown = capsys.readouterr().out
    assert "findings 1" in shown
    assert f"--replay {tmp_path}/planted-" in shown
    assert run.main(["no such target"]) == 2


def test_a_replay_shows_the_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"60000000")
    assert run.main(["hexinput", "--replay", str(path)]) == 0
    monkeypatch.setattr(run, "load", lambda name: target_of(planted))
    path.write_bytes(b"<!")
    with pytest.raises(AssertionError):
        run.main(["hexinput", "--replay", str(path)])


def test_an_input_without_end_is_stopped() -> None:
    def endless(data: bytes) -> None:
        while True:
            try:
                time.monotonic()
            except Exception:  # what a program does that catches too much
                continue

    with pytest.raises(TooSlowError), bounds(seconds=0.1):
        endless(b"")
    with bounds(seconds=0.1):
        planted(b"")


def test_an_input_that_takes_much_memory_is_told() -> None:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with pytest.raises(TooLargeError, match="more than 1"), bounds(mebibytes=1):
        assert len(b"x" * (most + (8 << 20))) > most


def test_what_breaks_at_one_place_is_one_finding(tmp_path: Path) -> None:
    tally = Tally(target_of(planted), tmp_path)
    assert [tally.run(data) for data in (b"<a!", b"b<!", b"<", b"x<<!!")] == [False, False, True, False]
    assert len(tally.findings) == 1
    assert isinstance(failure_of(target_of(planted), b"<!"), AssertionError)


def test_mutations_keep_to_their_length_and_are_the_same_for_the_same_seed() -> None:
    mutator = Mutator([b"abc", bytes(60)], (b"token",), 64)
    found = [mutator.draw(random.Random(seed)) for seed in range(300)]
    assert found == [mutator.draw(random.Random(seed)) for seed in range(300)]
    assert max(map(len, found)) <= 64
    assert len(set(found)) > 200
    assert any(b"token" in each for each in found)


def test_an_input_is_made_as_small_as_it_can_be() -> None:
    assert (
        minimise(bytes(500) + b"ab" + bytes(300) + b"c", lambda data: b"a" in data and b"c" in data) == b"ac"
    )


def test_a_script_reads_what_was_written_and_then_zeros() -> None:
    script = Script(b"\5" + blob(b"abc") + blob(bytes(300)) + b"\1")
    assert (script.choose(3), script.blob(), len(script.blob())) == (2, b"abc", 300)
    assert script
    assert script.byte() == 1
    assert not script
    assert (script.number(8), script.blob(), script.rest()) == (0, b"", b"")
    assert mutated(b"abc", Script(b"\1\0\0\1\xff")) == bytes((ord("a"), ord("b") ^ 0xFF, ord("c")))


def test_what_an_input_reaches_is_told_by_lines() -> None:
    target = load("turn")
    nothing, message = arcs_of(target, b""), arcs_of(target, target.seeds()[0])
    assert nothing
    assert len(message - nothing) > len(nothing - message)
