"""Keys: RFC 7748's vectors, and that keys never show themselves."""

from __future__ import annotations

import pytest

from fzctl.wireguard.keylog import LOCAL_STATIC, Entry
from fzctl.wireguard.keys import PrivateKey, Secret

# RFC 7748 section 6.1
ALICE = PrivateKey(bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
ALICE_PUBLIC = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
BOB = PrivateKey(bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
BOB_PUBLIC = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
SHARED = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")


def test_public_keys_are_those_of_the_rfc() -> None:
    assert ALICE.public == ALICE_PUBLIC
    assert BOB.public == BOB_PUBLIC


def test_both_sides_have_the_secret_of_the_rfc() -> None:
    assert ALICE.exchange(BOB_PUBLIC) == BOB.exchange(ALICE_PUBLIC) == SHARED


@pytest.mark.parametrize("point", [bytes(32), b"\1" + bytes(31)])
def test_a_point_of_low_order_gives_no_secret(point: bytes) -> None:
    assert ALICE.exchange(point) is None


@pytest.mark.parametrize("form", [repr, str, "{}".format, "{!r:>40}".format, "%s".__mod__])
def test_no_text_form_shows_a_key(form: object) -> None:
    assert callable(form)
    for holder in (Secret(b"K" * 32), PrivateKey(b"K" * 32), Entry(LOCAL_STATIC, Secret(b"K" * 32))):
        text = form([holder])
        assert "hidden" in text
        assert "KKKK" not in text
        assert "4b4b" not in text.lower()


def test_equal_key_material_is_one_key_in_a_table() -> None:
    assert {Secret(ALICE.raw): 1}[ALICE] == 1
    assert Secret(b"a" * 32) != Secret(b"b" * 32)
    assert Secret(b"a" * 32) != b"a" * 32
