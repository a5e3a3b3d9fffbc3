"""The verbs below ``fzctl wireshark``."""

from __future__ import annotations

import pytest

from fzctl.cli import wiresharkinstall, wiresharkopen
from fzctl.cli.parser import Parser, add_common_arguments
from fzctl.cli.wiresharkverbs import VERBS, add_verbs
from fzctl.errors import UsageError


@pytest.fixture
def parser() -> Parser:
    made = Parser(prog="fzctl wireshark")
    add_common_arguments(made)
    add_verbs(made.add_subparsers(dest="verb", required=True))
    return made


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("install --dry-run", wiresharkinstall.run_install),
        ("uninstall -n", wiresharkinstall.run_uninstall),
        ("profile -w a.zip", wiresharkopen.run_profile),
        ("open --print -k keys a.pcap", wiresharkopen.run_open),
    ],
)
def test_each_verb_leads_to_its_work(parser: Parser, line: str, run: object) -> None:
    assert parser.parse(line.split()).run_below is run


def test_common_options_stand_before_or_behind(parser: Parser) -> None:
    for line in ("-q install", "install -q"):
        assert parser.parse(line.split()).quiet
    assert not parser.parse(["install"]).quiet


def test_another_word_is_refused(parser: Parser) -> None:
    with pytest.raises(UsageError, match="remove"):
        parser.parse(["remove"])


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_tells_about_itself(parser: Parser, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser.parse([verb, "--help"])
    assert VERBS[verb][0][1:] in capsys.readouterr().out
