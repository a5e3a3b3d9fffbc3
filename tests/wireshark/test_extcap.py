"""The extcap protocol: Wireshark's questions read, our answers in its grammar."""

from __future__ import annotations

import re

import pytest

from fzctl.errors import UsageError
from fzctl.wireshark.extcap import (
    Request,
    config_answer,
    dlts_answer,
    interfaces_answer,
    launcher,
    parse_request,
)

SENTENCE = re.compile(r"(extcap|interface|dlt|arg|value) (\{[a-z]+=[^{}]*\})+")
CAPTURE = ("--capture", "--extcap-interface", "fzctl", "--fifo", "/tmp/f")


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("--extcap-interfaces --extcap-version=4.0", "interfaces"),
        ("--extcap-interfaces --extcap-version 4.4", "interfaces"),
        ("--extcap-interfaces", "interfaces"),
        ("--extcap-dlts --extcap-interface fzctl", "dlts"),
        ("--extcap-config --extcap-interface fzctl", "config"),
        ("--extcap-capture-filter fzp2p --extcap-interface fzctl", "verify"),
    ],
)
def test_each_question_is_understood(line: str, action: str) -> None:
    assert parse_request(line.split()).action == action


def test_a_capture_has_its_options_in_either_way_of_writing() -> None:
    options = (
        "--file=/a b",
        "--keys",
        "/k",
        "--filter",
        "fzp2p.kind == 1",
        "--extcap-capture-filter=fzp2p",
        "--all",
    )
    assert parse_request((*CAPTURE, *options)) == Request(
        "capture", "/tmp/f", "/a b", "", "/k", "fzp2p.kind == 1", "fzp2p", True
    )


@pytest.mark.parametrize(
    ("words", "everything"),
    [
        (("--all",), True),
        (("--all", "true"), True),
        (("--all", "false"), False),
        (("--all=0",), False),
        ((), False),
    ],
)
def test_a_flag_is_a_word_alone_or_with_its_value(words: tuple[str, ...], everything: bool) -> None:
    assert parse_request((*CAPTURE, "--interface", "lo", *words, "--filter=")).everything is everything


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Wireshark starts this program"),
        (("--help",), "unknown option --help"),
        (("capture",), "unknown option capture"),
        (("--capture", "--file=a"), "--fifo"),
        (("--extcap-dlts", "--extcap-interface", "eth0"), "no interface eth0"),
        (("--capture", "--fifo"), "--fifo needs a value"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_request(words)


@pytest.mark.parametrize("answer", [interfaces_answer(), dlts_answer(), config_answer(["lo", "eth0"])])
def test_answers_are_sentences_of_the_protocol(answer: str) -> None:
    for line in answer.splitlines():
        assert SENTENCE.fullmatch(line), line


def test_packets_come_as_raw_ip() -> None:
    assert "{number=101}" in dlts_answer()


def test_every_option_that_is_offered_is_understood() -> None:
    answer = config_answer(["lo"])
    for call in re.findall(r"\{call=(--[a-z]+)\}", answer):
        assert parse_request([*CAPTURE, f"{call}=x"]) != parse_request(CAPTURE)
    assert "{value=lo}" in answer


def test_the_launcher_starts_that_python_and_passes_everything_on() -> None:
    assert launcher("/opt/my python/bin/python").decode().splitlines()[-1] == (
        "exec '/opt/my python/bin/python' -P -m fzctl.cli.extcap \"$@\""
    )
