"""What happened, in a few plain sentences: what is wrong, and what to look at next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from fzctl.analysis import rules
from fzctl.analysis.closing import JITTER, LOOKUP_LIMIT
from fzctl.analysis.findings import Finding
from fzctl.analysis.ladder import Analysis, Sent
from fzctl.analysis.story import Connection, Domain, Story
from fzctl.analysis.traffic import FAILED
from fzctl.nat.client import State
from fzctl.protocol.fields import Status
from fzctl.render.clock import format_story_moment
from fzctl.render.escape import escape
from fzctl.render.lines import ID_LENGTH
from fzctl.render.marks import file_marks, not_seen_in
from fzctl.render.spans import format_span
from fzctl.render.words import count_of

_MOST_NAMES: Final = 3
_TOLD: Final = frozenset(
    rule.id
    for rule in (
        rules.INACTIVE, rules.LOST_WHILE_FAILED, rules.UNANSWERED, rules.OUTSIDE_PATTERN, rules.FLIPPED,
        rules.REVIVED, rules.IP_REASSIGNED, rules.REFUSED, rules.STILL_OPEN,
    )
)  # fmt: skip
"""What the sentences tell in their own way."""


class Verdict(NamedTuple):
    """``mood`` is ``good``, ``ignored`` (something to look at) or ``bad``; texts are escaped."""

    mood: str
    headline: str
    sentences: tuple[str, ...]
    look: tuple[str, ...]


def verdict_on(analysis: Analysis) -> Verdict:
    """The verdict on an analysis."""
    story = analysis.story
    if not story.messages:
        unread = tuple(_unread(analysis))
        return Verdict("ignored", "There is no control message in this input.", unread, ())
    domains = [(connection, domain) for connection in story.connections for domain in connection.domains]
    by_rule = {rule: [each for each in story.findings if each.rule is rule] for rule in rules.RULES}
    troubles, look = [], []
    for sentence, advice in (
        _dead(story, domains, by_rule[rules.OUTSIDE_PATTERN]),
        _unanswered(by_rule[rules.UNANSWERED]),
        _wiped(by_rule[rules.IP_REASSIGNED]),
        _refused(story),
        _flipped(domains),
        _one_sided(analysis),
    ):
        if sentence:
            troubles.append(sentence)
            look.append(advice)
    others = [each for each in story.findings if each.rule.id not in _TOLD]
    mood = _mood(story.findings)
    if mood == "good" and troubles:
        mood = "ignored"
    headline = troubles[0] if troubles else _headline(story, domains, mood)
    sentences = [*troubles[1:], *_others(others, told=bool(troubles))]
    sentences = [_overview(analysis, domains), *_unread(analysis), *sentences, *_ends(story)]
    return Verdict(mood, headline, tuple(sentences), tuple(look))


def _mood(findings: Sequence[Finding]) -> str:
    severities = {each.rule.severity for each in findings}
    if rules.ERROR in severities:
        return "bad"
    return "ignored" if rules.WARNING in severities else "good"


def _headline(story: Story, domains: Sequence[tuple[Connection, Domain]], mood: str) -> str:
    if mood != "good":
        worst = story.findings[0]
        return f"{_sentence(worst.rule.title)} ({escape(worst.detail)})."
    answered = [
        each.response_times.greatest for _, each in domains if each.response_times.greatest is not None
    ]
    if not domains:
        return "Nothing is wrong, but no domain was asked for."
    if not answered:
        return "Nothing is wrong, but no domain was answered."
    count = _count_of(domains)
    one = "The one domain" if count == 1 else f"Each of the {count} domains"
    # Of a clock that stepped back the first is all that can be said.
    slowest = f"; the slowest answer took {format_span(max(answered))}" if max(answered) > 0 else ""
    return f"All is well. {one} that the client asked for works{slowest}."


def _overview(analysis: Analysis, domains: Sequence[tuple[Connection, Domain]]) -> str:
    story = analysis.story
    lasted = ""
    if story.first is not None and story.last is not None and story.last > story.first:
        lasted = f" in {format_span(story.last - story.first)}"
    copies = sum(each.copies for each in story.connections)
    found = f"Seen: {count_of(story.messages - copies, 'control message')}{lasted}"
    found += f", {count_of(_count_of(domains), 'domain')}"
    if len(story.connections) > 1:
        found += f", {count_of(len(story.connections), 'connection')}"
    if story.sessions:
        found += f", {count_of(len(story.sessions), 'WireGuard session')}"
    return f"{found}."


def _count_of(domains: Iterable[tuple[Connection, Domain]]) -> int:
    """How many there are, each counted once, in however many connections."""
    return len({(each.resource, each.domain) for _, each in domains})


def _lives(domains: Iterable[tuple[Connection, Domain]]) -> Iterable[list[Domain]]:
    """What each client's domain was in one connection after the other, where it got an answer."""
    found: dict[tuple[int, str, str], list[Domain]] = {}
    for connection, each in domains:
        if last_answer(each) is not None:
            found.setdefault((connection.tunnel, each.resource, each.domain), []).append(each)
    return found.values()


def _dead(
    story: Story, domains: Sequence[tuple[Connection, Domain]], outside: Sequence[Finding]
) -> tuple[str, str]:
    dead = [each[-1] for each in _lives(domains) if last_answer(each[-1]) is State.FAILED]
    if not dead:
        return "", ""
    lost = sum(each.traffic[FAILED].packets_to for each in dead if FAILED in each.traffic)
    vanished = (
        f" {count_of(lost, 'packet')} sent there since then {'was' if lost == 1 else 'were'} lost."
        if lost
        else ""
    )
    first = dead[0]
    last = next((each for each in reversed(first.exchanges.things) if each.answer is not None), None)
    covered = {each.subject.domain for each in outside}
    at = (
        ""
        if last is None or last.answer is None
        else f" around {format_story_moment(story, last.answer.time, 8)} UTC"
    )
    took = None if last is None or last.status == Status.ACTIVE else last.response_time
    cause, advice = _cause(first, took, first.domain in covered, at)
    names = _names(each.domain for each in dead)
    if len({each.domain for each in dead}) == 1:
        return f"{names} does not work: the gateway answered Inactive{cause}.{vanished}", advice
    return (
        (
            f"{names} do not work: the gateway answered Inactive.{vanished} "
            f"{escape(first.domain)}: Inactive{cause}."
        ),
        advice,
    )


def _cause(domain: Domain, took: int | None, is_outside: bool, at: str) -> tuple[str, str]:
    resource = domain.resource[:ID_LENGTH]
    if is_outside:
        return (
            ", because the address of the resource does not cover this domain",
            f"the address of resource {resource} in the admin portal: it must cover {escape(domain.domain)}.",
        )
    if took is None:
        before = ", although it had answered Active before" if domain.active else ""
        return (
            before,
            f"what changed at the gateway: authorization, DNS, the resource's address; its log{at}.",
        )
    after = f" after {format_span(took)}"
    if took >= LOOKUP_LIMIT - JITTER:
        return (
            f"{after}, as it does when its own DNS lookup got no answer within ten seconds",
            f"the DNS servers that the gateway asks for {escape(domain.domain)}, and the gateway's log{at}.",
        )
    return (
        f"{after}, too soon for a DNS lookup that timed out: it refused",
        (
            f"whether a policy lets this client use resource {resource}, whether that resource's address "
            f"covers {escape(domain.domain)}, and the gateway's log{at}."
        ),
    )


def _unanswered(findings: Sequence[Finding]) -> tuple[str, str]:
    if not findings:
        return "", ""
    names = _names(each.subject.domain or "" for each in findings)
    some = "was" if len({each.subject.domain for each in findings}) == 1 else "were"
    first = findings[0]
    return (
        (
            f"{names} {some} never answered: {escape(first.detail)}. The client holds the packets back "
            "meanwhile, and programs hang."
        ),
        "whether the gateway got the question (a capture there, its log), and whether it knows this client.",
    )


def _wiped(findings: Sequence[Finding]) -> tuple[str, str]:
    if not findings:
        return "", ""
    return (
        (
            f"The gateway forgot its whole table for this client: {escape(findings[0].detail)}. Connections "
            "to other domains broke at that moment."
        ),
        "whether the client was restarted without a Goodbye.",
    )


def _refused(story: Story) -> tuple[str, str]:
    reasons: dict[str, int] = {}
    for connection in story.connections:
        for reason, count in connection.refused.items():
            if reason not in ("unknown_event", "truncated"):
                reasons[reason] = reasons.get(reason, 0) + count
    if not reasons:
        return "", ""
    total = sum(reasons.values())
    shown = ", ".join(list(reasons)[:_MOST_NAMES]) + (" and others" if len(reasons) > _MOST_NAMES else "")
    return (
        (
            f"{count_of(total, 'message')} cannot be read by {'its' if total == 1 else 'their'} receiver "
            f"({shown}) and changed nothing."
        ),
        "who sent them, and which versions both sides run.",
    )


def _flipped(domains: Sequence[tuple[Connection, Domain]]) -> tuple[str, str]:
    flipped = {
        each[-1].domain: None
        for each in _lives(domains)
        if last_answer(each[-1]) is State.CONFIRMED and any(one.flips or one.inactive for one in each)
    }
    if not flipped:
        return "", ""
    return (
        (
            f"{_names(flipped)} did not work for a while (Inactive), and "
            f"{'does' if len(flipped) == 1 else 'do'} again."
        ),
        "what changed at the gateway between the two answers.",
    )


def _one_sided(analysis: Analysis) -> tuple[str, str]:
    """Messages that one of two captures of the same tunnel does not hold."""
    marks = file_marks(analysis)
    found = [each for each in analysis.rungs.things if isinstance(each, Sent) and not_seen_in(each, marks)]
    if not found:
        return "", ""
    more = " at least" if analysis.rungs.left_out else ""
    first = found[0].record
    return (
        (
            f"Not every capture holds every message:{more} {len(found)} "
            f"{'is' if len(found) == 1 else 'are'} missing somewhere "
            f"(the first is {marks.get(first.file or '', '')}#{first.frame}, "
            f"missing in {', '.join(not_seen_in(found[0], marks))})."
        ),
        "whether they were lost on their way, or one capture began later, ended earlier or has gaps.",
    )


def _others(findings: Sequence[Finding], *, told: bool) -> Iterator[str]:
    serious = [each for each in findings if each.rule.severity != rules.NOTE]
    if told and serious:
        yield f"Also: {_names_of_rules(serious)}."
    elif len(serious) > 1:
        yield f"Also: {_names_of_rules(serious[1:])}."


def _names_of_rules(findings: Sequence[Finding]) -> str:
    titles = list(dict.fromkeys(each.rule.title for each in findings))
    more = len(titles) - _MOST_NAMES
    return "; ".join(titles[:_MOST_NAMES]) + (f"; and {more} more" if more > 0 else "")


def _unread(analysis: Analysis) -> Iterator[str]:
    for problem in analysis.problems:
        yield f"Not all of it could be read: {escape(problem)}."


def _ends(story: Story) -> Iterator[str]:
    ended = [each for each in story.connections if each.goodbye is not None]
    if len(story.connections) == 1 and ended and ended[0].goodbye is not None:
        who = f"The {ended[0].goodbye.role}" if ended[0].goodbye.role else "One side"
        time = ended[0].goodbye.spot.time
        at = "" if time is None else f" at {format_story_moment(story, time, 8)} UTC"
        yield f"{who} ended the connection with a Goodbye{at}."
    elif ended:
        yield f"{count_of(len(ended), 'connection')} ended with a Goodbye."


def _names(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    shown = [escape(each) for each in found[:_MOST_NAMES]]
    if len(found) > _MOST_NAMES:
        return f"{', '.join(shown)} and {len(found) - _MOST_NAMES} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def last_answer(domain: Domain) -> State | None:
    """What the last status made of the domain; ``None`` where there was none."""
    states = [each.state for each in domain.changes.things if each.state in (State.CONFIRMED, State.FAILED)]
    return states[-1] if states else None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
