"""What is wrong with one message, whatever stands around it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from fzctl.analysis import rules
from fzctl.analysis.rules import Rule
from fzctl.protocol.codec import Message, encode_payload
from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import ASSIGNED_IPS, DOMAIN_STATUS, PROXY_IPS, STATUS, Kind
from fzctl.protocol.packet import IPV6_HEADER
from fzctl.protocol.ranges import (
    PER_FAMILY,
    RESOURCE_RANGES,
    SENTINEL_RANGES,
    is_within,
    position_of,
)

# Bytes of JSON; the domain of 254 characters that slips through makes one more (protocol vectors).
LARGEST_IN_RANGE: Final = 527
LARGEST_ASSIGNED_IPS: Final = 571
LARGEST_DOMAIN_STATUS: Final = 337

_PLAIN_WORD: Final = b"\x60\0\0\0"  # version 6, no traffic class, no flow label
_NO_RESERVED: Final = bytes(7)
_QUOTED: Final = re.compile(r'".*"', re.DOTALL)
_NAMES_FIELDS: Final = ("missing_field", "duplicate_field", "wrong_type")
"""Refusals that quote the protocol's own words only."""


class Fault(NamedTuple):
    """A rule that the message breaks, and how. ``variant`` tells apart what is not the same fault.

    ``names`` are the pieces of ``detail`` that came out of the message.
    """

    rule: Rule
    detail: str
    variant: object = None
    names: tuple[str, ...] = ()


class Judged(NamedTuple):
    """What is to be known of a message alone; ``key`` are resource and domain of one that has them."""

    message: Message
    kind: Kind | None
    fields: Mapping[str, Any]
    faults: tuple[Fault, ...]
    key: tuple[str, str] | None
    payload: bytes


def faults_of(message: Message, fields: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with a message; ``fields`` are those it has."""
    yield from _header_faults(message)
    if not message.accepted:
        yield _refusal(message)
        return
    kind = message.declaration
    if kind is None:
        return
    if not kind.fields:
        if message.payload:
            yield Fault(rules.GOODBYE_PAYLOAD, f"{kind.title} carries {len(message.payload)} bytes")
        return
    if not message.is_compact and encode_payload(kind, fields, force=True) != message.payload:
        yield Fault(rules.ODD_PAYLOAD, f"a sender of {kind.title} writes these fields in other bytes")
    yield from _size_faults(message)
    if kind is ASSIGNED_IPS:
        yield from _address_faults(fields[PROXY_IPS.name])
    if kind is DOMAIN_STATUS and not message.is_compact:
        word = _status_word(message.payload)
        if word is not None and word not in (Status.ACTIVE, Status.INACTIVE):
            shown = ascii(word)[1:-1]
            yield Fault(rules.UNKNOWN_STATUS, f'the status is "{shown}"', names=(shown,))


def _refusal(message: Message) -> Fault:
    if message.reason == "unknown_event":
        detail = f"the dialect {message.dialect} has no kind {message.kind}"
        return Fault(rules.UNKNOWN_KIND, detail, message.kind)
    rule = rules.TRUNCATED if message.reason == "truncated" else rules.REFUSED
    error = message.error or ""
    # From the first quote to the last, for what is quoted may hold some itself.
    quoted = None if message.reason in _NAMES_FIELDS else _QUOTED.search(error)
    names = () if quoted is None else (quoted[0],)
    return Fault(rule, f"{message.reason}: {error}", message.reason, names)


def _header_faults(message: Message) -> Iterator[Fault]:
    packet = message.packet
    if message.kind is None:
        return
    reserved = packet[message.offset + 1 : message.offset + 8]
    if reserved != _NO_RESERVED:
        yield Fault(rules.RESERVED_BYTES, f"the reserved bytes are {reserved.hex()}")
    if packet[:4] == _PLAIN_WORD and packet[7] == 0 and message.offset == IPV6_HEADER:
        return
    header = message.header
    odd = {
        "traffic class": header.traffic_class,
        "flow label": header.flow_label,
        "hop limit": header.hop_limit,
    }
    parts = [f"{name} {value}" for name, value in odd.items() if value]
    if message.offset > IPV6_HEADER:
        parts.append(f"{message.offset - IPV6_HEADER} bytes of extension headers")
    yield Fault(rules.ODD_HEADER, ", ".join(parts))


def _size_faults(message: Message) -> Iterator[Fault]:
    size = len(message.payload)
    if message.name == DOMAIN_STATUS.name and size > LARGEST_DOMAIN_STATUS:
        yield Fault(rules.LARGE, f"{size} bytes of JSON, {LARGEST_DOMAIN_STATUS} at most from a sender")
    elif message.name == ASSIGNED_IPS.name and size > LARGEST_IN_RANGE:
        most = (
            "with any addresses" if size > LARGEST_ASSIGNED_IPS else "with addresses of the resource ranges"
        )
        limit = LARGEST_ASSIGNED_IPS if size > LARGEST_ASSIGNED_IPS else LARGEST_IN_RANGE
        yield Fault(rules.LARGE, f"{size} bytes of JSON, {limit} at most {most}", limit)


def _address_faults(addresses: Sequence[str]) -> Iterator[Fault]:
    ipv4 = [each for each in addresses if ":" not in each]
    ipv6 = [each for each in addresses if ":" in each]
    if len(addresses) not in (PER_FAMILY, 2 * PER_FAMILY):
        yield Fault(rules.IP_COUNT, f"there are {len(addresses)} proxy IPs", len(addresses))
    elif not {len(ipv4), len(ipv6)} <= {0, PER_FAMILY}:
        yield Fault(rules.IP_FAMILIES, f"{len(ipv4)} of the proxy IPs are IPv4 and {len(ipv6)} IPv6")
    if len(set(addresses)) < len(addresses):
        twice = next(each for each in addresses if addresses.count(each) > 1)
        yield Fault(rules.IP_REPEATED, f"{twice} stands there twice", names=(twice,))
    elif [*ipv4, *ipv6] != list(addresses):
        yield Fault(rules.IP_ORDER, "an IPv6 address stands before an IPv4 address")
    elif not (_is_in_a_row(ipv4) and _is_in_a_row(ipv6)):
        names = tuple(addresses[:8])
        yield Fault(rules.IP_ORDER, f"{', '.join(names)} do not follow each other", names=names)
    outside = [each for each in addresses if not is_within(each, RESOURCE_RANGES)]
    if outside:
        detail = f"{outside[0]} is no address of the resource ranges"
        yield Fault(rules.IP_RANGE, detail, names=(outside[0],))
    sentinels = [each for each in addresses if is_within(each, SENTINEL_RANGES)]
    if sentinels:
        detail = f"{sentinels[0]} lies in a range that clients use for themselves"
        yield Fault(rules.IP_SENTINEL, detail, names=(sentinels[0],))


def _is_in_a_row(addresses: Sequence[str]) -> bool:
    """Do they follow each other as a client hands them out? What it never hands out does not count."""
    positions = [position for position in map(position_of, addresses) if position is not None]
    return all(after - before == 1 for before, after in pairwise(positions))


def _status_word(payload: bytes) -> str | None:
    """The status in the sender's own word; ``None`` where Python reads the payload in another way."""
    try:
        found = json.loads(payload)
    except ValueError:
        return None
    if isinstance(found, dict):
        found = found.get(STATUS.name)
    elif isinstance(found, list):
        found = found[DOMAIN_STATUS.fields.index(STATUS)]
    if isinstance(found, dict):
        found = next(iter(found), None)
    return found if isinstance(found, str) else None
