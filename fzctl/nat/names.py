"""When two domain names, or two resource ids, are the same to client and gateway."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from fzctl.protocol.reasons import Refusal
from fzctl.protocol.values import domain_key, parse_domain, parse_uuid

_REMEMBERED: Final = 1024


@lru_cache(_REMEMBERED)
def name_key(domain: str) -> str:
    """What equal domains have in common, in whatever way they are written.

    ASCII case, a final dot and the choice of escapes do not count. A text that is no domain name
    stands for itself.
    """
    try:
        return domain_key(parse_domain(domain))
    except Refusal:
        return domain_key(domain)


def resource_key(resource: str) -> str:
    """A resource's UUID in its canonical form. A text that is no UUID stands for itself."""
    try:
        return parse_uuid(resource)
    except Refusal:
        return resource
