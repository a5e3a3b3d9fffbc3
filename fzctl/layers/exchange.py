"""Which message answers which: what scapy's ``sr1`` needs to pair them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fzctl.protocol import values
from fzctl.protocol.fields import IpList
from fzctl.protocol.kinds import DOMAIN, RESOURCE, Kind
from fzctl.protocol.reasons import Refusal


def is_answer(answer: Kind, request: Kind) -> bool:
    """Does one kind answer the other?

    Both name the exchange, by resource and domain, and have a dialect in common; the request
    brings the addresses that the answer decides on.
    """
    return (
        _names_exchange(answer)
        and _names_exchange(request)
        and not set(answer.dialects).isdisjoint(request.dialects)
        and _gives_addresses(request)
        and not _gives_addresses(answer)
    )


def exchange_key(kind: Kind, members: Mapping[str, Any]) -> tuple[str, ...]:
    """What a request and its answer have in common, equal for no other exchange.

    Resource and domain, compared as the client does: case and a final dot do not count
    (``dns_resource_nat.rs``). Values that no receiver takes are compared as text. A kind outside
    of exchanges has its name only.
    """
    if not _names_exchange(kind):
        return (kind.name,)
    resource, domain = str(members[RESOURCE.name]), str(members[DOMAIN.name])
    try:
        return values.parse_uuid(resource), values.domain_key(values.parse_domain(domain))
    except Refusal:
        return resource.lower(), values.domain_key(domain)


def _names_exchange(kind: Kind) -> bool:
    return RESOURCE in kind.fields and DOMAIN in kind.fields


def _gives_addresses(kind: Kind) -> bool:
    return any(isinstance(each.type, IpList) for each in kind.fields)
