"""The gateway's table: what the client told, until it tells an address for another domain."""

from __future__ import annotations

from fzctl.analysis.domains import DomainEntry
from fzctl.analysis.findings import Findings, Spot, Subject
from fzctl.analysis.gatewaytable import GatewayTable
from fzctl.protocol.ranges import proxy_ips


def told(domain: str, frame: int, number: int = 0, resource: str = "r") -> DomainEntry:
    entry = DomainEntry(Subject(1, 1, resource, domain), domain.lower())
    entry.ask(frame, Spot(frame, None, None), b"", proxy_ips(8, number))
    return entry


def test_rows_are_what_was_told_last() -> None:
    table = GatewayTable(Findings())
    first, again = told("a.example", 1), told("A.example", 2, resource="other")
    for entry in (first, again):
        table.write(entry, entry.proxy_ips, Spot(2, None, None))
    assert [row.proxy_ip for row in table.rows()] == proxy_ips(8)
    assert {(row.domain, row.resource, row.spot.frame) for row in table.rows()} == {("A.example", "other", 2)}
    assert table.holds(first), "it is the same domain"
    assert len(table.wipes) == table.generation == 0


def test_another_domain_wipes_all_and_says_so() -> None:
    findings = Findings()
    table = GatewayTable(findings)
    first, second, thief = told("a.example", 1), told("b.example", 2, 1), told("c.example", 3, 1)
    for entry in (first, second, thief):
        table.write(entry, entry.proxy_ips, Spot(entry.told.frame if entry.told else 0, None, None))
    assert [table.holds(entry) for entry in (first, second, thief)] == [False, False, True]
    [finding] = findings.listed()
    assert (finding.rule.id, finding.frames, finding.subject.domain) == ("FZ207", (2, 3), "c.example")
    assert finding.detail == "100.96.0.5 was b.example's, 16 proxy IPs were forgotten"
    [wipe] = table.wipes.kept().things
    assert (wipe.before, wipe.domain, wipe.rows, table.generation) == ("b.example", "c.example", 16, 1)


def test_nothing_is_left_when_the_connection_is_over() -> None:
    table = GatewayTable(Findings())
    entry = told("a.example", 1)
    table.write(entry, entry.proxy_ips, Spot(1, None, None))
    table.clear()
    assert table.rows() == ()
    assert not table.holds(entry)
