"""Another text of the same shape: what its receiver tells apart stays as it was."""

from __future__ import annotations

import ipaddress
import random
import re

from hypothesis import given
from hypothesis import strategies as st

from fzctl.redact.shapes import BARE_UUID, UUID, Draw, reshape

rolls = st.integers(0, 1 << 30).map(lambda seed: random.Random(seed).choice)


@given(st.ip_addresses(v=4).map(str), rolls)
def test_an_ipv4_address_stays_one_of_as_many_digits(text: str, roll: Draw) -> None:
    after = reshape(text, roll)
    assert [len(octet) for octet in str(ipaddress.IPv4Address(after)).split(".")] == [
        len(octet) for octet in text.split(".")
    ]


@given(st.sampled_from(["10.0.0.300", "10.0.0.01", "999.1.1.1"]), rolls)
def test_what_is_no_ipv4_address_by_a_number_does_not_become_one(text: str, roll: Draw) -> None:
    after = reshape(text, roll)
    assert len(after) == len(text)
    octets = after.split(".")
    assert any(int(octet) > 255 or (octet[0] == "0" and octet != "0") for octet in octets)


@given(st.ip_addresses(v=6).map(str), rolls)
def test_an_ipv6_address_keeps_its_zeros_and_lengths(text: str, roll: Draw) -> None:
    after = reshape(text, roll)
    assert str(ipaddress.IPv6Address(after)) == after
    assert re.sub("[0-9a-f]", "x", after) == re.sub("[0-9a-f]", "x", text)


@given(st.ip_addresses(v=4).map(lambda address: f"::ffff:{address}"), rolls)
def test_a_mapped_address_stays_mapped(text: str, roll: Draw) -> None:
    assert ipaddress.IPv6Address(reshape(text, roll)).ipv4_mapped is not None


@given(st.uuids().map(lambda each: each.hex), rolls)
def test_a_bare_identifier_stays_one(text: str, roll: Draw) -> None:
    assert re.fullmatch(BARE_UUID, reshape(text, roll))
    assert not re.fullmatch(UUID, reshape(text, roll))


@given(st.text(st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=1), rolls)
def test_other_letters_take_as_many_bytes(text: str, roll: Draw) -> None:
    after = reshape(text, roll)
    assert [len(each.encode()) for each in after] == [len(each.encode()) for each in text]


@given(st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True), rolls)
def test_of_a_word_digits_stay_digits_and_letters_letters(text: str, roll: Draw) -> None:
    after = reshape(text, roll)
    assert [each.isdigit() for each in after] == [each.isdigit() for each in text]
