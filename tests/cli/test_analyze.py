"""``fzctl analyze`` as users run it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run
from tests.records import harmful, hostile_packets

SAMPLES = ROOT / "captures"
INACTIVE, SETUP = str(SAMPLES / "inactive.pcapng"), str(SAMPLES / "setup.pcapng")


def test_the_text_begins_with_what_is_wrong(fzctl: Run) -> None:
    found = fzctl("analyze", INACTIVE)
    assert (found.code, found.err) == (0, "")
    assert found.lines[2].startswith("wiki.example.com does not work: the gateway answered Inactive")
    assert "Ladder" in found.out
    assert "\x1b" not in found.out


def test_the_ladder_may_be_whole_or_left_out(fzctl: Run, hex_file: Callable[..., str]) -> None:
    many = hex_file(*hostile_packets())
    assert " more ..." in fzctl("analyze", "--hex", many).out
    assert " more ..." not in fzctl("analyze", "--hex", "--ladder", many).out
    assert "Ladder" not in fzctl("analyze", "--hex", "--no-ladder", many).out


def test_json_is_one_object_for_all_inputs(fzctl: Run) -> None:
    found = json.loads(fzctl("analyze", "-T", "json", INACTIVE, SETUP).out)
    assert [each["verdict"] for each in found["analyses"]] == ["bad", "good"]
    assert [each["files"] for each in found["analyses"]] == [[INACTIVE], [SETUP]]


def test_the_moment_is_shown(fzctl: Run) -> None:
    assert "The state at +5\n" in fzctl("analyze", "--at", "+5", INACTIVE).out
    found = fzctl("analyze", "--at", "noon", INACTIVE)
    assert (found.code, found.out) == (2, "")


def test_files_are_written_beside_each_other_and_nothing_is_printed(fzctl: Run, tmp_path: Path) -> None:
    svg, html = tmp_path / "a.svg", tmp_path / "a.html"
    found = fzctl("analyze", "--svg", str(svg), "--html", str(html), INACTIVE)
    assert (found.code, found.out) == (0, "")
    assert found.err == f"fzctl: {svg}: written\nfzctl: {html}: written\n"
    assert svg.read_text().startswith("<svg ")
    assert html.read_text().startswith("<!DOCTYPE html>")
    assert sorted(os.listdir(tmp_path)) == ["a.html", "a.svg"]
    assert fzctl("-q", "analyze", "-T", "text", "--svg", str(svg), INACTIVE).out != ""


def test_a_file_that_cannot_be_written_is_a_sentence_and_leaves_nothing(fzctl: Run, tmp_path: Path) -> None:
    found = fzctl("analyze", "--html", str(tmp_path / "no" / "a.html"), INACTIVE)
    assert found.code == 3
    assert re.fullmatch(r"fzctl: .*a\.html: cannot be written: No such file or directory\n", found.err)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("option", ["--svg", "--html"])
def test_an_input_is_never_overwritten(fzctl: Run, tmp_path: Path, option: str) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(Path(INACTIVE).read_bytes())
    found = fzctl("analyze", option, str(path), str(path))
    assert found.code == 2
    assert path.read_bytes() == Path(INACTIVE).read_bytes()
    assert fzctl("analyze", option, "-", INACTIVE).code == 2
    assert fzctl("analyze", "--svg", str(tmp_path / "x"), "--html", str(tmp_path / "x"), INACTIVE).code == 2


def test_hostile_messages_are_harmless_in_every_form(
    fzctl: Run, hex_file: Callable[..., str], tmp_path: Path
) -> None:
    many, svg, html = hex_file(*hostile_packets()), tmp_path / "a.svg", tmp_path / "a.html"
    for form in ("text", "json"):
        found = fzctl("analyze", "--hex", "--ladder", "-T", form, many)
        assert found.code == 0
        assert len(found.out) > 5000
        assert harmful(found.out) == set()
    assert fzctl("-q", "analyze", "--hex", "--svg", str(svg), "--html", str(html), many).code == 0
    assert harmful(svg.read_text() + html.read_text()) == set()


@pytest.mark.parametrize(
    "name", ["setup", "inactive", "kinds", "refused", "encrypted/direct", "encrypted/relayed"]
)
def test_nothing_that_names_anybody_survives_redaction(fzctl: Run, tmp_path: Path, name: str) -> None:
    [path] = SAMPLES.glob(f"{name}.pcap*")
    keys = path.with_suffix(".keys")
    options = ["-q", "analyze", *(["-k", str(keys)] if keys.exists() else []), "--at", "+1", str(path)]
    svg, html = tmp_path / "a.svg", tmp_path / "a.html"
    files = ["--svg", str(svg), "--html", str(html)]

    def everything(*more: str) -> str:
        texts = [fzctl(*options, *more, "--ladder", "-T", form, *files).out for form in ("text", "json")]
        found = "".join([*texts, svg.read_text(), html.read_text()])
        # What the protocol spells itself, in advice and the glossary.
        return (
            found.replace("*.example.com", "")
            .replace("fd00:2021:1111:8000::/107", "")
            .replace("100.96.0.0/11", "")
            .replace(str(path), "")
        )

    names = re.compile(
        r"[\w-]+\.example\.\w+|[0-9a-f]{8}-[0-9a-f-]{27}|\b(?:100|192|198|10)\.\d+\.\d+\.\d+\b|fd00:[0-9a-f:]+[0-9a-f]|café|gitlab|wiki"
    )
    private = set(names.findall(everything()))
    assert private
    assert [each for each in private if each in everything("--redact")] == []


def test_with_a_key_two_runs_are_redacted_alike(fzctl: Run, tmp_path: Path) -> None:
    key = str(tmp_path / "key")
    once, again = (fzctl("-q", "analyze", "--redact-key", key, INACTIVE).out for _ in range(2))
    assert once == again
    assert "wiki.example.com" not in once
    assert "Inactive after 12.040 s" in once


def test_no_input_and_a_missing_one_are_sentences(fzctl: Run, tmp_path: Path) -> None:
    assert fzctl("analyze").code == 2
    found = fzctl("analyze", str(tmp_path / "none.pcap"))
    assert found.code == 3
    assert found.err.count("\n") == 1


def test_a_capture_without_messages_says_so(fzctl: Run) -> None:
    found = fzctl("analyze", str(SAMPLES / "encrypted" / "direct.pcap"))
    assert "There is no control message in this input." in found.out
    assert "WireGuard" in found.err


def test_on_a_terminal_it_fits_and_has_colours(terminal: Run) -> None:
    found = terminal(f"$FZCTL analyze {INACTIVE}", columns=80)
    assert found.code == 0
    assert "\x1b[31m" in found.out
    assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in found.lines if "captures" not in line) <= 80


def test_a_reader_that_goes_away_ends_it_quietly(shell: Run) -> None:
    found = shell(f"set +o pipefail; $FZCTL analyze {INACTIVE} | head -1")
    assert (found.code, found.err) == (0, "")
