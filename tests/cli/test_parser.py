"""The parsers of the verbs."""

from __future__ import annotations

import re
from argparse import ArgumentParser

import pytest

from fzctl.cli.main import VERBS
from fzctl.cli.parser import Parser, add_common_arguments, build_parser
from fzctl.errors import UsageError
from tests.cli.conftest import Run


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_its_help(verb: str) -> None:
    parser = build_parser(verb)
    assert all(action.help for action in parser._actions if action.option_strings)
    assert parser.description


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_a_hundred_columns(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = build_parser(verb).format_help()
    assert max(map(len, text.splitlines())) <= 100
    assert re.search(r"^everywhere:$", text, re.MULTILINE)


@pytest.mark.parametrize("verb", ["decode", "client"])
def test_options_fit_a_terminal_that_is_narrower(verb: str, terminal: Run) -> None:
    lines = terminal(f"$FZCTL {verb} --help", columns=80).lines
    options = [line for line in lines if line.startswith("   ")]
    assert 60 < max(map(len, options)) <= 80
    lines = terminal(f"$FZCTL {verb} --help", columns=0).lines
    assert 80 < max(map(len, lines)) <= 100


def test_the_list_of_verbs_fits_a_terminal() -> None:
    assert all(len(verb) < 12 and len(what) <= 66 for verb, what in VERBS.items())


def test_an_error_is_ours_and_harmless() -> None:
    with pytest.raises(UsageError, match=r"^unrecognized arguments: \\x1b\[31m \(see fzctl x --help\)$"):
        Parser(prog="fzctl x").parse(["\x1b[31m"])


def test_options_are_not_guessed() -> None:
    with pytest.raises(UsageError):
        build_parser("decode").parse(["--dial", "seed", "x"])


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "-c", "1", "b"], ["a", "b"]),
        (["-c", "1", "a", "-x", "b", "c"], ["a", "b", "c"]),
        (["a", "-x", "-"], ["a", "-"]),
        (["--", "-a"], ["-a"]),
    ],
)
def test_files_stand_anywhere(arguments: list[str], files: list[str]) -> None:
    assert build_parser("decode").parse(arguments).files == files


def test_an_unknown_option_is_no_file() -> None:
    with pytest.raises(UsageError, match="unrecognized arguments: b --nonsense"):
        build_parser("decode").parse(["a", "-x", "b", "--nonsense"])


def test_common_options_have_their_defaults() -> None:
    parser = ArgumentParser()
    add_common_arguments(parser)
    assert vars(parser.parse_args([])) == {"quiet": False, "verbose": False, "color": "auto"}
