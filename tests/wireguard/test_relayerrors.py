"""What a relay refuses, in words."""

from __future__ import annotations

import pytest

from fzctl.wireguard.relayerrors import explain
from fzctl.wireguard.stun import ALLOCATE, ALTERNATE_SERVER, ERROR, Message, encode_address
from fzctl.wireguard.transactions import Answer, Question

ASK = Question(ALLOCATE)


def refused(code: int, reason: str = "", attributes: dict[int, bytes] | None = None) -> str:
    return explain(Answer(ASK, Message(ALLOCATE | ERROR, bytes(12), attributes or {}), code, reason))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (400, "malformed"),
        (401, "user name or password"),
        (403, "forbids"),
        (437, "another port"),
        (441, "another user"),
        (442, "does not relay UDP"),
        (443, "other IP version"),
        (486, "too many allocations"),
        (508, "try again later"),
    ],
)
def test_each_code_is_one_sentence(code: int, words: str) -> None:
    sentence = refused(code)
    assert words in sentence
    assert f"({code})" in sentence
    assert "\n" not in sentence
    assert not sentence.endswith(".")


def test_an_unknown_code_has_the_servers_own_words_but_not_all_of_them() -> None:
    assert refused(699, "for no reason") == "it refuses with 699 for no reason"
    assert refused(699) == "it refuses with 699"
    assert refused(699, "x" * 80) == f"it refuses with 699 {'x' * 80}"
    assert refused(699, "x" * 81) == f"it refuses with 699 {'x' * 77}..."


def test_another_server_is_named_and_not_followed() -> None:
    value = encode_address(("2001:db8::5", 3479), None)
    assert "[2001:db8::5]:3479" in refused(300, "", {ALTERNATE_SERVER: value})
    assert "another relay" in refused(300)


def test_silence_and_answers_without_proof_are_two_things() -> None:
    assert "does not answer" in explain(Answer(ASK, None, None))
    unproven = "it answers without a proof that it knows the password{}; check server and password"
    assert explain(Answer(ASK, None, None, "403 no", unproven=True)) == unproven.format(", last 403 no")
    assert explain(Answer(ASK, None, None, "", unproven=True)) == unproven.format("")
