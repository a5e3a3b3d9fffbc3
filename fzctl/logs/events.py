"""The protocol's events in logs, recognised and named. Declared once, one row an event.

Texts, levels, targets and fields are Firezone's at df8139e82d: ``tunnel-proto/src/client.rs``,
``client/dns_resource_nat.rs``, ``dns/resource_stub_resolver.rs``, ``gateway.rs``,
``gateway/client_on_gateway.rs``, ``client-shared/src/eventloop.rs``, ``gateway/src/eventloop.rs`` and
``snownet/src/node.rs``; and those of 1.4.0, whose one crate was ``firezone_tunnel``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from fzctl.logs.event import SEVERITIES, Event, values_of

CLIENT: Final = "client"
GATEWAY: Final = "gateway"
BOTH: Final = "both"

_OLD_CRATE: Final = "firezone_tunnel"


class EventKind(NamedTuple):
    """One event of the protocol.

    ``texts`` are how its message begins (no text: an event without message); ``needs`` are fields
    that tell it from another with the same text. ``message`` is the control message that passes at
    that moment, if one does, ``reason`` whether what follows the text says why.
    """

    name: str
    role: str
    level: str
    targets: tuple[str, ...]
    texts: tuple[str, ...]
    says: str
    needs: tuple[str, ...] = ()
    message: str | None = None
    reason: bool = False


class Named(NamedTuple):
    """What an event of the protocol says; texts as the log has them, ``None`` where it does not say."""

    kind: EventKind
    gateway: str | None = None
    client: str | None = None
    resource: str | None = None
    domain: str | None = None
    proxy_ips: tuple[str, ...] = ()
    code: str | None = None
    reason: str | None = None


_CLIENT: Final = ("tunnel_proto::client", f"{_OLD_CRATE}::client")
_NAT: Final = ("tunnel_proto::client::dns_resource_nat", f"{_OLD_CRATE}::client")
_GATEWAY: Final = ("tunnel_proto::gateway", f"{_OLD_CRATE}::gateway")
_PEER: Final = (
    *("tunnel_proto::gateway::client_on_gateway", "tunnel_proto::gateway"),
    *(f"{_OLD_CRATE}::peer", f"{_OLD_CRATE}::gateway"),
)
_GATEWAY_LOOP: Final = ("firezone_gateway::eventloop",)
_NODE: Final = ("snownet::node",)

EVENTS: Final = (
    EventKind(
        "proxy_ips_assigned", CLIENT, "DEBUG",
        ("tunnel_proto::dns::resource_stub_resolver", f"{_OLD_CRATE}::dns"), ("Assigning proxy IPs",),
        "The client gave proxy IPs to a domain that was asked for the first time.",
    ),
    EventKind(
        "assigned_ips_sent", CLIENT, "DEBUG", _CLIENT, ("Setting up DNS resource NAT",),
        "The client handed an AssignedIps to the tunnel; one line for each, repetitions too.",
        needs=("gid",), message="assigned_ips",
    ),
    EventKind(
        "nat_pending", CLIENT, "TRACE", _NAT, ("No DNS resource NAT state, creating `Pending` entry",),
        "The client began to wait for the NAT of a domain.",
    ),
    EventKind(
        "nat_still_pending", CLIENT, "TRACE", _NAT, ("Pending DNS resource NAT setup",),
        "The client still waits for the NAT of a domain.",
    ),
    EventKind(
        "nat_set_up_again", CLIENT, "TRACE", _NAT, ("Recreating DNS resource NAT",),
        "The client sends the AssignedIps of a domain again, after a DNS query asked for that.",
    ),
    EventKind(
        "nat_recreating", CLIENT, "DEBUG", _NAT,
        ("Re-creating DNS resource NAT", "Clearing DNS resource NAT"),
        "A DNS query made the client set up the NAT of a domain again.",
    ),
    EventKind(
        "nat_active", CLIENT, "DEBUG", _NAT, ("DNS resource NAT is active",),
        "A DomainStatus said that the NAT is up; packets that waited for it were released.",
        message="domain_status",
    ),
    EventKind(
        "nat_inactive", CLIENT, "DEBUG", _NAT, ("DNS resource NAT is not active",),
        "A DomainStatus said that the NAT is not up; packets that waited for it were dropped.",
        message="domain_status",
    ),
    EventKind(
        "response_ignored", CLIENT, "DEBUG", _NAT, ("No DNS resource NAT state, ignoring response",),
        "A DomainStatus came for which the client holds no state.", message="domain_status",
    ),
    EventKind(
        "nat_entry_missing", CLIENT, "TRACE", _NAT, ("No DNS resource NAT entry",),
        "A packet went to a proxy IP for which the client holds no state.",
    ),
    EventKind(
        "nat_update_failed", CLIENT, "WARN", _CLIENT, ("Failed to update DNS resource NAT state",),
        "The client could not make an AssignedIps.", reason=True,
    ),
    EventKind(
        "message_from_device", BOTH, "WARN", (*_CLIENT, *_GATEWAY),
        ("Packet matches heuristics of FZ p2p control protocol",),
        "A packet that looks like a control message came from the TUN device.",
    ),
    EventKind(
        "unknown_kind", CLIENT, "DEBUG", _CLIENT,
        ("Unknown / unsupported control protocol", "Unknown control protocol"),
        "A message of a kind that the client does not know, or not from that peer.",
    ),
    EventKind(
        "unknown_kind", GATEWAY, "DEBUG", _GATEWAY,
        ("Unknown control protocol event", "Unknown control protocol"),
        "A message of a kind that the gateway does not know.",
    ),
    EventKind(
        "undecodable", CLIENT, "DEBUG", ("client_shared::eventloop",), ("Tunnel error: Failed to decode",),
        "A message that the client could not decode; it does not answer.", reason=True,
    ),
    EventKind(
        "undecodable", GATEWAY, "DEBUG", _GATEWAY, ("Failed to decode", "Failed to deserialize"),
        "A message that the gateway could not decode; it does not answer.", reason=True,
    ),
    EventKind(
        "resource_not_allowed", GATEWAY, "WARN", _GATEWAY,
        ("Received `AssignedIpsEvent` for resource that is not allowed",),
        "An AssignedIps for a resource that the client may not use; the gateway answers Inactive.",
        message="assigned_ips",
    ),
    EventKind(
        "nat_set_up", GATEWAY, "DEBUG", _PEER, ("Setting up DNS resource NAT",),
        "The gateway mapped a domain's proxy IPs to what the domain resolves to, and answers.",
        needs=("proxy_ips",), message="domain_status",
    ),
    EventKind(
        "nat_mapping", GATEWAY, "DEBUG", _PEER, (),
        "One proxy IP and the address behind it.", needs=("name", "proxy_ip", "real_ip"),
    ),
    EventKind(
        "no_records", GATEWAY, "DEBUG", _PEER, ("No A / AAAA records for domain",),
        "The domain resolves to nothing; the gateway answers Active all the same.",
    ),
    EventKind(
        "proxy_ips_reassigned", GATEWAY, "INFO", _PEER,
        ("Client has re-assigned proxy IPs, resetting DNS resource NAT",),
        "Proxy IPs came for another domain than before: all of this client's NAT is reset.",
    ),
    EventKind(
        "nat_setup_failed", GATEWAY, "WARN", _GATEWAY, ("Failed to setup DNS resource NAT",),
        "The gateway could not set up the NAT of a domain and answers Inactive.", reason=True,
    ),
    EventKind(
        "lookup_dropped", GATEWAY, "WARN", _GATEWAY_LOOP,
        ("Too many dns resolution requests, dropping existing one",),
        "More than 1000 lookups at once: one was given up, and its AssignedIps gets no answer.",
    ),
    EventKind(
        "lookup_failed", GATEWAY, "DEBUG", _GATEWAY_LOOP, ("DNS lookup failed",),
        "The gateway could not resolve a domain.", reason=True,
    ),
    EventKind(
        "last_access_removed", GATEWAY, "DEBUG", _GATEWAY, ("Access to last resource for Client removed",),
        "The client may use nothing behind this gateway any more: a Goodbye follows.",
    ),
    EventKind(
        "goodbye_received", BOTH, "INFO", _NODE, ("Connection removed (received `goodbye`)",),
        "The other side ended the connection.", message="goodbye",
    ),
    EventKind(
        "goodbye_sent", BOTH, "INFO", _NODE, ("Connection closed proactively (sent goodbye)",),
        "This side ended the connection.", message="goodbye",
    ),
    EventKind(
        "goodbye_failed", BOTH, "INFO", _NODE, ("Connection closed proactively (failed to send goodbye",),
        "This side ended the connection and could not say so.", reason=True,
    ),
    EventKind(
        "closed_in_ice", BOTH, "INFO", _NODE, ("Connection closed during ICE",),
        "A connection ended before it stood; no Goodbye is sent then.",
    ),
)  # fmt: skip

_EXACT: Final[dict[tuple[str, str | None], list[EventKind]]] = {}
_WITH_REASON: Final[dict[str, list[EventKind]]] = {}
for _kind in EVENTS:
    for _target in _kind.targets:
        for _text in _kind.texts or (None,):
            _EXACT.setdefault((_target, _text), []).append(_kind)
        if _kind.reason:
            _WITH_REASON.setdefault(_target, []).append(_kind)

_PEER_ID: Final = re.compile(r"(?:(Gateway|Client)\()?([0-9a-fA-F-]{36})\)?")
_LIST: Final = re.compile(r"[^\s,\[\]{}]+")


def kind_of(event: Event) -> EventKind | None:
    """Which of the protocol's events it is, ``None`` for every other."""
    target, message = event.target, event.message
    if target is None:
        return None
    for kind in _EXACT.get((target, message), ()):
        if all(values_of(event, name) for name in kind.needs):
            return kind
    if message is not None:
        for kind in _WITH_REASON.get(target, ()):
            if message.startswith(kind.texts):
                return kind
    return None


def recognise(event: Event) -> Named | None:
    """The protocol's event with what it says, ``None`` for every other."""
    kind = kind_of(event)
    if kind is None:
        return None
    message = event.message or ""
    text = next((text for text in kind.texts if message.startswith(text)), "")
    return _name(event, kind, message[len(text) :])


def needed_filter(*, old: bool = False) -> str:
    """The log filter that shows these events, in the form that Firezone takes; ``old``: of 1.4.0."""
    wanted: dict[str, str] = {}
    for kind in EVENTS:
        for target in kind.targets:
            crate = target.partition("::")[0]
            if (crate == _OLD_CRATE) is old and SEVERITIES.index(kind.level) < SEVERITIES.index("INFO"):
                before = wanted.get(crate, kind.level)
                wanted[crate] = min(before, kind.level, key=SEVERITIES.index)
    return ",".join(["info", *(f"{crate}={level.lower()}" for crate, level in sorted(wanted.items()))])


def is_info_only(severities: Iterable[str | None]) -> bool:
    """Do these severities show that a log was written without the levels of most of these events?"""
    seen = {severity for severity in severities if severity is not None}
    return bool(seen) and not seen & {"TRACE", "DEBUG"}


def addresses_of(text: str) -> tuple[str, ...]:
    """The addresses in Debug's form of a list or set, ``[100.96.0.1, 100.96.0.2]``."""
    return tuple(_LIST.findall(text))


def _name(event: Event, kind: EventKind, rest: str) -> Named:
    gateway = _first(event, "gid", "gateway_id")
    client = _first(event, "client_id")
    code = _first(event, "code")
    peer = _first(event, "pid", "cid")
    found = None if peer is None else _PEER_ID.fullmatch(peer)
    if found is not None:
        told = found[1] or {CLIENT: "Gateway", GATEWAY: "Client"}.get(kind.role)
        gateway = gateway or (found[2] if told == "Gateway" else None)
        client = client or (found[2] if told == "Client" else None)
    ips = _first(event, "proxy_ips", "ips", "proxy_ip")
    return Named(
        kind,
        gateway,
        client,
        _first(event, "rid", "resource_id", "resource"),
        _first(event, "domain", *(("name",) if "name" in kind.needs else ())),
        () if ips is None else addresses_of(ips),
        code,
        rest.lstrip(": ").strip() or None if kind.reason else None,
    )


def _first(event: Event, *names: str) -> str | None:
    return next(iter(values_of(event, *names)), None)
