"""Which message answers which: what belongs together without request numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fzctl.protocol import values
from fzctl.protocol.kinds import DOMAIN, RESOURCE, Kind
from fzctl.protocol.reasons import Refusal


def is_answer(answer: Kind, request: Kind) -> bool:
    """Does one kind answer the other, as the declarations say?"""
    return answer.answers == request.name


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
