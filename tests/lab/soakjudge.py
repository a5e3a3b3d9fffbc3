"""What a soaked tunnel has to hold, from what its relay and its ends have written down."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

from fzctl.live.player import CONFIRMED, PENDING
from fzctl.protocol.packet import is_ours
from fzctl.wireguard.decryptor import Decryptor
from fzctl.wireguard.keylog import parse_keylog
from fzctl.wireguard.messages import INITIATION, RESPONSE, TRANSPORT, message_type
from fzctl.wireguard.refusals import EXPIRED, OLD_TIMESTAMP, REPLAYED, TOO_SOON
from fzctl.wireguard.results import NO_HANDSHAKE, OK
from fzctl.wireguard.stun import decode_message
from fzctl.wireguard.timers import REKEY_JITTER, REKEY_TIMEOUT, SILENCE_TIME
from fzctl.wireguard.turn import unwrap
from tests.lab.rough import TO_FAR, TO_NEAR, read_journal
from tests.lab.soakend import digest

STALL: Final = REKEY_TIMEOUT + REKEY_JITTER
RECOVERY: Final = SILENCE_TIME + 4 * STALL
"""So long after all have slept there may be no session yet."""
GROWTH: Final = 0.02
OBJECT_GROWTH: Final = 0.1
"""Their number goes up and down with what is open; a table that grows holds thousands in the end."""
LEAST_TIME: Final = 240.0
"""Of a shorter time nothing can be said: what is put off for half a minute still piles up."""
_RESEND: Final = 2.0  # of a client, client/dns_resource_nat.rs
_TRAFFIC: Final = 0.5
_SLACK: Final = 0.5
_MARGIN: Final = 1.0
# What a rough path leads to: copies, and handshake messages that come late.
_USUAL: Final = frozenset((OK, REPLAYED, NO_HANDSHAKE, OLD_TIMESTAMP, TOO_SOON))

Span = tuple[float, float]


class Verdict(NamedTuple):
    """Figures for people, and what did not hold."""

    figures: dict[str, Any]
    broken: list[str]


class End(NamedTuple):
    """What an end saw: digests with their times, and when it was there."""

    left: list[tuple[float, str]]
    came: list[tuple[float, str]]
    span: Span


class Sealed(NamedTuple):
    """An inner packet on the outside: when it reached the relay, when its last copy left that."""

    time: float
    until: float
    copies: int
    digest: str
    is_control: bool


def read_end(folder: Path) -> End:
    left: list[tuple[float, str]] = []
    came: list[tuple[float, str]] = []
    marks: list[float] = []
    for line in (folder / "packets").read_text().splitlines():
        when, what, *rest = line.split()
        if rest:
            (left if what == ">" else came).append((float(when), rest[0]))
        else:
            marks.append(float(when))
    assert len(marks) == 2, f"the end in {folder} did not live to its end"
    return End(left, came, (marks[0], marks[1]))


def judge_tunnel(folder: Path, pauses: Sequence[Span], keys: Path, *, knows_fates: bool = True) -> Verdict:
    """``folder`` holds ``relay``, ``far`` and, where the end is ours and not a verb, ``near``."""
    broken: list[str] = []
    figures: dict[str, Any] = {}
    sealed = _open_all(folder / "relay", keys, figures, broken)
    ends = {TO_FAR: read_end(folder / "far")}
    if (folder / "near" / "packets").exists():
        ends[TO_NEAR] = read_end(folder / "near")
        mine = Counter(name for _, name in ends[TO_NEAR].left)
        seen = Counter(one.digest for one in sealed[TO_FAR])
        if mine != seen:
            never, unasked = (mine - seen).total(), (seen - mine).total()
            broken.append(f"{never} packets of ours never left, {unasked} did unasked")
    for way, name in ((TO_FAR, "wireguard-go"), (TO_NEAR, "our end")):
        if way in ends:
            only_control = way == TO_FAR
            packets = [one for one in sealed[way] if one.is_control or not only_control]
            # A command of ours sends nothing but its messages, and those in bursts.
            is_steady = way == TO_NEAR or TO_NEAR in ends
            broken += _judge_way(
                name, ends[way], packets, pauses, figures, knows_fates=knows_fates, is_steady=is_steady
            )
    for name in ("near", "far"):
        if (folder / name / "steps").exists() and (folder / name / "steps").stat().st_size:
            steps = [json.loads(line) for line in (folder / name / "steps").read_text().splitlines()]
            broken += judge_exchanges(steps, pauses, figures)
        if (folder / name / "states").exists():
            states = [json.loads(line) for line in (folder / name / "states").read_text().splitlines()]
            broken += _judge_states(name, states, pauses, figures)
    return Verdict(figures, broken)


def judge_exchanges(
    steps: Iterable[dict[str, Any]], pauses: Sequence[Span], figures: dict[str, Any]
) -> list[str]:
    """Every question is answered, at the time that the rules of repeating tell."""
    broken: list[str] = []
    seconds: list[float] = []
    sendings: Counter[int] = Counter()
    rounds: dict[str, list[int]] = {}
    open_in_the_end = excused = 0
    for step in steps:
        domain, turn, begun = step["domain"], step["round"], step["asked_at"]
        if step["state"] == PENDING:
            open_in_the_end += 1
            continue
        rounds.setdefault(domain, []).append(turn)
        if _meets(pauses, (begun - _MARGIN, step["time"] + _MARGIN)):
            excused += 1
            continue
        if step["state"] != CONFIRMED:
            broken.append(f"{domain}, round {turn}: {step['state']} after {step['sent_count']} sendings")
            continue
        took, sent = step["answered_at"] - begun, step["sent_count"]
        seconds.append(took)
        sendings[sent] += 1
        if not _RESEND * (sent - 1) - 0.01 <= took <= (_RESEND + _TRAFFIC) * sent + _SLACK:
            broken.append(f"{domain}, round {turn}: the answer took {took:.2f} s with {sent} sendings")
    for domain, turns in rounds.items():
        # One that was given up may be answered later.
        turns = list(dict.fromkeys(turns))
        if turns != list(range(1, len(turns) + 1)):
            broken.append(f"{domain}: the rounds that ended are {turns}")
    if not seconds:
        return broken if pauses else [*broken, "no exchange came to its end"]
    parts = quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    figures["exchanges"] = {
        "answered": len(seconds),
        "repeats": sum((sent - 1) * many for sent, many in sendings.items()),
        "most sendings": max(sendings),
        "open in the end": open_in_the_end,
        "excused by a pause": excused,
        "seconds, median": round(median(seconds), 4),
        "seconds, 99 %": round(parts[98], 3),
        "seconds, most": round(max(seconds), 3),
    }
    return broken


def judge_growth(
    samples: Sequence[tuple[float, float]], what: str, figures: dict[str, Any], most: float = GROWTH
) -> list[str]:
    """The last third's median against that of the second third; ``samples`` are moments and values."""
    if len(samples) < 3:
        return []
    third = len(samples) // 3
    values = [value for _, value in samples]
    before, after = median(values[third : 2 * third]), median(values[2 * third :])
    growth = after / before - 1
    figures[what] = {
        "second third": before,
        "last third": after,
        "growth": f"{growth:+.2%}",
        "of": len(samples),
    }
    if samples[-1][0] - samples[0][0] >= LEAST_TIME and growth > most:
        return [f"{what} grew by {growth:.1%}: from {before:.0f} to {after:.0f}"]
    return []


def _open_all(
    journal: Path, keys: Path, figures: dict[str, Any], broken: list[str]
) -> tuple[list[Sealed], list[Sealed]]:
    """All that the relay saw, decrypted."""
    decryptor = Decryptor(parse_keylog(keys.read_bytes(), keys.name))
    ends = ("192.0.2.1:1", "192.0.2.2:2")
    sealed: tuple[list[Sealed], list[Sealed]] = ([], [])
    types: Counter[int] = Counter()
    sessions: set[int | None] = set()
    lost = twice = keepalives = stun = 0
    for number, (when, way, copies, until, datagram) in enumerate(read_journal(journal), start=1):
        relayed = unwrap(datagram)
        if relayed is not None:
            datagram = relayed[0]
        elif decode_message(datagram) is not None:
            stun += 1
            continue
        result = decryptor.feed(datagram, *(ends if way == TO_FAR else ends[::-1]), number)
        types[message_type(datagram)] += 1
        lost += copies == 0
        twice += copies > 1
        if result.reason != OK:
            kind = message_type(datagram)
            broken.append(f"datagram {number} of type {kind} does not open: {result.reason}")
            continue
        sessions.add(result.session)
        if result.packet:
            sealed[way].append(Sealed(when, until, copies, digest(result.packet), is_ours(result.packet)))
        elif message_type(datagram) == TRANSPORT:
            keepalives += 1
    figures["datagrams"] = {
        "all": types.total(), "lost": lost, "twice": twice, "initiations": types[INITIATION],
        "responses": types[RESPONSE], "keepalives": keepalives, "STUN": stun,
        "sessions": len(sessions - {None}),
    }  # fmt: skip
    return sealed


def _judge_way(
    name: str,
    end: End,
    packets: Sequence[Sealed],
    pauses: Sequence[Span],
    figures: dict[str, Any],
    *,
    knows_fates: bool,
    is_steady: bool,
) -> list[str]:
    """Whatever the path passed on came out of the tunnel, once."""
    broken = []
    begin, finish = end.span
    there = [one for one in packets if one.copies]
    missing, more = _match(there, end.came)
    if more:
        moments = ", ".join(f"{when - begin:.2f}" for when in more[:10])
        broken.append(f"{name} took {len(more)} packets twice or out of nothing, after {moments} s")
    # What was under way when the end began or ended says nothing; nor does what everybody slept through.
    lost = [
        one
        for one in missing
        if one.time > begin + _MARGIN
        and one.until < finish - _MARGIN
        and not _meets(pauses, (one.time - RECOVERY, one.until + _MARGIN))
    ]
    if lost and knows_fates:
        moments = ", ".join(f"{one.time - begin:.2f}" for one in lost[:10])
        broken.append(f"{name} lost {len(lost)} packets that the path passed on, after {moments} s")
    times = [when for when, _ in end.came]
    gaps = [
        (after - before, before - begin)
        for before, after in pairwise(times)
        if not _meets(pauses, (before - RECOVERY, after + _MARGIN))
    ]
    longest = max(gaps, default=(0.0, 0.0))
    figures[f"to {name}"] = {
        "sent": len(packets), "lost on the path": len(packets) - len(there), "came": len(end.came),
        "longest gap": round(longest[0], 3), "at": round(longest[1], 1),
    }  # fmt: skip
    if longest[0] > STALL and is_steady:
        broken.append(f"nothing came to {name} for {longest[0]:.1f} s, {longest[1]:.1f} s after the start")
    return broken


def _match(passed: Sequence[Sealed], came: Sequence[tuple[float, str]]) -> tuple[list[Sealed], list[float]]:
    """The packets that never came, and when something came that nobody had passed on.

    A message may be repeated byte for byte. What came before it was sent again is the earlier one; so is what
    came late, where there are enough for all.
    """
    arrivals: dict[str, deque[float]] = {}
    for when, name in came:
        arrivals.setdefault(name, deque()).append(when)
    later: dict[str, deque[float]] = {}
    for one in passed:
        later.setdefault(one.digest, deque()).append(one.time)
    missing = []
    for one in passed:
        waiting, following = arrivals.get(one.digest), later[one.digest]
        following.popleft()
        is_in_time = waiting and not (following and following[0] <= waiting[0])
        if waiting and (is_in_time or len(waiting) > len(following)):
            waiting.popleft()
        else:
            missing.append(one)
    return missing, sorted(when for left in arrivals.values() for when in left)


def _judge_states(
    name: str, states: Sequence[dict[str, Any]], pauses: Sequence[Span], figures: dict[str, Any]
) -> list[str]:
    broken = []
    for key, words in (("objects", "objects"), ("size", "bytes of objects")):
        held = [(state["time"], state[key]) for state in states]
        broken += judge_growth(held, f"{words}, {name}", figures, OBJECT_GROWTH)
    last = states[-1]
    if last["unsent"] and not pauses:
        broken.append(f"{name}: {last['unsent']} packets did not leave")
    figures[f"counts, {name}"] = {key: many for key, many in last["counts"].items() if many}
    if name == "near":
        usual = _USUAL | ({EXPIRED} if pauses else set())
        unusual = {key: many for key, many in last["counts"].items() if many and key not in usual}
        if unusual:
            broken.append(f"our end refused datagrams: {unusual}")
    return broken


def _meets(spans: Sequence[Span], span: Span) -> bool:
    return any(begin < span[1] and end > span[0] for begin, end in spans)
