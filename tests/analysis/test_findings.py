"""Findings: equal ones together, the worst first, in memory that does not grow with repetition."""

from __future__ import annotations

from fzctl.analysis.findings import MOST_SPOTS, Findings, Spot, Subject, spot_of
from fzctl.analysis.rules import INACTIVE, ODD_HEADER, REFUSED, UNASKED
from tests.records import TIME, goodbye, record

A, B = Subject(1, 1, "r", "a"), Subject(1, 1, "r", "b")


def spot(frame: int) -> Spot:
    return Spot(frame, None, None)


def test_the_same_thing_is_one_finding_with_its_frames() -> None:
    findings = Findings()
    for frame in range(1, MOST_SPOTS + 11):
        findings.add(INACTIVE, A, f"the {frame}th", spot(frame))
    [found] = findings.listed()
    assert (found.times, found.detail, found.subject) == (MOST_SPOTS + 10, "the 1th", A)
    assert found.frames == tuple(range(1, MOST_SPOTS + 1))


def test_another_subject_or_variant_is_another_finding() -> None:
    findings = Findings()
    findings.add(REFUSED, A, "", spot(1), variant="bad_json")
    findings.add(REFUSED, A, "", spot(2), variant="bad_ip")
    findings.add(REFUSED, B, "", spot(3), variant="bad_ip")
    assert [found.times for found in findings.listed()] == [1, 1, 1]


def test_the_worst_comes_first_and_then_what_was_seen_first() -> None:
    findings = Findings()
    findings.add(ODD_HEADER, A, "", spot(1))
    findings.add(UNASKED, A, "", spot(2))
    findings.add(INACTIVE, B, "", spot(9))
    findings.add(INACTIVE, A, "", spot(3), spot(4))
    assert [found.frames for found in findings.listed()] == [(3, 4), (9,), (2,), (1,)]


def test_unwanted_rules_leave_nothing() -> None:
    findings = Findings(lambda rule: rule is INACTIVE)
    findings.add(UNASKED, A, "", spot(1))
    assert findings.listed() == []


def test_a_spot_is_where_the_record_is() -> None:
    assert spot_of(record(goodbye(), frame=3, file="x.pcap")) == Spot(3, TIME, "x.pcap")
