"""Wrong answers on purpose: what a client must bear from a gateway that is broken or lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fzctl.protocol.codec import encode_payload
from fzctl.protocol.fields import Status
from fzctl.protocol.kinds import DOMAIN, DOMAIN_STATUS, KINDS, RESOURCE, STATUS
from fzctl.protocol.packet import build_packet

WRONG: Final = {
    "resource": "for another resource",
    "domain": "for another domain",
    "status": "with a status that nobody knows",
    "json": "with JSON that breaks off",
    "kind": "as a kind that nobody knows",
    "twice": "given twice",
    "late": "right, and one second later the opposite",
}
"""The ways in which an answer may be wrong."""

LATE: Final = 1.0
"""Seconds until the opposite follows."""

_OTHER_DOMAIN: Final = "other.example"
_OTHER_STATUS: Final = "Maybe"


def wrong_answers(how: str, values: Mapping[str, Any]) -> list[tuple[float, bytes]]:
    """What leaves in place of a DomainStatus with these values, and how many seconds later."""
    right = _build(values)
    if how == "twice":
        return [(0.0, right), (0.0, right)]
    if how == "late":
        opposite = Status.INACTIVE if values[STATUS.name] == Status.ACTIVE else Status.ACTIVE
        return [(0.0, right), (LATE, _build({**values, STATUS.name: opposite}))]
    if how == "json":
        payload = encode_payload(DOMAIN_STATUS, values)
        return [(0.0, build_packet(DOMAIN_STATUS.number, payload[: len(payload) * 2 // 3]))]
    if how == "kind":
        return [(0.0, build_packet(_UNKNOWN, encode_payload(DOMAIN_STATUS, values)))]
    changed = {
        "resource": {RESOURCE.name: _other_resource(values[RESOURCE.name])},
        "domain": {DOMAIN.name: _OTHER_DOMAIN},
        "status": {STATUS.name: _OTHER_STATUS},
    }[how]
    return [(0.0, _build({**values, **changed}))]


_UNKNOWN: Final = next(number for number in range(256) if number not in {kind.number for kind in KINDS})


def _build(values: Mapping[str, Any]) -> bytes:
    return build_packet(DOMAIN_STATUS.number, encode_payload(DOMAIN_STATUS, values, force=True), force=True)


def _other_resource(resource: str) -> str:
    """The same UUID but for its last digit."""
    return resource[:-1] + f"{int(resource[-1], 16) ^ 1:x}"
