"""Findings and numbers in which nothing names anybody, but for what is ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.analysis import rules
from fzctl.analysis.analyzer import analyze
from fzctl.analysis.findingredaction import redact_finding, redact_report, redact_sentence, redact_subject
from fzctl.analysis.findings import Finding, Spot, Subject
from fzctl.analysis.stats import stats_of
from fzctl.nat.patterns import DomainPattern
from fzctl.redact.redactor import Redactor
from tests.analysis.scenario import NET, WEB, Scene
from tests.records import HOSTILE, RESOURCE, hostile_packets, raw, record

KEY = b"key"
words = st.from_regex(r"q[a-z]{4,9}z", fullmatch=True)


@given(st.lists(words, max_size=4))
def test_names_are_replaced_where_they_stand_and_the_rest_stays(names: list[str]) -> None:
    text = "here " + " and ".join(names) + " end"
    redacted, replaced = redact_sentence(text, tuple(names), Redactor(KEY))
    assert len(redacted) == len(text)
    assert redacted == "here " + " and ".join(replaced) + " end"
    assert all(
        after == Redactor(KEY).redact_text(before) for before, after in zip(names, replaced, strict=True)
    )


SECRETS = (
    *(WEB, NET, "10.20", "9.9.9", "100.100.111", "100.96", "10.50"),
    *(
        "qone",
        "qtwo",
        "qthree",
        "qtld",
        "qsecretz",
        "qexample",
        "qaddress",
        "qstatusz",
        "qprotocol",
        "qpattern",
    ),
)


def story_of_many_names() -> list[Finding]:
    """Every rule whose detail quotes the input, on names that no other word of ours holds."""
    scene = Scene()
    scene.ask(0, "qone", resource=WEB)
    scene.ask(1, "qtwo.qthree.qtld", resource=NET)  # the same proxy IPs
    scene.ask(4, "qone", 9, resource=WEB)
    packets = (
        raw(0, {"resource": "qsecretz", "domain": "qd.qexample", "proxy_ips": []}),
        raw(0, {"resource": WEB, "domain": "qone\"qtwo'..qthree", "proxy_ips": []}),
        raw(0, {"resource": WEB, "domain": "qd", "proxy_ips": ["qaddress"]}),
        raw(0, {"resource": WEB, "domain": "qips", "proxy_ips": ["10.20.30.40", "10.20.30.40", "9.9.9.99"]}),
        raw(0, {"resource": WEB, "domain": "qip2", "proxy_ips": ["100.100.111.77", *["100.96.77.1"] * 3]}),
        raw(0, {"resource": WEB, "domain": "qip3", "proxy_ips": [f"100.96.{n}.123" for n in (9, 7, 5, 3)]}),
        raw(1, {"resource": WEB, "domain": "qone", "status": "qstatusz"}),
        raw(3, {"dst": "10.50.60.70", "protocol": "icmp"}),
        raw(3, {"dst": "10.50.60.70", "protocol": "qprotocol"}),
    )
    for at, packet in enumerate(packets):
        scene.add(10 + at, packet, "a>b")
    return list(analyze(scene.records, patterns={None: DomainPattern("*.qpattern")}).findings)


def test_no_rule_gives_a_name_away() -> None:
    findings = story_of_many_names()
    quoting = {rules.REFUSED, rules.IP_REPEATED, rules.IP_RANGE, rules.IP_SENTINEL, rules.IP_ORDER}
    quoting |= {rules.UNKNOWN_STATUS, rules.DENIED, rules.IP_REASSIGNED, rules.OUTSIDE_PATTERN}
    assert quoting <= {finding.rule for finding in findings}
    redactor = Redactor(KEY)
    for finding in findings:
        redacted = redact_finding(finding, redactor)
        text = repr((redacted.subject, redacted.detail, redacted.names))
        for secret in SECRETS:
            assert secret not in text


def test_hostile_messages_are_redacted_without_an_exception() -> None:
    story = analyze(record(packet, frame) for frame, packet in enumerate(hostile_packets(), 1))
    redactor = Redactor(KEY)
    for finding in story.findings:
        redacted = redact_finding(finding, redactor)
        assert "[red]alert" not in redacted.detail
        assert "passwd" not in redacted.detail
    assert len(HOSTILE) < len(story.findings)


def test_the_file_of_a_spot_is_replaced_but_for_its_ending() -> None:
    finding = Finding(
        rules.ODD_HEADER, Subject(1, 1), "", (Spot(3, 5, "acme/acme.pcap"), Spot(4, 6, None)), 2
    )
    first, second = redact_finding(finding, Redactor(KEY)).spots
    assert first.file is not None
    assert re.fullmatch(r"(\w{4})/\1\.pcap", first.file)
    assert (first.frame, first.time, second) == (3, 5, Spot(4, 6, None))


def test_a_subject_without_names_stays() -> None:
    assert redact_subject(Subject(1, 2), Redactor(KEY)) == Subject(1, 2)


@pytest.mark.parametrize("file", [None, "acme.pcap"])
def test_numbers_stand_under_other_names(file: str | None) -> None:
    scene = Scene(session=1, file=file)
    scene.ask(0, "gitlab.acme.example", resource=RESOURCE)
    scene.answer(1, "gitlab.acme.example", resource=RESOURCE)
    before = stats_of(scene.records)
    after = redact_report(before, Redactor(KEY))
    assert not re.search(f"acme|gitlab|{RESOURCE}", repr(after))
    assert after.total == before.total
    assert [each._replace(name="") for each in after.domains.values()] == [
        each._replace(name="") for each in before.domains.values()
    ]
    [place] = after.sessions
    assert place == (file and Redactor(KEY).redact_path(file), 1)
