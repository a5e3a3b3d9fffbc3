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
    "The other side drops it and sends nothing back: what the message was for does not happen.",
    "The reason and its place in the payload (fzctl decode -T tree shows the bytes), and which version sent "
    "it.",
)  # fmt: skip
UNKNOWN_KIND: Final = Rule(
    "FZ102", NOTE, "the message is of an unknown kind",
    "Receivers ignore it. One side is newer than the other, or somebody is trying something.",
    "The versions of both sides; --dialect next knows the kinds of the coming version.",
)  # fmt: skip
TRUNCATED: Final = Rule(
    "FZ103", NOTE, "the capture holds only the beginning of the message",
    "Whether the receiver took it cannot be told.",
    "Capture anew without a snap length (tcpdump -s 0).",
)  # fmt: skip
RESERVED_BYTES: Final = Rule(
    "FZ104", WARNING, "the header's reserved bytes are not zero",
    "Firezone sends zeros there and ignores them on receipt: another program made this message.",
    "Who sent it: a test tool, or a version that this fzctl does not know yet.",
)  # fmt: skip
ODD_HEADER: Final = Rule(
    "FZ105", NOTE, "the IPv6 header is not as Firezone writes it",
    "Firezone leaves traffic class, flow label and hop limit 0 and adds no extension headers. Receivers take "
    "it all the same.",
    "Who sent it, or what changed it on the way.",
)  # fmt: skip
GOODBYE_PAYLOAD: Final = Rule(
    "FZ106", WARNING, "a Goodbye carries a payload",
    "Receivers take it, but Firezone sends none: another program made this message.",
    "Who sent it.",
)  # fmt: skip
UNKNOWN_STATUS: Final = Rule(
    "FZ107", WARNING, "the status is neither Active nor Inactive",
    "A client takes any other word for Inactive, and the domain does not work.",
    "The gateway's version.",
)  # fmt: skip
ODD_PAYLOAD: Final = Rule(
    "FZ108", NOTE, "the payload is not written as Firezone writes it",
    "Receivers take it, but another program made it: its fields stand in another form or order, or with "
    "others beside them.",
    "Who sent it.",
)  # fmt: skip
LARGE: Final = Rule(
    "FZ109", WARNING, "the payload is larger than a sender makes it",
    "AssignedIps has at most 527 bytes of JSON (571 with addresses outside of the resource ranges), "
    "DomainStatus 337.",
    "Who sent it; a domain full of escapes may explain it.",
)  # fmt: skip

IP_COUNT: Final = Rule(
    "FZ201", WARNING, "the number of proxy IPs is neither 4 nor 8",
    "Clients send no other number; gateways take any. Another program made this message.",
    "Who sent it.",
)  # fmt: skip
IP_FAMILIES: Final = Rule(
    "FZ202", WARNING, "there are not four proxy IPs of a family",
    "A client sends a domain's four IPv4 addresses, its four IPv6 addresses, or both.",
    "Who sent it.",
)  # fmt: skip
IP_ORDER: Final = Rule(
    "FZ203", NOTE, "the proxy IPs are not in a client's order",
    "A client sends IPv4 before IPv6, each family in a row. The gateway sorts them, so nothing breaks.",
    "Who sent it.",
)  # fmt: skip
IP_RANGE: Final = Rule(
    "FZ204", WARNING, "a proxy IP lies outside of the resource ranges",
    "The gateway translates only traffic to 100.96.0.0/11 and fd00:2021:1111:8000::/107, so this address "
    "leads nowhere.",
    "Who sent it, and which addresses the client's DNS answers with.",
)  # fmt: skip
IP_SENTINEL: Final = Rule(
    "FZ205", WARNING, "a proxy IP lies where clients have their own DNS servers",
    "Clients leave out 100.100.111.0/24 and its IPv6 counterpart: what goes there is a DNS query to the "
    "client itself.",
    "Who sent it.",
)  # fmt: skip
IP_REPEATED: Final = Rule(
    "FZ206", NOTE, "a proxy IP is named twice",
    "The gateway counts it once, so fewer addresses lead to the domain.",
    "Who sent it.",
)  # fmt: skip
IP_REASSIGNED: Final = Rule(
    "FZ207", ERROR, "a proxy IP belonged to another domain before",
    "The gateway then forgets all proxy IPs of this client: its other domains stop working, and open "
    "connections break.",
    "Whether the client restarted without a Goodbye; which connections broke at that moment.",
)  # fmt: skip
IP_CHANGED: Final = Rule(
    "FZ208", WARNING, "the domain's proxy IPs changed within a connection",
    "A client makes the message once and repeats its bytes until the connection ends, so it must have lost "
    "its state.",
    "Whether the client restarted without a Goodbye.",
)  # fmt: skip

UNANSWERED: Final = Rule(
    "FZ301", ERROR, "AssignedIps was never answered",
    "While it waits for its first answer the client holds the domain's packets back and keeps only the last "
    "32: programs hang.",
    "The gateway's log at that time: nothing authorized for this client, an unreadable message, too many "
    "lookups at once. Or the answer was lost on its way.",
)  # fmt: skip
STILL_OPEN: Final = Rule(
    "FZ302", NOTE, "no answer yet when the capture or the connection ended",
    "A gateway may take ten seconds for its DNS lookup, and these had not passed.",
    "A longer capture.",
)  # fmt: skip
RESENT_EARLY: Final = Rule(
    "FZ303", WARNING, "AssignedIps was repeated within two seconds",
    "A client waits at least two seconds: the network or the capture doubled the packet, or another program "
    "sent it.",
    "Whether the capture shows every packet twice (several interfaces).",
)  # fmt: skip
NEVER_RESENT: Final = Rule(
    "FZ304", WARNING, "an unanswered AssignedIps was not repeated although there was traffic",
    "The first packet to the domain after two seconds makes a client ask again.",
    "Whether the capture lost packets; the client's version (before 2025-07-28 only DNS queries did that).",
)  # fmt: skip
UNASKED: Final = Rule(
    "FZ305", WARNING, "a DomainStatus answers no question",
    "Either the capture lacks the question, or the client does not know the domain and ignores the answer.",
    "Whether the capture began too late; whether packets overtook each other.",
)  # fmt: skip
REPEATED_ANSWER: Final = Rule(
    "FZ306", NOTE, "there are more answers than questions",
    "A gateway answers every AssignedIps once: the network doubled one, or a question was not captured.",
    "Whether the capture is complete.",
)  # fmt: skip
INACTIVE: Final = Rule(
    "FZ307", ERROR, "the gateway answered Inactive, so the domain does not work",
    "All that programs send to the domain is lost at the gateway until a later answer is Active.",
    "How long the answer took. At once: this client has no authorization for the resource. Ten seconds: the "
    "DNS lookup did not end. In between: the resource's address does not cover the domain. Then the "
    "gateway's log.",
)  # fmt: skip
FLIPPED: Final = Rule(
    "FZ308", WARNING, "the domain's status changed from Active to Inactive",
    "It worked before. Statuses carry no number: a late Inactive undoes what is up.",
    "What changed at the gateway: authorization, DNS, the resource's address.",
)  # fmt: skip
REVIVED: Final = Rule(
    "FZ309", NOTE, "the domain's status changed from Inactive to Active",
    "What was sent before is lost; from here on it works.",
    "What was wrong before.",
)  # fmt: skip
SLOW: Final = Rule(
    "FZ310", NOTE, "the answer took longer than two seconds",
    "Meanwhile the client holds 32 packets back and asks again, and people wait.",
    "The DNS servers that the gateway asks.",
)  # fmt: skip
OUTSIDE_PATTERN: Final = Rule(
    "FZ311", ERROR, "the resource's address does not cover the domain",
    "The gateway answers Inactive, whatever the domain resolves to.",
    "The resource's address: *.example.com covers one label, **.example.com any number.",
)  # fmt: skip
RESENT_OTHERWISE: Final = Rule(
    "FZ312", WARNING, "a repeated AssignedIps has other bytes than the first",
    "A client repeats the same bytes; for itself only the proxy IPs of the first one count.",
    "Who sent it.",
)  # fmt: skip
DENIED: Final = Rule(
    "FZ313", WARNING, "the gateway has no authorization for a packet",
    "It drops what goes there. A client that knows this message asks the portal again with its next packet.",
    "The policies for that address and port; whether an authorization expired.",
)  # fmt: skip
LOST_WHILE_FAILED: Final = Rule(
    "FZ314", ERROR, "packets went to a domain whose last status was Inactive",
    "They are lost at the gateway, and so is what follows, until a DNS query makes the client ask again.",
    "Why the status was Inactive.",
)  # fmt: skip

AFTER_GOODBYE: Final = Rule(
    "FZ401", WARNING, "a message came after Goodbye",
    "By then both sides have forgotten the connection and ignore it.",
    "Whether packets overtook each other; who sent it.",
)  # fmt: skip
NO_GOODBYE: Final = Rule(
    "FZ402", NOTE, "the connection fell silent without a Goodbye",
    "The other side keeps its state until the connection times out.",
    "A crash, a network that went away, or a lost Goodbye: it is sent once and never repeated.",
)  # fmt: skip
REORDERED: Final = Rule(
    "FZ403", NOTE, "messages overtook each other",
    "Statuses carry no number: the one that arrives last counts, even if it is the older one.",
    "Whether a late status belongs to an older question.",
)  # fmt: skip
WRONG_ROLE: Final = Rule(
    "FZ404", WARNING, "the receiver has no use for this kind of message",
    "Gateways handle AssignedIps, clients DomainStatus. Whoever gets the other drops it, with a line in the "
    "debug log.",
    "Who sent it; between two clients only Goodbye means anything.",
)  # fmt: skip

ON_TUN: Final = Rule(
    "FZ501", WARNING, "a control message was seen on Firezone's own interface",
    "Firezone keeps control messages inside its tunnel: one that comes from the interface is refused, with a "
    "warning in the log.",
    "Which program put it there. To inject one, be a WireGuard peer.",
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
