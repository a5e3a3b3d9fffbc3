"""The protocol's words, for somebody who meets them for the first time."""

from __future__ import annotations

from typing import Final

GLOSSARY: Final = (
    (
        "Client",
        ("The Firezone program on somebody's computer. It asks for domains on behalf of all programs there."),
    ),
    (
        "Gateway",
        ("The Firezone program in the private network. It looks domains up there and passes packets on."),
    ),
    (
        "Resource",
        ("Something in the private network that people may use, such as *.example.com. It has a UUID."),
    ),
    (
        "Proxy IP",
        (
            "A stand-in address (100.96.0.0/11 or fd00:2021:1111:8000::/107). The client gives "
            "programs such addresses in place of the real ones, which only the gateway knows. Each "
            "domain gets four of a kind."
        ),
    ),
    (
        "NAT",
        (
            "The gateway's table from proxy IPs to real addresses. Without an entry packets to a "
            "domain are lost."
        ),
    ),
    (
        "AssignedIps",
        (
            "Client to gateway: these are the proxy IPs of this domain, please look it up. It is a "
            "question: the answer is DomainStatus. Unanswered, it is sent again after two seconds, "
            "but only with the next traffic."
        ),
    ),
    (
        "DomainStatus",
        (
            "Gateway to client: Active, the domain works now; or Inactive, it does not. Inactive "
            "means that the client may not use the resource, that the resource's address does not "
            "cover the domain, or that the gateway's own DNS lookup got no answer within ten seconds."
        ),
    ),
    (
        "Goodbye",
        (
            "The connection ends; both sides forget everything about each other. It is sent once, "
            "never repeated."
        ),
    ),
    (
        "NoAuthorization",
        "Gateway to client (coming version): there is no permission for what was sent there.",
    ),
    (
        "asked, packets wait",
        ("The client waits for the answer (Pending). It holds back the last 32 packets to the domain."),
    ),
    (
        "asked anew",
        (
            "The client asks again for a domain that was answered before (Recreating); packets pass "
            "meanwhile, unless it had failed."
        ),
    ),
    (
        "works",
        "The answer was Active (Confirmed): packets pass.",
    ),
    (
        "FAILED",
        (
            "The answer was Inactive (Failed): what programs send to the domain is lost at the "
            "gateway, until a new DNS query makes the client ask anew."
        ),
    ),
    (
        "Early packets",
        ("Packets to a domain before its answer. The client holds them back and sends them afterwards."),
    ),
    (
        "Exchange",
        "A question with its repetitions and its answer.",
    ),
    (
        "Connection, session, rekey",
        (
            "A connection lasts until a Goodbye. Below it WireGuard encrypts everything and takes new "
            "keys every two minutes: each time a new session begins."
        ),
    ),
    (
        "Direct, relayed",
        ("Packets go straight from client to gateway, or through a relay where networks do not allow that."),
    ),
    (
        "Frame",
        "A packet's number in the capture file, as Wireshark counts.",
    ),
)
