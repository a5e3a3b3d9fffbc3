"""MESSAGE on the command line, from the declarations."""

from __future__ import annotations

import pytest

from fzctl.cli.message import add_message_arguments, build_message
from fzctl.cli.parser import Parser
from fzctl.errors import EncodeError
from fzctl.protocol.kinds import KINDS, Kind
from tests.records import goodbye


def parser() -> Parser:
    shared = Parser(prog="", add_help=False)
    shared.add_argument("--force", action="store_true")
    found = Parser(prog="x")
    add_message_arguments(found, shared)
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_declared_kind_is_a_message_with_its_options(
    kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse([kind.command, "--help"])
    text = capsys.readouterr().out
    assert kind.sentence in text
    for field in kind.fields:
        for option in field.options():
            assert f"--{option.flag.replace('_', '-')}" in text


def test_options_become_a_packet() -> None:
    assert build_message(parser().parse(["goodbye"])) == goodbye()
    assert build_message(parser().parse(["raw", "--kind", "2"])) == goodbye()


def test_a_refusal_is_the_encoders_own_and_force_overrules_it() -> None:
    options = ["domain-status", "--resource", "x", "--domain", "y", "--status", "z"]
    with pytest.raises(EncodeError, match='DomainStatus: "x" is no UUID'):
        build_message(parser().parse(options))
    forced = build_message(parser().parse([*options, "--force"]))
    assert forced.endswith(b'{"resource":"x","domain":"y","status":"z"}')
