"""The slugs that tell why a receiver refuses a packet, and the refusal itself.

The slugs are part of the contract with users (``reason`` in the JSON, ``fzp2p.reason`` in
filters); their order is the order in which a receiver meets them.
"""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    "ok": "a receiver accepts the message",
    "not_control": "a sound IP packet, but no control packet",
    "ip_too_large": "the packet is larger than the 1280 bytes that a receiver takes",
    "ip_empty": "there is no packet at all",
    "ip_version": "the first four bits are neither 4 nor 6",
    "ip_malformed": "the IP or transport header does not fit the packet",
    "ip_length_mismatch": "the IP header's length field does not match the packet",
    "ip_fragment": "the packet is a fragment",
    "truncated": "the capture holds only the packet's beginning (snap length)",
    "too_short": "fewer than the 8 bytes of a control header follow the IP headers",
    "unknown_event": "this dialect has no message of that kind; receivers ignore it",
    "bad_json": "the payload's JSON syntax is wrong",
    "invalid_utf8": "a string that a receiver reads is not UTF-8",
    "trailing_data": "something follows the JSON value",
    "missing_field": "a field is missing",
    "duplicate_field": "a field is given twice",
    "wrong_type": "a value has the wrong JSON type",
    "wrong_length": "an array has too few or too many elements",
    "unknown_variant": "a name is none of the known ones",
    "bad_value": "a number is out of range",
    "bad_uuid": "the resource id is no UUID",
    "bad_domain": "the domain is no domain name",
    "bad_ip": "an address is no IP address",
    "encode_refused": "a real sender would refuse to send this",
}


class Refusal(Exception):
    """A receiver's refusal, on its way from the rule that found it to the verdict.

    ``offset`` counts payload bytes up to where upstream reports the error; ``None`` until the
    enclosing value places it (serde_json ``Error::fix_position``). ``if_sound`` replaces
    ``reason`` where the payload as a whole is valid JSON: serde_json files some type errors
    under syntax.
    """

    def __init__(
        self, reason: str, problem: str, offset: int | None = None, if_sound: str | None = None
    ) -> None:
        super().__init__(problem)
        self.reason = reason
        self.problem = problem
        self.offset = offset
        self.if_sound = if_sound
