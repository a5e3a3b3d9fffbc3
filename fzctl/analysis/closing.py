"""What can be judged only afterwards: when a domain was answered, and when its connection is over."""

from __future__ import annotations

from typing import Final

from fzctl.analysis import rules, traffic
from fzctl.analysis.domains import DomainEntry
from fzctl.analysis.findings import Findings, Spot, Subject

LOOKUP_LIMIT: Final = 10_000_000_000
SILENCE: Final = 180_000_000_000
"""After as many nanoseconds WireGuard uses a session no longer."""
JITTER: Final = 100_000_000
"""A receiver sees two sendings as far apart as they were, but for what the network's delay varies."""


def judge_open(entry: DomainEntry, end: int | None, findings: Findings) -> None:
    """An exchange that has no answer at ``end``, and will get none."""
    asked = entry.exchange
    if asked is None or asked.answer is not None:
        return
    waited = since(asked.questions[0], end)
    times = "once" if asked.question_count == 1 else f"{asked.question_count} times"
    if waited is not None and waited < LOOKUP_LIMIT:
        ago = f"first {seconds(waited)} before the end" if waited else "at the very end"
        detail = f"asked {times}, {ago}"
        findings.add(rules.STILL_OPEN, entry.subject, detail, *asked.questions)
    else:
        within = "" if waited is None else f" within {seconds(waited)}"
        findings.add(rules.UNANSWERED, entry.subject, f"asked {times}, no answer{within}", *asked.questions)
    if entry.overdue is not None:
        detail = f"a packet in frame {entry.overdue.frame} should have made the client ask again"
        findings.add(rules.NEVER_RESENT, entry.subject, detail, asked.last, entry.overdue)


def judge_lost(entry: DomainEntry, file: str | None, findings: Findings) -> None:
    """Traffic to a domain whose NAT had failed."""
    lost = entry.tallies.get(traffic.FAILED)
    if lost is None or not lost.packets_to:
        return
    spots = () if lost.first_frame is None else (Spot(lost.first_frame, lost.first_time, file),)
    packets = "1 packet" if lost.packets_to == 1 else f"{lost.packets_to} packets"
    detail = f"{packets}, {lost.bytes_to} bytes"
    findings.add(rules.LOST_WHILE_FAILED, entry.subject, detail, *spots)


def judge_silence(
    subject: Subject, last: Spot, last_time: int | None, end: int | None, findings: Findings
) -> None:
    """A connection without a packet since ``last_time``, in an input that goes on until ``end``."""
    if last_time is not None and end is not None and end - last_time >= SILENCE:
        detail = f"no packet in the last {(end - last_time) // 10**9} s of the capture"
        findings.add(rules.NO_GOODBYE, subject, detail, last)


def why_inactive(passed: int | None, fastest: int | None, *, is_outside: bool) -> str:
    """What the time until an Inactive says about its cause; ``fastest`` is that of any Active there."""
    if passed is None:
        return "Inactive; how long the gateway took is not known"
    took = f"Inactive after {seconds(passed)}"
    if is_outside:
        return f"{took}: the resource's address does not cover the domain"
    if passed >= LOOKUP_LIMIT - JITTER:
        return f"{took}: the gateway's DNS lookup did not end in its ten seconds"
    if fastest is not None and passed < fastest:
        return f"{took}, sooner than any Active: likely no authorization for this resource"
    return f"{took}: no authorization, no DNS resource, or an address that does not cover the domain"


def since(spot: Spot, time: int | None) -> int | None:
    """Nanoseconds from ``spot`` to ``time``, ``None`` where one of them is not known."""
    return None if time is None or spot.time is None else time - spot.time


def seconds(nanoseconds: int) -> str:
    """A span of time for people."""
    if nanoseconds >= 10**9:
        return f"{nanoseconds / 1e9:.3f} s"
    return f"{nanoseconds / 1e6:.3f}"[:5].rstrip(".") + " ms"
