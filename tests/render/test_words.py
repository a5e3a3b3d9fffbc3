"""What a message says, in few words."""

from __future__ import annotations

import pytest

from fzctl.render.words import Words, count_of, describe, error_of, shorten, title_of, verdict_of
from tests.records import RESOURCE, assigned, goodbye, raw, record, status


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        ([], ""),
        (["100.96.0.1"], "100.96.0.1"),
        (["100.96.0.1", "100.96.0.2"], "100.96.0.1, 100.96.0.2"),
        (["100.96.0.1", "100.96.0.2", "100.96.0.3"], "100.96.0.1..3"),
        (["100.96.0.255", "100.96.1.0", "100.96.1.1"], "100.96.0.255, 100.96.1.0, 100.96.1.1"),
        (["fd00::", "fd00::1", "fd00::2"], "fd00::..2"),
        (["fd00::9", "fd00::a", "fd00::b"], "fd00::9..b"),
        (["::fffe", "::ffff", "::1:0"], "::fffe, ::ffff, ::1:0"),
        (["10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2", "fd00::3"], "10.0.0.1..3, fd00::1..3"),
        (["10.0.0.3", "10.0.0.2", "10.0.0.1"], "10.0.0.3, 10.0.0.2, 10.0.0.1"),
        (["10.0.0.1", "10.0.0.1", "10.0.0.1"], "10.0.0.1, 10.0.0.1, 10.0.0.1"),
        (["a.1", "a.2", "a.x"], "a.1, a.2, a.x"),
        (["1", "2", "3"], "1, 2, 3"),
        (["Active"], "Active"),
        (["tcp port 443"], "tcp port 443"),
    ],
)
def test_runs_of_addresses_are_shortened_and_nothing_else(texts: list[str], shown: str) -> None:
    assert shorten(texts) == shown


def test_an_accepted_message() -> None:
    assert describe(record(assigned())) == Words(
        "AssignedIps", "example.com", RESOURCE, "100.96.0.1..4", "ok", "good", ""
    )


def test_a_refused_message_keeps_what_could_be_read() -> None:
    found = describe(record(raw(1, {"resource": RESOURCE, "domain": "..", "status": "Active"})))
    assert (found.domain, found.resource, found.content) == ("", RESOURCE, "Active")
    assert (found.verdict, found.mood) == ("refused", "bad")
    assert found.remark.startswith('bad_domain: ".." has an empty label')


def test_a_copy_says_of_which_frame() -> None:
    assert describe(record(goodbye(), copy_of=3)).remark == "copy of frame 3"
    other = describe(record(goodbye(), copy_of=3, copy_in="b\x1b.pcap"))
    assert other.remark == "copy of frame 3 of b\\x1b.pcap"
    assert describe(record(raw(9), copy_of=3)).remark.endswith("; receivers ignore it, copy of frame 3")


@pytest.mark.parametrize(
    ("packet", "title", "verdict"),
    [
        (status(), "DomainStatus", ("ok", "good")),
        (raw(9), "kind 9", ("ignored", "ignored")),
        (raw(0), "AssignedIps", ("refused", "bad")),
        (goodbye()[:4] + b"\0\5" + goodbye()[6:45], "(no header)", ("refused", "bad")),
        (goodbye()[:45], "(bad packet)", ("refused", "bad")),
        (
            bytes.fromhex("4500001400000000400600000a0000010a000002")[:9] + b"\xfd" + bytes(10),
            "(no control)",
            ("ignored", "ignored"),
        ),
        (b"", "(bad packet)", ("refused", "bad")),
    ],
)
def test_a_message_has_a_title_and_a_verdict(packet: bytes, title: str, verdict: tuple[str, str]) -> None:
    message = record(packet).message
    assert (title_of(message), verdict_of(message)) == (title, verdict)


def test_an_error_is_never_without_a_sentence() -> None:
    message = record(raw(0)).message
    assert error_of(message) == message.error
    assert error_of(message._replace(error=None)) == "the payload's JSON syntax is wrong"


@pytest.mark.parametrize(("number", "text"), [(0, "no bytes"), (1, "1 byte"), (2, "2 bytes")])
def test_counts_read_as_english(number: int, text: str) -> None:
    assert count_of(number, "byte") == text
