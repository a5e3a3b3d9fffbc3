"""The reasons are a contract: their slugs, their order, and what a refusal carries."""

from __future__ import annotations

from fzctl.protocol.reasons import REASONS, Refusal


def test_the_slugs_are_those_of_the_contract() -> None:
    assert set(REASONS) == {
        "ok", "not_control", "ip_version", "ip_malformed", "ip_empty", "ip_length_mismatch", "ip_too_large",
        "ip_fragment", "too_short", "unknown_event", "bad_json", "invalid_utf8", "trailing_data",
        "missing_field", "duplicate_field", "wrong_type", "wrong_length", "unknown_variant", "bad_value",
        "bad_uuid", "bad_domain", "bad_ip", "encode_refused", "truncated",
    }  # fmt: skip


def test_the_packet_is_judged_before_the_header_and_the_header_before_the_payload() -> None:
    order = list(REASONS)
    assert order.index("ip_too_large") < order.index("ip_empty") < order.index("ip_version")
    assert order.index("ip_malformed") < order.index("ip_length_mismatch") < order.index("ip_fragment")
    assert order.index("too_short") < order.index("unknown_event") < order.index("bad_json")


def test_every_reason_is_one_phrase_for_people() -> None:
    for slug, phrase in REASONS.items():
        assert slug == slug.lower()
        assert "\n" not in phrase
        assert phrase[0].islower()
        assert phrase[-1] != "."


def test_a_refusal_has_no_place_until_it_is_given_one() -> None:
    refusal = Refusal("bad_ip", "no address")
    assert (refusal.reason, refusal.problem, refusal.offset, refusal.if_sound) == (
        "bad_ip",
        "no address",
        None,
        None,
    )
    assert str(refusal) == "no address"
