"""MESSAGE on the command line, from the declarations."""

from __future__ import annotations

import pytest

from fzctl.cli.message import add_message_arguments, build_layers, build_message
from fzctl.cli.parser import Parser
from fzctl.errors import EncodeError
from fzctl.protocol.kinds import KINDS, Kind
from tests.records import RESOURCE, goodbye


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
    with pytest.raises(EncodeError, match='DomainStatus: "x" is no UUID; --force makes it nevertheless'):
        build_message(parser().parse(options))
    forced = build_message(parser().parse([*options, "--force"]))
    assert forced.endswith(b'{"resource":"x","domain":"y","status":"z"}')


ALL = [
    ["goodbye"],
    ["assigned-ips", "--resource", RESOURCE, "--domain", "Example.com.", "--ip-count", "8"],
    ["domain-status", "--resource", RESOURCE.upper(), "--domain", "a\\ b", "--status", "Inactive"],
    ["no-authorization", "--dst", "fd00::1", "--tcp", "443"],
    ["request", "--resource", RESOURCE, "--domain", "a", "--ip", "::ffff:1.2.3.4"],
    ["response", "--resource", RESOURCE, "--domain", "a", "--code", "200"],
    ["raw", "--kind", "9"],
    ["raw", "--kind", "0xff", "--reserved", "01020304050607", "--json", "{"],
    ["raw", "--kind", "1", "--payload", "ff00" * 1000],
    ["assigned-ips", "--resource", "x", "--domain", "..", "--ip", "nonsense", "--force"],
    ["domain-status", "--resource", "x", "--domain", "\udcff", "--status", "\x1b", "--force"],
]


def test_the_messages_below_are_of_every_kind() -> None:
    assert {each[0] for each in ALL} == {"raw", *(kind.command for kind in KINDS)}


@pytest.mark.parametrize("words", ALL, ids=lambda words: words[0])
def test_layers_are_the_same_bytes(words: list[str]) -> None:
    args = parser().parse(words)
    assert bytes(build_layers(args)) == build_message(args)
