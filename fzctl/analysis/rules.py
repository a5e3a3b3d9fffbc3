"""The rules of ``check``, each declared once: what is wrong, why it matters, what to look at next.

The first digit groups them: 1 one message, 2 its proxy IPs, 3 question and answer, 4 the
connection, 5 the place of the capture. An identifier never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from fzctl.errors import UsageError

ERROR: Final = "error"
WARNING: Final = "warning"
NOTE: Final = "note"
SEVERITIES: Final = (NOTE, WARNING, ERROR)


class Rule(NamedTuple):
    """One rule. ``title`` says what is wrong in a few words, ``why`` and ``look`` are sentences."""

    id: str
    severity: str
    title: str
    why: str
    look: str


REFUSED: Final = Rule(
    "FZ101", ERROR, "a receiver refuses the message",
    "The other side drops it without a word, so the domain stays as it was.",
    "The reason and the place in the payload; which version sent it; fzctl decode -T tree shows the bytes.",
)  # fmt: skip
UNKNOWN_KIND: Final = Rule(
    "FZ102", NOTE, "the message is of a kind that nobody knows",
    "Receivers ignore it: either side is newer than the other, or somebody tries something.",
    "The versions of both sides; --dialect next for kinds of the coming version.",
)  # fmt: skip
TRUNCATED: Final = Rule(
    "FZ103", NOTE, "the capture holds only the message's beginning",
    "What the receiver made of it cannot be told.",
    "Capture anew without a snap length (tcpdump -s 0).",
)  # fmt: skip
RESERVED_BYTES: Final = Rule(
    "FZ104", WARNING, "reserved header bytes are set",
    "Firezone sends zeros there and ignores them on receipt: another program made this message.",
    "Who sent it; a test tool or a newer version.",
)  # fmt: skip
ODD_HEADER: Final = Rule(
    "FZ105", NOTE, "the IPv6 header is none that Firezone writes",
    "Traffic class, flow label and hop limit are 0 and there are no extension headers when connlib sends.",
    "Who sent it, or what changed it on its way.",
)  # fmt: skip
GOODBYE_PAYLOAD: Final = Rule(
    "FZ106", WARNING, "a Goodbye has a payload",
    "Receivers accept it, but Firezone sends none: another program made this message.",
    "Who sent it.",
)  # fmt: skip
UNKNOWN_STATUS: Final = Rule(
    "FZ107", WARNING, "the status is neither Active nor Inactive",
    "A client takes every other word for Inactive and treats the domain as failed.",
    "The version of the gateway.",
)  # fmt: skip
ODD_PAYLOAD: Final = Rule(
    "FZ108", NOTE, "the payload is not written as Firezone writes it",
    "It is accepted, but its fields stand in another form or order, or others stand beside them.",
    "Who sent it.",
)  # fmt: skip
LARGE: Final = Rule(
    "FZ109", WARNING, "the payload is larger than any that a sender makes",
    "526 bytes is the most with addresses of the resource ranges (570 with any), 336 for DomainStatus.",
    "Who sent it; a domain full of escapes may explain it.",
)  # fmt: skip

IP_COUNT: Final = Rule(
    "FZ201", WARNING, "a client gives 4 or 8 proxy IPs, not this many",
    "No sender does this: gateways accept any number, but clients cannot build such a message.",
    "Who sent it.",
)  # fmt: skip
IP_FAMILIES: Final = Rule(
    "FZ202", WARNING, "there are not four proxy IPs of a family",
    "A client hands out four IPv4 and four IPv6 addresses to a domain and tells all of a family or none.",
    "Who sent it.",
)  # fmt: skip
IP_ORDER: Final = Rule(
    "FZ203", NOTE, "the proxy IPs are not in a client's order",
    "A client tells IPv4 before IPv6, each in a row; the gateway sorts them before it pairs them.",
    "Who sent it.",
)  # fmt: skip
IP_RANGE: Final = Rule(
    "FZ204", WARNING, "a proxy IP lies outside of the resource ranges",
    "The gateway records it, but translates only traffic to 100.96.0.0/11 and fd00:2021:1111:8000::/107.",
    "Who sent it; the addresses that the client's DNS answers with.",
)  # fmt: skip
IP_SENTINEL: Final = Rule(
    "FZ205", WARNING, "a proxy IP is one of the client's own DNS servers",
    "Clients leave out 100.100.111.0/24 and its IPv6 block, because their DNS sentinels live there.",
    "Who sent it.",
)  # fmt: skip
IP_REPEATED: Final = Rule(
    "FZ206", NOTE, "a proxy IP is named twice",
    "The gateway counts it once, so that fewer addresses lead to the domain.",
    "Who sent it.",
)  # fmt: skip
IP_REASSIGNED: Final = Rule(
    "FZ207", ERROR, "a proxy IP belongs to another domain already",
    "The gateway wipes this client's whole NAT table and its translations: other domains lose theirs.",
    "Whether the client was restarted without a Goodbye, and which connections broke at that moment.",
)  # fmt: skip
IP_CHANGED: Final = Rule(
    "FZ208", WARNING, "the domain's proxy IPs changed within a connection",
    "A client builds the message once and repeats its bytes until the connection ends.",
    "Whether the client was restarted without a Goodbye.",
)  # fmt: skip

UNANSWERED: Final = Rule(
    "FZ301", ERROR, "AssignedIps was never answered",
    "The client keeps the domain's packets back and drops all but the last 32: its users wait.",
    "The gateway's log at that time: no authorization of this client at all, unreadable message, "
    "too many lookups, or the answer was lost.",
)  # fmt: skip
STILL_OPEN: Final = Rule(
    "FZ302", NOTE, "it ended before the answer was due",
    "A gateway may take ten seconds for its lookup; the capture or the connection ended before.",
    "A longer capture.",
)  # fmt: skip
RESENT_EARLY: Final = Rule(
    "FZ303", WARNING, "AssignedIps was repeated sooner than after two seconds",
    "A client waits 2000 ms: the network or the capture doubled it, or another program sent it.",
    "Whether the capture holds everything twice (several interfaces).",
)  # fmt: skip
NEVER_RESENT: Final = Rule(
    "FZ304", WARNING, "an unanswered AssignedIps was not repeated although there was traffic",
    "The first packet to the domain after two seconds makes a client repeat it.",
    "Whether the capture lost packets; the client's version (before 2025-07-28 only DNS queries resent).",
)  # fmt: skip
UNASKED: Final = Rule(
    "FZ305", WARNING, "a DomainStatus answers no question",
    "The client ignores it where it does not know the domain; or the capture lacks the question.",
    "Whether the capture began too late; the order of packets.",
)  # fmt: skip
REPEATED_ANSWER: Final = Rule(
    "FZ306", NOTE, "there are more answers than questions",
    "A gateway answers every AssignedIps once: the network doubled an answer or a question was not captured.",
    "Whether the capture is complete.",
)  # fmt: skip
INACTIVE: Final = Rule(
    "FZ307", ERROR, "the gateway's NAT for the domain is Inactive",
    "What the client's programs send to the domain now vanishes at the gateway.",
    "The time it took: at once means no authorization for this client, about ten seconds a lookup without "
    "an answer, in between a domain that the resource's address does not cover. Then the gateway's log.",
)  # fmt: skip
FLIPPED: Final = Rule(
    "FZ308", WARNING, "the domain's status changed from Active to Inactive",
    "It worked before. Statuses have no sequence: a late Inactive undoes a NAT that is up.",
    "What changed at the gateway: authorization, DNS, the resource's address.",
)  # fmt: skip
REVIVED: Final = Rule(
    "FZ309", NOTE, "the domain's status changed from Inactive to Active",
    "What was sent before was lost; from now on it works.",
    "What was wrong before.",
)  # fmt: skip
SLOW: Final = Rule(
    "FZ310", NOTE, "the answer took longer than two seconds",
    "The client buffers 32 packets meanwhile, repeats its question, and users wait.",
    "The DNS servers that the gateway asks.",
)  # fmt: skip
OUTSIDE_PATTERN: Final = Rule(
    "FZ311", ERROR, "the resource's address does not cover the domain",
    "The gateway answers Inactive, whatever the domain resolves to.",
    "The address of the resource: *.example.com covers one label, **.example.com any number.",
)  # fmt: skip
RESENT_OTHERWISE: Final = Rule(
    "FZ312", WARNING, "a repeated AssignedIps has other bytes",
    "A client repeats the same bytes; only the proxy IPs of the first one count for it.",
    "Who sent it.",
)  # fmt: skip
DENIED: Final = Rule(
    "FZ313", WARNING, "the gateway has no authorization for a packet",
    "It drops what goes there; a client that knows this message asks the portal anew with its next packet.",
    "The policies for that address and port; whether the authorization expired.",
)  # fmt: skip
LOST_WHILE_FAILED: Final = Rule(
    "FZ314", ERROR, "packets went to a domain whose NAT had failed",
    "They vanish at the gateway until the next DNS query begins anew.",
    "Why the status was Inactive.",
)  # fmt: skip

AFTER_GOODBYE: Final = Rule(
    "FZ401", WARNING, "a message came after Goodbye",
    "Both sides have dropped the connection by then and ignore it.",
    "Whether packets overtook each other; who sent it.",
)  # fmt: skip
NO_GOODBYE: Final = Rule(
    "FZ402", NOTE, "the connection fell silent without a Goodbye",
    "The other side keeps its state until the connection times out.",
    "A crash, a network that went away, or a Goodbye that was lost: it is sent once and never repeated.",
)  # fmt: skip
REORDERED: Final = Rule(
    "FZ403", NOTE, "messages overtook each other",
    "Statuses have no sequence: the one that comes last counts.",
    "Whether a late status belongs to an older question.",
)  # fmt: skip
WRONG_ROLE: Final = Rule(
    "FZ404", WARNING, "the receiver has no use for this kind of message",
    "Gateways handle AssignedIps, clients DomainStatus; each drops the other with a line in its debug log.",
    "Who sent it; between two clients only Goodbye has a meaning.",
)  # fmt: skip

ON_TUN: Final = Rule(
    "FZ501", WARNING, "a control message was seen on Firezone's own interface",
    "connlib keeps control messages inside: from there it refuses them and warns in its log.",
    "Who put it there; to inject one, be a WireGuard peer.",
)  # fmt: skip

RULES: Final = (
    REFUSED, UNKNOWN_KIND, TRUNCATED, RESERVED_BYTES, ODD_HEADER, GOODBYE_PAYLOAD, UNKNOWN_STATUS,
    ODD_PAYLOAD, LARGE, IP_COUNT, IP_FAMILIES, IP_ORDER, IP_RANGE, IP_SENTINEL, IP_REPEATED, IP_REASSIGNED,
    IP_CHANGED,
    UNANSWERED, STILL_OPEN, RESENT_EARLY, NEVER_RESENT, UNASKED, REPEATED_ANSWER, INACTIVE, FLIPPED, REVIVED,
    SLOW, OUTSIDE_PATTERN, RESENT_OTHERWISE, DENIED, LOST_WHILE_FAILED, AFTER_GOODBYE, NO_GOODBYE, REORDERED,
    WRONG_ROLE, ON_TUN,
)  # fmt: skip


def chooser(
    select: Iterable[str] = (), ignore: Iterable[str] = (), severity: str = NOTE
) -> Callable[[Rule], bool]:
    """Which rules are wanted: those that begin with one of ``select`` (all, where there is none) and
    with none of ``ignore``, from ``severity`` upwards.

    Raises UsageError for what no rule begins with, or for an unknown severity.
    """
    wanted, unwanted = tuple(select), tuple(ignore)
    for text in (*wanted, *unwanted):
        if not text or not any(rule.id.startswith(text) for rule in RULES):
            raise UsageError(f"there is no rule {text!a}; they are called {RULES[0].id} to {RULES[-1].id}")
    if severity not in SEVERITIES:
        raise UsageError(f"a severity is one of {', '.join(SEVERITIES)}, not {severity!a}")
    least = SEVERITIES.index(severity)
    return lambda rule: (
        (not wanted or rule.id.startswith(wanted))
        and not (unwanted and rule.id.startswith(unwanted))
        and SEVERITIES.index(rule.severity) >= least
    )
