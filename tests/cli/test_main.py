"""The entry point: which verb, which exit code, and what is not loaded for it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import fzctl as package
from fzctl.cli.main import VERBS, main
from tests.cli.conftest import Run
from tests.records import goodbye

HEAVY = (
    "scapy",
    "rich",
    "pyshark",
    "cryptography",
    "shtab",
    "asyncio",
    "logging",
    "inspect",
    "pathlib",
    "dataclasses",
)


def test_help_looks_like_this(fzctl: Run, golden: Callable[[str, str], None]) -> None:
    found = fzctl("--help")
    assert (found.code, found.err) == (0, "")
    golden(found.out, "help.txt")


@pytest.mark.parametrize("arguments", [["-h"], ["help"], ["-q", "--help"], ["--color=never", "-h"]])
def test_help_is_asked_for_in_several_ways(arguments: list[str], fzctl: Run) -> None:
    assert fzctl(*arguments) == fzctl("--help")


def test_no_verb_is_a_mistake_and_no_data(fzctl: Run) -> None:
    found = fzctl()
    assert (found.code, found.out) == (2, "")
    assert found.err == fzctl("--help").out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_help(verb: str, fzctl: Run) -> None:
    found = fzctl(verb, "--help")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith(f"usage: fzctl {verb} [-h]")
    assert fzctl("help", verb) == found


def test_the_version(fzctl: Run) -> None:
    assert fzctl("--version") == (0, f"fzctl {package.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            ["decoed"],
            2,
            '"decoed" is no verb and no file; did you mean "decode"? (fzctl --help lists the verbs)',
        ),
        (
            ["nonsense\x1b[31m"],
            2,
            '"nonsense\\x1b[31m" is no verb and no file (fzctl --help lists the verbs)',
        ),
        ([""], 2, '"" is no verb and no file (fzctl --help lists the verbs)'),
        (["decode"], 2, "decode needs a capture file, or - for standard input (see fzctl decode --help)"),
        (
            ["logs", "--level", "x\nfzctl: all is well\x1b[2J", "-"],
            2,
            '"x\\x0afzctl: all is well\\x1b[2J" is no level; the levels are trace, debug, info, warn, error',
        ),
        (["decode", "--colour"], 2, "unrecognized arguments: --colour (see fzctl decode --help)"),
        (["--color"], 2, None),
        (["--color=blue", "decode"], 2, None),
        (["-q", "-v", "decode", "x"], 2, None),
        (["decode", "-T", "\x1b[31m", "x"], 2, None),
        (["nosuch.pcap"], 3, "nosuch.pcap: cannot be opened: No such file or directory"),
        (["./nosuch\x1b"], 3, "./nosuch\\x1b: cannot be opened: No such file or directory"),
        (["decode", "-w", "/nosuch/x", "-"], 3, "/nosuch/x: cannot be written: No such file or directory"),
        (["craft", "raw", "--kind", "256"], 2, None),
        (["craft"], 2, "the following arguments are required: MESSAGE (see fzctl craft --help)"),
    ],
)
def test_a_mistake_ends_in_one_sentence(
    arguments: list[str], code: int, sentence: str | None, fzctl: Run
) -> None:
    found = fzctl(*arguments)
    assert (found.code, found.out) == (code, "")
    assert found.err.isascii()
    assert "\x1b" not in found.err
    if sentence is not None:
        assert found.err == f"fzctl: {sentence}\n"


def test_a_file_alone_is_decoded(fzctl: Run, hex_file: Callable[..., str]) -> None:
    name = hex_file()
    assert fzctl("--hex", name) == fzctl("decode", "--hex", name)
    assert fzctl("-q", "--hex", name) == fzctl("-q", "decode", "--hex", name)
    assert fzctl("--hex", name).lines


def test_an_existing_file_needs_no_dot_in_its_name(
    fzctl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "capture").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert fzctl("capture").err == "fzctl: capture: the file is empty\n"


def test_a_bug_of_ours_is_a_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise ValueError("\x1b[31mboom")

    monkeypatch.setattr("fzctl.cli.main._dispatch", fail)
    monkeypatch.delenv("FZCTL_TRACEBACK", raising=False)
    assert main(["decode"]) == 70
    said = capsys.readouterr().err
    assert (
        said == "fzctl: this is a bug in fzctl (ValueError: \\x1b[31mboom); FZCTL_TRACEBACK=1 shows where\n"
    )
    monkeypatch.setenv("FZCTL_TRACEBACK", "1")
    assert main(["decode"]) == 70
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert f"{last}\n" == said


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("fzctl.cli.main._dispatch", interrupt)
    assert main(["decode"]) == 130
    assert capsys.readouterr().err == "fzctl: interrupted\n"


def test_a_machine_without_enough_memory_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def exhaust(*_: object) -> int:
        raise MemoryError

    monkeypatch.setattr("fzctl.cli.main._dispatch", exhaust)
    assert main(["decode"]) == 3
    assert capsys.readouterr().err.startswith("fzctl: there is not enough memory for this")


def test_a_limit_of_open_files_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def exhaust(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("fzctl.cli.main._dispatch", exhaust)
    monkeypatch.setattr(os, "open", exhaust)  # nor can the null device be opened
    assert main(["decode"]) == 3
    assert capsys.readouterr().err == "fzctl: too many files are open; ulimit -n tells how many may be\n"


LOADED = """
import io, sys
before = set(sys.modules)
from fzctl.cli.main import main
sys.stdout = io.TextIOWrapper(io.BytesIO())
code = main(sys.argv[1:])
print(code, *sorted(set(sys.modules) - before), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        ("--help", ("argparse", "json", "struct", "fzctl.protocol", "fzctl.records")),
        ("--version", ("argparse", "json", "struct", "fzctl.protocol", "fzctl.records")),
        (
            "decode -T jsonl {capture}",
            ("json", "fzctl.filter", "fzctl.redact", "fzctl.layers", "fzctl.render.table"),
        ),
        ("decode -T text {capture}", ("fzctl.filter", "fzctl.redact", "fzctl.layers", "fzctl.render.table")),
        ("decode -T fields -e frame.number -Y fzp2p {capture}", ("fzctl.redact", "fzctl.layers")),
        ("craft goodbye", ("fzctl.filter", "fzctl.pcap.writer")),
    ],
)
def test_nothing_is_loaded_that_is_not_used(
    arguments: str, unwanted: tuple[str, ...], shell: Run, tmp_path: Path
) -> None:
    (tmp_path / "loaded.py").write_text(LOADED)
    assert shell(f"$FZCTL decode --hex -w a.pcapng - <<< {goodbye().hex()}").code == 0
    found = shell(f"{sys.executable} loaded.py {arguments.format(capture='a.pcapng')}")
    code, *modules = found.err.splitlines()[-1].split()
    assert code == "0"
    loaded = {
        name
        for name in modules
        for each in (*HEAVY, *unwanted)
        if name == each or name.startswith(each + ".")
    }
    assert not loaded
